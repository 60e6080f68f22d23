"""Bookings as a citizen's side makes them: reserve, reschedule, cancel, arrive; and the desk's moves."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import line, seats
from connectors.sandbox.city import City, Counter
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import bookings, closures


async def find(conn: AsyncConnection, code: str) -> Row[Any]:
    """One ticket.

    Raises:
        Refusal: 404, no such code.
    """
    row = (await conn.execute(select(bookings).where(bookings.c.code == code.strip().upper()))).one_or_none()
    if row is None:
        raise Refusal(404, "booking_not_found", "no booking with this code")
    return row


async def reserve(
    conn: AsyncConnection,
    city: City,
    slot_id: str,
    service: str,
    name: str,
    contact: str | None,
    now: datetime,
) -> Row[Any]:
    """Take a place.

    Raises:
        Refusal: 409 `slot_taken` or `slot_closed`, 404 no such slot, 400 wrong counter for the service.
    """
    slot = await seats.bookable(conn, city, slot_id, service, now)
    counter = city.counters[slot.counter]
    seat = await seats.take_seat(conn, counter, slot)
    return await seats.insert_ticket(
        conn,
        {
            "walk_in": 0,
            "slot_id": slot.id,
            "seat": seat,
            "counter": counter.id,
            "day": slot.day,
            "number": slot.first_number + seat - 1,
            "service": service,
            "name": name,
            "contact": contact,
            "starts_at": slot.starts_at,
            "status": "dipesan",
            "created_at": now,
            "updated_at": now,
        },
    )


async def reschedule(conn: AsyncConnection, city: City, code: str, slot_id: str, now: datetime) -> Row[Any]:
    """Move a booking; the old place is given back only if the new one was got. The same slot is no change.

    Raises:
        Refusal: 404, 409 as `reserve`; 409 `move_not_allowed` once it was called or closed.
    """
    row = await find(conn, code)
    if row.slot_id == slot_id and row.seat is not None:
        return row
    _allow(city, row, "dijadwal_ulang")
    slot = await seats.bookable(conn, city, slot_id, row.service, now)
    counter = city.counters[slot.counter]
    seat = await seats.take_seat(conn, counter, slot)
    values = {
        "slot_id": slot.id,
        "seat": seat,
        "counter": counter.id,
        "day": slot.day,
        "number": slot.first_number + seat - 1,
        "starts_at": slot.starts_at,
        "status": "dijadwal_ulang",
        "updated_at": now,
    }
    async with line.telling(conn, city, city.counters[row.counter], row.day, now):
        try:
            changed = update(bookings).where(bookings.c.code == row.code).values(values).returning(bookings)
            moved: Row[Any] = (await conn.execute(changed)).one()
        except IntegrityError as error:
            raise seats.taken() from error
    await line.tell(conn, city, moved, now)
    return moved


async def move(
    conn: AsyncConnection, city: City, code: str, status: str, now: datetime, note: str | None = None
) -> Row[Any]:
    """Give a ticket another state: arrive, call again, serve, finish, miss, cancel. Twice is once.

    Raises:
        Refusal: 404 no such code, 400 unknown state, 409 a move that is not made.
    """
    row = await find(conn, code)
    if status not in city.booking_states or status == "dijadwal_ulang":
        raise Refusal(400, "unknown_status", f"status is one of {', '.join(city.booking_states)}")
    if status == row.status:
        return row
    _allow(city, row, status)
    counter = city.counters[row.counter]
    more: dict[str, Any] = {"note": note}
    if status == "dipanggil":
        more |= {"now_serving": counter.number(row.number), "ahead": 0}
    async with line.telling(conn, city, counter, row.day, now):
        return await line.put(conn, city, row, now, status, **more)


async def close_day(
    conn: AsyncConnection, city: City, counter: Counter, day: date, reason: str, now: datetime
) -> int:
    """Close a counter for one day: no more bookings, and everyone waiting is cancelled. Returns how many."""
    closing = upsert(closures).values(counter=counter.id, day=day, reason=reason)
    await conn.execute(
        closing.on_conflict_do_update(index_elements=["counter", "day"], set_={"reason": reason})
    )
    note = city.closed_words["closure"].format(counter=counter.title, reason=reason)
    queue = await line.waiting(conn, counter.id, day)
    for row in queue:
        await line.put(conn, city, row, now, "batal", note=note)
    return len(queue)


def _allow(city: City, row: Row[Any], status: str) -> None:
    allowed = city.booking_states[row.status].moves
    if status not in allowed:
        detail = f"a booking that is {row.status} cannot become {status}"
        raise Refusal(409, "move_not_allowed", detail, allowed=allowed)
