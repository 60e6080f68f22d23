"""The table of what citizens say when they say when: words, language, and the moment they mean."""

from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=ZoneInfo("Asia/Jakarta"))
LANGUAGES = {"id": "Indonesian", "jv": "Javanese ngoko", "jk": "Javanese krama", "kp": "Kupang Malay"}


@dataclass(frozen=True, slots=True)
class Expression:
    """One row: said on Monday 23 November 2026 at 08.00."""

    language: str
    said: str
    day: date | None
    time: time | None
    part: str | None


def table() -> list[Expression]:
    """Read expressions.tsv."""
    lines = Path(__file__).with_name("expressions.tsv").read_text("utf-8").splitlines()
    return [_read(line) for line in lines if line and not line.startswith("#")]


def _read(line: str) -> Expression:
    language, said, day, clock, part = line.split("\t")
    month_day = tuple(map(int, day.split("-"))) if day else None
    hour_minute = tuple(map(int, clock.split("."))) if clock else None
    return Expression(
        language,
        said,
        date(2026, month_day[1], month_day[0]) if month_day else None,
        time(*hour_minute) if hour_minute else None,
        part or None,
    )
