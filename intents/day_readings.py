"""How each kind of day expression is read: a match of its pattern and today make a mention."""

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from intents.calendar_words import month as month_of
from intents.calendar_words import weekday
from intents.mentions import Mention
from intents.numbers import value_of
from intents.times import part_of_day

Read = Callable[[re.Match[str], date], Mention]


def _at(match: re.Match[str], **fields: object) -> Mention:
    return Mention(match.start(), match.end(), **fields)  # type: ignore[arg-type]


def _monday(today: date) -> date:
    return today - timedelta(days=today.weekday())


def _future(mention: Mention, today: date) -> Mention:
    if mention.day and mention.day < today:
        return replace(mention, problem="past")
    return mention


def offset(days: int) -> Read:
    """A day so many days from today: *besok*, *lusa*, *kemarin*."""

    def read(match: re.Match[str], today: date) -> Mention:
        return _at(match, day=today + timedelta(days=days), problem="past" if days < 0 else None)

    return read


def in_days(match: re.Match[str], today: date) -> Mention:
    """*3 hari lagi*, *rong minggu maneh*, *sebulan lagi*."""
    number = {"se": 1, "sak": 1, None: 1}.get(match["n"]) or value_of(match["n"] or "1") or 1
    unit = match["unit"]
    if unit.startswith(("bulan", "bln", "sasi", "wulan")):
        return _at(match, day=_add_months(today, number))
    days = number * (7 if unit.startswith(("minggu", "mgu", "pekan")) else 1)
    return _at(match, day=today + timedelta(days=days))


def days_ago(match: re.Match[str], today: date) -> Mention:
    """*2 hari yang lalu*."""
    number = {"se": 1, "sak": 1}.get(match["n"]) or value_of(match["n"]) or 1
    unit = match["unit"]
    if unit.startswith(("bulan", "bln", "sasi", "wulan")):
        return _at(match, day=_add_months(today, -number), problem="past")
    days = number * (7 if unit.startswith(("minggu", "mgu", "pekan")) else 1)
    return _at(match, day=today - timedelta(days=days), problem="past")


