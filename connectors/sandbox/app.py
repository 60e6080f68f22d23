"""Builds the stand-in city: store, courier, faces. Nothing happens at import."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.sandbox import (
    faults,
    fktp,
    lapor,
    meja,
    mpp,
    mpp_desk,
    mpp_waiting,
    open311,
    open311_updates,
    patients,
    perizinan,
    permits,
    tidying,
)
from connectors.sandbox.city import City, load_city
from connectors.sandbox.clock import Clock, wall_clock
from connectors.sandbox.courier import Courier
from connectors.sandbox.database import Database
from connectors.sandbox.hall import CityHall
from connectors.sandbox.problems import Refusal, as_open311, as_problem
from connectors.sandbox.settings import SandboxSettings

logger = logging.getLogger(__name__)

LARGEST_BODY = 1024 * 1024
WEBHOOK_SECONDS = 10.0


def create_app(settings: SandboxSettings, city: City | None = None, clock: Clock = wall_clock) -> FastAPI:
    """The whole city as one ASGI app. `city` and `clock` are for tests.

    Raises:
        ValueError: `city.yml` contradicts itself.
    """
    the_city = city or (load_city(settings.city) if settings.city else load_city())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(settings.database)
        await database.prepare()
        async with httpx.AsyncClient(timeout=WEBHOOK_SECONDS, trust_env=False) as client:
            courier = None
            if settings.webhook_secret is None:
                logger.warning("SANDBOX_WEBHOOK_SECRET is not set: status changes are kept, not pushed")
            else:
                courier = Courier(database, client, settings.lawang_url, settings.webhook_secret)
            hall = CityHall(settings, the_city, database, clock, courier)
            async with hall.writing() as conn:
                await permits.seed(conn, the_city, clock())
                await patients.seed(conn, the_city)
            app.state.hall = hall
            tasks = [asyncio.create_task(tidying.run(hall))]
            if courier is not None:
                tasks.append(asyncio.create_task(courier.run()))
            yield
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        await database.close()

    app = FastAPI(title="Kota tiruan", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.faults = faults.FaultSwitch(faults.FaultPlan()) if settings.faults else None
    queue = (mpp, mpp_waiting, mpp_desk, fktp)
    for face in (open311, open311_updates, lapor, *queue, perizinan, faults, meja):
        app.include_router(face.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).with_name("static")))
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(DBAPIError, _busy)
    app.add_exception_handler(Exception, _broken)
    if app.state.faults is not None:
        app.add_middleware(faults.FaultLayer, switch=app.state.faults)
    app.add_middleware(BodyLimit)

    @app.get("/healthz")
    async def health() -> dict[str, Any]:
        return {"status": "ok"}

    return app


class BodyLimit:
    """Refuses bodies over one mebibyte, announced or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            await _answer(scope["path"], _too_large())(scope, receive, send)
            return
        seen = 0

        async def counting() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > LARGEST_BODY:
                raise _too_large()
            return message

        await self._app(scope, counting, send)


def _too_large() -> Refusal:
    return Refusal(413, "body_too_large", f"at most {LARGEST_BODY} bytes")


def _answer(path: str, refusal: Refusal) -> Response:
    if path.startswith("/fktp/"):
        return fktp.as_metadata(refusal)
    return as_open311(refusal, path) if path.startswith("/open311/") else as_problem(refusal)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return _answer(request.url.path, error)


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = "; ".join(
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()[:5]
    )
    return _answer(request.url.path, Refusal(400, "malformed", fields))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    word = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "bad_request")
    answer = _answer(request.url.path, Refusal(error.status_code, word, str(error.detail)))
    answer.headers.update(error.headers or {})
    return answer


async def _busy(request: Request, error: Exception) -> Response:
    """What PostgreSQL alone refuses: one of two transactions in each other's way, or a NUL in a text."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if state == "22021":
        return _answer(request.url.path, Refusal(400, "malformed", "a character that no text can hold"))
    if state not in ("40001", "40P01"):
        raise error
    return _answer(request.url.path, Refusal(503, "busy", "two requests met; nothing was done, ask again"))


async def _broken(request: Request, _error: Exception) -> Response:
    return _answer(
        request.url.path, Refusal(500, "internal_error", "the stand-in city made a mistake; see its log")
    )
