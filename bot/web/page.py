"""The web chat's page and what a browser loads for it: styles, scripts, icons, the widget and its demo."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from bot.door import Door
from bot.web.problems import Problem, ProblemRoute
from intents.catalog import Tenant

HERE = Path(__file__).parent
STARTERS = (
    ("webchat.starter.street_light", "megaphone"),
    ("webchat.starter.lost_card", "search"),
    ("webchat.starter.queue", "ticket"),
)
# Placeholders that the page fills in itself.
LATER = {name: f"{{{name}}}" for name in ("count",)}

router = APIRouter(route_class=ProblemRoute, include_in_schema=False)
_files = StaticFiles(directory=HERE / "static")


@router.get("/")
async def chat(request: Request, sematan: str = "", tenant: str = "") -> Response:
    """The chat page; `?sematan=1` is the one inside the widget, `?tenant=` another government here."""
    door: Door = request.app.state.door
    government = _government(door, tenant)
    embedded = sematan == "1"
    words = {
        key.removeprefix("webchat."): door.texts.render(key, government.id, LATER)
        for key in _page_words(tuple(door.texts.keys()))
    }
    page = {"tenant": government.id, "timezone": government.timezone, "embedded": embedded, "words": words}
    html = _render(
        door,
        "chat.html",
        government,
        page=page,
        embedded=embedded,
        emergency=_emergency(government.facts),
        starters=STARTERS,
    )
    return Response(html, media_type="text/html", headers=_page_headers(door))


@router.get("/widget.js")
async def widget(request: Request, tenant: str = "") -> Response:
    """The script another site includes: a button in its corner that opens the chat in a frame."""
    door: Door = request.app.state.door
    script = _render(door, "widget.js", _government(door, tenant))
    headers = {**_FILE_HEADERS, "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(script, media_type="text/javascript", headers=headers)


@router.get("/contoh-sematan")
async def demo(request: Request) -> Response:
    """A page with the widget on it, in development only."""
    door: Door = request.app.state.door
    if door.settings.production:
        raise Problem(404, "webchat.error.no_file")
    html = _render(door, "demo.html", _government(door, ""), address=door.settings.public_url)
    policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; frame-src 'self'"
    headers = {**_FILE_HEADERS, "Content-Security-Policy": policy}
    return Response(html, media_type="text/html", headers=headers)


@router.get("/manifest.webmanifest")
async def manifest(request: Request) -> Response:
    """What a phone needs to keep the chat on its home screen."""
    door: Door = request.app.state.door
    text = _render(door, "manifest.webmanifest", _government(door, ""))
    return Response(text, media_type="application/manifest+json", headers=_FILE_HEADERS)


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    """The icon browsers ask for unasked."""
    return await file(request, "webchat/favicon.ico")


@router.get("/static/{path:path}")
async def file(request: Request, path: str) -> Response:
    """A style, script or picture of ours."""
    try:
        response = await _files.get_response(path, request.scope)
    except HTTPException:
        raise Problem(404, "webchat.error.no_file") from None
    response.headers.update(_FILE_HEADERS)
    return response


_FILE_HEADERS = {
    # Asked again every time, answered 304: a new release never meets an old script.
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


def _page_headers(door: Door) -> dict[str, str]:
    embedders = " ".join(("'self'", *door.settings.embed_origins))
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        f"frame-ancestors {embedders}",
        "require-trusted-types-for 'script'",
    )
    return {
        **_FILE_HEADERS,
        "Content-Security-Policy": "; ".join(policy),
        "Permissions-Policy": "geolocation=(self), camera=(self), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def _government(door: Door, tenant: str) -> Tenant:
    found: Tenant | None = door.tenants.get(tenant or door.settings.tenant)
    if found is None:
        raise Problem(404, "webchat.error.tenant", {"tenant": tenant[:64]})
    return found


def _emergency(facts: Mapping[str, Any]) -> list[dict[str, str]]:
    """The tenant's verified emergency numbers for the page: the general one first, then the medical one."""
    lines: list[dict[str, str]] = []
    for kind in ("general", "medical"):
        line = facts.get("emergency", {}).get(kind)
        if line and line.get("verified") and line["number"] not in {item["number"] for item in lines}:
            lines.append({"number": str(line["number"]), "label": str(line["label"])})
    return lines


def _render(door: Door, template: str, government: Tenant, **values: Any) -> str:
    def text(key: str, given: Mapping[str, Any] | None = None) -> str:
        return door.texts.render(key, government.id, given)

    return _templates().get_template(template).render(t=text, tenant=government, **values)


@cache
def _page_words(keys: tuple[str, ...]) -> tuple[str, ...]:
    """The keys whose sentences the scripts show."""
    groups = ("composer", "log", "tick", "retry", "discard", "state", "place")
    return tuple(key for key in keys if key.startswith("webchat.") and key.split(".")[1] in groups)


@cache
def _templates() -> Environment:
    loader = FileSystemLoader(HERE / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
