"""The lists of conversations, their filters, and the search."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from bot.storage import botdrafts, inbox
from bot.storage.audit import Act
from bot.web import screens
from bot.web.access import identity
from bot.web.access.identity import Signed
from bot.web.agent import frame
from bot.web.agent.frame import Visitor
from bot.web.agent.words import Words
from intents.language import CODES

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
    return screens.render(
        request,
        "agent/rows.html",
        signed,
        frame=shell,
        **await _listed(request, signed, shell, after),
        words=Words(request, signed),
        more=bool(after),
    )


async def page(request: Request, signed: Signed, slug: str, query: str = "", **case: Any) -> Response:
    """The whole console: a list, and a conversation where one is open."""
    shell = await frame.frame(request, signed, slug, query)
    hits = await find(request, signed, query) if query else None
    listed = {"page": None, "held": None} if query else await _listed(request, signed, shell, "")
    return screens.render(
        request,
        "agent/desk.html",
        signed,
        frame=shell,
        **listed,
        hits=None if hits is None else hits.hits,
        older=None if hits is None else hits.older,
        words=Words(request, signed),
        places=[place for place in frame.PLACES if signed.may(place[2])],
        more=False,
        query=query,
        languages=CODES,
        **{"talk": None, **case},
    )


async def _listed(request: Request, signed: Signed, shell: frame.Frame, after: str) -> dict[str, Any]:
    """The rows of a list of requests, or the drafts that wait for a look."""
    if shell.slug != frame.APPROVALS:
        return {"page": await read(request, signed, shell, after), "held": None}
    async with identity.door_of(request).database.reading() as conn:
        return {"page": None, "held": await botdrafts.waiting(conn, signed.agent.tenant)}


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
        found = await find(request, signed, query, sebelum) if query else Found([], None)
        return screens.render(
            request,
            "agent/hits.html",
            signed,
            hits=found.hits,
            older=found.older,
            query=query,
            words=Words(request, signed),
            more=bool(sebelum),
        )
    if not query:
        return RedirectResponse("/agent/kotak/baru", 303, screens.HEADERS)
    return await page(request, signed, "riwayat", query)


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what a search found; the next one, if there is one, begins before the id `older`."""

    hits: list[inbox.Hit]
    older: int | None


async def find(request: Request, signed: Signed, query: str, before: str = "") -> Found:
    """What a search finds, newest first."""
    door = identity.door_of(request)
    seen = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    async with door.database.reading() as conn:
        hits = await inbox.search(conn, signed.agent.tenant, query, before=seen, limit=PAGE + 1)
    shown = hits[:PAGE]
    return Found(shown, shown[-1].message_id if len(hits) > PAGE else None)
