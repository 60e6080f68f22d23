"""The MPP queue over JSON: counters, free slots, bookings, and the line itself."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import bookings, idempotency, line, opening, seats
from connectors.sandbox.city import Counter
from connectors.sandbox.hall import CityHall, Hall, bearer
from connectors.sandbox.problems import Refusal

router = APIRouter(prefix="/mpp/v1", dependencies=[Depends(bearer)])
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
WEEKDAYS = ("senin", "selasa", "rabu", "kamis", "jumat", "sabtu", "minggu")


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")


class NewBooking(_Body):
    """Who wants which slot for what."""

    slot_id: Words
    service: Words
    name: Words
    contact: Words | None = None


class NewTime(_Body):
    """The slot a booking moves to."""

    slot_id: Words


class Cancelling(_Body):
    """Why a booking is given up, if the citizen says so."""

    reason: Words | None = None


class WalkIn(_Body):
    """What a visitor without a booking comes for."""

    service: Words | None = None


class Calling(_Body):
    """Which clerk calls, and for which day when not the desk's current one."""

    clerk: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)] = "1"
    date: str | None = None


@router.get("/counters")
async def counters(hall: Hall) -> dict[str, Any]:
    """Every counter with its services and opening hours."""
    return {
        "counters": [
            {
                "id": counter.id,
                "title": counter.title,
                "services": list(counter.services),
                "hours": {
                    WEEKDAYS[weekday]: [f"{start:%H:%M}-{end:%H:%M}" for start, end in day]
                    for weekday, day in enumerate(counter.hours)
                },
            }
            for counter in hall.city.counters.values()
        ]
    }


@router.get("/slots")
async def slots(hall: Hall, service: str, date: str, counter: str | None = None) -> dict[str, Any]:
    """Slots with a place left on a day, or why there are none and which day has some."""
    day = _day(date)
    desks = hall.city.counters_for(service)
    if counter is not None:
        desks = [desk for desk in desks if desk.id == counter]
    if not desks:
        raise Refusal(404, "service_not_found", "no counter takes this service")
    now = hall.clock()
    found: list[dict[str, Any]] = []
    reason: str | None = None
    next_open = None
    async with hall.database.reading() as conn:
        for desk in desks:
            free, closed = await seats.free_slots(conn, hall.city, desk, day, now)
            reason = reason or closed
            found += [
                {"id": slot.id, "counter": desk.id, "starts_at": hall.local(slot.starts_at), "left": left}
                for slot, left in free
            ]
        if not found:
            next_open = await seats.next_free_day(conn, hall.city, desks, day, now)
    return {
        "date": day.isoformat(),
        "slots": found,
        "closed_reason": None if found else reason,
        "next_open": next_open.isoformat() if next_open else None,
    }


@router.post("/bookings", status_code=201)
async def book(body: NewBooking, hall: Hall, key: IdempotencyKey = None) -> JSONResponse:
    """Take a place. The same Idempotency-Key gets the same booking."""

    async def reserve(conn: AsyncConnection) -> Row[Any]:
        return await bookings.reserve(
            conn, hall.city, body.slot_id, body.service, body.name, body.contact, hall.clock()
        )

    return await _once(hall, "mpp.bookings", key, 201, reserve)


@router.get("/bookings/{code}")
async def booking(code: str, hall: Hall) -> dict[str, Any]:
    """One booking with its place in line."""
    async with hall.database.reading() as conn:
        row = await bookings.find(conn, code)
        serving = await line.now_serving(conn, hall.city.counters[row.counter], row.day)
        return ticket(hall, row) | {"ahead": await line.ahead(conn, row), "now_serving": serving}


@router.post("/bookings/{code}/reschedule")
async def reschedule(code: str, body: NewTime, hall: Hall, key: IdempotencyKey = None) -> JSONResponse:
    """Move a booking to another slot."""

    async def move(conn: AsyncConnection) -> Row[Any]:
        return await bookings.reschedule(conn, hall.city, code, body.slot_id, hall.clock())

    return await _once(hall, f"mpp.reschedule.{code.upper()[:12]}", key, 200, move)


