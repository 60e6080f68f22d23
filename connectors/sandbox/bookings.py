"""Bookings as a citizen's side makes them: hold, confirm, reserve, reschedule, cancel, arrive; the desk's
moves."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import limits, line, seats
from connectors.sandbox.city import City
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import bookings, waiting_list

# What only the citizen's side may do, and what nobody does by hand.
NO_MOVE = ("ditahan", "dipesan", "dijadwal_ulang", "kedaluwarsa")


async def find(conn: AsyncConnection, code: str, *, locked: bool = False) -> Row[Any]:
    """One ticket.

    Raises:
        Refusal: 404, no such code.
    """
    query = select(bookings).where(bookings.c.code == code.strip().upper())
    row = (await conn.execute(query.with_for_update() if locked else query)).one_or_none()
    if row is None:
        raise Refusal(404, "booking_not_found", "no booking with this code")
    return row


async def hold(
    conn: AsyncConnection, city: City, slot_id: str, service: str, person: str | None, now: datetime
) -> Row[Any]:
    """Keep a place for one person for a while. Their earlier hold ends; of the same slot it is the same hold.

    Raises:
        Refusal: 404 no such slot, 400 wrong counter for the service, 409 `slot_taken`, `slot_closed` or
            `limit_reached`.
    """
    slot = await seats.bookable(conn, city, slot_id, service, now)
    await limits.check(conn, city, person, slot.day, now)
    if person is not None:
        for row in await _holds_of(conn, person):
            if row.slot_id == slot_id and row.hold_until > now:
                return row
            await release(conn, row.code, now)
    seat = await seats.take(conn, city.counters[slot.counter], slot, now)
    values = {"service": service, "person": person, "status": "ditahan", "hold_until": now + city.rules.hold}
    return await seats.insert_ticket(conn, slot, seat, values | {"created_at": now, "updated_at": now})


async def _holds_of(conn: AsyncConnection, person: str) -> list[Row[Any]]:
    """A person's holds, without places offered to them from a waiting list."""
    query = select(bookings).where(bookings.c.person == person, bookings.c.status == "ditahan")
    offered = select(waiting_list.c.code).where(waiting_list.c.code.is_not(None))
    return list((await conn.execute(query.where(bookings.c.code.not_in(offered)).with_for_update())).all())


async def confirm(
    conn: AsyncConnection,
    city: City,
    code: str,
    name: str,
    contact: str | None,
    priority: str,
    now: datetime,
) -> Row[Any]:
    """Turn a hold into a booking. The same name again is the same booking.

    Raises:
        Refusal: 404; 409 `hold_expired`, `limit_reached`, or `move_not_allowed` for a booking of somebody
        else.
    """
    row = await find(conn, code, locked=True)
    if row.status == "ditahan" and row.hold_until > now:
        await limits.check(conn, city, row.person, row.day, now)
        return await _change(
            conn,
            row.code,
            status="dipesan",
            hold_until=None,
            name=name,
            contact=contact,
            priority=priority,
            line_at=line.line_at(city, row.starts_at, priority),
            updated_at=now,
        )
    if row.status in ("ditahan", "kedaluwarsa"):
        raise Refusal(409, "hold_expired", "the place was kept only until its time; choose again")
    if row.status == "dipesan" and row.name == name:
        return row
    raise Refusal(409, "move_not_allowed", f"a booking that is {row.status} cannot be confirmed", allowed=[])


async def release(conn: AsyncConnection, code: str, now: datetime) -> Row[Any]:
    """Give a hold up; its place is free at once. Twice is once.

    Raises:
        Refusal: 404; 409 `move_not_allowed`, it is a booking by now: cancel it.
    """
    row = await find(conn, code, locked=True)
    if row.status == "kedaluwarsa":
        return row
    if row.status != "ditahan":
        raise Refusal(
            409, "move_not_allowed", f"a booking that is {row.status} is cancelled", allowed=["batal"]
        )
    await seats.give_back(conn, row.code)
    return await _change(conn, row.code, status="kedaluwarsa", updated_at=now)


async def reserve(
    conn: AsyncConnection, city: City, slot_id: str, service: str, who: dict[str, Any], now: datetime
) -> Row[Any]:
    """Take a place in one step. `who` has name, contact, person and priority.

    Raises:
        Refusal: as `hold`.
    """
    slot = await seats.bookable(conn, city, slot_id, service, now)
    await limits.check(conn, city, who["person"], slot.day, now)
    seat = await seats.take(conn, city.counters[slot.counter], slot, now)
    values = {"service": service, "status": "dipesan", "created_at": now, "updated_at": now}
    values |= {"line_at": line.line_at(city, slot.starts_at, who["priority"]), **who}
    return await seats.insert_ticket(conn, slot, seat, values)


