"""Opening hours for every kind of counter hypothesis can think of, and the calendar that overrules them."""

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sandbox import opening
from connectors.sandbox.city import City, Counter, load_city, week, without

CITY = load_city()
ZONES = [ZoneInfo(name) for name in ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "Europe/Berlin")]
NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)

minutes = st.integers(0, 24 * 60 - 1)
intervals = st.tuples(minutes, minutes).map(sorted).filter(lambda pair: pair[0] < pair[1])
spans = intervals.map(lambda pair: tuple(time(*divmod(minute, 60)) for minute in pair))
days_of_2026 = st.dates(date(2026, 1, 1), date(2026, 12, 31))


def wide(spans_of_day: list[tuple[time, time]]) -> tuple[tuple[time, time], ...]:
    """Intervals that do not overlap, as a file would list them."""
    kept: list[tuple[time, time]] = []
    for start, end in sorted(spans_of_day):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return tuple(kept)


@st.composite
def counters(draw: st.DrawFn) -> Counter:
    hours = [wide(draw(st.lists(spans, max_size=3))) for _ in range(7)]
    breaks = [draw(st.lists(spans, max_size=2)) for _ in range(7)]
    return Counter(
        id="loket",
        title="Loket",
        prefix="A",
        services=("ktp_hilang",),
        hours=tuple(without(list(day), cut) for day, cut in zip(hours, breaks, strict=True)),
        slot_minutes=draw(st.sampled_from([5, 10, 15, 20, 30, 45, 60])),
        places_per_slot=draw(st.integers(1, 8)),
        exceptions=draw(st.dictionaries(days_of_2026, st.lists(spans, max_size=2).map(wide), max_size=3)),
        open_on_leave=draw(st.booleans()),
    )


def city_of(counter: Counter, zone: ZoneInfo = ZONES[0]) -> City:
    return replace(CITY, counters={counter.id: counter}, timezone=zone)


@given(counters(), days_of_2026, st.sampled_from(ZONES))
@settings(max_examples=150, deadline=None)
def test_slots_lie_inside_the_hours_one_after_the_other(counter: Counter, day: date, zone: ZoneInfo):
    city = city_of(counter, zone)
    hours = opening.intervals(city, counter, day)
    slots = opening.slots_of(city, counter, day)
    step = timedelta(minutes=counter.slot_minutes)
    for slot in slots:
        local = slot.starts_at.astimezone(zone)
        ends = (datetime.combine(day, local.time()) + step).time()
        assert local.date() == day
        assert any(start <= local.time() < end and ends <= end for start, end in hours)
        assert opening.find_slot(city, slot.id) == slot
    walls = [slot.starts_at.astimezone(zone).replace(tzinfo=None) for slot in slots]
    assert all(later - earlier >= step for earlier, later in itertools.pairwise(walls))
    assert len({slot.id for slot in slots}) == len(slots)
    numbers = [slot.first_number + seat for slot in slots for seat in range(counter.places_per_slot)]
    assert numbers == list(range(1, len(numbers) + 1))


@given(st.lists(spans, max_size=3).map(wide), st.lists(spans, max_size=3), minutes)
def test_a_break_takes_out_its_own_minutes_and_no_others(hours, breaks, minute: int):
    moment = time(*divmod(minute, 60))

    def within(parts) -> bool:
        return any(start <= moment < end for start, end in parts)

    assert within(without(list(hours), breaks)) == (within(hours) and not within(breaks))


@given(counters(), st.dates(date(2025, 1, 1), date(2028, 12, 31)))
@settings(max_examples=150, deadline=None)
def test_a_closed_day_says_why_and_has_no_slots_and_an_open_one_neither_nor(counter: Counter, day: date):
    city = city_of(counter)
    reason = opening.closed_reason(city, counter, day, NOON, None)
    hours = opening.intervals(city, counter, day)
    if day.year != 2026:
        assert hours == ()
        assert reason is not None
    elif day >= opening.today(city, NOON):
        assert (reason is None) == bool(hours)
    else:
        assert reason == CITY.closed_words["past"]
    assert opening.closed_reason(city, counter, day, NOON, "rapat") is not None


@given(counters(), st.sampled_from(sorted(CITY.holidays)), st.sampled_from(sorted(CITY.collective_leave)))
@settings(max_examples=100, deadline=None)
def test_a_holiday_closes_every_counter_and_collective_leave_those_that_take_it(
    counter: Counter, holiday: date, leave: date
):
    city = city_of(replace(counter, exceptions={}))
    counter = city.counters["loket"]
    assert opening.intervals(city, counter, holiday) == ()
    wanted = counter.hours[leave.weekday()] if counter.open_on_leave else ()
    assert opening.intervals(city, counter, leave) == wanted


@given(counters(), days_of_2026)
@settings(max_examples=100, deadline=None)
def test_hours_of_one_day_overrule_the_week_and_the_calendar(counter: Counter, day: date):
    own = ((time(19, 0), time(21, 0)),)
    counter = replace(counter, exceptions={day: own})
    assert opening.intervals(city_of(counter), counter, day) == own
    counter = replace(counter, exceptions={day: ()})
    assert opening.slots_of(city_of(counter), counter, day) == []


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_where_clocks_are_changed_no_slot_is_lost_or_doubled(day: date):
    """Indonesia changes no clock; a schedule that breaks where others do counts in the wrong time."""
    all_day = Counter("loket", "Loket", "A", ("x",), (((time(6, 0), time(12, 0)),),) * 7, 30, 1)
    city = replace(city_of(all_day, ZONES[3]), holidays={}, collective_leave={})
    slots = opening.slots_of(city, all_day, day)
    assert [slot.starts_at.astimezone(ZONES[3]).strftime("%H:%M") for slot in slots][:2] == ["06:00", "06:30"]
    assert len(slots) == 12
    assert all(slot.ends_at - slot.starts_at == timedelta(minutes=30) for slot in slots)


@pytest.mark.parametrize(
    ("hours", "breaks", "monday", "friday", "saturday"),
    [
        ({"mon-fri": "08:00-14:00"}, {"fri": ["11:00-13:00"]}, ["08-14"], ["08-11", "13-14"], []),
        ({"mon-fri": "08:00-15:00"}, {"mon-thu": ["12:00-13:00"]}, ["08-12", "13-15"], ["08-15"], []),
        ({"sat-sun": "08:00-11:00"}, {}, [], [], ["08-11"]),
        ({"mon": ["08:00-11:00", "14:00-18:00"]}, {"mon": ["10:00-15:00"]}, ["08-10", "15-18"], [], []),
        ({"sat": "08:00-11:00"}, {"sat": ["07:00-12:00"]}, [], [], []),
    ],
)
def test_a_week_is_read_as_it_is_written(hours, breaks, monday, friday, saturday):
    found = week(hours, breaks)
    said = [[f"{start:%H}-{end:%H}" for start, end in day] for day in found]
    assert (said[0], said[4], said[5]) == (monday, friday, saturday)
