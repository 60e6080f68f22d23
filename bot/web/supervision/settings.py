"""The desk's hours and habits as forms, its canned replies, and who changed what."""

import uuid
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from bot.conversations.desk import canned, rules
from bot.conversations.desk.roles import needs
from bot.conversations.desk.rules import DAYS, Rules, Shifts
from bot.door import Door
from bot.storage import agents
from bot.vocabulary.agents import CannedReply, Role
from bot.web import screens
from bot.web.access import identity
from bot.web.access.identity import Signed
from bot.web.supervision.figures import Supervisor
from intents.calendar_days import calendar

router = APIRouter(prefix="/agent/pengaturan", route_class=screens.ScreenRoute, include_in_schema=False)
HOME = "/agent/pengaturan"
SWITCHES = ("automatic", "holidays_closed", "ask_rating")
NUMBERS = (
    "answer_seconds",
    "unanswered_minutes",
    "silent_seconds",
    "skill_patience_minutes",
    "callback_minutes",
    "bot_returns_minutes",
    "idle_hours",
)
WORDS = ("skills", "labels", "away_reasons", "approve")
# What each setting is called on its page, and in the trail of its changes.
LABELS = {
    "week": "settings.hours",
    "special": "settings.special",
    "agent_name": "settings.agent_name",
    **{name: f"settings.switch.{name}" for name in SWITCHES},
    **{name: f"settings.number.{name}" for name in NUMBERS},
    **{name: f"settings.words.{name}" for name in WORDS},
}
HOLIDAYS_SHOWN = 6


async def supervising_poster(signed: Annotated[Signed, Depends(identity.poster)]) -> Signed:
    """Dependency: a supervisor or admin who sends a form of ours. Raises NotAllowed."""
    needs(signed.agent, Role.SUPERVISOR)
    return signed


Poster = Annotated[Signed, Depends(supervising_poster)]


@router.get("")
async def show(request: Request, signed: Supervisor, tersimpan: str = "") -> Response:
    """All settings, the replies, and the newest changes."""
    door, tenant = identity.door_of(request), signed.agent.tenant
    habits = await rules.load(door, tenant)
    async with door.database.reading() as conn:
        names = {agent.id: agent.name for agent in await agents.everybody(conn, tenant)}
    return screens.render(
        request,
        "supervision/settings.html",
        signed,
        habits=habits,
        week=dict(zip(DAYS, (shown_shifts(day) for day in habits.week or ((),) * 7), strict=True)),
        special="\n".join(
            f"{day.isoformat()}: {shown_shifts(s)}" for day, s in sorted(habits.special.items())
        ),
        switches=SWITCHES,
        numbers=NUMBERS,
        limits=rules.LIMITS,
        holidays=_holidays(door, tenant),
        labels=LABELS,
        said=lambda value: rules.said(door, tenant, value),
        words=WORDS,
        replies=await canned.of(door, tenant),
        variables=canned.VARIABLES,
        changes=await rules.changes(door, tenant, 20),
        names=names,
        saved=bool(tersimpan),
    )


@router.post("/aturan")
async def change(request: Request, signed: Poster) -> Response:
    """Set what a form carries; nothing is kept when one value cannot be used."""
    door, given = identity.door_of(request), await request.form()
    wanted = {name: reader(str(given[name])) for name, reader in _READERS.items() if name in given} | {
        name: f"{name}_on" in given for name in SWITCHES if name in given
    }
    if "week" in given:
        week = {day: read_shifts(str(given.get(day, ""))) for day in DAYS}
        wanted["week"] = week if any(week.values()) else None
    rules.read(signed.agent.tenant, "UTC", wanted)
    before = await rules.load(door, signed.agent.tenant)
    for name, value in wanted.items():
        if _plain(before, name) != value:
            await rules.change(door, signed.agent, name, value)
    return RedirectResponse(f"{HOME}?tersimpan=1", 303, screens.HEADERS)


@router.post("/jawaban")
async def save_reply(request: Request, signed: Poster) -> Response:
    """Add a canned reply, or change the one named."""
    door, given = identity.door_of(request), await request.form()
    reply = CannedReply(
        str(given.get("id", "")) or uuid.uuid4().hex,
        signed.agent.tenant,
        str(given.get("pintasan", "")).strip().lower(),
        str(given.get("judul", "")).strip(),
        str(given.get("isi", "")).strip(),
        str(given.get("bidang", "")).strip() or None,
    )
    await canned.save(door, signed.agent, reply)
    return RedirectResponse(f"{HOME}?tersimpan=1#jawaban", 303, screens.HEADERS)


@router.post("/jawaban/hapus")
async def delete_reply(request: Request, signed: Poster) -> Response:
    """Remove a canned reply."""
    given = await request.form()
    await canned.delete(identity.door_of(request), signed.agent, str(given.get("id", "")))
    return RedirectResponse(f"{HOME}?tersimpan=1#jawaban", 303, screens.HEADERS)


def _holidays(door: Door, tenant: str) -> tuple[list[tuple[date, str]], date]:
    """The next days off that the calendar knows, and the last day it knows anything about."""
    known = calendar(tenant)
    today = datetime.now(ZoneInfo(door.tenants[tenant].timezone)).date()
    days = sorted((day, name) for day, name in known.days_off.items() if day >= today)
    return days[:HOLIDAYS_SHOWN], date(max(known.years), 12, 31)


def read_shifts(text: str) -> list[str]:
    """Read "08.00-12.00, 13:00–15:30" as the rules want it."""
    tidy = text.replace("–", "-").replace(".", ":").replace(";", ",")
    return ["".join(part.split()) for part in tidy.split(",") if part.strip()]


def shown_shifts(shifts: Shifts) -> str:
    """Shifts as they are written into a form."""
    return ", ".join(
        f"{begin:%H:%M}-{'24:00' if end.microsecond else f'{end:%H:%M}'}" for begin, end in shifts
    )


def _special(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in filter(str.strip, text.splitlines()):
        day, _, shifts = line.partition(":")
        found[day.strip()] = read_shifts(shifts)
    return found


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        return text


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.replace("\n", ",").split(",") if word.strip()]


_READERS: dict[str, Callable[[str], Any]] = {
    "special": _special,
    "agent_name": str,
    **dict.fromkeys(NUMBERS, _number),
    **dict.fromkeys(WORDS, _words),
}


def _plain(habits: Rules, name: str) -> Any:
    """A rule in force as a form would send it."""
    value = getattr(habits, name)
    if name == "week":
        return value and {d: read_shifts(shown_shifts(s)) for d, s in zip(DAYS, value, strict=True)}
    if name == "special":
        return {day.isoformat(): read_shifts(shown_shifts(shifts)) for day, shifts in value.items()}
    return list(value) if isinstance(value, tuple) else value
