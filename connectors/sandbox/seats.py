"""Who sits where: free places of a day, taking one, giving it back. The unique pair (slot, seat) decides."""

import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import opening
from connectors.sandbox.city import City, Counter
from connectors.sandbox.opening import Slot
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import bookings, closures, places

# No 0/O, 1/I/L, 2/Z, 5/S, 8/B, U/V: what is read out at a counter must be heard once.
CODE_LETTERS = "34679ACDEFGHJKMNPQRTWXY"
CODE_LENGTH = 4


def new_code() -> str:
    """A booking code as the citizen shows it, MPP-7K3Q."""
    return "MPP-" + "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


async def closure(conn: AsyncConnection, counter: str, day: date) -> str | None:
    """Why this counter was closed for this one day, or None."""
    query = select(closures.c.reason).where(closures.c.counter == counter, closures.c.day == day)
    return (await conn.execute(query)).scalar_one_or_none()


async def free_slots(
    conn: AsyncConnection, city: City, counter: Counter, day: date, now: datetime
) -> tuple[list[tuple[Slot, int]], str | None]:
    """Slots of a day that still have places, with how many; and why there are none when it is closed."""
    reason = opening.closed_reason(city, counter, day, now, await closure(conn, counter.id, day))
    if reason is not None:
        return [], reason
    query = select(bookings.c.slot_id, func.count().label("seats")).group_by(bookings.c.slot_id)
    query = query.where(bookings.c.counter == counter.id, bookings.c.day == day, bookings.c.seat.is_not(None))
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


async def bookable(
    conn: AsyncConnection, city: City, slot_id: str, service: str | None, now: datetime
) -> Slot:
    """The slot, if it may be booked for the service at all; whether a place is left is not asked here.

    Raises:
        Refusal: 404 no such slot, 400 its counter does not take the service, 409 closed or past.
    """
    slot = opening.find_slot(city, slot_id)
    if slot is None:
        raise Refusal(404, "slot_not_found", "no such slot")
    counter = city.counters[slot.counter]
    if service is not None and service not in counter.services:
        raise Refusal(400, "service_not_at_counter", f"{counter.id} does not take this service")
    reason = opening.closed_reason(city, counter, slot.day, now, await closure(conn, counter.id, slot.day))
    if reason is None and slot.starts_at <= now:
        reason = city.closed_words["past"]
    if reason is not None:
        raise Refusal(409, "slot_closed", reason)
    return slot


async def take_seat(conn: AsyncConnection, counter: Counter, slot: Slot) -> int:
    """The lowest free seat of the slot.

    Raises:
        Refusal: 409 `slot_taken`, none is left.
    """
    rows = [{"slot_id": slot.id, "seat": seat} for seat in range(1, counter.places_per_slot + 1)]
    await conn.execute(upsert(places).on_conflict_do_nothing(), rows)
    held = and_(bookings.c.slot_id == places.c.slot_id, bookings.c.seat == places.c.seat)
    query = select(func.min(places.c.seat)).select_from(places.outerjoin(bookings, held))
    query = query.where(places.c.slot_id == slot.id, bookings.c.code.is_(None))
    seat: int | None = (await conn.execute(query)).scalar_one()
    if seat is None:
        raise taken()
    return seat


def taken() -> Refusal:
    """Someone else was quicker."""
    return Refusal(409, "slot_taken", "no place is left in this slot")


async def insert_ticket(conn: AsyncConnection, values: dict[str, Any]) -> Row[Any]:
    """Store a ticket under a fresh code.

    Raises:
        Refusal: 409 `slot_taken`, its place or number was taken in the meantime.
    """
    for _ in range(20):
        code = new_code()
        if (await conn.execute(select(bookings.c.code).where(bookings.c.code == code))).first() is None:
            break
    try:
        query = insert(bookings).values(code=code, **values).returning(bookings)
        row: Row[Any] = (await conn.execute(query)).one()
    except IntegrityError as error:
        raise taken() from error
    return row
