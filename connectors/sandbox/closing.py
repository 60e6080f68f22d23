"""A counter closes for a day at short notice, or a holiday is declared: everybody who was booked is moved."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from babel.dates import format_datetime
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import bookings as tickets
from connectors.sandbox import line, opening, seats, waiting
from connectors.sandbox.city import City, Counter
from connectors.sandbox.database import upsert
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import bookings, closures


@dataclass(frozen=True, slots=True)
class Closed:
    """What became of the people: how many were given another time, how many could not be."""

    moved: int = 0
    cancelled: int = 0


async def close_day(
    conn: AsyncConnection, city: City, counter: Counter, day: date, reason: str, now: datetime
) -> Closed:
    """Close a counter for one day. Bookings move, in the order of the line, to the nearest time of the next
    day with a place; who can not be moved is cancelled; holds end, and nobody waits for that day any more.
    """
    closing = upsert(conn, closures).values(counter=counter.id, day=day, reason=reason)
    await conn.execute(
        closing.on_conflict_do_update(index_elements=["counter", "day"], set_={"reason": reason})
    )
    note = city.closed_words["closure"].format(counter=counter.title, reason=reason)
    await waiting.close(conn, city, counter.id, day, note, now)
    held = select(bookings.c.code).where(bookings.c.counter == counter.id, bookings.c.day == day)
    for code in (await conn.execute(held.where(bookings.c.status == "ditahan"))).scalars():
        await tickets.release(conn, code, now)
    moved = cancelled = 0
    for expected in await line.waiting(conn, counter.id, day):
        row = await tickets.find(conn, expected.code, locked=True)
        if row.status not in line.WAITING or row.day != day:
            continue
        new = None if row.walk_in else await _elsewhere(conn, city, counter, row, now)
        if new is not None:
            moved += 1
            await _tell_moved(conn, city, counter, new, reason, now)
            continue
        cancelled += 1
        words = city.closed_words["not_moved"].format(
            counter=counter.title, reason=reason, days=city.rules.move_within_days
        )
        await seats.give_back(conn, row.code)
        await line.put(conn, city, row, now, "batal", event="closed", note=words)
    return Closed(moved, cancelled)


async def _elsewhere(
    conn: AsyncConnection, city: City, counter: Counter, row: Row[Any], now: datetime
) -> Row[Any] | None:
    local = row.starts_at.astimezone(city.timezone)
    for offset in range(1, city.rules.move_within_days + 1):
        day = row.day + timedelta(days=offset)
        if day > opening.last_bookable(city):
            return None
        free, _ = await seats.free_slots(conn, city, counter, day, now)
        same_time = local.replace(year=day.year, month=day.month, day=day.day)
        for slot, _ in sorted(free, key=lambda one: abs(one[0].starts_at - same_time)):
            try:
                return await tickets.to_slot(conn, city, row, slot.id, now)
            except Refusal:
                continue
    return None


async def _tell_moved(
    conn: AsyncConnection, city: City, counter: Counter, row: Row[Any], reason: str, now: datetime
) -> None:
    local = row.starts_at.astimezone(city.timezone)
    when = format_datetime(local, "EEEE, d MMMM y 'pukul' HH.mm", locale="id")
    words = city.closed_words["moved"].format(counter=counter.title, reason=reason, when=when)
    more = {"starts_at": local.isoformat(timespec="seconds"), "number": counter.number(row.number)}
    await line.tell(conn, city, row, now, event="moved", note=words, **more)
