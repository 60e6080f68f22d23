"""The MPP queue over JSON, places and bookings: the stand-in's side of `mpp_queue`."""

from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import bookings, line, opening, seats, waiting
from connectors.sandbox.hall import Hall, bearer
from connectors.sandbox.problems import Refusal
from connectors.sandbox.queue_face import (
    Body,
    IdempotencyKey,
    Visitor,
    Words,
    find_counter,
    free_place,
    once,
    pace_shown,
    the_day,
    ticket,
)

router = APIRouter(prefix="/mpp/v1", dependencies=[Depends(bearer)])
WEEKDAYS = ("senin", "selasa", "rabu", "kamis", "jumat", "sabtu", "minggu")


class Wish(Body):
    """Which slot for what, and for whom: a pseudonym by which places are counted."""

    slot_id: Words
    service: Words
    person: Words | None = None


class NewBooking(Wish, Visitor):
    """A place in one step."""


class NewTime(Body):
    """The slot a booking moves to."""

    slot_id: Words


class Cancelling(Body):
    """Why a booking is given up, if the citizen says so."""

    reason: Words | None = None


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
    day = the_day(date)
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
            found += [free_place(hall, slot, left) for slot, left in free]
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

    return await once(hall, "mpp.holds", key, 201, keep, body.slot_id)


@router.post("/holds/{code}/confirm")
async def confirm(code: str, body: Visitor, hall: Hall, key: IdempotencyKey = None) -> JSONResponse:
    """Turn a hold into a booking."""

    async def settle(conn: AsyncConnection) -> Row[Any]:
        who = (body.name, body.contact, body.priority)
        return await bookings.confirm(conn, hall.city, code, *who, hall.clock())

    return await once(hall, f"mpp.confirm.{code.upper()[:12]}", key, 200, settle)


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

    return await once(hall, "mpp.bookings", key, 201, reserve, body.slot_id)


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
        return shown | {"ahead": place, "now_serving": board.now_serving, "pace": pace_shown(board)}


@router.post("/bookings/{code}/reschedule")
async def reschedule(code: str, body: NewTime, hall: Hall, key: IdempotencyKey = None) -> JSONResponse:
    """Move a booking to another slot."""

    async def move(conn: AsyncConnection) -> Row[Any]:
        before = await bookings.find(conn, code)
        row = await bookings.reschedule(conn, hall.city, code, body.slot_id, hall.clock())
        counter = hall.city.counters[before.counter]
        await waiting.offer(conn, hall.city, counter, before.day, hall.clock())
        return row

    return await once(hall, f"mpp.reschedule.{code.upper()[:12]}", key, 200, move, body.slot_id)


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
        day = the_day(date) if date else await line.board_day(conn, counter.id, opening.today(hall.city, now))
        board = await line.board(conn, counter, day)
    return {
        "counter": counter.id,
        "date": day.isoformat(),
        "now_serving": board.now_serving,
        "waiting": board.waiting,
        "pace": pace_shown(board),
        "as_of": hall.local(now),
    }