async def reschedule(conn: AsyncConnection, city: City, code: str, slot_id: str, now: datetime) -> Row[Any]:
    """Move a booking; the old place is given back only if the new one was got. The same slot is no change.

    Raises:
        Refusal: 404, 409 as `reserve`; 409 `move_not_allowed` once it was called or closed.
    """
    row = await find(conn, code, locked=True)
    _allow(city, row, "dijadwal_ulang")
    if row.slot_id == slot_id:
        return row
    slot = await seats.bookable(conn, city, slot_id, row.service, now)
    await limits.check(conn, city, row.person, slot.day, now, giving_up=1)
    async with line.telling(conn, city, city.counters[row.counter], row.day, now):
        moved = await to_slot(conn, city, row, slot_id, now)
    await line.tell(conn, city, moved, now)
    return moved


async def to_slot(conn: AsyncConnection, city: City, row: Row[Any], slot_id: str, now: datetime) -> Row[Any]:
    """Put a locked booking on a place of another slot and free its own; nobody is told here.

    Raises:
        Refusal: 404, 409 `slot_taken` or `slot_closed`.
    """
    slot = await seats.bookable(conn, city, slot_id, row.service, now)
    seat = await seats.take(conn, city.counters[slot.counter], slot, now)
    await seats.give_back(conn, row.code, _shut_until(city, row, now))
    await seats.sit(conn, slot, seat, row.code)
    try:
        return await _change(
            conn,
            row.code,
            slot_id=slot.id,
            counter=slot.counter,
            day=slot.day,
            number=slot.first_number + seat - 1,
            starts_at=slot.starts_at,
            line_at=line.line_at(city, slot.starts_at, row.priority),
            status="dijadwal_ulang",
            updated_at=now,
        )
    except IntegrityError as error:
        raise seats.taken() from error


async def move(
    conn: AsyncConnection, city: City, code: str, status: str, now: datetime, note: str | None = None
) -> Row[Any]:
    """Give a ticket another state: arrive, call again, serve, finish, miss, cancel. Twice is once.

    Raises:
        Refusal: 404 no such code, 400 unknown state, 409 a move that is not made.
    """
    row = await find(conn, code, locked=True)
    if status not in city.booking_states or status in NO_MOVE:
        raise Refusal(400, "unknown_status", f"status is one of {', '.join(city.booking_states)}")
    if status == row.status:
        return row
    _allow(city, row, status)
    counter = city.counters[row.counter]
    more: dict[str, Any] = {"note": note}
    if status == "dipanggil":
        more |= {"now_serving": counter.number(row.number), "ahead": 0, "event": "called"}
    if status == "tidak_hadir":
        more["event"] = "no_show"
        await limits.missed(conn, row.person)
    if status == "selesai":
        await limits.kept(conn, row.person)
    async with line.telling(conn, city, counter, row.day, now):
        if status == "batal":
            await seats.give_back(conn, row.code, _shut_until(city, row, now))
        return await line.put(conn, city, row, now, status, **more)


async def no_shows(conn: AsyncConnection, city: City, today: date, now: datetime) -> int:
    """Close the books of days that are over: who was expected and not served did not come."""
    query = select(bookings).where(bookings.c.day < today, bookings.c.status.in_((*line.WAITING, "terlewat")))
    rows = (await conn.execute(query.order_by(bookings.c.code).with_for_update(skip_locked=True))).all()
    for row in rows:
        # Whoever checked in was there: the day ended before their turn, and that is not theirs to answer for.
        came = row.status == "checkin"
        if not came:
            await limits.missed(conn, row.person)
        await line.put(
            conn, city, row, now, "selesai" if came else "tidak_hadir", event=None if came else "no_show"
        )
    return len(rows)


def _shut_until(city: City, row: Row[Any], now: datetime) -> datetime:
    """When a place given back becomes public: later, so that it is not passed from hand to hand, yet in
    time."""
    latest: datetime = row.starts_at - city.rules.offer_lead
    return min(now + city.rules.late_release, latest)


async def _change(conn: AsyncConnection, code: str, **values: Any) -> Row[Any]:
    query = update(bookings).where(bookings.c.code == code).values(values).returning(bookings)
    row: Row[Any] = (await conn.execute(query)).one()
    return row


def _allow(city: City, row: Row[Any], status: str) -> None:
    allowed = city.booking_states[row.status].moves
    if status not in allowed:
        detail = f"a booking that is {row.status} cannot become {status}"
        raise Refusal(409, "move_not_allowed", detail, allowed=allowed)
