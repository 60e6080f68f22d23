"""The waiting list of the MPP queue over JSON."""

from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import bookings, waiting
from connectors.sandbox.hall import CityHall, Hall, bearer
from connectors.sandbox.queue_face import IdempotencyKey, TimeOfDay, Visitor, Words, idempotent, once, the_day

router = APIRouter(prefix="/mpp/v1", dependencies=[Depends(bearer)])


class WaitingWish(Visitor):
    """A full day somebody would come on, between two times of day if they say so."""

    service: Words
    date: Words
    person: Words | None = None
    earliest: TimeOfDay | None = None
    latest: TimeOfDay | None = None


@router.post("/waiting-list", status_code=201)
async def join(body: WaitingWish, hall: Hall, key: IdempotencyKey = None) -> JSONResponse:
    """Line up for a full day."""
    who = body.model_dump(include={"name", "contact", "person", "priority", "earliest", "latest"})

    async def line_up(conn: AsyncConnection) -> dict[str, Any]:
        row = await waiting.join(conn, hall.city, body.service, the_day(body.date), who, hall.clock())
        return await shown(conn, hall, row)

    return await idempotent(hall, "mpp.waiting", key, 201, line_up)


@router.get("/waiting-list/{place_id}")
async def waiting_place(place_id: str, hall: Hall) -> dict[str, Any]:
    """One place on the waiting list, with the offer if there is one."""
    async with hall.database.reading() as conn:
        return await shown(conn, hall, await waiting.find(conn, place_id))


@router.post("/waiting-list/{place_id}/accept")
async def accept(place_id: str, hall: Hall, key: IdempotencyKey = None) -> JSONResponse:
    """Take the place that is offered."""

    async def take(conn: AsyncConnection) -> Row[Any]:
        return await waiting.accept(conn, hall.city, place_id, hall.clock())

    return await once(hall, f"mpp.accept.{place_id[:32]}", key, 200, take)


@router.post("/waiting-list/{place_id}/leave")
async def leave(place_id: str, hall: Hall) -> dict[str, Any]:
    """Ask no longer; twice is once."""
    async with hall.writing() as conn:
        row = await waiting.leave(conn, hall.city, place_id, hall.clock())
        return await shown(conn, hall, row)


async def shown(conn: AsyncConnection, hall: CityHall, row: Row[Any]) -> dict[str, Any]:
    """A place on the list as the contract shows it."""
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
