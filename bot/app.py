"""The front door's ASGI app: the one place that wires its faces together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from bot import __version__, metrics
from bot.conversations.intake import Intake
from bot.door import Door, open_door
from bot.settings import Settings
from bot.storage.database import upgrade_async
from bot.vocabulary.messages import ChannelName
from bot.web import agent, backends, files, flows, health, helpdesk, webchat, webhooks
from bot.web.access import account, citypages, development, enrolment
from bot.web.access import pages as access_pages
from bot.web.refusals import refusal
from bot.web.supervision import broadcasts as broadcast_pages
from bot.web.supervision import figures, people, trail
from bot.web.supervision import settings as desk_settings


def create_app(settings: Settings, door: Door | None = None) -> FastAPI:
    """Build the app; with a `door` given (tests) it is used as it is and stays open."""

    intake = Intake()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if door is not None:
            app.state.door = door
            async with intake.working(door):
                yield
            return
        await upgrade_async(settings.database_url)
        async with open_door(settings) as opened:
            app.state.door = opened
            await development.prepare(opened)
            if settings.telegram_token and settings.telegram_mode == "webhook":
                await opened.channels[ChannelName.TELEGRAM].register_webhook(settings)  # type: ignore[attr-defined]
            async with intake.working(opened):
                yield

    app = FastAPI(
        title="Lawang",
        version=__version__,
        description="The chat front door of a city. This page is for vendors of city systems.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.intake = intake
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(Exception, _broken)
    consoles = (
        access_pages,
        account,
        enrolment,
        citypages,
        agent,
        figures,
        people,
        trail,
        broadcast_pages,
        desk_settings,
    )
    for face in (webhooks, flows, backends, files, health, helpdesk, webchat, *consoles):
        app.include_router(face.router)
    app.add_middleware(SafeHeaders)
    return app


async def _refused(_request: Request, error: Exception) -> Response:
    """No such address, or no such method there: refused as everything else is."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = {404: "no_such_address", 405: "method_not_allowed"}.get(status, f"http_{status}")
    answer = refusal(status, code, str(getattr(error, "detail", "")))
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


async def _malformed(_request: Request, error: Exception) -> Response:
    return refusal(422, "malformed", "The request does not have the shape that /openapi.json describes.")


async def _broken(_request: Request, error: Exception) -> Response:
    """What nobody foresaw: the log has the traceback, the caller may try again."""
    metrics.BAD_INPUT.labels("web", type(error).__name__).inc()
    return refusal(500, "internal_error", "This went wrong on our side and was recorded. Try again later.")


class SafeHeaders:
    """Headers that every answer carries unless its face sets stricter ones."""

    HEADERS = (
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
    )

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add what is missing to the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def add(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))  # type: ignore[call-overload]
                present = {name.lower() for name, _ in headers}
                headers += [item for item in self.HEADERS if item[0] not in present]
                message["headers"] = headers
            await send(message)  # type: ignore[arg-type]

        await self._app(scope, receive, add)  # type: ignore[arg-type]
