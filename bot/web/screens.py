"""Pages of the consoles: one look, one policy, words from data/texts, times in the zone of the tenant."""

from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bot import metrics
from bot.conversations.desk.errors import AlreadyTaken, DeskError, Ended, NotAllowed, NotYours, Unusable
from bot.door import Door
from bot.texts import TextMissing, clock, long_date
from bot.web.access import identity
from bot.web.access.identity import Forged, Signed, SignInFirst

SIGN_IN = "/agent/masuk"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=(), payment=(), usb=()",
}
STATUS: Mapping[type[DeskError], int] = {
    AlreadyTaken: 409,
    Ended: 409,
    NotYours: 409,
    NotAllowed: 403,
    Unusable: 422,
}


def render(
    request: Request, template: str, signed: Signed | None = None, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """A page, or a part of one, for this person in their tenant's words and zone."""
    door = identity.door_of(request)
    tenant_id = signed.agent.tenant if signed else door.settings.tenant
    return HTMLResponse(draw(door, tenant_id, template, signed, **values), status, HEADERS)


def draw(door: Door, tenant_id: str, template: str, signed: Signed | None = None, **values: Any) -> Markup:
    """The words of a template; without a person what is the same for everybody of a tenant."""
    tenant = door.tenants[tenant_id]
    zone = ZoneInfo(tenant.timezone)

    def text(key: str, **given: Any) -> str:
        return door.texts.render(f"console.{key}", tenant.id, given)

    def local(moment: datetime) -> datetime:
        return moment.astimezone(zone)

    return Markup(  # noqa: S704 (the environment has escaped what is not ours)
        _templates()
        .get_template(template)
        .render(
            t=text,
            has=lambda key: door.texts.has(f"console.{key}"),
            local=local,
            clock=lambda moment: clock(local(moment).time()),
            day=lambda moment: long_date(local(moment).date()),
            date=long_date,
            tenant=tenant,
            signed=signed,
            csrf=signed.csrf if signed else "",
            door=door,
            **values,
        )
    )


class ScreenRoute(APIRoute):
    """A route of a console: refusals become sentences, missing sessions lead to the sign-in page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except SignInFirst:
                return _to_sign_in(request)
            except Forged:
                return refuse(request, 403, "console.error.forged")
            except DeskError as error:
                return refuse(request, STATUS.get(type(error), 409), error.text_key, error.values)
            except TextMissing:
                # A sentence that we forgot to write is no page that is not there.
                raise
            except LookupError:
                return refuse(request, 404, "console.error.not_found")

        return handle


def by_script(request: Request) -> bool:
    """True when a script of ours asks for a part of a page."""
    return "hx-request" in request.headers or request.headers.get("x-requested-by") == "lawang"


def refuse(request: Request, status: int, text_key: str, values: Mapping[str, Any] | None = None) -> Response:
    """Say no in a sentence: alone for a script, on a page of its own otherwise."""
    door = identity.door_of(request)
    metrics.BAD_INPUT.labels("console", text_key.rpartition(".")[2]).inc()
    sentence = door.texts.render(text_key, door.settings.tenant, values)
    return render(
        request,
        "agent/refusal_part.html" if by_script(request) else "agent/refusal.html",
        status=status,
        sentence=sentence,
    )


def _to_sign_in(request: Request) -> Response:
    if by_script(request):
        return HTMLResponse("", 401, {**HEADERS, "HX-Redirect": SIGN_IN})
    back = request.url.path if request.method == "GET" else "/agent"
    return RedirectResponse(f"{SIGN_IN}?lanjut={quote(back)}", 303, HEADERS)


@cache
def _templates() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
