"""The line in front of a counter: who is next, who was called, and telling those who are close."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import opening, outbox, seats
from connectors.sandbox.city import WALK_INS_START_AT, City, Counter
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import bookings

WORTH_TELLING = 3
WAITING = ("dipesan", "dijadwal_ulang", "checkin")
AT_THE_DESK = ("dipanggil", "dilayani")


@dataclass(frozen=True, slots=True)
class Board:
    """What hangs above a counter on `day`. `now_serving` is the number called last."""

    day: date
    now_serving: str | None
    waiting: int


def _on(counter: str, day: date) -> Any:
    return (bookings.c.counter == counter) & (bookings.c.day == day)


async def waiting(conn: AsyncConnection, counter: str, day: date) -> Sequence[Row[Any]]:
    """Those still to be called, first to last: by their time, then by their number."""
    query = select(bookings).where(_on(counter, day), bookings.c.status.in_(WAITING))
    return (await conn.execute(query.order_by(bookings.c.starts_at, bookings.c.number))).all()


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
    query = (
        select(func.count()).select_from(bookings).where(_on(counter.id, day), bookings.c.status.in_(WAITING))
    )
    return Board(day, await now_serving(conn, counter, day), (await conn.execute(query)).scalar_one())


async def ahead(conn: AsyncConnection, row: Row[Any]) -> int | None:
    """How many are called before this ticket; None once it no longer waits."""
    codes = [other.code for other in await waiting(conn, row.counter, row.day)]
    return codes.index(row.code) if row.code in codes else None


@asynccontextmanager
async def telling(
    conn: AsyncConnection, city: City, counter: Counter, day: date, now: datetime
) -> AsyncIterator[None]:
    """Around a change of the line: afterwards those with at most three ahead hear their new place.

    Silent before the first number of the day was called: a place in Tuesday's line is no news on Sunday.
    """
    before = {row.code: place for place, row in enumerate(await waiting(conn, counter.id, day))}
    yield
    serving = await now_serving(conn, counter, day)
    if serving is None:
        return
    for place, row in enumerate((await waiting(conn, counter.id, day))[: WORTH_TELLING + 1]):
        if not row.walk_in and before.get(row.code, place) != place:
            await tell(conn, city, row, now, ahead=place, now_serving=serving)


async def tell(conn: AsyncConnection, city: City, row: Row[Any], now: datetime, **more: Any) -> None:
    """Announce the state of a ticket; people without a booking have nobody to tell."""
    if not row.walk_in:
        at = now.astimezone(city.timezone)
        await outbox.announce(conn, outbox.MPP_APP, "booking", row.code, row.status, at, **more)


async def put(
    conn: AsyncConnection, city: City, row: Row[Any], now: datetime, status: str, **more: Any
) -> Row[Any]:
    """Give a ticket a new state and announce it; a cancelled one gives its seat back."""
    values: dict[str, Any] = {"status": status, "updated_at": now}
    if status == "batal":
        values["seat"] = None
    if status == "dipanggil":
        values |= {"called_at": now, "clerk": more.pop("clerk", row.clerk)}
    changed = update(bookings).where(bookings.c.code == row.code).values(values).returning(bookings)
    new: Row[Any] = (await conn.execute(changed)).one()
    await tell(conn, city, new, now, **more)
    return new


async def call_next(
    conn: AsyncConnection, city: City, counter: Counter, clerk: str, day: date | None, now: datetime
) -> Row[Any] | None:
    """Call the next number to `clerk`, whose previous visitor is thereby done; None when nobody waits.

    Runs in a writing transaction, so two clerks never call one number.
    """
    query = select(bookings).where(bookings.c.counter == counter.id, bookings.c.status.in_(AT_THE_DESK))
    for previous in (await conn.execute(query.where(bookings.c.clerk == clerk))).all():
        await put(conn, city, previous, now, "selesai")
    day = day or await board_day(conn, counter.id, opening.today(city, now), only_waiting=True)
    queue = await waiting(conn, counter.id, day)
    if not queue:
        return None
    async with telling(conn, city, counter, day, now):
        serving = counter.number(queue[0].number)
        return await put(conn, city, queue[0], now, "dipanggil", clerk=clerk, now_serving=serving, ahead=0)


async def walk_in(
    conn: AsyncConnection, city: City, counter: Counter, service: str | None, now: datetime
) -> Row[Any]:
    """Give a number to someone who came without a booking; they line up for the desk's current day.

    Raises:
        Refusal: 400, the counter does not take the service.
    """
    if service is not None and service not in counter.services:
        raise Refusal(400, "service_not_at_counter", f"{counter.id} does not take this service")
    today = opening.today(city, now)
    day = await board_day(conn, counter.id, today)
    query = select(func.max(bookings.c.number)).where(_on(counter.id, day), bookings.c.walk_in == 1)
    last: int | None = (await conn.execute(query)).scalar_one()
    queue = await waiting(conn, counter.id, day)
    arrived = queue[-1].starts_at if queue and day > today else now
    values = {
        "walk_in": 1,
        "counter": counter.id,
        "day": day,
        "number": WALK_INS_START_AT if last is None else last + 1,
        "service": service,
        "starts_at": arrived,
        "status": "checkin",
        "created_at": now,
        "updated_at": now,
    }
    async with telling(conn, city, counter, day, now):
        return await seats.insert_ticket(conn, values)
