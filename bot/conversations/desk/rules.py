"""How a tenant's desk works: what supervisors set, above what its tenant file says, above the usual."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Any

from bot.conversations.desk import errors, events
from bot.conversations.desk.roles import needs
from bot.door import Door
from bot.storage import audit, consoleevents, desksettings
from bot.storage.audit import Act
from bot.vocabulary.agents import Agent, EventKind, Role

log = logging.getLogger(__name__)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Shifts = tuple[tuple[time, time], ...]

# From and to of every number, in its own unit (seconds, minutes, hours: its name says which).
LIMITS: Mapping[str, tuple[int, int]] = {
    "silent_seconds": (30, 3600),
    "unanswered_minutes": (1, 1440),
    "idle_hours": (1, 336),
    "bot_returns_minutes": (5, 10_080),
    "skill_patience_minutes": (0, 1440),
    "callback_minutes": (15, 480),
    "answer_seconds": (10, 3600),
}
_SHIFT = re.compile(r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)")


@dataclass(frozen=True, slots=True)
class Rules:
    """One tenant's desk.

    `week` holds the shifts of each day, Monday first, in the tenant's time; a break is the gap between two.
    None means the hours are unknown: nothing is promised about them. `special` overrides a day (no shifts:
    closed). `approve` names the services whose answers a person sees first, "*" for all.
    """

    tenant: str
    timezone: str
    week: tuple[Shifts, ...] | None = None
    special: Mapping[date, Shifts] = field(default_factory=dict)
    holidays_closed: bool = True
    automatic: bool = True
    agent_name: str = "first"
    silent_seconds: int = 90
    unanswered_minutes: int = 15
    idle_hours: int = 24
    bot_returns_minutes: int = 120
    skill_patience_minutes: int = 5
    callback_minutes: int = 60
    answer_seconds: int = 120
    ask_rating: bool = True
    approve: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    away_reasons: tuple[str, ...] = ("istirahat", "salat", "rapat", "urusan lain")


def read(tenant: str, timezone: str, values: Mapping[str, Any]) -> Rules:
    """Rules from plain values, each checked. Raises Unusable naming the setting that cannot be used."""
    rules = Rules(tenant, timezone)
    for name, value in values.items():
        reader = _READERS.get(name)
        if reader is None:
            raise errors.Unusable("setting_unknown", name=name)
        try:
            rules = replace(rules, **{name: reader(value)})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise errors.Unusable("setting_unusable", name=name, reason=str(error)) from error
    return rules


async def load(door: Door, tenant: str) -> Rules:
    """The rules in force."""
    async with door.database.reading() as conn:
        changed = await desksettings.of(conn, tenant)
    return in_force(door, tenant, changed)


def in_force(door: Door, tenant: str, changed: Mapping[str, Any]) -> Rules:
    """What was set above what the tenant file says under `call_center.desk`."""
    known = door.tenants.get(tenant)
    facts = {} if known is None else known.facts.get("call_center") or {}
    zone = "Asia/Jakarta" if known is None else known.timezone
    try:
        return read(tenant, zone, {**(facts.get("desk") or {}), **changed})
    except errors.Unusable:
        return _usable(tenant, zone, {**(facts.get("desk") or {}), **changed})


def _usable(tenant: str, timezone: str, values: Mapping[str, Any]) -> Rules:
    """What can be used of rules that another version wrote: one that cannot must not close the desk."""
    good = {}
    for name, value in values.items():
        try:
            read(tenant, timezone, {name: value})
        except errors.Unusable as error:
            log.error("rule %s of %s is left out: %s", name, tenant, error)
        else:
            good[name] = value
    return read(tenant, timezone, good)


async def change(door: Door, agent: Agent, name: str, value: Any) -> None:
    """Set one rule of the agent's tenant; who, when, from and to are kept.

    Raises:
        NotAllowed: only supervisors and admins set rules.
        Unusable: no such rule, or a value it cannot have; `values["reason"]` says why.
    """
    needs(agent, Role.SUPERVISOR)
    read(agent.tenant, "UTC", {name: value})
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        before = (await desksettings.of(conn, agent.tenant)).get(name)
        if await desksettings.change(conn, agent.tenant, name, value, agent.id, now):
            await audit.write(
                conn,
                Act.SETTING_CHANGED,
                now,
                tenant=agent.tenant,
                agent_id=agent.id,
                subject=name,
                detail=f"{said(door, agent.tenant, before)} → {said(door, agent.tenant, value)}",
            )
            await consoleevents.append(conn, agent.tenant, EventKind.SETTINGS, now, data={"name": name})
    await door.wakeups.wake(events.topic(agent.tenant))


def said(door: Door, tenant: str, value: Any) -> str:
    """A rule's value as people read it, without a program's brackets."""
    if value is None or value in ({}, [], ()):
        return "–"
    if isinstance(value, bool):
        return door.texts.render(f"console.settings.{'is_on' if value else 'is_off'}", tenant, {})
    if isinstance(value, Mapping):
        return "; ".join(_said_day(door, tenant, day, shifts) for day, shifts in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _said_day(door: Door, tenant: str, day: str, shifts: Any) -> str:
    name = door.texts.render(f"console.settings.day.{day}", tenant, {}) if day in DAYS else day
    closed = door.texts.render("console.settings.closed", tenant, {})
    return f"{name} {', '.join(shifts or ()) or closed}"


async def changes(door: Door, tenant: str, limit: int = 100) -> list[Any]:
    """Who changed which rule, newest first."""
    async with door.database.reading() as conn:
        return await desksettings.changes(conn, tenant, limit)


def _shifts(value: Any) -> Shifts:
    """["08:00-12:00", "13:00-15:30"], in order and apart."""
    shifts = []
    for text in value:
        if not isinstance(text, str) or not _SHIFT.fullmatch(text):
            raise ValueError(f"{text}: 08:00-12:00")
        begin, end = text.split("-")
        # 24:00 is the end of the day; a clock has no such time.
        shifts.append((time.fromisoformat(begin), time.max if end == "24:00" else time.fromisoformat(end)))
    flat = [moment for shift in shifts for moment in shift]
    if flat != sorted(flat) or any(begin >= end for begin, end in shifts):
        raise ValueError("jam harus berurutan dan tidak bertumpuk")
    return tuple(shifts)


def _week(value: Any) -> tuple[Shifts, ...] | None:
    if value is None:
        return None
    unknown = set(value) - set(DAYS)
    if unknown:
        raise ValueError(", ".join(sorted(unknown)))
    return tuple(_shifts(value.get(day) or ()) for day in DAYS)


def _special(value: Any) -> dict[date, Shifts]:
    return {
        day if isinstance(day, date) else date.fromisoformat(day): _shifts(shifts or ())
        for day, shifts in value.items()
    }


def _yes(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true / false")
    return value


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(word, str) and 0 < len(word) <= 64 for word in value):
        raise ValueError("kata, masing-masing 1-64 huruf")
    return tuple(dict.fromkeys(value))


def _between(low: int, high: int) -> Callable[[Any], int]:
    def read_number(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{low}-{high}")
        return value

    return read_number


def _one_of(*words: str) -> Callable[[Any], str]:
    def read_word(value: Any) -> str:
        if value not in words:
            raise ValueError(" / ".join(words))
        return str(value)

    return read_word


_READERS: dict[str, Callable[[Any], Any]] = {
    "week": _week,
    "special": _special,
    "holidays_closed": _yes,
    "automatic": _yes,
    "agent_name": _one_of("full", "first", "none"),
    **{name: _between(low, high) for name, (low, high) in LIMITS.items()},
    "ask_rating": _yes,
    "approve": _words,
    "labels": _words,
    "skills": _words,
    "away_reasons": _words,
}
