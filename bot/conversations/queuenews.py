"""What a queue reports about a booking or a place on its waiting list: the row moves, the citizen gets words.

Runs inside `updates.record`'s transaction. Which report carries what: connectors.queues.BookingEvent.
"""

import json
import math
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversations import reminders, ticket
from bot.door import Door
from bot.storage import bookings, waitings
from bot.storage import reminders as reminder_rows
from bot.vocabulary.conversations import Say
from connectors.capabilities import StatusUpdate
from connectors.queues import BookingEvent, BookingStatus, Pace
from intents.calendar_days import Calendar, YearUnknown

STILL_WAITING = frozenset({BookingStatus.BOOKED, BookingStatus.CHECKED_IN, BookingStatus.RESCHEDULED})
OVER = frozenset(
    {
        BookingStatus.CALLED,
        BookingStatus.SERVED,
        BookingStatus.MISSED,
        BookingStatus.NO_SHOW,
        BookingStatus.CANCELLED,
        BookingStatus.EXPIRED,
    }
)
TOLD_WHEN_AHEAD = 3
WALK_SECONDS = 15 * 60
"""How long before their turn people should hear of it: the way from the canteen or the parking."""
DAYS_OFFERED = 3


def gives_another_time(row: Any, update: StatusUpdate) -> bool:
    """True for a report that moves a booking to another time, whatever its status was before."""
    return update.starts_at is not None and update.starts_at != row.starts_at


def soon(pace: Pace | None) -> int:
    """With how many people ahead somebody is told to come: by the measured pace, else a fixed number."""
    if pace is None or pace.seconds <= 0:
        return TOLD_WHEN_AHEAD
    return max(TOLD_WHEN_AHEAD, min(20, math.ceil(WALK_SECONDS / pace.seconds)))


async def booking(
    conn: AsyncConnection,
    door: Door,
    row: Any,
    update: StatusUpdate,
    changed: bool,
    now: datetime,
    outcome: str,
) -> Say | None:
    """Move a booking's row and say what is worth saying; None for silence."""
    values: dict[str, Any] = {}
    moved = changed and gives_another_time(row, update)
    if changed:
        values |= {"status": update.status, "moved_at": update.occurred_at, "updated_at": now}
    elif outcome == "unchanged":
        values["moved_at"] = update.occurred_at
    if moved:
        values |= {"starts_at": update.starts_at, "moves": bookings.ONE_MORE, "told_ahead": None}
        if update.number:
            values["number"] = update.number
    near = _near(row, update) and outcome in ("unchanged", "applied")
    if near:
        values["told_ahead"] = update.ahead
    if values:
        await bookings.move(conn, update.connector, row.code, row.conversation_id, **values)
    current = await bookings.get(conn, row.id)
    if current is None:
        return None
    if moved:
        await reminders.plan(conn, door, current, now)
    elif changed and update.status in OVER:
        await reminder_rows.drop(conn, row.id)
    return _words(door, current, update, changed, moved, near)


def _near(row: Any, update: StatusUpdate) -> bool:
    """Their turn is close, and they were not told yet."""
    if update.ahead is None or row.told_ahead is not None:
        return False
    if not {row.status, update.status} <= STILL_WAITING:
        return False
    return update.event is BookingEvent.ALMOST or update.ahead <= soon(update.pace)


