"""News for those who wait: a better place when it got much better, and the call-back that was promised."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from bot.conversations import rounds
from bot.conversations.desk import events, queue
from bot.conversations.desk.acting import on_handoff
from bot.conversations.desk.errors import Ended
from bot.conversations.desk.presence import ROOM
from bot.conversations.desk.rules import load
from bot.door import Door
from bot.storage import handoffs
from bot.vocabulary.agents import EventKind, Handoff, Outcome, Stage, Urgency
from bot.vocabulary.conversations import Owner, Say

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 15.0
TIDY_EVERY = timedelta(hours=1)
# Not more often, however fast the queue moves; and only when half of those before them are gone.
TELL_AGAIN_AFTER = timedelta(minutes=2)
# A danger that nobody took for so long is history: its row must not stand before everybody for ever.
URGENT_FOR = timedelta(hours=12)


async def run(door: Door, stop: asyncio.Event) -> None:
    """Look every fifteen seconds, until `stop`."""

    tidied = datetime.now(UTC)

    async def once() -> bool:
        nonlocal tidied
        now = datetime.now(UTC)
        await look(door, now)
        if now - tidied >= TIDY_EVERY:
            tidied = now
            await events.forget(door, now)
        return False

    await rounds.go(stop, once, LOOK_EVERY_SECONDS, "those who wait could not be told")


async def look(door: Door, now: datetime) -> int:
    """Do what is due at `now`; how many citizens were told something."""
    async with door.database.reading() as conn:
        due = await handoffs.callbacks_due(conn, now)
        tenants = await handoffs.tenants_waiting(conn)
        waiting = [found for tenant in tenants for found in await handoffs.waiting(conn, tenant)]
        numbered = list(_numbered(waiting))
        silent = {one for tenant in tenants for one in await handoffs.with_silent_bot(conn, tenant)}
        told = {found.id: await handoffs.last_told(conn, found.id) for found, _ in numbered}
    patience = {
        tenant: timedelta(minutes=(await load(door, tenant)).bot_returns_minutes) for tenant in tenants
    }
    count = sum([await _call_back(door, found, now) for found in due])
    for found, position in numbered:
        before, at = told[found.id]
        if found.urgency is not Urgency.NORMAL:
            if now - found.queued_at > URGENT_FOR:
                await _let_go(door, found, now)
        elif now - found.queued_at >= patience[found.tenant] and found.id in silent:
            count += await _bot_returns(door, found, now)
        elif is_news(before, at, position, now):
            count += await _tell(door, found, now)
    return count


def _numbered(waiting: list[Handoff]) -> list[tuple[Handoff, int]]:
    places: dict[str, int] = {}
    found = []
    for handoff in waiting:
        places[handoff.tenant] = places.get(handoff.tenant, 0) + 1
        found.append((handoff, places[handoff.tenant]))
    return found


def is_news(before: int | None, at: datetime | None, position: int, now: datetime) -> bool:
    """Say whether a place is worth a message: at least halved, and the last word some minutes ago."""
    if before is None or at is None:
        return False
    return position * 2 <= before and now - at >= TELL_AGAIN_AFTER


async def _tell(door: Door, seen: Handoff, now: datetime) -> bool:
    try:
        async with on_handoff(door, seen.tenant, seen.id, now) as act:
            found = act.asked
            if found.stage is not Stage.WAITING or act.conversation.owner is not Owner.QUEUE:
                return False
            place = await queue.place(act.conn, act.rules, found, now)
            before, at = await handoffs.last_told(act.conn, found.id)
            if not is_news(before, at, place.position, now):
                return False
            await handoffs.told(act.conn, found.id, place.position, now)
            values = {"number": f"P-{found.number}", "position": place.position}
            say = Say("handoff.moved_wait_unknown", values)
            if place.minutes is not None:
                say = Say("handoff.moved", {**values, "minutes": place.minutes})
            await act.say(say, f"desk:moved:{found.id}:{found.transfers}:{place.position}")
    except (Ended, LookupError):
        return False
    return True


async def _bot_returns(door: Door, seen: Handoff, now: datetime) -> bool:
    """Nobody came for so long that silence is rude: the bot helps again, the request keeps its place."""
    try:
        async with on_handoff(door, seen.tenant, seen.id, now) as act:
            if act.asked.stage is not Stage.WAITING or act.conversation.owner is not Owner.QUEUE:
                return False
            await act.pass_to(Owner.BOT)
            values = {"number": f"P-{act.asked.number}"}
            await act.say(Say("handoff.bot_returns", values), f"desk:returns:{seen.id}:{seen.transfers}")
    except (Ended, LookupError):
        return False
    return True


async def _call_back(door: Door, seen: Handoff, now: datetime) -> bool:
    """The time has come: into the queue, and say so."""
    try:
        async with on_handoff(door, seen.tenant, seen.id, now) as act:
            if not await handoffs.promote(act.conn, seen.id, now):
                return False
            await act.pass_to(Owner.QUEUE)
            found = await act.look_again()
            place = await queue.place(act.conn, act.rules, found, now)
            await handoffs.told(act.conn, found.id, place.position, now)
            values = {"number": f"P-{found.number}", "position": place.position}
            await act.say(Say("handoff.callback_due", values), f"desk:callback:{found.id}")
            act.tell(EventKind.HANDOFF_WAITING)
    except (Ended, LookupError):
        return False
    await door.wakeups.wake(ROOM)
    return True


async def _let_go(door: Door, seen: Handoff, now: datetime) -> None:
    try:
        async with on_handoff(door, seen.tenant, seen.id, now) as act:
            if act.asked.stage is Stage.WAITING and act.conversation.owner is Owner.BOT:
                await handoffs.close(act.conn, act.conversation.id, Outcome.NO_ANSWER, now)
                await act.look_again()
                act.tell(EventKind.HANDOFF_CLOSED, outcome=Outcome.NO_ANSWER)
    except (Ended, LookupError):
        log.info("hand-off %s had ended", seen.number)
