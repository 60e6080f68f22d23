"""The audit trail as a page and as CSV: who signed in, looked at whose words, and changed what."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from bot.door import Door
from bot.storage import agents, audit
from bot.storage.audit import Act, Entry, Wanted
from bot.storage.deskfigures import cell
from bot.web import screens
from bot.web.access import entrance, identity
from bot.web.access.identity import Signed
from bot.web.supervision import period
from bot.web.supervision.figures import Supervisor
from bot.web.supervision.period import Period
from bot.web.supervision.settings import LABELS

router = APIRouter(prefix="/agent/pengaturan/jejak", route_class=screens.ScreenRoute, include_in_schema=False)
PAGE = 50
CSV_PAGE = 500
USUAL = timedelta(days=29)
HEADING = ("waktu", "oleh", "kejadian", "mengenai", "rincian", "percakapan", "alamat")


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody looks for."""

    days: Period
    wanted: Wanted
    names: dict[str, str]


@router.get("")
async def show(request: Request, signed: Supervisor, sebelum: str = "") -> Response:
    """The newest lines that fit, a page of them."""
    door = identity.door_of(request)
    asked = await _question(request, signed)
    before = int(sebelum) if sebelum.isascii() and sebelum.isdigit() and len(sebelum) < 19 else None
    async with door.database.reading() as conn:
        found = await audit.newest(conn, signed.agent.tenant, asked.wanted, before=before, limit=PAGE + 1)
    filters = {
        "orang": asked.wanted.agent_id or "",
        "jenis": asked.wanted.act or "",
        "dari": asked.days.first.isoformat(),
        "sampai": asked.days.last.isoformat(),
    }
    return screens.render(
        request,
        "supervision/trail.html",
        signed,
        entries=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        acts=list(Act),
        asked=asked,
        filters=filters,
        about=lambda entry: about(door, signed.agent.tenant, entry),
        today=datetime.now(_zone(door, signed)).date(),
    )


@router.get(".csv")
async def export(request: Request, signed: Supervisor) -> Response:
    """All lines that fit, for a spreadsheet; that somebody took them along is written down too."""
    door = identity.door_of(request)
    asked = await _question(request, signed)
    await entrance.note(request, signed, Act.TRAIL_EXPORTED, detail=f"{asked.days.first} – {asked.days.last}")
    name = f"jejak-audit-{asked.days.first}-{asked.days.last}.csv"
    headers = {**screens.HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(
        _lines(door, signed, asked), media_type="text/csv; charset=utf-8", headers=headers
    )


async def _question(request: Request, signed: Signed) -> Question:
    """What the address asks for; what cannot be is not asked."""
    door, given = identity.door_of(request), request.query_params
    zone, now = _zone(door, signed), datetime.now(UTC)
    month_ago = (now.astimezone(zone).date() - USUAL).isoformat()
    days = period.read(given.get("dari") or month_ago, given.get("sampai", ""), zone, now)
    async with door.database.reading() as conn:
        names = {one.id: one.name for one in await agents.everybody(conn, signed.agent.tenant)}
    who, act = given.get("orang", ""), given.get("jenis", "")
    wanted = Wanted(
        agent_id=who if who in names else None,
        act=Act(act) if act in set(Act) else None,
        since=days.since,
        until=days.until,
    )
    return Question(days, wanted, names)


def about(door: Door, tenant: str, entry: Entry) -> tuple[str, str]:
    """What a line is about, and what more is known of it, in words of the page."""
    subject, detail = entry.subject or "", entry.detail or ""

    def said(key: str, otherwise: str, **values: str) -> str:
        name = f"console.{key}"
        return door.texts.render(name, tenant, values) if door.texts.has(name) else otherwise

    if entry.act is Act.SETTING_CHANGED:
        subject = said(LABELS.get(subject, ""), subject)
    elif entry.act is Act.SEARCHED:
        subject = said("trail.letters", subject, count=subject.partition(" ")[0])
    elif entry.conversation_id is not None:
        subject = said("trail.conversation", subject)
    if entry.act in (Act.SIGNED_IN, Act.SIGN_IN_REFUSED):
        detail = said(f"trail.how.{detail}", detail) if detail else ""
    return subject, detail


async def _lines(door: Door, signed: Signed, asked: Question) -> AsyncIterator[str]:
    # As the figures' CSV: marked as UTF-8, and with the semicolon that spreadsheets here expect.
    yield "\ufeff" + _line(HEADING)
    zone, before = _zone(door, signed), None
    async with door.database.reading() as conn:
        while True:
            found = await audit.newest(conn, signed.agent.tenant, asked.wanted, before=before, limit=CSV_PAGE)
            for entry in found:
                yield _line(_cells(door, signed, asked, entry, zone))
            if len(found) < CSV_PAGE:
                return
            before = found[-1].id


def _cells(door: Door, signed: Signed, asked: Question, entry: Entry, zone: ZoneInfo) -> tuple[str, ...]:
    kind = door.texts.render(f"console.trail.act.{entry.act}", signed.agent.tenant, {})
    return (
        entry.at.astimezone(zone).isoformat(timespec="seconds"),
        asked.names.get(entry.agent_id or "", ""),
        kind,
        *about(door, signed.agent.tenant, entry),
        entry.conversation_id or "",
        entry.address or "",
    )


def _line(values: tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=";", lineterminator="\r\n").writerow([cell(value) for value in values])
    return line.getvalue()


def _zone(door: Door, signed: Signed) -> ZoneInfo:
    return ZoneInfo(door.tenants[signed.agent.tenant].timezone)
