"""Who sits where: free places of a day, taking one, giving it back. The row of a place decides, by its
lock."""

import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import opening
from connectors.sandbox.city import City, Counter
from connectors.sandbox.database import upsert
from connectors.sandbox.opening import Slot
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import bookings, closures, places

# No 0/O, 1/I/L, 2/Z, 5/S, 8/B, U/V: what is read out at a counter must be heard once.
CODE_LETTERS = "34679ACDEFGHJKMNPQRTWXY"
CODE_LENGTH = 4
ALTERNATIVES = 3


def new_code() -> str:
    """A booking code as the citizen shows it, MPP-7K3Q."""
    return "MPP-" + "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


async def closure(conn: AsyncConnection, counter: str, day: date) -> str | None:
    """Why this counter was closed for this one day, or None."""
    query = select(closures.c.reason).where(closures.c.counter == counter, closures.c.day == day)
    return (await conn.execute(query)).scalar_one_or_none()


def _over(now: datetime) -> ColumnElement[bool]:
    """A hold whose time is up, whether or not anybody has cleared it away yet."""
    return and_(bookings.c.status == "ditahan", bookings.c.hold_until <= now)


async def free_slots(
    conn: AsyncConnection, city: City, counter: Counter, day: date, now: datetime, *, shut_too: bool = False
) -> tuple[list[tuple[Slot, int]], str | None]:
    """Slots of a day that still have places, with how many; and why there are none when it is closed.

    `shut_too` counts places that were given back and are not public yet.
    """
    reason = opening.closed_reason(city, counter, day, now, await closure(conn, counter.id, day))
    if reason is not None:
        return [], reason
    held = and_(places.c.code.is_not(None), ~func.coalesce(_over(now), False))
    shut = and_(places.c.code.is_(None), places.c.shut_until > now)
    query = select(places.c.slot_id, func.count().label("seats")).group_by(places.c.slot_id)
    query = query.select_from(places.outerjoin(bookings, places.c.code == bookings.c.code))
    query = query.where(
        places.c.counter == counter.id, places.c.day == day, held if shut_too else or_(held, shut)
    )
    taken: dict[str, int] = {row.slot_id: row.seats for row in await conn.execute(query)}
    free = []
    for slot in opening.slots_of(city, counter, day):
        left = counter.places_per_slot - taken.get(slot.id, 0)
        if left > 0 and slot.starts_at > now:
            free.append((slot, left))
    return free, None


async def next_free_day(
    conn: AsyncConnection, city: City, counters: Sequence[Counter], after: date, now: datetime
) -> date | None:
    """The first later day with a free place at one of the counters, within the loaded calendar."""
    first = max(after + timedelta(days=1), opening.today(city, now))
    for offset in range(opening.LOOK_AHEAD_DAYS):
        day = first + timedelta(days=offset)
        if day > opening.last_bookable(city):
            return None
        for counter in counters:
            if (await free_slots(conn, city, counter, day, now))[0]:
                return day
    return None


async def alternatives(
    conn: AsyncConnection, city: City, slot: Slot, now: datetime
) -> list[tuple[Slot, int]]:
    """The next free places for who came too late: the nearest of that day, else the first of the next free
    day."""
    counter = city.counters[slot.counter]
    free, _ = await free_slots(conn, city, counter, slot.day, now)
    if not free and (day := await next_free_day(conn, city, [counter], slot.day, now)):
        free, _ = await free_slots(conn, city, counter, day, now)
    nearest = sorted(free, key=lambda one: (one[0].day, abs(one[0].starts_at - slot.starts_at)))[
        :ALTERNATIVES
    ]
    return sorted(nearest, key=lambda one: one[0].starts_at)


async def bookable(
    conn: AsyncConnection, city: City, slot_id: str, service: str | None, now: datetime
) -> Slot:
    """The slot, if it may be booked for the service at all; whether a place is left is not asked here.

    Raises:
        Refusal: 404 no such slot, 400 its counter does not take the service, 409 closed or past.
    """
    named = opening.place_of(city, slot_id)
    if named is None:
        raise Refusal(404, "slot_not_found", "no such slot")
    counter, day = named
    if service is not None and service not in counter.services:
        raise Refusal(400, "service_not_at_counter", f"{counter.id} does not take this service")
    reason = opening.closed_reason(city, counter, day, now, await closure(conn, counter.id, day))
    slot = None if reason else opening.find_slot(city, slot_id)
    if reason is None and slot is not None and slot.starts_at <= now:
        reason = city.closed_words["past"]
    if reason is not None:
        raise Refusal(409, "slot_closed", reason)
    if slot is None:
        raise Refusal(404, "slot_not_found", "no such slot")
    return slot


