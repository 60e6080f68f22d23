"""The MPP queue over JSON: counters, free slots, bookings, and the line itself."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import bookings, idempotency, line, opening, seats, waiting
from connectors.sandbox.city import Counter
from connectors.sandbox.hall import CityHall, Hall, bearer
from connectors.sandbox.line import Board
from connectors.sandbox.opening import Slot
from connectors.sandbox.problems import Refusal

router = APIRouter(prefix="/mpp/v1", dependencies=[Depends(bearer)])
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Priority = Literal["none", "disability", "elderly", "pregnant"]
WEEKDAYS = ("senin", "selasa", "rabu", "kamis", "jumat", "sabtu", "minggu")


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Wish(_Body):
    """Which slot for what, and for whom: a pseudonym by which places are counted."""

    slot_id: Words
    service: Words
    person: Words | None = None


class Visitor(_Body):
    """Who comes."""

    name: Words
    contact: Words | None = None
    priority: Priority = "none"


class NewBooking(Wish, Visitor):
    """A place in one step."""


class WaitingWish(Visitor):
    """A full day somebody would come on, between two times of day if they say so."""

    service: Words
    date: Words
    person: Words | None = None
    earliest: TimeOfDay | None = None
    latest: TimeOfDay | None = None


class NewTime(_Body):
    """The slot a booking moves to."""

    slot_id: Words


class Cancelling(_Body):
    """Why a booking is given up, if the citizen says so."""

    reason: Words | None = None


class WalkIn(_Body):
    """What a visitor without a booking comes for."""

    service: Words | None = None
    priority: Priority = "none"


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
            found += [_free(hall, slot, left) for slot, left in free]
        if not found:
            next_open = await seats.next_free_day(conn, hall.city, desks, day, now)
    return {
        "date": day.isoformat(),
        "slots": found,
        "closed_reason": None if found else reason,
        "next_open": next_open.isoformat() if next_open else None,
    }


@router.post("/holds", status_code=201)
async def hold(body: Wish, hall: Hall, key: IdempotencyKey = None) -> JSONResponse:
    """Keep a place for a while."""

    async def keep(conn: AsyncConnection) -> Row[Any]:
        return await bookings.hold(conn, hall.city, body.slot_id, body.service, body.person, hall.clock())

    return await _once(hall, "mpp.holds", key, 201, keep, body.slot_id)


@router.post("/holds/{code}/confirm")
async def confirm(code: str, body: Visitor, hall: Hall, key: IdempotencyKey = None) -> JSONResponse:
    """Turn a hold into a booking."""

    async def settle(conn: AsyncConnection) -> Row[Any]:
        who = (body.name, body.contact, body.priority)
        return await bookings.confirm(conn, hall.city, code, *who, hall.clock())

    return await _once(hall, f"mpp.confirm.{code.upper()[:12]}", key, 200, settle)


@router.post("/holds/{code}/release")
async def release(code: str, hall: Hall) -> dict[str, Any]:
    """Give a hold up; twice is once."""
    async with hall.writing() as conn:
        row = await bookings.release(conn, code, hall.clock())
        counter = hall.city.counters[row.counter]
        await waiting.offer(conn, hall.city, counter, row.day, hall.clock())
        return ticket(hall, row)


@router.post("/bookings", status_code=201)
async def book(body: NewBooking, hall: Hall, key: IdempotencyKey = None) -> JSONResponse:
    """Take a place in one step. The same Idempotency-Key gets the same booking."""

    async def reserve(conn: AsyncConnection) -> Row[Any]:
        who = body.model_dump(include={"name", "contact", "person", "priority"})
        return await bookings.reserve(conn, hall.city, body.slot_id, body.service, who, hall.clock())

    return await _once(hall, "mpp.bookings", key, 201, reserve, body.slot_id)


@router.get("/bookings/{code}")
async def booking(code: str, hall: Hall) -> dict[str, Any]:
    """One booking with its place in line."""
    async with hall.database.reading() as conn:
        row = await bookings.find(conn, code)
        board = await line.board(conn, hall.city.counters[row.counter], row.day)
        place = await line.ahead(conn, row)
        shown = ticket(hall, row)
        if row.status == "ditahan" and row.hold_until <= hall.clock():
            shown["status"] = "kedaluwarsa"
        return shown | {"ahead": place, "now_serving": board.now_serving, "pace": _pace(board)}


@router.post("/bookings/{code}/reschedule")
async def reschedule(code: str, body: NewTime, hall: Hall, key: IdempotencyKey = None) -> JSONResponse:
    """Move a booking to another slot."""

    async def move(conn: AsyncConnection) -> Row[Any]:
        before = await bookings.find(conn, code)
        row = await bookings.reschedule(conn, hall.city, code, body.slot_id, hall.clock())
        counter = hall.city.counters[before.counter]
        await waiting.offer(conn, hall.city, counter, before.day, hall.clock())
        return row

    return await _once(hall, f"mpp.reschedule.{code.upper()[:12]}", key, 200, move, body.slot_id)


@router.post("/bookings/{code}/cancel")
async def cancel(code: str, hall: Hall, body: Cancelling | None = None) -> dict[str, Any]:
    """Give a booking up; cancelling twice is once."""
    async with hall.writing() as conn:
        note = body.reason if body else None
        row = await bookings.move(conn, hall.city, code, "batal", hall.clock(), note)
        await waiting.offer(conn, hall.city, hall.city.counters[row.counter], row.day, hall.clock())
        return ticket(hall, row)


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
        "pace": _pace(board),
        "as_of": hall.local(now),
    }


@router.post("/waiting-list", status_code=201)
async def join(body: WaitingWish, hall: Hall, key: IdempotencyKey = None) -> JSONResponse:
    """Line up for a full day."""
    who = body.model_dump(include={"name", "contact", "person", "priority", "earliest", "latest"})

    async def line_up(conn: AsyncConnection) -> dict[str, Any]:
        row = await waiting.join(conn, hall.city, body.service, _day(body.date), who, hall.clock())
        return await _waiting_place(conn, hall, row)

    return await idempotent(hall, "mpp.waiting", key, 201, line_up)


@router.get("/waiting-list/{place_id}")
async def waiting_place(place_id: str, hall: Hall) -> dict[str, Any]:
    """One place on the waiting list, with the offer if there is one."""
    async with hall.database.reading() as conn:
        return await _waiting_place(conn, hall, await waiting.find(conn, place_id))


@router.post("/waiting-list/{place_id}/accept")
async def accept(place_id: str, hall: Hall, key: IdempotencyKey = None) -> JSONResponse:
    """Take the place that is offered."""

    async def take(conn: AsyncConnection) -> Row[Any]:
        return await waiting.accept(conn, hall.city, place_id, hall.clock())

    return await _once(hall, f"mpp.accept.{place_id[:32]}", key, 200, take)


@router.post("/waiting-list/{place_id}/leave")
async def leave(place_id: str, hall: Hall) -> dict[str, Any]:
    """Ask no longer; twice is once."""
    async with hall.writing() as conn:
        row = await waiting.leave(conn, hall.city, place_id, hall.clock())
        return await _waiting_place(conn, hall, row)


@router.post("/counters/{counter_id}/walk-in", status_code=201)
async def walk_in(counter_id: str, hall: Hall, body: WalkIn | None = None) -> JSONResponse:
    """A number for someone who just came in."""
    counter = find_counter(hall, counter_id)
    async with hall.writing() as conn:
        body = body or WalkIn()
        row = await line.walk_in(conn, hall.city, counter, body.service, hall.clock(), body.priority)
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
        "priority": row.priority,
        "slot_id": row.slot_id,
        "expires_at": hall.local(row.hold_until) if row.status == "ditahan" else None,
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
    slot_id: str | None = None,
) -> JSONResponse:
    """Do the work once for its key; who comes too late for `slot_id` hears where there are places."""

    async def shown(conn: AsyncConnection) -> dict[str, Any]:
        return ticket(hall, await work(conn))

    try:
        return await idempotent(hall, scope, key, status, shown)
    except Refusal as refusal:
        if refusal.error not in ("slot_taken", "slot_closed") or slot_id is None:
            raise
        more = {"alternatives": await _alternatives(hall, slot_id)}
        raise Refusal(refusal.status, refusal.error, refusal.detail, **more) from None


async def idempotent(
    hall: CityHall,
    scope: str,
    key: str | None,
    status: int,
    work: Callable[[AsyncConnection], Awaitable[dict[str, Any]]],
) -> JSONResponse:
    """Do the work once; the same key again gets the same answer."""
    async with hall.writing() as conn:
        known = await idempotency.recall(conn, scope, idempotency.checked(key))
        if known is not None:
            return JSONResponse(known[1], known[0])
        answer = await work(conn)
        await idempotency.remember(conn, scope, idempotency.checked(key), status, answer, hall.clock())
    return JSONResponse(answer, status)


async def _alternatives(hall: CityHall, slot_id: str) -> list[dict[str, Any]]:
    slot = opening.find_slot(hall.city, slot_id)
    if slot is None:
        return []
    async with hall.database.reading() as conn:
        free = await seats.alternatives(conn, hall.city, slot, hall.clock())
    return [_free(hall, one, left) for one, left in free]


def _free(hall: CityHall, slot: Slot, left: int) -> dict[str, Any]:
    return {"id": slot.id, "counter": slot.counter, "starts_at": hall.local(slot.starts_at), "left": left}


def _pace(board: Board) -> dict[str, Any] | None:
    return board.pace.shown() if board.pace else None


async def _waiting_place(conn: AsyncConnection, hall: CityHall, row: Row[Any]) -> dict[str, Any]:
    offer = None
    if row.status == "ditawarkan":
        held = await bookings.find(conn, row.code)
        offer = {
            "slot_id": held.slot_id,
            "counter": held.counter,
            "starts_at": hall.local(held.starts_at),
            "expires_at": hall.local(held.hold_until),
        }
    return {
        "id": row.id,
        "service": row.service,
        "date": row.day.isoformat(),
        "status": row.status,
        "ahead": await waiting.ahead(conn, row),
        "offer": offer,
        "code": row.code if row.status == "diterima" else None,
    }


def _day(raw: str) -> date:
    try:
        return date.fromisoformat(raw)
    except ValueError:
        raise Refusal(400, "bad_date", "date must be a day, as in 2026-11-24") from None