@router.post("/bookings/{code}/cancel")
async def cancel(code: str, hall: Hall, body: Cancelling | None = None) -> dict[str, Any]:
    """Give a booking up; cancelling twice is once."""
    async with hall.writing() as conn:
        note = body.reason if body else None
        return ticket(hall, await bookings.move(conn, hall.city, code, "batal", hall.clock(), note))


@router.post("/bookings/{code}/checkin")
async def check_in(code: str, hall: Hall) -> dict[str, Any]:
    """The citizen has arrived."""
    async with hall.writing() as conn:
        return ticket(hall, await bookings.move(conn, hall.city, code, "checkin", hall.clock()))


@router.get("/counters/{counter_id}/live")
async def live(counter_id: str, hall: Hall, date: str | None = None) -> dict[str, Any]:
    """The board of a counter: the number called last and how many wait."""
    counter = find_counter(hall, counter_id)
    now = hall.clock()
    async with hall.database.reading() as conn:
        day = _day(date) if date else await line.board_day(conn, counter.id, opening.today(hall.city, now))
        board = await line.board(conn, counter, day)
    return {
        "counter": counter.id,
        "date": day.isoformat(),
        "now_serving": board.now_serving,
        "waiting": board.waiting,
        "as_of": hall.local(now),
    }


@router.post("/counters/{counter_id}/walk-in", status_code=201)
async def walk_in(counter_id: str, hall: Hall, body: WalkIn | None = None) -> JSONResponse:
    """A number for someone who just came in."""
    counter = find_counter(hall, counter_id)
    async with hall.writing() as conn:
        row = await line.walk_in(conn, hall.city, counter, body.service if body else None, hall.clock())
    return JSONResponse(ticket(hall, row), 201)


@router.post("/counters/{counter_id}/call-next")
async def call_next(counter_id: str, hall: Hall, body: Calling | None = None) -> dict[str, Any]:
    """Call the next number; `called` is null when nobody waits."""
    counter = find_counter(hall, counter_id)
    body = body or Calling()
    day = _day(body.date) if body.date else None
    async with hall.writing() as conn:
        row = await line.call_next(conn, hall.city, counter, body.clerk, day, hall.clock())
        board = await line.board(
            conn, counter, row.day if row is not None else opening.today(hall.city, hall.clock())
        )
    return {"called": None if row is None else ticket(hall, row), "waiting": board.waiting}


def ticket(hall: CityHall, row: Row[Any]) -> dict[str, Any]:
    """A ticket as the API shows it: no name, no contact."""
    counter = hall.city.counters[row.counter]
    return {
        "code": row.code,
        "number": counter.number(row.number),
        "counter": counter.id,
        "counter_title": counter.title,
        "service": row.service,
        "starts_at": hall.local(row.starts_at),
        "status": row.status,
    }


def find_counter(hall: CityHall, counter_id: str) -> Counter:
    """The counter, or a Refusal (404)."""
    counter = hall.city.counters.get(counter_id)
    if counter is None:
        raise Refusal(404, "counter_not_found", "no such counter")
    return counter


async def _once(
    hall: CityHall,
    scope: str,
    key: str | None,
    status: int,
    work: Callable[[AsyncConnection], Awaitable[Row[Any]]],
) -> JSONResponse:
    async with hall.writing() as conn:
        known = await idempotency.recall(conn, scope, idempotency.checked(key))
        if known is not None:
            return JSONResponse(known[1], known[0])
        answer = ticket(hall, await work(conn))
        await idempotency.remember(conn, scope, idempotency.checked(key), status, answer, hall.clock())
    return JSONResponse(answer, status)


def _day(raw: str) -> date:
    try:
        return date.fromisoformat(raw)
    except ValueError:
        raise Refusal(400, "bad_date", "date must be a day, as in 2026-11-24") from None
