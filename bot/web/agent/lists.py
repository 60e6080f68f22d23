"""The lists of conversations, their filters, and the search."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from bot.storage import inbox
from bot.storage.audit import Act
from bot.web import screens
from bot.web.access import identity
from bot.web.access.identity import Signed
from bot.web.agent import frame
from bot.web.agent.frame import Visitor
from bot.web.agent.words import Words

router = APIRouter(prefix="/agent", route_class=screens.ScreenRoute, include_in_schema=False)
PAGE = 40


@router.get("")
@router.get("/")
async def home(signed: Visitor) -> Response:
    """The list an agent begins with."""
    return RedirectResponse("/agent/kotak/baru", 303, screens.HEADERS)


@router.get("/kotak/{slug}")
async def box(request: Request, signed: Visitor, slug: str, sesudah: str = "") -> Response:
    """A list: the whole page, or its rows for a script."""
    if screens.by_script(request) and "hx-history-restore-request" not in request.headers:
        return await rows(request, signed, slug, sesudah)
    return await page(request, signed, slug)


async def rows(request: Request, signed: Signed, slug: str, after: str = "") -> Response:
    """The rows of a list, with the counts of all of them."""
    shell = await frame.frame(request, signed, slug)
    found = await read(request, signed, shell, after)
    return screens.render(
        request,
        "agent/rows.html",
        signed,
        frame=shell,
        page=found,
        words=Words(request, signed),
        more=bool(after),
    )


async def page(request: Request, signed: Signed, slug: str, query: str = "", **case: Any) -> Response:
    """The whole console: a list, and a conversation where one is open."""
    shell = await frame.frame(request, signed, slug, query)
    hits = await find(request, signed, query) if query else None
    return screens.render(
        request,
        "agent/desk.html",
        signed,
        frame=shell,
        page=None if query else await read(request, signed, shell, ""),
        hits=hits,
        words=Words(request, signed),
        places=[place for place in frame.PLACES if signed.may(place[2])],
        more=False,
        **{"talk": None, **case},
    )


async def read(request: Request, signed: Signed, shell: frame.Frame, after: str) -> inbox.Page:
    """One page of a list."""
    door = identity.door_of(request)
    async with door.database.reading() as conn:
        return await inbox.page(
            conn,
            signed.agent.tenant,
            shell.box,
            agent_id=signed.agent.id,
            filters=frame.filters(shell.filters),
            cursor=after or None,
            limit=PAGE,
        )


@router.get("/cari")
async def search(request: Request, signed: Visitor, q: str = "", sebelum: str = "") -> Response:
    """Messages that hold the words; who searched is written down, what for is not."""
    query = q.strip()[:200]
    if query:
        await frame.looked(request, signed, Act.SEARCHED, None, f"{len(query)} letters")
    if screens.by_script(request) and "hx-history-restore-request" not in request.headers:
        hits = await find(request, signed, query, sebelum) if query else []
        words = Words(request, signed)
        return screens.render(
            request, "agent/hits.html", signed, hits=hits, query=query, words=words, more=bool(sebelum)
        )
    if not query:
        return RedirectResponse("/agent/kotak/baru", 303, screens.HEADERS)
    return await page(request, signed, "riwayat", query)


async def find(request: Request, signed: Signed, query: str, before: str = "") -> list[inbox.Hit]:
    """What a search finds."""
    door = identity.door_of(request)
    seen = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    async with door.database.reading() as conn:
        return await inbox.search(conn, signed.agent.tenant, query, before=seen, limit=PAGE)
