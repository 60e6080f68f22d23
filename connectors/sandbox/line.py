"""The line in front of a counter: who is next, who was called, and telling those who are close."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import limits, opening, outbox, pace, seats
from connectors.sandbox.city import City, Counter
from connectors.sandbox.opening import Slot
from connectors.sandbox.pace import Measured
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import bookings

WORTH_TELLING = 3
MOST_WORTH_TELLING = 8
WAITING = ("dipesan", "dijadwal_ulang", "checkin")
AT_THE_DESK = ("dipanggil", "dilayani")


@dataclass(frozen=True, slots=True)
class Board:
    """What hangs above a counter on `day`. `now_serving` is the number called last."""

    day: date
    now_serving: str | None
    waiting: int
    pace: Measured | None


def _on(counter: str, day: date) -> Any:
    return (bookings.c.counter == counter) & (bookings.c.day == day)


def _in_order(counter: str, day: date) -> Any:
    query = select(bookings).where(_on(counter, day), bookings.c.status.in_(WAITING))
    return query.order_by(bookings.c.line_at, bookings.c.number)


async def waiting(conn: AsyncConnection, counter: str, day: date) -> Sequence[Row[Any]]:
    """Those still to be called, first to last: by their time (priority has a head start), then their
    number."""
    return (await conn.execute(_in_order(counter, day))).all()


def line_at(city: City, starts_at: datetime, priority: str) -> datetime:
    """When somebody counts as having lined up."""
    return starts_at - (timedelta(0) if priority == "none" else city.rules.priority_head_start)


async def now_serving(conn: AsyncConnection, counter: Counter, day: date) -> str | None:
    """The number called last on that day; None before the first."""
    query = select(bookings.c.number).where(_on(counter.id, day), bookings.c.called_at.is_not(None))
    number = (await conn.execute(query.order_by(bookings.c.called_at.desc()).limit(1))).scalar_one_or_none()
    return None if number is None else counter.number(number)


async def board_day(conn: AsyncConnection, counter: str, today: date, *, only_waiting: bool = False) -> date:
    """The day the desk works on: the first from today on with anyone in line, else today.

    The stand-in city does not make anybody wait for Tuesday: calling works through the nearest booked day.
    """
    states = WAITING if only_waiting else (*WAITING, *AT_THE_DESK)
    query = select(func.min(bookings.c.day)).where(bookings.c.counter == counter, bookings.c.day >= today)
    day: date | None = (await conn.execute(query.where(bookings.c.status.in_(states)))).scalar_one()
    return day or today


async def board(conn: AsyncConnection, counter: Counter, day: date) -> Board:
    """The board of one counter and day."""
    query = select(func.count()).select_from(bookings)
    query = query.where(_on(counter.id, day), bookings.c.status.in_(WAITING))
    serving = await now_serving(conn, counter, day)
    return Board(
        day, serving, (await conn.execute(query)).scalar_one(), await pace.measure(conn, counter.id, day)
    )


async def ahead(conn: AsyncConnection, row: Row[Any]) -> int | None:
    """How many are called before this ticket; None once it no longer waits."""
    codes = [other.code for other in await waiting(conn, row.counter, row.day)]
    return codes.index(row.code) if row.code in codes else None


def _close(city: City, measured: Measured | None) -> int:
    """How many ahead still counts as almost: as many as are called within `tell`, at the measured pace."""
    if measured is None or measured.seconds <= 0:
        return WORTH_TELLING
    return min(MOST_WORTH_TELLING, max(1, math.ceil(city.rules.tell.total_seconds() / measured.seconds)))


@asynccontextmanager
async def telling(
    conn: AsyncConnection, city: City, counter: Counter, day: date, now: datetime
) -> AsyncIterator[None]:
    """Around a change of the line: afterwards those who are close hear their new place.

    Silent before the first number of the day was called: a place in Tuesday's line is no news on Sunday.
    """
    before = {row.code: place for place, row in enumerate(await waiting(conn, counter.id, day))}
    yield
    serving = await now_serving(conn, counter, day)
    if serving is None:
        return
    measured = await pace.measure(conn, counter.id, day)
    more = {"now_serving": serving, "pace": measured.shown() if measured else None}
    for place, row in enumerate((await waiting(conn, counter.id, day))[: _close(city, measured) + 1]):
        if not row.walk_in and before.get(row.code, place) != place:
            await tell(conn, city, row, now, ahead=place, event="almost", **more)


async def tell(conn: AsyncConnection, city: City, row: Row[Any], now: datetime, **more: Any) -> None:
    """Announce the state of a ticket; people without a booking have nobody to tell."""
    if not row.walk_in:
        at = now.astimezone(city.timezone)
        await outbox.announce(conn, outbox.MPP_APP, "booking", row.code, row.status, at, **more)


async def put(
    conn: AsyncConnection, city: City, row: Row[Any], now: datetime, status: str, **more: Any
) -> Row[Any]:
    """Give a ticket a new state and announce it."""
    values: dict[str, Any] = {"status": status, "updated_at": now}
    if status == "dipanggil":
        values |= {"called_at": now, "clerk": more.pop("clerk", row.clerk)}
    if status == "checkin" and row.status == "terlewat":
        # Who comes back the same day is served after those who were there.
        values["line_at"] = now
    changed = update(bookings).where(bookings.c.code == row.code).values(values).returning(bookings)
    new: Row[Any] = (await conn.execute(changed)).one()
    await tell(conn, city, new, now, **more)
    return new


async def call_next(
    conn: AsyncConnection, city: City, counter: Counter, clerk: str, day: date | None, now: datetime
) -> Row[Any] | None:
    """Call the next number to `clerk`, whose previous visitor is thereby done; None when nobody waits.

    The row that is called is locked, and one that another clerk has in hand is passed over: two clerks never
    call one number.
    """
    query = select(bookings).where(bookings.c.counter == counter.id, bookings.c.status.in_(AT_THE_DESK))
    for previous in (await conn.execute(query.where(bookings.c.clerk == clerk).with_for_update())).all():
        await limits.kept(conn, previous.person)
        await put(conn, city, previous, now, "selesai")
    day = day or await board_day(conn, counter.id, opening.today(city, now), only_waiting=True)
    async with telling(conn, city, counter, day, now):
        first = _in_order(counter.id, day).limit(1).with_for_update(skip_locked=True)
        row = (await conn.execute(first)).one_or_none()
        if row is None:
            return None
        serving = counter.number(row.number)
        more = {"now_serving": serving, "ahead": 0, "event": "called"}
        return await put(conn, city, row, now, "dipanggil", clerk=clerk, **more)


async def walk_in(
    conn: AsyncConnection,
    city: City,
    counter: Counter,
    service: str | None,
    now: datetime,
    priority: str = "none",
) -> Row[Any]:
    """Give a place to someone who came without a booking, out of the same quota as everybody's.

    They line up for the desk's current day, behind those whose time it is.

    Raises:
        Refusal: 400, the counter does not take the service; 409 `day_full`, nothing is left of that day.
    """
    if service is not None and service not in counter.services:
        raise Refusal(400, "service_not_at_counter", f"{counter.id} does not take this service")
    today = opening.today(city, now)
    day = await board_day(conn, counter.id, today)
    if not opening.slots_of(city, counter, day):
        day = await seats.next_free_day(conn, city, [counter], day, now) or day
    slot, seat = await _first_place(conn, city, counter, day, now)
    arrived = max(slot.starts_at, now)
    values = {
        "walk_in": 1,
        "service": service,
        "priority": priority,
        "starts_at": arrived,
        "line_at": line_at(city, arrived, priority),
        "status": "checkin",
        "created_at": now,
        "updated_at": now,
    }
    async with telling(conn, city, counter, day, now):
        return await seats.insert_ticket(conn, slot, seat, values)


async def _first_place(
    conn: AsyncConnection, city: City, counter: Counter, day: date, now: datetime
) -> tuple[Slot, int]:
    for slot in opening.slots_of(city, counter, day):
        if slot.ends_at > now:
            try:
                return slot, await seats.take(conn, counter, slot, now, shut_too=True)
            except Refusal:
                continue
    raise Refusal(409, "day_full", city.closed_words["day_full"].format(counter=counter.title))
