"""Is anybody there? Hours, breaks, split shifts, holidays and special days of a tenant's desk."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.conversations.desk.rules import DAYS, Rules, Shifts
from intents.calendar_days import Calendar

LOOK_AHEAD_DAYS = 21


@dataclass(frozen=True, slots=True)
class Standing:
    """`open` is None where the hours are unknown. `until` ends the shift, `opens_at` begins the next one."""

    open: bool | None
    until: datetime | None = None
    opens_at: datetime | None = None
    holiday: str | None = None


def standing(rules: Rules, calendar: Calendar, now: datetime) -> Standing:
    """Say whether the desk answers at `now`, and what comes next; times are in the tenant's zone."""
    if rules.week is None:
        return Standing(None)
    local = now.astimezone(ZoneInfo(rules.timezone))
    holiday = calendar.holiday(local.date()) if rules.holidays_closed else None
    for begin, end in _spans(rules, calendar, local):
        if begin <= local < end:
            return Standing(True, until=end)
        if begin > local:
            return Standing(False, opens_at=begin, holiday=holiday)
    return Standing(False, holiday=holiday)


def callback_times(rules: Rules, calendar: Calendar, now: datetime, count: int = 3) -> list[datetime]:
    """The next times at which the desk can call: beginnings of whole steps inside its shifts."""
    if rules.week is None:
        return []
    local = now.astimezone(ZoneInfo(rules.timezone))
    step = timedelta(minutes=rules.callback_minutes)
    found: list[datetime] = []
    for begin, end in _spans(rules, calendar, local):
        moment = begin
        while moment < end and len(found) < count:
            # Not sooner than half an hour: somebody may still be on the way home.
            if moment >= local + timedelta(minutes=30):
                found.append(moment)
            moment += step
        if len(found) == count:
            break
    return found


def week_in_words(rules: Rules) -> list[tuple[str, str]]:
    """Runs of open days with the same shifts: [("mon-thu", "08.00-12.00, 13.00-15.30"), ...]."""
    runs: list[tuple[int, int, Shifts]] = []
    for day, shifts in enumerate(rules.week or ()):
        if runs and runs[-1][2] == shifts and runs[-1][1] == day - 1:
            runs[-1] = (runs[-1][0], day, shifts)
        elif shifts:
            runs.append((day, day, shifts))
    return [
        (
            DAYS[first] if first == last else f"{DAYS[first]}-{DAYS[last]}",
            ", ".join(f"{begin:%H.%M}-{end:%H.%M}" for begin, end in shifts),
        )
        for first, last, shifts in runs
        if shifts
    ]


def _spans(rules: Rules, calendar: Calendar, local: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Every shift from today on, in order; one that ends at midnight runs into the next day's first."""
    pending: tuple[datetime, datetime] | None = None
    for offset in range(LOOK_AHEAD_DAYS):
        day = local.date() + timedelta(days=offset)
        for begin, end in _of_day(rules, calendar, day):
            start = datetime.combine(day, begin, tzinfo=local.tzinfo)
            stop = datetime.combine(day, end, tzinfo=local.tzinfo)
            if end.microsecond:
                # The whole day's end: midnight of the next.
                stop = datetime.combine(day + timedelta(days=1), end.min, tzinfo=local.tzinfo)
            if pending is not None and pending[1] == start:
                pending = (pending[0], stop)
                continue
            if pending is not None:
                yield pending
            pending = (start, stop)
    if pending is not None:
        yield pending


def _of_day(rules: Rules, calendar: Calendar, day: date) -> Shifts:
    if day in rules.special:
        return rules.special[day]
    if rules.holidays_closed and calendar.holiday(day):
        return ()
    return (rules.week or ((),) * 7)[day.weekday()]
