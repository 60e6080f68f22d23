"""Conversations find their agents: longest waiting first, by skill and language, never beyond their room."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from bot.conversations.desk import errors
from bot.conversations.desk.acting import on_handoff
from bot.conversations.desk.claims import take
from bot.conversations.desk.presence import ROOM
from bot.conversations.desk.rules import Rules, load
from bot.door import Door
from bot.storage import agents, handoffs
from bot.vocabulary.agents import Agent, Handoff, Presence, PresenceState, Stage

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 2.0


async def run(door: Door, stop: asyncio.Event) -> None:
    """Give out what waits, whenever something changes and every two seconds, until `stop`."""
    async with door.wakeups.listen(ROOM) as bell:
        while not stop.is_set():
            try:
                async with door.database.reading() as conn:
                    tenants = await handoffs.tenants_waiting(conn)
                for tenant in tenants:
                    await assign(door, tenant, datetime.now(UTC))
            except Exception:
                log.exception("conversations could not be given out; again soon")
            await bell.wait(LOOK_EVERY_SECONDS)


async def assign(door: Door, tenant: str, now: datetime) -> int:
    """Give what waits to agents with room; how many were given."""
    rules = await load(door, tenant)
    if not rules.automatic:
        return 0
    async with door.database.reading() as conn:
        waiting = await handoffs.waiting(conn, tenant)
        people = await agents.of(conn, tenant)
        present = await agents.presences_in(conn, tenant)
        loads = await handoffs.loads(conn, tenant)
    people = [agent for agent in people if is_there(rules, present.get(agent.id), now)]
    given = 0
    for found in waiting:
        agent = choose(rules, found, people, loads, now)
        if agent is not None and await _give(door, rules, agent, found):
            loads[agent.id] = loads.get(agent.id, 0) + 1
            given += 1
    return given


def is_there(rules: Rules, presence: Presence | None, now: datetime) -> bool:
    """Say whether somebody takes conversations: available, and heard of lately."""
    return (
        presence is not None
        and presence.state is PresenceState.AVAILABLE
        and presence.seen_at >= now - timedelta(seconds=rules.silent_seconds)
    )


def choose(
    rules: Rules, found: Handoff, people: list[Agent], loads: dict[str, int], now: datetime
) -> Agent | None:
    """Who should have it: with room, who knows the subject and the language, and has least to do.

    After `skill_patience_minutes`, and for a crisis at once, anybody is better than nobody. Who it was
    forwarded to has it before everybody else.
    """
    free = [agent for agent in people if loads.get(agent.id, 0) < agent.capacity]
    fitting = [agent for agent in free if _knows(agent, found)]
    waited = now - found.queued_at
    patient = timedelta(minutes=rules.skill_patience_minutes)
    if not fitting and (found.urgency != "normal" or waited >= patient):
        fitting = free
    wanted = [agent for agent in fitting if agent.id == found.wanted_agent_id]
    return min(
        wanted or fitting,
        key=lambda agent: (
            not _speaks(agent, found),
            loads.get(agent.id, 0) / max(1, agent.capacity),
            agent.id,
        ),
        default=None,
    )


def _knows(agent: Agent, found: Handoff) -> bool:
    subject = found.skill is None or not agent.skills or found.skill in agent.skills
    return subject and _speaks(agent, found)


def _speaks(agent: Agent, found: Handoff) -> bool:
    return found.language in (None, "id") or not agent.languages or found.language in agent.languages


async def _give(door: Door, rules: Rules, agent: Agent, found: Handoff) -> bool:
    """Give one conversation to one agent, unless either has changed since they were looked at."""
    try:
        async with on_handoff(door, found.tenant, found.id) as act:
            # One at a time per agent: two workers must not fill the same last place.
            await agents.lock(act.conn, agent.id, act.now)
            present = await agents.presence_of(act.conn, agent.id)
            load = (await handoffs.loads(act.conn, agent.tenant)).get(agent.id, 0)
            if act.asked.stage is not Stage.WAITING or not is_there(rules, present, act.now):
                return False
            if load >= agent.capacity:
                return False
            await take(act, agent, "assigned")
    except (errors.AlreadyTaken, errors.Ended, LookupError):
        return False
    return True