def _add_months(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def next_week_day(match: re.Match[str], today: date) -> Mention:
    """*rabu minggu depan*: always the Wednesday of next week."""
    return _at(match, day=_monday(today) + timedelta(days=7 + weekday(match["day"])))


def day_next(match: re.Match[str], today: date) -> Mention:
    """*senin depan*: the Monday of next week; said on a Sunday it may be tomorrow, so it is asked back."""
    day = _monday(today) + timedelta(days=7 + weekday(match["day"]))
    if today.weekday() != 6:
        return _at(match, day=day)
    return _at(match, day=day, problem="ambiguous", choices=(day, day + timedelta(days=7)))


def day_this(match: re.Match[str], today: date) -> Mention:
    """*kamis ini*: of this week."""
    day = _monday(today) + timedelta(days=weekday(match["day"]))
    return _future(_at(match, day=day), today)


def day_last(match: re.Match[str], today: date) -> Mention:
    """*senin lalu*."""
    back = (today.weekday() - weekday(match["day"])) % 7 or 7
    return _at(match, day=today - timedelta(days=back), problem="past")


def plain_day(match: re.Match[str], today: date) -> Mention:
    """*rabu*: the next one. Said on a Wednesday it may be today, so it is asked back."""
    ahead = (weekday(match["day"]) - today.weekday()) % 7
    if ahead:
        return _at(match, day=today + timedelta(days=ahead), weekday=True)
    later = today + timedelta(days=7)
    return _at(match, day=later, problem="ambiguous", choices=(today, later), weekday=True)


def coming_sunday(match: re.Match[str], today: date) -> Mention:
    """*hari minggu depan*: most mean the Sunday to come, some the one after; asked back."""
    mention = plain_day(match, today)
    if mention.choices or mention.day is None:
        return mention
    choices = (mention.day, mention.day + timedelta(days=7))
    return replace(mention, problem="ambiguous", choices=choices)


def lone_sunday(match: re.Match[str], today: date) -> Mention:
    """*minggu* and nothing else: a Sunday, or the week that begins tomorrow; asked back."""
    return coming_sunday(match, today)


def day_of_later_week(match: re.Match[str], today: date) -> Mention:
    """*rabu dua minggu lagi*, *senin depannya lagi*: of the week so many weeks from this one."""
    weeks = value_of(match.groupdict().get("n") or "2") or 2
    return _at(match, day=_monday(today) + timedelta(days=7 * weeks + weekday(match["day"])))


def eve(match: re.Match[str], today: date) -> Mention:
    """*malam jumat* belongs to the evening before: Thursday."""
    ahead = (weekday(match["day"]) - 1 - today.weekday()) % 7
    return _at(match, day=today + timedelta(days=ahead), part_of_day="malam")


def last_night(match: re.Match[str], today: date) -> Mention:
    """*tadi malam*."""
    return _at(match, day=today - timedelta(days=1), part_of_day="malam", problem="past")


def part_today(match: re.Match[str], today: date) -> Mention:
    """*nanti siang*, *sore ini*."""
    return _at(match, day=today, part_of_day=part_of_day(match["part"]))


def week(weeks: int) -> Read:
    """A week from Monday to Sunday; this one begins today."""

    def read(match: re.Match[str], today: date) -> Mention:
        monday = _monday(today) + timedelta(days=7 * weeks)
        first = max(monday, today) if weeks == 0 else monday
        return _at(match, range=(first, monday + timedelta(days=6)), problem="past" if weeks < 0 else None)

    return read


def weekend(match: re.Match[str], today: date) -> Mention:
    """*akhir pekan*."""
    saturday = _monday(today) + timedelta(days=5)
    if "depan" in match[0] or saturday + timedelta(days=1) < today:
        saturday += timedelta(days=7)
    return _at(match, range=(max(saturday, today), saturday + timedelta(days=1)))


def month_span(months: int) -> Read:
    """A month, or its beginning, middle or end."""

    def read(match: re.Match[str], today: date) -> Mention:
        first = _add_months(today.replace(day=1), months)
        last = first.replace(day=monthrange(first.year, first.month)[1])
        part = match.groupdict().get("part")
        if part and part.startswith(("akhir", "pungkasan")):
            first = last.replace(day=max(1, last.day - 5))
        elif part and part.startswith("awal"):
            last = first.replace(day=7)
        elif part:
            first, last = first.replace(day=11), first.replace(day=20)
        problem = "past" if last < today else None
        if part and part.startswith("awal") and months == 0 and problem:
            return replace(month_span(1)(match, today))
        return _at(match, range=(max(first, today) if not problem else first, last), problem=problem)

    return read


def year_next(match: re.Match[str], today: date) -> Mention:
    """*tahun depan*."""
    return _at(match, range=(date(today.year + 1, 1, 1), date(today.year + 1, 12, 31)))


def of_month(match: re.Match[str], today: date) -> Mention:
    """*tgl 3*: this month's third if it is still to come, else the next month that has such a day."""
    number = value_of(match["d"]) or 0
    if not 1 <= number <= 31:
        return _at(match, problem="impossible")
    groups = match.groupdict()
    if groups.get("next") or groups.get("this"):
        first = _add_months(today.replace(day=1), 1 if groups.get("next") else 0)
        if number > monthrange(first.year, first.month)[1]:
            return _at(match, problem="impossible")
        return _future(_at(match, day=first.replace(day=number)), today)
    for months in range(0, 3):
        first = _add_months(today.replace(day=1), months)
        if number <= monthrange(first.year, first.month)[1] and first.replace(day=number) >= today:
            return _at(match, day=first.replace(day=number))
    return _at(match, problem="impossible")


def full(match: re.Match[str], today: date) -> Mention:
    """A day with its month, and with its year when one is said; without a year the next one to come."""
    groups = match.groupdict()
    day = value_of(match["d"]) or 0
    month = month_of(match["mon"]) if groups.get("mon") else int(match["m"])
    year = groups.get("y")
    if year is None:
        years = [today.year, today.year + 1]
    else:
        years = [int(year) + (2000 if len(year) == 2 else 0)]
    if not 1 <= month <= 12 or not 1 <= day <= max(
        monthrange(y, month)[1] for y in [*years, 2028][-2 if year is None else -3 :]
    ):
        return _at(match, problem="impossible")
    for candidate in years:
        try:
            found = date(candidate, month, day)
        except ValueError:
            continue
        if found >= today or year is not None:
            return _future(_at(match, day=found), today)
    return _at(match, problem="impossible")


def iso(match: re.Match[str], today: date) -> Mention:
    """*2026-12-03*."""
    try:
        return _future(_at(match, day=date(int(match["y"]), int(match["m"]), int(match["d"]))), today)
    except ValueError:
        return _at(match, problem="impossible")
