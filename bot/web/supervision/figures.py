"""The figures of the desk, as a page, as a part that renews itself, and as CSV."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from bot.conversations.desk import rules
from bot.conversations.desk.roles import needs
from bot.door import Door
from bot.storage import deskfigures
from bot.vocabulary.agents import Role
from bot.web import screens
from bot.web.access import identity
from bot.web.access.identity import Signed
from bot.web.supervision import period
from bot.web.supervision.period import Period

router = APIRouter(prefix="/agent/pimpinan", route_class=screens.ScreenRoute, include_in_schema=False)
SHORTCUTS = (0, 6, 29)


async def supervisor(signed: Annotated[Signed, Depends(identity.visitor)]) -> Signed:
    """Dependency: a supervisor or admin. Raises NotAllowed."""
    needs(signed.agent, Role.SUPERVISOR)
    return signed


Supervisor = Annotated[Signed, Depends(supervisor)]


@router.get("")
async def show(request: Request, signed: Supervisor, dari: str = "", sampai: str = "") -> Response:
    """The page: this moment on top, a period below."""
    door, now = identity.door_of(request), datetime.now(UTC)
    zone = _zone(door, signed)
    days = period.read(dari, sampai, zone, now)
    tenant = signed.agent.tenant
    habits = await rules.load(door, tenant)
    async with door.database.reading() as conn:
        live = await deskfigures.live(conn, tenant, now)
        level = await deskfigures.service_level(conn, tenant, days.since, days.until, habits.answer_seconds)
        people = await deskfigures.per_agent(conn, tenant, days.since, days.until)
        alone = await deskfigures.containment(conn, tenant, days.since, days.until, now)
        content = await deskfigures.satisfaction(conn, tenant, days.since, days.until)
    today = now.astimezone(zone).date()
    return screens.render(
        request,
        "supervision/figures.html",
        signed,
        days=days,
        shortcuts=[(back, today - timedelta(days=back), today) for back in SHORTCUTS],
        live=live,
        level=level,
        people=people,
        alone=alone,
        content=content,
        habits=habits,
        now=now,
        percent=percent,
        span=span,
    )


@router.get("/saat-ini")
async def show_live(request: Request, signed: Supervisor) -> Response:
    """This moment alone, for the page to renew."""
    door, now = identity.door_of(request), datetime.now(UTC)
    async with door.database.reading() as conn:
        live = await deskfigures.live(conn, signed.agent.tenant, now)
    return screens.render(request, "supervision/live.html", signed, live=live, now=now, span=span)


@router.get("/permintaan.csv")
async def export(request: Request, signed: Supervisor, dari: str = "", sampai: str = "") -> Response:
    """Every request of a period, a line each, as spreadsheets in Indonesia open it."""
    door = identity.door_of(request)
    days = period.read(dari, sampai, _zone(door, signed), datetime.now(UTC))
    name = f"permintaan-{days.first}-{days.last}.csv"
    headers = {**screens.HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(
        _lines(door, signed.agent.tenant, days), media_type="text/csv; charset=utf-8", headers=headers
    )


async def _lines(door: Door, tenant: str, days: Period) -> AsyncIterator[str]:
    # The mark tells spreadsheets that this is UTF-8; the semicolon is what they expect where 1,5 is a number.
    yield "\ufeff"
    async with door.database.reading() as conn:
        async for row in deskfigures.csv_rows(conn, tenant, days.since, days.until):
            line = io.StringIO()
            csv.writer(line, delimiter=";", lineterminator="\r\n").writerow(row)
            yield line.getvalue()


def percent(share: float | None) -> str:
    """A share as people read it; an unknown one is a dash."""
    return "–" if share is None else f"{100 * share:.0f}%"


def span(seconds: float | None) -> str:
    """Seconds as 45 dtk, 3 mnt or 2 j 10 mnt; unknown ones are a dash."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.0f} dtk"
    minutes = round(seconds / 60)
    return f"{minutes} mnt" if minutes < 60 else f"{minutes // 60} j {minutes % 60} mnt"


def _zone(door: Door, signed: Signed) -> ZoneInfo:
    return ZoneInfo(door.tenants[signed.agent.tenant].timezone)
