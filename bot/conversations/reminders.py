"""Reminders of bookings: the evening before and an hour before, each exactly once, none after the fact.

A reminder is a row from the moment the place is taken (`plan`). Sending it is one transaction that settles
the row and queues the bubble under a key of its own: a worker killed before it leaves the row due, after it
there is nothing left to do.
"""

import asyncio
import logging
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.conversations import outbound, rounds, speech, ticket
from bot.door import Door
from bot.storage import bookings, conversations, reminders
from bot.storage.reminders import Reminder
from bot.vocabulary.cases import Booking
from bot.vocabulary.conversations import Say

log = logging.getLogger(__name__)

EVENING = time(17, 0)
"""When people can still gather papers, and give the place back so that others get it."""
HOUR = timedelta(hours=1)
AT_ONCE = 50
LOOK_EVERY_SECONDS = 5
STILL_COMING = frozenset({"booked", "rescheduled"})


def moments(starts_at: datetime, zone: ZoneInfo, now: datetime) -> list[tuple[str, datetime]]:
    """When to remind of a booking, those still to come: 17.00 of the day before, and an hour before.

    The evening is one of wall clocks, the hour one of real time, also where clocks change in between.
    """
    evening = datetime.combine(starts_at.astimezone(zone).date() - timedelta(days=1), EVENING, tzinfo=zone)
    planned = [("day_before", evening.astimezone(UTC)), ("hour_before", starts_at.astimezone(UTC) - HOUR)]
    return [(kind, due) for kind, due in planned if due > now]


async def plan(conn: AsyncConnection, door: Door, booking: Booking, now: datetime) -> None:
    """Plan the reminders of a booking anew; whoever calls holds the conversation's row."""
    due = moments(booking.starts_at, ticket.zone_of(door, booking.tenant), now)
    await reminders.plan(conn, booking.id, booking.conversation_id, due)


async def run(door: Door, stop: asyncio.Event) -> None:
    """Send what is due, again and again, until `stop`."""

    async def look() -> bool:
        return await send_due(door, datetime.now(UTC)) == AT_ONCE

    await rounds.go(stop, look, LOOK_EVERY_SECONDS, "reminders could not be sent")


async def send_due(door: Door, now: datetime) -> int:
    """Settle what is due; how many there were."""
    async with door.database.reading() as conn:
        found = await reminders.due(conn, now, AT_ONCE)
    for reminder in found:
        try:
            await remind(door, reminder, now)
        except Exception:
            log.exception("reminder %s failed", reminder.id)
    return len(found)


async def remind(door: Door, reminder: Reminder, now: datetime) -> bool:
    """Send one reminder, unless it is too late or the booking is over; True when it went out."""
    async with door.database.transaction() as conn:
        # The conversation first, as a turn does: otherwise two could wait for each other.
        await conversations.lock(conn, reminder.conversation_id, now)
        booking = await bookings.get(conn, reminder.booking_id)
        say = None if booking is None else _say(door, reminder.kind, booking, now)
        outcome = "late" if say is None else "sent"
        if booking is not None and booking.status not in STILL_COMING:
            say, outcome = None, "over"
        if not await reminders.settle(conn, reminder.id, outcome, now):
            return False
        metrics.REMINDERS.labels(reminder.kind, outcome).inc()
        if say is None:
            return False
        conversation = await conversations.get(conn, reminder.conversation_id)
        bubble = speech.bubble(door, conversation.tenant, say)
        await outbound.queue(conn, door, conversation, [bubble], f"reminder:{reminder.id}", now)
    await outbound.announce(door, conversation)
    return True


def _say(door: Door, kind: str, booking: Booking, now: datetime) -> Say | None:
    """The words, which tell the truth also when the system was away at the hour they were meant for."""
    if now >= booking.starts_at:
        return None
    made = ticket.of(door, booking.tenant, booking)
    if kind == "day_before":
        if booking.starts_at - now <= HOUR:
            return None  # the other reminder says it
        tomorrow = now.astimezone(made.starts_at.tzinfo).date() < made.starts_at.date()
        key = "reminder.tomorrow" if tomorrow else "reminder.today"
        return Say(key, ticket.values(made), ticket.buttons(made)[1:])
    return Say("reminder.soon", ticket.values(made), (ticket.arrived(made), ticket.buttons(made)[0]))
