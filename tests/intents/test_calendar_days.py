"""Working days by the loaded calendar."""

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from intents.calendar_days import Calendar, YearUnknown

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return Calendar.load(ROOT)


@pytest.mark.parametrize(
    ("start", "count", "expected"),
    [
        (date(2026, 11, 23), 5, date(2026, 11, 30)),
        (date(2026, 11, 20), 1, date(2026, 11, 23)),
        (date(2026, 12, 23), 1, date(2026, 12, 28)),
        (date(2026, 3, 17), 1, date(2026, 3, 25)),
    ],
)
def test_weekends_holidays_and_joint_leave_are_skipped(
    calendar: Calendar, start: date, count: int, expected: date
) -> None:
    assert calendar.add_working_days(start, count) == expected


def test_nothing_is_promised_beyond_the_last_loaded_year(calendar: Calendar) -> None:
    last = max(calendar.years)
    with pytest.raises(YearUnknown):
        calendar.add_working_days(date(last, 12, 30), 5)
    assert calendar.deadline(datetime(last, 12, 30, 8, tzinfo=ZoneInfo("Asia/Jakarta")), 5) is None
