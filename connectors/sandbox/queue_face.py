"""What the faces of the MPP queue share: request bodies, a ticket as it is shown, work done once."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Header
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import idempotency, opening, seats
from connectors.sandbox.city import Counter
from connectors.sandbox.hall import CityHall
from connectors.sandbox.line import Board
from connectors.sandbox.opening import Slot
from connectors.sandbox.problems import Refusal

IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Priority = Literal["none", "disability", "elderly", "pregnant"]


class Body(BaseModel):
    """A request body; what it has beyond is ignored."""

    model_config = ConfigDict(extra="ignore")


class Visitor(Body):
    """Who comes."""

    name: Words
    contact: Words | None = None
    priority: Priority = "none"


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


def free_place(hall: CityHall, slot: Slot, left: int) -> dict[str, Any]:
    """A slot with its free places."""
    return {"id": slot.id, "counter": slot.counter, "starts_at": hall.local(slot.starts_at), "left": left}


def pace_shown(board: Board) -> dict[str, Any] | None:
    """The measured pace of a counter; null until there is one."""
    return board.pace.shown() if board.pace else None


async def once(
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
        more = {"alternatives": await alternatives(hall, slot_id)}
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


async def alternatives(hall: CityHall, slot_id: str) -> list[dict[str, Any]]:
    """The next free places for who came too late."""
    slot = opening.find_slot(hall.city, slot_id)
    if slot is None:
        return []
    async with hall.database.reading() as conn:
        free = await seats.alternatives(conn, hall.city, slot, hall.clock())
    return [free_place(hall, one, left) for one, left in free]


def the_day(raw: str) -> date:
    """A day as it is sent, or a Refusal (400)."""
    try:
        return date.fromisoformat(raw)
    except ValueError:
        raise Refusal(400, "bad_date", "date must be a day, as in 2026-11-24") from None
