"""What the screens of a channel's own form show: topics and kelurahan, services, days, the hours free now."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.channels.fit import shorten
from bot.channels.whatsapp.flows import Flow
from bot.conversations import speech
from bot.door import Door
from bot.texts import clock, long_date
from connectors.capabilities import Capability
from connectors.errors import ConnectorError, NotOffered
from connectors.queues import DaySlots, SlotQuery
from intents import places
from intents.calendar_days import Calendar, YearUnknown

log = logging.getLogger(__name__)

Screen = dict[str, Any]

OPTION_TITLE, OPTION_DESCRIPTION, MOST_OPTIONS = 30, 300, 200
"""Flow JSON reference, data sources (2026)."""
DAYS = 10
# As the catalogue writes it: nothing, or the word.
OURS = (None, "city")
BACKEND_SECONDS = 7.0
"""The endpoint must have answered after ten (Flows, endpoint requirements)."""
NOT_HERE = frozenset({"mpp_antrean", "antrean_puskesmas"})
"""The queue itself, and the puskesmas, which asks for numbers that belong into no form of Meta's."""


def first(door: Door, tenant: str, flow: Flow, token: str) -> dict[str, Any]:
    """The data that a form is opened with, all of it known beforehand."""
    topics = [
        option(topic.id, topic.title) for topic in door.catalog.topics.values() if topic.jurisdiction in OURS
    ]
    areas = [
        option(area.code, area.name)
        for area in sorted(places.gazetteer().areas.values(), key=lambda area: area.name)
        if area.tenant == tenant and area.kind in ("kelurahan", "desa")
    ]
    ask = 0 < len(areas) <= MOST_OPTIONS
    return {
        "topics": topics[:MOST_OPTIONS],
        # A list may not be empty, even one that nobody sees.
        "villages": areas if ask else [option("-", "-")],
        "ask_village": ask,
        "form_token": token,
    }


async def answered(
    door: Door, tenant: str, token: str, name: str | None, request: Mapping[str, Any]
) -> Screen:
    """The screen that follows: the choice of service and day, or the hours that are free on that day.

    `name` is the citizen's as the channel knows it, to begin with.
    """
    given = request.get("data")
    if request.get("action") != "data_exchange" or not isinstance(given, dict):
        return _choose(door, tenant)
    service, day = str(given.get("service")), _day(given.get("day"))
    if service not in _bookable(door, tenant) or day is None:
        return _choose(door, tenant, "flow.choose_again")
    try:
        async with asyncio.timeout(BACKEND_SECONDS):
            found = await _slots(door, tenant, service, day)
    except (ConnectorError, TimeoutError) as error:
        log.warning("free places for a form are not known: %s", type(error).__name__)
        return _choose(door, tenant, "flow.queue_away")
    times = _times(found, ZoneInfo(door.tenants[tenant].timezone))
    if not times:
        return _choose(door, tenant, "flow.day_full", {"day": {"$date": day.isoformat()}})
    heading = f"{door.catalog.services[service].title}, {long_date(day)}"
    data = {
        "heading": heading,
        "service": service,
        "day": day.isoformat(),
        "times": times,
        "name": (name or "")[:60],
        "form_token": token,
    }
    return {"screen": "JAM", "data": data}


def option(key: str, title: str) -> dict[str, str]:
    """One line of a list; a title that is cut stands whole below it."""
    short = shorten(title, OPTION_TITLE)
    whole = {} if short == title else {"description": title[:OPTION_DESCRIPTION]}
    return {"id": key, "title": short, **whole}


def _choose(
    door: Door, tenant: str, error: str | None = None, values: dict[str, Any] | None = None
) -> Screen:
    today = datetime.now(ZoneInfo(door.tenants[tenant].timezone)).date()
    services = [option(key, title) for key, title in _bookable(door, tenant).items()]
    data: dict[str, Any] = {
        "services": services[:MOST_OPTIONS] or [option("-", "-")],
        "days": [option(day.isoformat(), long_date(day)) for day in _days(door, tenant, today)]
        or [option("-", "-")],
    }
    if error:
        data["error_message"] = speech.sentence(door, tenant, error, values)
    return {"screen": "PILIH", "data": data}


def _bookable(door: Door, tenant: str) -> dict[str, str]:
    """The services whose places an app of this government gives out: id and title."""
    found = {}
    for service in door.catalog.services_for(tenant):
        if "book" not in service.verbs or service.id in NOT_HERE:
            continue
        try:
            door.registry.find(tenant, Capability.BOOKING_RESERVE, service.id)
        except NotOffered:
            continue
        found[service.id] = service.title
    return found


def _days(door: Door, tenant: str, today: date) -> list[date]:
    """The next working days, today among them; fewer when the loaded calendar ends."""
    calendar = _calendar(door.settings.root).of(tenant)
    found: list[date] = []
    day = today
    try:
        while len(found) < DAYS:
            if calendar.is_working_day(day):
                found.append(day)
            day += timedelta(days=1)
    except YearUnknown:
        pass
    return found


async def _slots(door: Door, tenant: str, service: str, day: date) -> DaySlots:
    connector = door.registry.find(tenant, Capability.BOOKING_SLOTS, service)
    found: DaySlots = await connector.slots(SlotQuery(service, day))
    return found


def _times(found: DaySlots, zone: ZoneInfo) -> list[dict[str, str]]:
    """The hours with a place that are still to come, each once."""
    now = datetime.now(UTC)
    free = sorted(
        slot.starts_at.astimezone(zone) for slot in found.slots if slot.left > 0 and slot.starts_at > now
    )
    hours = {moment.strftime("%H:%M"): clock(moment.time()) for moment in free}
    return [option(key, title) for key, title in hours.items()][:MOST_OPTIONS]


def _day(given: object) -> date | None:
    try:
        return date.fromisoformat(str(given))
    except ValueError:
        return None


@cache
def _calendar(root: Path) -> Calendar:
    return Calendar.load(root)