def _words(
    door: Door, booking: Any, update: StatusUpdate, changed: bool, moved: bool, near: bool
) -> Say | None:
    made = ticket.of(door, booking.tenant, booking)
    live, *change = ticket.buttons(made)
    more: dict[str, Any] = {
        "ahead": update.ahead,
        "now_serving": update.now_serving,
        "counter": made.place,
        "wait": wait(update.pace, update.ahead),
    }
    values = {**ticket.values(made), **more}
    if near:
        there = booking.status == BookingStatus.CHECKED_IN
        return Say("update.booking.ahead", values, (live,) if there else (ticket.arrived(made), live))
    if moved:
        key = "moved" if update.event is BookingEvent.MOVED else "rescheduled"
        return Say(f"update.booking.{key}", values, (ticket.again(made), *change))
    if not changed:
        return Say("update.booking.note_only", values) if update.note else None
    if update.event is BookingEvent.CLOSED:
        days = other_days(door, booking.tenant, booking.service, made)
        return Say("update.booking.closed", values, days)
    if update.status == BookingStatus.RESCHEDULED:
        return None  # to the time we know already: the citizen did it here
    another = (_book_again(booking.service),) if update.status in _AGAIN else ()
    return Say(f"update.booking.{update.status}", values, another)


_AGAIN = frozenset({BookingStatus.NO_SHOW, BookingStatus.CANCELLED, BookingStatus.EXPIRED})


async def waiting(
    conn: AsyncConnection, door: Door, row: Any, update: StatusUpdate, now: datetime
) -> Say | None:
    """A freed place is offered for a while, or that offer is over."""
    changed: dict[str, Any] = {"status": update.status, "moved_at": update.occurred_at, "updated_at": now}
    if update.starts_at is not None:
        changed |= {"offered_at": update.starts_at, "expires_at": update.expires_at}
    await waitings.move(conn, update.connector, row.place_id, row.conversation_id, **changed)
    service = door.catalog.service(row.service)
    values: dict[str, Any] = {
        "service": service.title if service else row.service,
        "day": {"$date": row.day.isoformat()},
    }
    if update.status == "offered" and update.starts_at is not None and update.expires_at is not None:
        values["when"] = {"$datetime": update.starts_at.isoformat()}
        values["until"] = {"$time": update.expires_at.isoformat()}
        place = json.dumps({"do": "accept", "place": row.place_id})
        leave = json.dumps({"do": "leave", "place": row.place_id})
        take = {"title_key": "button.take_place", "payload": f"/waiting_list{place}"}
        decline = {"title_key": "button.decline_place", "payload": f"/waiting_list{leave}"}
        return Say("update.waiting.offered", values, (take, decline))
    if update.status == "lapsed":
        return Say("update.waiting.lapsed", values, (_book_again(row.service),))
    return None


def wait(pace: Pace | None, ahead: int | None) -> Any:
    """The expected wait with its range, as a sentence; an honest one where nothing was measured yet."""
    if pace is None or ahead is None or pace.samples < 2:
        return {"$text": "wait.unknown"}
    estimate = pace.wait(ahead)
    low, high = (math.floor(estimate.low.total_seconds() / 60), math.ceil(estimate.high.total_seconds() / 60))
    if high <= 5:
        return {"$text": "wait.moment"}
    return {"$text": "wait.range", "values": {"low": max(low, 1), "high": high, "samples": pace.samples}}


def other_days(
    door: Door, tenant: str, service: str | None, made: ticket.Ticket
) -> tuple[dict[str, Any], ...]:
    """The next working days to tap, after the one that was lost."""
    days = _calendar(door.settings.root)
    found: list[date] = []
    day = made.starts_at.date()
    try:
        while len(found) < DAYS_OFFERED:
            day = days.add_working_days(day, 1)
            found.append(day)
    except YearUnknown:
        pass
    return tuple(
        {
            "title": door.texts.render("button.day", tenant, {"day": {"$date": day.isoformat()}}),
            "payload": f"/book_queue{json.dumps({'service': service, 'day': day.isoformat()})}",
            "reusable": True,
        }
        for day in found
    ) or (_book_again(service),)


def _book_again(service: str | None) -> dict[str, Any]:
    payload = f"/book_queue{json.dumps({'service': service})}" if service else "/book_queue"
    return {"title_key": "button.other_time", "payload": payload, "reusable": True}


@cache
def _calendar(root: Path) -> Calendar:
    return Calendar.load(root)
