"""Hours, breaks, holidays and split shifts, in the tenant's own time."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.conversations.desk import errors, hours, rules
from bot.door import Door
from bot.vocabulary.agents import Role
from intents.calendar_days import Calendar
from tests.bot.desk.staff import TENANT, hire, set_rule

WIB = ZoneInfo("Asia/Jakarta")
CALENDAR = Calendar({date(2026, 12, 25): "Hari Raya Natal"}, frozenset({2026}))
OFFICE = {
    **{day: ["08:00-12:00", "13:00-15:30"] for day in ("mon", "tue", "wed", "thu")},
    "fri": ["08:00-11:30"],
}


def desk(**values: Any) -> rules.Rules:
    return rules.read(TENANT, "Asia/Jakarta", {"week": OFFICE, **values})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WIB)


@pytest.mark.parametrize(
    ("values", "now", "is_open", "then"),
    [
        ({}, "2026-11-26T07:59", False, "2026-11-26T08:00"),
        ({}, "2026-11-26T08:00", True, "2026-11-26T12:00"),
        ({}, "2026-11-26T12:00", False, "2026-11-26T13:00"),
        ({}, "2026-11-26T15:30", False, "2026-11-27T08:00"),
        ({}, "2026-11-27T12:00", False, "2026-11-30T08:00"),
        ({}, "2026-12-24T16:00", False, "2026-12-28T08:00"),
        ({"holidays_closed": False}, "2026-12-25T09:00", True, "2026-12-25T11:30"),
        ({"special": {"2026-11-26": []}}, "2026-11-26T09:00", False, "2026-11-27T08:00"),
        ({"special": {"2026-12-25": ["09:00-10:00"]}}, "2026-12-25T09:30", True, "2026-12-25T10:00"),
        (
            {"week": {"mon": ["20:00-24:00"], "tue": ["00:00-06:00"]}},
            "2026-11-30T23:59",
            True,
            "2026-12-01T06:00",
        ),
    ],
)
def test_whether_somebody_is_there(values: dict[str, Any], now: str, is_open: bool, then: str) -> None:
    found = hours.standing(desk(**values), CALENDAR, at(now))
    assert found.open is is_open
    assert (found.until if is_open else found.opens_at) == at(then)


def test_a_holiday_is_named() -> None:
    assert hours.standing(desk(), CALENDAR, at("2026-12-25T09:00")).holiday == "Hari Raya Natal"


def test_unknown_hours_promise_nothing() -> None:
    unknown = rules.Rules(TENANT, "Asia/Jakarta")
    assert hours.standing(unknown, CALENDAR, at("2026-11-26T09:00")) == hours.Standing(None)
    assert hours.callback_times(unknown, CALENDAR, at("2026-11-26T09:00")) == []


def test_call_backs_are_inside_the_shifts_and_not_at_once() -> None:
    found = hours.callback_times(desk(), CALENDAR, at("2026-11-26T14:45"), 3)
    assert found == [at("2026-11-27T08:00"), at("2026-11-27T09:00"), at("2026-11-27T10:00")]


def test_a_desk_that_never_opens_says_so() -> None:
    found = hours.standing(desk(week={}), CALENDAR, at("2026-11-26T09:00"))
    assert (found.open, found.opens_at) == (False, None)


def test_the_week_in_words() -> None:
    assert hours.week_in_words(desk()) == [("mon-thu", "08.00-12.00, 13.00-15.30"), ("fri", "08.00-11.30")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("week", {"mon": ["12:00-08:00"]}),
        ("week", {"mon": ["08:00-12:00", "11:00-13:00"]}),
        ("week", {"mon": ["8-12"]}),
        ("week", {"senin": ["08:00-12:00"]}),
        ("week", 5),
        ("special", {"kemarin": []}),
        ("automatic", "ya"),
        ("agent_name", "nickname"),
        ("silent_seconds", 5),
        ("silent_seconds", True),
        ("approve", "semua"),
        ("labels", ["x" * 65]),
        ("nothing", 1),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(errors.Unusable) as refused:
        rules.read(TENANT, "UTC", {name: value})
    assert refused.value.values["name"] == name


async def test_a_rule_that_another_version_wrote_does_not_close_the_desk(door: Door) -> None:
    await set_rule(door, "agent_name", "nickname")
    await set_rule(door, "from_tomorrow", 5)
    await set_rule(door, "automatic", False)
    found = await rules.load(door, TENANT)
    assert (found.agent_name, found.automatic) == ("first", False)


async def test_who_set_which_rule_is_kept_and_only_supervisors_may(door: Door) -> None:
    sari, boss = await hire(door, "Sari"), await hire(door, "Ratna", role=Role.SUPERVISOR)
    with pytest.raises(errors.NotAllowed):
        await rules.change(door, sari, "automatic", False)
    await rules.change(door, boss, "automatic", False)
    await rules.change(door, boss, "automatic", False)
    await rules.change(door, boss, "automatic", True)
    assert (await rules.load(door, TENANT)).automatic is True
    kept = [(row.before, row.after, row.changed_by) for row in await rules.changes(door, TENANT)]
    assert kept == [(False, True, boss.id), (None, False, boss.id)]