async def take(
    conn: AsyncConnection, counter: Counter, slot: Slot, now: datetime, *, shut_too: bool = False
) -> int:
    """The lowest free seat of the slot, locked until this transaction ends; `sit` makes it somebody's.

    Raises:
        Refusal: 409 `slot_taken`, none is left.
    """
    await end_holds(conn, now, slot.id)
    free = select(places.c.seat).where(places.c.slot_id == slot.id, places.c.code.is_(None))
    if not shut_too:
        free = free.where(or_(places.c.shut_until.is_(None), places.c.shut_until <= now))
    free = free.order_by(places.c.seat).limit(1)
    seat: int | None = (await conn.execute(free.with_for_update(skip_locked=True))).scalar()
    if seat is None and await _lay_out(conn, counter, slot):
        seat = (await conn.execute(free.with_for_update(skip_locked=True))).scalar()
    while seat is None:
        if (await conn.execute(free)).first() is None:
            raise taken()
        # Another transaction has the last one in its hand: wait for what becomes of it.
        seat = (await conn.execute(free.with_for_update())).scalar()
    return seat


async def _lay_out(conn: AsyncConnection, counter: Counter, slot: Slot) -> bool:
    """Write down the places of a slot that nobody asked for before; False when they were there."""
    row = {"slot_id": slot.id, "counter": counter.id, "day": slot.day}
    rows = [{**row, "seat": seat} for seat in range(1, counter.places_per_slot + 1)]
    new = upsert(conn, places).values(rows).on_conflict_do_nothing().returning(places.c.seat)
    return (await conn.execute(new)).first() is not None


async def sit(conn: AsyncConnection, slot: Slot, seat: int, code: str) -> None:
    """Give a taken seat to a ticket."""
    mine = and_(places.c.slot_id == slot.id, places.c.seat == seat)
    await conn.execute(update(places).where(mine).values(code=code, shut_until=None))


async def give_back(conn: AsyncConnection, code: str, shut_until: datetime | None = None) -> None:
    """Free the seat of a ticket; until `shut_until` only the waiting list may have it."""
    await conn.execute(update(places).where(places.c.code == code).values(code=None, shut_until=shut_until))


async def end_holds(conn: AsyncConnection, now: datetime, slot_id: str | None = None) -> list[str]:
    """Clear holds whose time is up away, their seats free at once; returns their codes."""
    over = update(bookings).where(_over(now)).values(status="kedaluwarsa", updated_at=now)
    if slot_id is not None:
        over = over.where(bookings.c.slot_id == slot_id)
    codes = list((await conn.execute(over.returning(bookings.c.code))).scalars())
    if codes:
        await conn.execute(update(places).where(places.c.code.in_(codes)).values(code=None))
    return codes


def taken() -> Refusal:
    """Someone else was quicker."""
    return Refusal(409, "slot_taken", "no place is left in this slot")


async def insert_ticket(conn: AsyncConnection, slot: Slot, seat: int, values: dict[str, Any]) -> Row[Any]:
    """Store a ticket on a taken seat under a fresh code.

    Raises:
        Refusal: 409 `slot_taken`, its number was taken in the meantime.
    """
    values = {
        "walk_in": 0,
        "slot_id": slot.id,
        "counter": slot.counter,
        "day": slot.day,
        "number": slot.first_number + seat - 1,
        "starts_at": slot.starts_at,
        "line_at": slot.starts_at,
        "priority": "none",
        **values,
    }
    row: Row[Any] | None = None
    while row is None:
        new = upsert(conn, bookings).values(code=new_code(), **values)
        new = new.on_conflict_do_nothing(index_elements=["code"])
        try:
            row = (await conn.execute(new.returning(bookings))).one_or_none()
        except IntegrityError as error:
            raise taken() from error
    await sit(conn, slot, seat, row.code)
    return row
