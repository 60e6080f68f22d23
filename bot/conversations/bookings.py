"""Queue places as the front door keeps them: made, moved, given back, waited for; with ticket and reminders.

Everything here runs inside a transaction that holds the conversation's row; what is slow (drawing) was done
before it, by `draw`.
"""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from actions import effects
from bot.conversations import reminders, ticket
from bot.conversations.ticket import Files, Ticket
from bot.door import Door
from bot.storage import bookings, reservations, waitings
from bot.storage import reminders as reminder_rows
from bot.vocabulary.conversations import Conversation, Say

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A ticket and its files; a disk that is full costs the citizen the picture, not the booking."""

    ticket: Ticket
    files: Files | None


async def draw(door: Door, conversation: Conversation, effect: effects.Effect) -> Drawn | None:
    """Draw the ticket an effect is about; None for other effects, and for a booking that is not theirs."""
    made: Ticket | None = None
    if isinstance(effect, effects.BookingMade):
        made = ticket.of(door, conversation.tenant, effect)
    elif isinstance(effect, effects.BookingMoved | effects.TicketWanted):
        async with door.database.reading() as conn:
            known = await bookings.by_code(conn, effect.connector, effect.code, conversation.id)
        if known is not None and isinstance(effect, effects.BookingMoved):
            known = replace(
                known,
                number=effect.number,
                starts_at=moment(effect.starts_at, door, conversation.tenant),
                counter=effect.counter or known.counter,
                counter_title=effect.counter_title or known.counter_title,
                moves=known.moves + 1,
            )
        made = None if known is None else ticket.of(door, conversation.tenant, known)
    if made is None:
        return None
    try:
        return Drawn(made, await ticket.draw(door, made))
    except Exception:
        log.exception("%s: a ticket could not be drawn", made.connector)
        return Drawn(made, None)


async def made(
    conn: AsyncConnection,
    door: Door,
    conversation: Conversation,
    effect: effects.BookingMade,
    drawn: Drawn | None,
    now: datetime,
    key: str = "ticket.made",
) -> list[Say]:
    """Keep a new booking, plan its reminders, hand over the ticket. A booking known already is silence."""
    values = {
        "tenant": conversation.tenant,
        "conversation_id": conversation.id,
        "connector": effect.connector,
        "code": effect.code,
        "number": effect.number,
        "counter": effect.counter,
        "service": effect.service,
        "name": effect.name,
        "priority": effect.priority,
        "counter_title": effect.counter_title,
        "starts_at": moment(effect.starts_at, door, conversation.tenant),
    }
    if effect.waiting:
        await _close_waiting(conn, conversation, effect.connector, effect.waiting, "accepted", now)
    if drawn is None:
        raise ValueError("a booking without a time")
    booking = await bookings.book(conn, values, now)
    if booking is None:
        log.info("%s: booking %s was known", effect.connector, effect.code)
        return []
    await reminders.plan(conn, door, booking, now)
    return await ticket.hand_over(conn, door, conversation.id, drawn.ticket, drawn.files, key)


async def moved(
    conn: AsyncConnection,
    door: Door,
    conversation: Conversation,
    effect: effects.BookingMoved,
    drawn: Drawn | None,
    now: datetime,
) -> list[Say]:
    """Give a booking its new time, and the citizen a new ticket."""
    values = {
        "number": effect.number,
        "starts_at": moment(effect.starts_at, door, conversation.tenant),
        "status": "booked",
        "moves": bookings.ONE_MORE,
        "told_ahead": None,
    }
    if effect.counter:
        values["counter"] = effect.counter
    if effect.counter_title:
        values["counter_title"] = effect.counter_title
    booking = await _change(conn, conversation, effect.connector, effect.code, values, now)
    if booking is None or drawn is None:
        return []
    await reminders.plan(conn, door, booking, now)
    return await ticket.hand_over(conn, door, conversation.id, drawn.ticket, drawn.files, "ticket.moved")


async def shown(
    conn: AsyncConnection, door: Door, conversation: Conversation, drawn: Drawn | None
) -> list[Say]:
    """Hand a ticket over once more."""
    if drawn is None:
        return [Say("booking.none")]
    return await ticket.hand_over(conn, door, conversation.id, drawn.ticket, drawn.files, "ticket.again")


async def cancelled(
    conn: AsyncConnection, conversation: Conversation, effect: effects.BookingCancelled, now: datetime
) -> None:
    """The place was given back: nothing is reminded of any more."""
    booking = await _change(conn, conversation, effect.connector, effect.code, {"status": "cancelled"}, now)
    if booking is not None:
        await reminder_rows.drop(conn, booking.id)


async def reached(
    conn: AsyncConnection, conversation: Conversation, effect: effects.BookingReached, now: datetime
) -> None:
    """The citizen has checked in."""
    booking = await _change(conn, conversation, effect.connector, effect.code, {"status": "checked_in"}, now)
    if booking is not None:
        await reminder_rows.drop(conn, booking.id)


async def queued(
    conn: AsyncConnection,
    conversation: Conversation,
    effect: effects.BookingQueued,
    sealed: str | None,
    now: datetime,
) -> None:
    """Keep a reservation that `settling` brings to its end."""
    names = ("service", "slot_id", "starts_at", "name", "hold", "priority", "complaint", "place")
    values = {
        "idempotency_key": effect.idempotency_key,
        "conversation_id": conversation.id,
        "connector": effect.connector,
        "wish": {name: getattr(effect, name) for name in names},
        "sealed_numbers": sealed,
    }
    await reservations.keep(conn, values, now)


async def waits(
    conn: AsyncConnection, conversation: Conversation, effect: effects.WaitingJoined, now: datetime
) -> None:
    """Keep a place on a waiting list, to know whom an offer is for."""
    values = {
        "tenant": conversation.tenant,
        "conversation_id": conversation.id,
        "connector": effect.connector,
        "place_id": effect.place_id,
        "service": effect.service,
        "day": date.fromisoformat(effect.day),
        "name": effect.name,
    }
    await waitings.join(conn, values, now)


async def left(
    conn: AsyncConnection, conversation: Conversation, effect: effects.WaitingLeft, now: datetime
) -> None:
    """The citizen no longer waits."""
    await _close_waiting(conn, conversation, effect.connector, effect.place_id, "left", now)


async def _close_waiting(
    conn: AsyncConnection,
    conversation: Conversation,
    connector: str,
    place_id: str,
    status: str,
    now: datetime,
) -> None:
    changed: dict[str, Any] = {"status": status, "moved_at": now, "updated_at": now}
    await waitings.move(conn, connector, place_id, conversation.id, **changed)


async def _change(
    conn: AsyncConnection,
    conversation: Conversation,
    connector: str,
    code: str,
    values: dict[str, Any],
    now: datetime,
) -> Any:
    """Change a booking of this conversation; its owner hears of any other through the queue's own report."""
    changed = {**values, "moved_at": now, "updated_at": now}
    if not await bookings.move(conn, connector, code, conversation.id, **changed):
        log.warning("%s: booking %s is not followed by conversation %s", connector, code, conversation.id)
        return None
    return await bookings.by_code(conn, connector, code, conversation.id)


def moment(text: str, door: Door, tenant: str) -> datetime:
    """An aware time; one without an offset is meant in the tenant's zone."""
    found = datetime.fromisoformat(text)
    return (
        found
        if found.tzinfo is not None
        else found.replace(tzinfo=ticket.zone_of(door, tenant)).astimezone(UTC)
    )
