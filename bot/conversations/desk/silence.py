"""Who went silent: what agents had goes back to the queue, and citizens who do not come back are let go."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from bot.conversations import rounds
from bot.conversations.desk import presence
from bot.conversations.desk.acting import on_handoff
from bot.conversations.desk.errors import Ended
from bot.conversations.desk.handing import finish, to_queue
from bot.conversations.desk.rules import load
from bot.door import Door
from bot.storage import agents, handoffs
from bot.vocabulary.agents import EventKind, Handoff, Outcome, PresenceState
from bot.vocabulary.conversations import Owner, Say

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 5.0
GONE = "terputus"
BUSY = "tidak menanggapi"


async def run(door: Door, stop: asyncio.Event) -> None:
    """Look every five seconds, until `stop`."""

    async def once() -> bool:
        await look(door, datetime.now(UTC))
        return False

    await rounds.go(stop, once, LOOK_EVERY_SECONDS, "silent agents could not be looked for")


async def look(door: Door, now: datetime) -> int:
    """Release what agents have whose consoles are gone, or who leave a citizen unanswered; how many."""
    async with door.database.reading() as conn:
        tenants = await agents.tenants(conn)
    return sum([await _look_in(door, tenant, now) for tenant in tenants])


async def _look_in(door: Door, tenant: str, now: datetime) -> int:
    rules = await load(door, tenant)
    heard_after = now - timedelta(seconds=rules.silent_seconds)
    answered_after = now - timedelta(minutes=rules.unanswered_minutes)
    async with door.database.reading() as conn:
        orphans = await handoffs.of_silent(conn, tenant, heard_after)
        left = await handoffs.left_unanswered(conn, tenant, answered_after)
        idle = await handoffs.idle(conn, tenant, now - timedelta(hours=rules.idle_hours))
        gone = [agent for agent in await agents.silent(conn, heard_after) if agent.tenant == tenant]
    released = 0
    for found in orphans:
        released += await _release(door, found, "gone", heard_after)
    for found in left:
        if found.id not in {orphan.id for orphan in orphans}:
            released += await _release(door, found, "unanswered", answered_after)
    for agent in gone:
        await presence.change(door, agent, PresenceState.OFFLINE, GONE)
    for found in idle:
        await _end(door, found, now - timedelta(hours=rules.idle_hours))
    if released:
        await door.wakeups.wake(presence.ROOM)
    return released


async def _end(door: Door, seen: Handoff, since: datetime) -> None:
    """The citizen was answered and has not come back: their place at the desk is for somebody else."""
    try:
        async with on_handoff(door, seen.tenant, seen.id) as act:
            found = act.asked
            if found.unanswered_since is not None or (found.last_message_at or act.now) > since:
                return
            await finish(act, Outcome.NO_ANSWER, None, Owner.CLOSED)
            await act.say(Say("desk.closed_idle"), f"desk:closed:{found.id}")
            act.tell(EventKind.HANDOFF_CLOSED, by=found.agent_id, outcome=Outcome.NO_ANSWER)
    except (Ended, LookupError):
        return
    await door.wakeups.wake(presence.ROOM)


async def _release(door: Door, seen: Handoff, why: str, since: datetime) -> bool:
    """Put one back, unless its agent came back to it meanwhile."""
    try:
        async with on_handoff(door, seen.tenant, seen.id) as act:
            found = act.asked
            if found.agent_id is None or found.agent_id != seen.agent_id:
                return False
            there = await agents.presence_of(act.conn, found.agent_id)
            alive = there is not None and there.seen_at >= since
            if alive if why == "gone" else (found.unanswered_since or act.now) > since:
                return False
            await handoffs.unclaim(act.conn, found.id, found.agent_id, act.now, "silent")
            await to_queue(act)
            await act.say(Say("desk.lost"), f"desk:lost:{found.id}:{found.transfers}")
            act.tell(EventKind.HANDOFF_RELEASED, by=found.agent_id, why=why)
            agent = await agents.get(act.conn, found.agent_id)
    except (Ended, LookupError):
        return False
    if why == "unanswered":
        # Or it would be given straight back to whoever does not look.
        await presence.change(door, agent, PresenceState.AWAY, BUSY)
    log.info("hand-off %s released: %s", seen.number, why)
    return True
