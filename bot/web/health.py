"""What machines ask: alive, ready to answer, and the counts."""

import asyncio

import httpx
import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from bot import metrics
from bot.door import Door
from bot.storage import holders

PATIENCE_SECONDS = 2

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def alive() -> Response:
    """The process runs."""
    return Response("ok", media_type="text/plain")


@router.get("/readyz")
async def ready(request: Request) -> Response:
    """200 once a message would be answered; otherwise 503 with what is missing."""
    door: Door = request.app.state.door
    checks = {
        "database": await _database(door),
        "rasa": await door.engine.ready(),
        "actions": await _actions(door),
        "worker": await _worker(door),
    }
    return JSONResponse(checks, 200 if all(checks.values()) else 503)


@router.get("/metrics")
async def counts() -> Response:
    """The counts, in Prometheus' text format."""
    return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")


async def _database(door: Door) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), door.database.reading() as conn:
            await conn.execute(sa.text("SELECT 1 FROM conversations LIMIT 1"))
    except Exception:
        # A database that is away speaks with its driver's own errors.
        return False
    return True


async def _actions(door: Door) -> bool:
    try:
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS, trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{door.settings.actions_port}/health")
    except httpx.HTTPError:
        return False
    return answer.status_code == 200


async def _worker(door: Door) -> bool:
    """A worker of this machine holds a slot, or one of another machine reported through Redis."""
    return holders.any_held(door.settings.var / "run") or await door.keyvalue.get("worker") is not None
