"""The lists of conversations, their filters, and the search."""

import asyncio
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from bot.door import Door
from bot.storage import botdrafts, inbox
from bot.storage.audit import Act
from bot.storage.inbox import Box, Filters
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
    """The rows of a list, with the counts of all of them.

    All open consoles ask for them at once, after every event. Who looks at the same list is shown the same
    drawing of it, never one that was begun before they asked.
    """
    frame.known(slug)
    door, asked = identity.door_of(request), _asked(request, signed, slug, after)
    tabs, drawn = await asyncio.gather(
        frame.tabs(request, signed, slug), door.reads.ask(_drawn, door, signed.agent.tenant, asked)
    )
    more = bool(after) and slug != frame.APPROVALS
    return screens.render(request, "agent/listed.html", signed, frame=tabs, drawn=drawn, more=more)


@dataclass(frozen=True, slots=True)
class Asked:
    """One page of a list, and all that decides what is in it besides the tenant.

    `agent_id` is None where the list is the same for all agents.
    """

    slug: str
    agent_id: str | None
    filters: Filters
    after: str | None


def _asked(request: Request, signed: Signed, slug: str, after: str) -> Asked:
    mine = frame.BOXES.get(slug) is Box.MINE
    filters = frame.filters(frame.given_filters(request))
    return Asked(slug, signed.agent.id if mine else None, filters, after or None)


async def _drawn(door: Door, tenant: str, asked: Asked) -> Markup:
    """The rows as any agent of a tenant sees them who asks for the same: nothing in them is a person's."""
    listed = await _listed(door, tenant, asked)
    words = Words(door, tenant)
    more = asked.after is not None
    return screens.draw(door, tenant, "agent/rows.html", frame=asked, **listed, words=words, more=more)


async def page(request: Request, signed: Signed, slug: str, query: str = "", **case: Any) -> Response:
    """The whole console: a list, and a conversation where one is open."""
    shell = await frame.frame(request, signed, slug, query)
    hits = await find(request, signed, query) if query else None
    asked = _asked(request, signed, slug, "")
    door, tenant = identity.door_of(request), signed.agent.tenant
    listed = {"page": None, "held": None} if query else await _listed(door, tenant, asked)
    return screens.render(
        request,
        "agent/desk.html",
        signed,
        frame=shell,
        **listed,
        hits=None if hits is None else hits.hits,
        older=None if hits is None else hits.older,
        words=Words.of(request, signed),
        places=[place for place in frame.PLACES if signed.may(place[2])],
        more=False,
        query=query,
        languages=CODES,
        **{"talk": None, **case},
    )


async def _listed(door: Door, tenant: str, asked: Asked) -> dict[str, Any]:
    """The rows of a list of requests, or the drafts that wait for a look."""
    async with door.database.reading() as conn:
        if asked.slug == frame.APPROVALS:
            return {"page": None, "held": await botdrafts.waiting(conn, tenant)}
        page = await inbox.page(
            conn,
            tenant,
            frame.BOXES[asked.slug],
            agent_id=asked.agent_id,
            filters=asked.filters,
            cursor=asked.after,
            limit=PAGE,
        )
        return {"page": page, "held": None}


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
            words=Words.of(request, signed),
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
