"""Days and times as citizens say them, in Indonesian, Javanese, Kupang Malay and a little English.

`resolve` reads all mentions in a text against an aware `now`; `combine` makes one wish of them for a booking.
Rules of reading: day before month (3/12 is 3 December); *tgl 3* is the next third of a month to come;
*senin* is the next Monday after today; *minggu* alone is a Sunday after *hari* and a week before *depan*;
*malam jumat* is Thursday evening; *jam 2* at an office is 14.00; *setengah 9* is 08.30.
"""

import re
from dataclasses import replace
from datetime import datetime

from intents.calendar_words import LAST, NEXT
from intents.day_readings import full, lone_sunday
from intents.day_rules import RULES
from intents.mentions import Mention, combine, join
from intents.numbers import WORD_PATTERN
from intents.times import find as find_times

__all__ = ["Mention", "combine", "resolve"]

_COUNTED = re.compile(rf"(?:\d|\b(?:{WORD_PATTERN}|tiap|setiap|beberapa|pirang|per|se))\s*$", re.IGNORECASE)
_LONE_SUNDAY = re.compile(
    rf"(?<![\w-])(?P<day>minggu)(?![\w-])(?!\s+(?:{NEXT}|{LAST}|ini|iki|lagi|ke\b))", re.IGNORECASE
)
_DAY_AND_MONTH = re.compile(r"\s*(?P<d>\d{1,2})-(?P<m>\d{1,2})\s*")
"""*3-12* is a date when it is all that was said; elsewhere it may be a house or an RT/RW."""


def resolve(text: str, now: datetime) -> list[Mention]:
    """Return all mentions of a day or a time in `text`, in order. `now` is aware, in the tenant's zone."""
    if now.tzinfo is None:
        raise ValueError("now must be aware")
    today = now.date()
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = text
    days: list[Mention] = []
    taken = [False] * len(text)
    for pattern, read in RULES:
        for match in pattern.finditer(lowered):
            if not any(taken[match.start() : match.end()]):
                days.append(read(match, today))
                taken[match.start() : match.end()] = [True] * (match.end() - match.start())
    if not days and (bare := _DAY_AND_MONTH.fullmatch(lowered)):
        days.append(full(bare, today))
        taken = [True] * len(text)
    if not days:
        alone = (m for m in _LONE_SUNDAY.finditer(lowered) if not _COUNTED.search(lowered[: m.start()]))
        days += [lone_sunday(match, today) for match in alone]
        for day in days:
            taken[day.start : day.end] = [True] * (day.end - day.start)
    clock = [
        Mention(found.start, found.end, time=found.time, part_of_day=found.part_of_day, problem=found.problem)
        for found in find_times(lowered, taken)
    ]
    return [_checked(mention, now) for mention in join(text, sorted([*days, *clock], key=lambda m: m.start))]


def _checked(mention: Mention, now: datetime) -> Mention:
    """Mark a time that is over today as past."""
    if mention.problem is None and mention.day == now.date() and mention.time and mention.time <= now.time():
        return replace(mention, problem="past")
    return mention
