"""Which days a page of figures is about, in the tenant's own time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, both included. `since` and `until` are the moments they begin and end at, in UTC."""

    first: date
    last: date
    since: datetime
    until: datetime


def read(first: str, last: str, zone: ZoneInfo, now: datetime) -> Period:
    """Read two dates as a form sends them; what is no date, or the wrong way round, becomes today.

    A period is at most a year: whoever wants more asks twice.
    """
    today = now.astimezone(zone).date()
    begin, end = _day(first, today), _day(last, today)
    end = min(end, today)
    begin = min(max(begin, end - LONGEST), end)
    return Period(begin, end, _begins(begin, zone), _begins(end + timedelta(days=1), zone))


def _day(text: str, otherwise: date) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return found if 2000 <= found.year <= 2100 else otherwise


def _begins(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
