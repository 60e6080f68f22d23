"""Which days and times are put in front of a citizen, and how they are written on a button."""

from datetime import date
from typing import Any

from actions.runtime import runtime
from intents.calendar_days import YearUnknown


def next_days(after: date, count: int, *, including: bool = False) -> list[date]:
    """The next working days, `after` itself only if `including`; fewer when the loaded calendar ends."""
    days: list[date] = []
    day = after
    try:
        if including and runtime().calendar.is_working_day(day):
            days.append(day)
        while len(days) < count:
            day = runtime().calendar.add_working_days(day, 1)
            days.append(day)
    except YearUnknown:
        pass
    return days


def short(day: date) -> str:
    """Write a day for a button: Senin 30/11."""
    return f"{runtime().words.weekdays[day.weekday()]} {day.day}/{day.month}"


def minutes(clock: str) -> int:
    """Minutes since midnight of a clock time such as 09.30."""
    return int(clock[:2]) * 60 + int(clock[3:5])


def spread(offers: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Thin out a long list evenly, so that morning and noon are both offered."""
    if len(offers) <= most:
        return offers
    step = (len(offers) - 1) / (most - 1)
    return [offers[round(index * step)] for index in range(most)]
