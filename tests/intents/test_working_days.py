"""Promised dates by Hypothesis: never on a day off, never earlier for a longer promise, never guessed."""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from intents.calendar_days import Calendar, YearUnknown, calendar

ROOT = Path(__file__).resolve().parents[2]
REAL = Calendar.load(ROOT)
CLASSES = sorted(
    {3} | {entry["working_days"] for entry in yaml.safe_load((ROOT / "data/topics/topics.yml").read_text())}
)
# Far enough from the end of the loaded year for the longest class.
DAYS = st.dates(date(2026, 1, 1), date(2026, 8, 31))
ANY_DAY = st.dates(date(2025, 12, 1), date(2027, 2, 1))


@given(DAYS, st.sampled_from(CLASSES))
def test_a_promise_never_falls_on_a_day_off(start: date, days: int) -> None:
    promised = REAL.add_working_days(start, days)
    assert promised.weekday() < 5
    assert REAL.holiday(promised) is None


@given(DAYS, st.sampled_from(CLASSES))
def test_a_promise_counts_exactly_the_working_days_after_the_day_of_filing(start: date, days: int) -> None:
    promised = REAL.add_working_days(start, days)
    between = (start + timedelta(days=n) for n in range(1, (promised - start).days + 1))
    assert sum(REAL.is_working_day(day) for day in between) == days


@given(DAYS, DAYS, st.integers(1, 60), st.integers(1, 60))
def test_later_filed_or_longer_promised_is_never_earlier(
    first: date, second: date, few: int, many: int
) -> None:
    first, second = sorted((first, second))
    few, many = sorted((few, many))
    assert REAL.add_working_days(first, few) <= REAL.add_working_days(second, few)
    assert REAL.add_working_days(first, few) <= REAL.add_working_days(first, many)


@given(ANY_DAY, st.integers(1, 90))
def test_beyond_what_is_loaded_nothing_is_promised(start: date, days: int) -> None:
    now = datetime.combine(start, time(9), tzinfo=ZoneInfo("Asia/Jakarta"))
    promised = REAL.deadline(now, days)
    if promised is None:
        with pytest.raises(YearUnknown):
            REAL.add_working_days(start, days)
    else:
        assert promised.year in REAL.years
        assert promised > now
        assert promised.tzinfo == now.tzinfo


@given(DAYS, st.integers(1, 30), st.sets(DAYS, max_size=10))
def test_a_day_off_declared_for_one_government_moves_only_its_own_new_promises(
    start: date, days: int, off: set[date]
) -> None:
    local = Calendar(REAL.days_off, REAL.years, {"kota_kupang": dict.fromkeys(off, "HUT kota")})
    own = local.of("kota_kupang").add_working_days(start, days)
    assert own not in off
    assert own >= REAL.add_working_days(start, days)
    assert local.of("kota_mojokerto").add_working_days(start, days) == REAL.add_working_days(start, days)


def test_the_local_days_of_a_file_are_the_governments_own(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "calendar"
    folder.mkdir(parents=True)
    (folder / "2026.yml").write_text(
        "year: 2026\ndays: []\nlocal_days:\n"
        "  - {date: 2026-06-19, kind: libur_daerah, name: Hari jadi, tenants: [kota_mojokerto]}\n"
    )
    loaded = Calendar.load(tmp_path)
    assert loaded.of("kota_mojokerto").holiday(date(2026, 6, 19)) == "Hari jadi"
    assert loaded.of("kota_kupang").holiday(date(2026, 6, 19)) is None


def test_every_government_has_a_calendar() -> None:
    assert calendar("kab_mojokerto").is_working_day(date(2026, 11, 27))
