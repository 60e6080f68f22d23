"""Working days by the calendar that was loaded, never beyond its last year.

`data/calendar/<year>.yml` lists the holidays and joint leave days of one year under `days`. A year without a
file is unknown: nothing is promised in it.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import yaml

END_OF_DAY = time(16, 0)


class YearUnknown(ValueError):
    """No calendar of that year is loaded."""


@dataclass(frozen=True)
class Calendar:
    """Days off by date, for the years that are known."""

    days_off: dict[date, str]
    years: frozenset[int]

    @classmethod
    def load(cls, root: Path) -> "Calendar":
        """Read data/calendar/*.yml."""
        days: dict[date, str] = {}
        years: set[int] = set()
        for path in sorted((root / "data" / "calendar").glob("*.yml")):
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
            years.add(int(data["year"]))
            days.update({entry["date"]: str(entry["name"]) for entry in data["days"]})
        return cls(days, frozenset(years))

    def holiday(self, day: date) -> str | None:
        """Name the holiday or joint leave of a day."""
        return self.days_off.get(day)

    def is_working_day(self, day: date) -> bool:
        """Say whether offices work.

        Raises:
            YearUnknown: the calendar of that year is not loaded.
        """
        if day.year not in self.years:
            raise YearUnknown(str(day.year))
        return day.weekday() < 5 and day not in self.days_off

    def add_working_days(self, start: date, count: int) -> date:
        """Return the day `count` working days after `start`, not counting `start` itself.

        Raises:
            YearUnknown: the count runs past the last loaded year.
        """
        day = start
        while count > 0:
            day += timedelta(days=1)
            count -= self.is_working_day(day)
        return day

    def deadline(self, now: datetime, working_days: int) -> datetime | None:
        """Return the end of office on the promised day, in the zone of `now`; None past the last loaded
        year."""
        try:
            day = self.add_working_days(now.date(), working_days)
        except YearUnknown:
            return None
        return datetime.combine(day, END_OF_DAY, tzinfo=now.tzinfo)
