"""Days and times as citizens say them: the share read as meant, by Lawang's grammar and by dateparser.

dateparser is no part of Lawang: `uv run --with dateparser lawang bench dates` lends it for the comparison.
"""

import importlib
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from intents.dates import combine, resolve
from tests.benchmarks.figures import Result, Table
from tests.intents.expressions import LANGUAGES, NOW, Expression, table

Read = Callable[[str], tuple[Any, Any]]
NOTE = (
    "A row counts when day and time are both as meant. Lawang's grammar was written with this table in view."
)


def run() -> Result:
    """Read the whole table with each parser."""
    rows = table()
    parsers: dict[str, Read] = {"Lawang": _lawang, **_dateparser()}
    lines = []
    for name, read in parsers.items():
        lines.append([name, *(_share(read, rows, language) for language in LANGUAGES), *_outcome(read, rows)])
    columns = ["parser", *LANGUAGES.values(), "as meant", "otherwise", "not at all", "µs each"]
    title = f"{len(rows)} expressions, said on Monday 23 November 2026 at 08.00"
    return Result("dates", [Table(title, columns, lines, NOTE)], {})


def _lawang(said: str) -> tuple[Any, Any]:
    found = combine(resolve(said, NOW))
    return (None, None) if found is None else (found.day, found.time)


def _dateparser() -> dict[str, Read]:
    """dateparser set to Indonesian, day before month, future preferred; nothing where it is not lent."""
    try:
        library = importlib.import_module("dateparser")
        search = importlib.import_module("dateparser.search")
    except ImportError:
        return {}
    options = {"DATE_ORDER": "DMY", "PREFER_DATES_FROM": "future", "RELATIVE_BASE": NOW.replace(tzinfo=None)}

    def parse(said: str) -> tuple[Any, Any]:
        return _seen(library.parse(said, languages=["id"], settings=options))

    def search_dates(said: str) -> tuple[Any, Any]:
        found = search.search_dates(said, languages=["id"], settings=options) or []
        return _seen(found[0][1] if found else None)

    return {"dateparser.parse": parse, "dateparser.search": search_dates}


def _seen(moment: datetime | None) -> tuple[Any, Any]:
    """A moment as day and time; the time of `now` is what dateparser fills in, and today's date too."""
    if moment is None:
        return None, None
    return moment.date(), None if moment.time() in (NOW.time(), datetime.min.time()) else moment.time()


def _right(row: Expression, day: Any, clock: Any) -> bool:
    """Generous to a parser that fills in today where only a time was said."""
    return clock == row.time and (day == row.day or (row.day is None and day == NOW.date()))


def _share(read: Read, rows: list[Expression], language: str) -> str:
    mine = [row for row in rows if row.language == language]
    return f"{sum(_right(row, *read(row.said)) for row in mine)}/{len(mine)}"


def _outcome(read: Read, rows: list[Expression]) -> list[str]:
    started = time.perf_counter()
    found = [read(row.said) for row in rows]
    each = (time.perf_counter() - started) / len(rows) * 1e6
    right = sum(_right(row, *seen) for row, seen in zip(rows, found, strict=True))
    silent = sum(seen == (None, None) for seen in found)
    return [str(right), str(len(rows) - right - silent), str(silent), f"{each:,.0f}"]
