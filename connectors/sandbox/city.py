"""The stand-in city as values: what `city.yml` says, read once and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from connectors.sandbox.tables import BOOKING_STATES, COMPLAINT_STATES

CITY_FILE = Path(__file__).with_name("city.yml")
MOST_NUMBERS = 999
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Interval = tuple[time, time]


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of complaint, an Open311 service."""

    code: str
    name: str
    description: str
    agency: str
    group: str


@dataclass(frozen=True, slots=True)
class Question:
    """Something the desk asks about a topic: an attribute of GeoReport's service definition."""

    code: str
    datatype: str
    required: bool
    description: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """A status word: its label, the button that leads to it (`action`), where it may go from here.

    `closed` is for complaints, `waiting` for tickets.
    """

    word: str
    label: str
    moves: tuple[str, ...]
    closed: bool = False
    waiting: bool = False
    note: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Counter:
    """A desk of the MPP. `hours[weekday]` are its opening intervals (Monday 0), `prefix` its letter.

    `exceptions` are days with hours of their own, holidays or not: none at all means closed. With
    `open_on_leave` collective leave is a day like others.
    """

    id: str
    title: str
    prefix: str
    services: tuple[str, ...]
    hours: tuple[tuple[Interval, ...], ...]
    slot_minutes: int
    places_per_slot: int
    exceptions: dict[date, tuple[Interval, ...]] = field(default_factory=dict)
    open_on_leave: bool = False

    def number(self, value: int) -> str:
        """The number as it is called: A012."""
        return f"{self.prefix}{value:03d}"


@dataclass(frozen=True, slots=True)
class Poli:
    """A poli of a puskesmas: `path` is the puskesmas in addresses, `code` BPJS's code of the poli.

    `desk` has its hours; a day has `quota` numbers.
    """

    desk: Counter
    path: str
    code: str
    quota: int


@dataclass(frozen=True, slots=True)
class Rules:
    """How the queue treats people; `city.yml` says what each one is for."""

    hold: timedelta
    offer: timedelta
    offer_hours: Interval
    offer_lead: timedelta
    late_release: timedelta
    places_per_person: int
    no_shows_allowed: int
    restricted_places: int
    restricted_days: int
    priority_head_start: timedelta
    tell: timedelta
    move_within_days: int


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a permit: its name, who has the file now, and the tracker's status word."""

    title: str
    holder: str
    status: str


@dataclass(frozen=True, slots=True)
class Ladder:
    """The steps of one kind of permit, in order."""

    kind: str
    title: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class SeededPermit:
    """A permit the city starts with."""

    nomor: str
    kind: str
    title: str
    stage: int
    note: str


@dataclass(frozen=True, slots=True)
class City:
    """Everything the stand-in city knows that is not a case."""

    name: str
    timezone: ZoneInfo
    reference_prefix: str
    agencies: dict[str, str]
    topics: dict[str, Topic]
    questions: dict[str, tuple[Question, ...]]
    complaint_states: dict[str, State]
    answered_note: str
    filed_notice: str
    mpp_title: str
    counters: dict[str, Counter]
    rules: Rules
    puskesmas_title: str
    polis: dict[str, Poli]
    patients: tuple[dict[str, str], ...]
    booking_states: dict[str, State]
    closed_words: dict[str, str]
    years: frozenset[int]
    holidays: dict[date, str]
    collective_leave: dict[date, str]
    permit_states: dict[str, str]
    ladders: dict[str, Ladder]
    permits: tuple[SeededPermit, ...]
    desk_words: dict[str, Any]

    def poli(self, path: str, code: str) -> Poli | None:
        """The poli at an address, or None."""
        polis = self.polis.values()
        return next((poli for poli in polis if (poli.path, poli.code) == (path, code)), None)

    def counters_for(self, service: str) -> list[Counter]:
        """The counters that take `service`; empty when the MPP does not."""
        return [counter for counter in self.counters.values() if service in counter.services]

    def agency_of(self, service_code: str) -> str:
        """The full name of the agency that owns a topic."""
        return self.agencies[self.topics[service_code].agency]


def load_city(file: Path = CITY_FILE) -> City:
    """Read a city.

    Raises:
        ValueError: the file contradicts itself; the message says where.
    """
    return city_from(yaml.safe_load(file.read_text(encoding="utf-8")))


def city_from(raw: dict[str, Any]) -> City:
    """Build a city from plain data; see `load_city`."""
    topics = {row[0]: Topic(*row) for row in raw["topics"]}
    ladders = {
        kind: Ladder(kind, ladder["title"], tuple(Stage(*stage) for stage in ladder["stages"]))
        for kind, ladder in raw["ladders"].items()
    }
    city = City(
        name=raw["name"],
        timezone=ZoneInfo(raw["timezone"]),
        reference_prefix=raw["reference_prefix"],
        agencies=raw["agencies"],
        topics=topics,
        questions={
            code: tuple(Question(**row) for row in rows) for code, rows in raw.get("attributes", {}).items()
        },
        complaint_states=_states(raw["complaint_states"]),
        answered_note=raw["answered_note"],
        filed_notice=raw["filed_notice"],
        mpp_title=raw["mpp"]["title"],
        counters={row["id"]: _counter(row, raw["mpp"]) for row in raw["mpp"]["counters"]},
        booking_states=_states(raw["booking_states"]),
        closed_words=raw["closed_words"],
        rules=_rules(raw["mpp"]["rules"]),
        puskesmas_title=raw["puskesmas"]["title"],
        polis={row["id"]: _poli(row, raw["puskesmas"]) for row in raw["puskesmas"]["counters"]},
        patients=tuple(raw["puskesmas"]["patients"]),
        years=frozenset(raw["calendar"]),
        holidays=_days(raw["calendar"], "holidays"),
        collective_leave=_days(raw["calendar"], "collective_leave"),
        permit_states=raw["permit_states"],
        ladders=ladders,
        permits=tuple(
            SeededPermit(row["nomor"], row["jenis"], row["judul"], row["stage"], row["note"])
            for row in raw["permits"]
        ),
        desk_words=raw["desk_words"],
    )
    _check(city)
    return city


