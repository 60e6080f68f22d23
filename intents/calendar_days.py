"""Working days by the calendar that was loaded, never beyond its last year.

`data/calendar/<year>.yml` lists the holidays and joint leave days of one year under `days`, and those of
single governments under `local_days`. A year without a file is unknown: nothing is promised in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
END_OF_DAY = time(16, 0)


class YearUnknown(ValueError):
    """No calendar of that year is loaded."""


@dataclass(frozen=True)
class Calendar:
    """Days off by date, for the years that are known. `local` holds those of single governments."""

    days_off: Mapping[date, str]
    years: frozenset[int]
    local: Mapping[str, Mapping[date, str]] = field(default_factory=dict)

    @classmethod
    def load(cls, root: Path) -> "Calendar":
        """Read data/calendar/*.yml."""
        days: dict[date, str] = {}
        local: dict[str, dict[date, str]] = {}
        years: set[int] = set()
        for path in sorted((root / "data" / "calendar").glob("*.yml")):
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
            years.add(int(data["year"]))
            days.update({entry["date"]: str(entry["name"]) for entry in data["days"]})
            for entry in data.get("local_days") or []:
                for tenant in entry["tenants"]:
                    local.setdefault(tenant, {})[entry["date"]] = str(entry["name"])
        return cls(days, frozenset(years), local)

    def of(self, tenant: str) -> "Calendar":
        """Return the calendar of one government, its own days off included."""
        own = self.local.get(tenant)
        return replace(self, days_off={**self.days_off, **own}, local={}) if own else self

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


@lru_cache(maxsize=16)
def calendar(tenant: str, root: Path = ROOT) -> Calendar:
    """Return the project's own calendar of one government, read once."""
    return Calendar.load(root).of(tenant)
