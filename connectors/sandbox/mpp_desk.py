"""What the counters of the MPP do themselves, over JSON: no part of the contract, but of a real queue."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import StringConstraints

from connectors.sandbox import line, opening
from connectors.sandbox.hall import Hall, bearer
from connectors.sandbox.queue_face import Body, Priority, Words, find_counter, the_day, ticket

router = APIRouter(prefix="/mpp/v1", dependencies=[Depends(bearer)])


class WalkIn(Body):
    """What a visitor without a booking comes for."""

    service: Words | None = None
    priority: Priority = "none"


class Calling(Body):
    """Which clerk calls, and for which day when not the desk's current one."""

    clerk: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)] = "1"
    date: str | None = None


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
    day = the_day(body.date) if body.date else None
    async with hall.writing() as conn:
        row = await line.call_next(conn, hall.city, counter, body.clerk, day, hall.clock())
        board = await line.board(
            conn, counter, row.day if row is not None else opening.today(hall.city, hall.clock())
        )
    return {"called": None if row is None else ticket(hall, row), "waiting": board.waiting}