def _states(raw: dict[str, dict[str, Any]]) -> dict[str, State]:
    return {word: State(word=word, **{**row, "moves": tuple(row["moves"])}) for word, row in raw.items()}


def _days(calendar: dict[int, dict[str, dict[date, str]]], kind: str) -> dict[date, str]:
    return {day: name for year in calendar.values() for day, name in year[kind].items()}


def _rules(raw: dict[str, Any]) -> Rules:
    minutes = {
        name.removesuffix("_minutes"): timedelta(minutes=value)
        for name, value in raw.items()
        if name.endswith("_minutes")
    }
    plain = {name: value for name, value in raw.items() if not name.endswith("_minutes")}
    return Rules(**{**minutes, **plain, "offer_hours": _interval(raw["offer_hours"])})


def _counter(row: dict[str, Any], mpp: dict[str, Any]) -> Counter:
    return Counter(
        id=row["id"],
        title=row["title"],
        prefix=row["prefix"],
        services=tuple(row["services"]),
        hours=week(mpp["hours"][row["hours"]], row.get("breaks", mpp["breaks"])),
        slot_minutes=row.get("slot_minutes", mpp["slot_minutes"]),
        places_per_slot=row.get("places_per_slot", mpp["places_per_slot"]),
        exceptions={
            day: tuple(_interval(span) for span in spans) for day, spans in row.get("exceptions", {}).items()
        },
        open_on_leave=row.get("open_on_leave", False),
    )


def _poli(row: dict[str, Any], puskesmas: dict[str, Any]) -> Poli:
    desk = Counter(
        id=row["id"],
        title=row["title"],
        prefix=row["prefix"],
        services=(),
        hours=week(puskesmas["hours"], {}),
        slot_minutes=30,
        places_per_slot=1,
        open_on_leave=True,
    )
    return Poli(desk, row["path"], row["poli"], row.get("quota", puskesmas["quota"]))


def week(hours: dict[str, str | list[str]], breaks: dict[str, list[str]]) -> tuple[tuple[Interval, ...], ...]:
    """The opening intervals of each weekday: hours and breaks are named by day or span, `mon` or
    `mon-thu`."""
    open_on = _by_weekday(hours)
    closed_on = _by_weekday(breaks)
    return tuple(without(open_on[weekday], closed_on[weekday]) for weekday in range(len(_WEEKDAYS)))


def _by_weekday(raw: dict[str, Any]) -> list[list[Interval]]:
    days: list[list[Interval]] = [[] for _ in _WEEKDAYS]
    for span, times in raw.items():
        first, _, last = span.partition("-")
        for weekday in range(_WEEKDAYS.index(first), _WEEKDAYS.index(last or first) + 1):
            days[weekday] = [_interval(one) for one in ([times] if isinstance(times, str) else times)]
    return days


def without(intervals: list[Interval], breaks: list[Interval]) -> tuple[Interval, ...]:
    """What is left of the intervals when the breaks are cut out, in order."""
    left = sorted(intervals)
    for start, end in breaks:
        cut: list[Interval] = []
        for opening, closing in left:
            cut += [(opening, min(closing, start)), (max(opening, end), closing)]
        left = [(opening, closing) for opening, closing in cut if opening < closing]
    return tuple(left)


def _interval(text: str) -> Interval:
    opening, closing = (time.fromisoformat(part) for part in text.split("-"))
    return opening, closing


def _check(city: City) -> None:
    for topic in city.topics.values():
        if topic.agency not in city.agencies:
            raise ValueError(f"topic {topic.code}: unknown agency {topic.agency}")
    for title, states, known in (
        ("complaint_states", city.complaint_states, COMPLAINT_STATES),
        ("booking_states", city.booking_states, BOOKING_STATES),
    ):
        if set(states) != set(known):
            raise ValueError(f"{title}: must describe exactly {', '.join(known)}")
        for state in states.values():
            if unknown := set(state.moves) - set(known):
                raise ValueError(f"{title}.{state.word}: unknown moves {', '.join(sorted(unknown))}")
    if len({counter.prefix for counter in city.counters.values()}) != len(city.counters):
        raise ValueError("counters: every prefix must be used once")
    for counter in city.counters.values():
        if "-" in counter.id:
            raise ValueError(f"counter {counter.id}: a dash would break slot ids")
        if _numbers_of(counter) > MOST_NUMBERS:
            raise ValueError(f"counter {counter.id}: more places a day than {MOST_NUMBERS} numbers")
    for day in (*city.holidays, *city.collective_leave):
        if day.year not in city.years:
            raise ValueError(f"calendar: {day} is listed under another year")
    for permit in city.permits:
        if permit.kind not in city.ladders or not 0 <= permit.stage < len(city.ladders[permit.kind].stages):
            raise ValueError(f"permit {permit.nomor}: no such ladder or stage")
    for ladder in city.ladders.values():
        for stage in ladder.stages:
            if stage.status not in city.permit_states:
                raise ValueError(f"ladder {ladder.kind}: unknown status {stage.status}")


def _numbers_of(counter: Counter) -> int:
    def minutes(moment: time) -> int:
        return moment.hour * 60 + moment.minute

    longest = max(
        sum((minutes(end) - minutes(start)) // counter.slot_minutes for start, end in day)
        for day in counter.hours
    )
    return longest * counter.places_per_slot
