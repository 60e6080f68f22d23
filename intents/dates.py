# ruff: noqa: E501 (patterns and tables read better unbroken)
"""Days and times as citizens say them, in Indonesian, Javanese, Kupang Malay and a little English.

`resolve` reads all mentions in a text against an aware `now`; `combine` makes one wish of them for a booking.
Rules of reading: day before month (3/12 is 3 December); *tgl 3* is the next third of a month to come;
*senin* is the next Monday after today; *minggu* alone is a Sunday after *hari* and a week before *depan*;
*malam jumat* is Thursday evening; *jam 2* at an office is 14.00; *setengah 9* is 08.30.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from datetime import time as TimeOfDay

from intents.numbers import WORD_PATTERN, value_of
from intents.times import PART, part_of_day
from intents.times import find as find_times


@dataclass(frozen=True, slots=True)
class Mention:
    """One stretch of text about when. `day` or `range` (first and last day), `time`, `part_of_day`.

    `problem` is None, or past, impossible (30 February), or ambiguous (today is Monday: *senin*?).
    """

    start: int
    end: int
    day: date | None = None
    range: tuple[date, date] | None = None
    time: TimeOfDay | None = None
    part_of_day: str | None = None
    problem: str | None = None


_DAYS = {
    0: "senin|senen|snin|monday",
    1: "selasa|slasa|seloso|slosa|tuesday",
    2: "rabu|rebo|rebu|robo|wednesday",
    3: "kamis|kemis|kms|thursday",
    4: "jum['’`]?at|jumat|jemuah|jumuah|jemuwah|jum at|friday",
    5: "sabtu|setu|saptu|sbtu|saturday",
    6: "ahad|ngahad|akad|sunday|minggu|mingg?u",
}
_DAY = "|".join(f"(?:{names})" for names in _DAYS.values())
_WEEKDAY_ONLY = (
    "|".join(f"(?:{names})" for day, names in _DAYS.items() if day != 6) + "|ahad|ngahad|akad|sunday"
)
_MONTHS = [
    "januari|jan|january",
    "februari|pebruari|feb|peb|february",
    "maret|mar|mrt|march",
    "april|apr",
    "mei|may",
    "juni|jun|june",
    "juli|jul|july",
    "agustus|agus|agu|ags|agt|august|aug",
    "september|sept|sep",
    "oktober|okt|october|oct",
    "november|nopember|nov|nop",
    "desember|des|december|dec",
]
_MONTH = "|".join(f"(?:{names})" for names in _MONTHS)
_NEXT = r"(?:depan|dpn|dpan|ngarep|ngajeng|muka|berikut(?:nya)?|mendatang|besok|next)"
_LAST = r"(?:lalu|kemarin|kemaren|kmrn|kmaren|wingi|kepungkur|yang lalu|yg lalu|last)"
_WEEK = r"(?:minggu|mgu|mggu|pekan)"
_NUM = rf"(?:\d{{1,2}}|{WORD_PATTERN})"
_DATE_WORD = r"(?:tanggal|tgl|tggl|tanggale|tg|per tanggal)\.?"
_NOT_ADDRESS = "".join(
    f"(?<!{word})"
    for word in ("rt ", "rt", "rt\\.", "rt\\. ", "rw ", "no ", "no\\.", "jam ", "jm ", "blok ", "gang ")
)

Read = Callable[[re.Match[str], date], Mention]


def _at(match: re.Match[str], **fields: object) -> Mention:
    return Mention(match.start(), match.end(), **fields)  # type: ignore[arg-type]


def _weekday(name: str) -> int:
    return next(day for day, names in _DAYS.items() if re.fullmatch(names, name))


def _month(name: str) -> int:
    return next(i for i, names in enumerate(_MONTHS, 1) if re.fullmatch(names, name.rstrip(".")))


def _monday(today: date) -> date:
    return today - timedelta(days=today.weekday())


def _future(mention: Mention, today: date) -> Mention:
    if mention.day and mention.day < today:
        return replace(mention, problem="past")
    return mention


def _offset(days: int) -> Read:
    def read(match: re.Match[str], today: date) -> Mention:
        return _at(match, day=today + timedelta(days=days), problem="past" if days < 0 else None)

    return read


def _in_days(match: re.Match[str], today: date) -> Mention:
    number = {"se": 1, "sak": 1, None: 1}.get(match["n"]) or value_of(match["n"] or "1") or 1
    unit = match["unit"]
    if unit.startswith(("bulan", "bln", "sasi", "wulan")):
        return _at(match, day=_add_months(today, number))
    days = number * (7 if unit.startswith(("minggu", "mgu", "pekan")) else 1)
    return _at(match, day=today + timedelta(days=days))


def _days_ago(match: re.Match[str], today: date) -> Mention:
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


def _next_week_day(match: re.Match[str], today: date) -> Mention:
    return _at(match, day=_monday(today) + timedelta(days=7 + _weekday(match["day"])))


def _day_next(match: re.Match[str], today: date) -> Mention:
    """*senin depan*: the Monday of next week; said on a Sunday it may be tomorrow, so it is asked back."""
    day = _monday(today) + timedelta(days=7 + _weekday(match["day"]))
    return _at(match, day=day, problem="ambiguous" if today.weekday() == 6 else None)


def _day_this(match: re.Match[str], today: date) -> Mention:
    day = _monday(today) + timedelta(days=_weekday(match["day"]))
    return _future(_at(match, day=day), today)


def _day_last(match: re.Match[str], today: date) -> Mention:
    back = (today.weekday() - _weekday(match["day"])) % 7 or 7
    return _at(match, day=today - timedelta(days=back), problem="past")


def _plain_day(match: re.Match[str], today: date) -> Mention:
    ahead = (_weekday(match["day"]) - today.weekday()) % 7
    return _at(match, day=today + timedelta(days=ahead or 7), problem=None if ahead else "ambiguous")


def _coming_sunday(match: re.Match[str], today: date) -> Mention:
    """*hari minggu depan*: most mean the Sunday to come, some the one after; asked back."""
    return replace(_plain_day(match, today), problem="ambiguous")


def _eve(match: re.Match[str], today: date) -> Mention:
    """*malam jumat* belongs to the evening before: Thursday."""
    ahead = (_weekday(match["day"]) - 1 - today.weekday()) % 7
    return _at(match, day=today + timedelta(days=ahead), part_of_day="malam")


def _last_night(match: re.Match[str], today: date) -> Mention:
    return _at(match, day=today - timedelta(days=1), part_of_day="malam", problem="past")


def _part_today(match: re.Match[str], today: date) -> Mention:
    return _at(match, day=today, part_of_day=part_of_day(match["part"]))


def _week(weeks: int) -> Read:
    def read(match: re.Match[str], today: date) -> Mention:
        monday = _monday(today) + timedelta(days=7 * weeks)
        first = max(monday, today) if weeks == 0 else monday
        return _at(match, range=(first, monday + timedelta(days=6)), problem="past" if weeks < 0 else None)

    return read


def _weekend(match: re.Match[str], today: date) -> Mention:
    saturday = _monday(today) + timedelta(days=5)
    if "depan" in match[0] or saturday + timedelta(days=1) < today:
        saturday += timedelta(days=7)
    return _at(match, range=(max(saturday, today), saturday + timedelta(days=1)))


def _month_span(months: int) -> Read:
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
            return replace(_month_span(1)(match, today))
        return _at(match, range=(max(first, today) if not problem else first, last), problem=problem)

    return read


def _year_next(match: re.Match[str], today: date) -> Mention:
    return _at(match, range=(date(today.year + 1, 1, 1), date(today.year + 1, 12, 31)))


def _of_month(match: re.Match[str], today: date) -> Mention:
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


def _full(match: re.Match[str], today: date) -> Mention:
    """A day with its month, and with its year when one is said; without a year the next one to come."""
    groups = match.groupdict()
    day = value_of(match["d"]) or 0
    month = _month(match["mon"]) if groups.get("mon") else int(match["m"])
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


def _iso(match: re.Match[str], today: date) -> Mention:
    try:
        return _future(_at(match, day=date(int(match["y"]), int(match["m"]), int(match["d"]))), today)
    except ValueError:
        return _at(match, problem="impossible")


_UNIT = r"(?:hari|hr|dina|dino|dinten|minggu|mgu|pekan|bulan|bln|sasi|wulan)"
_SPAN_COUNT = rf"(?:(?P<n>se|sak|\d{{1,2}}|{WORD_PATTERN})\s*)"
_RULES: list[tuple[str, Read]] = [
    (r"(?P<y>20\d\d)-(?P<m>\d\d?)-(?P<d>\d\d?)(?!\d)", _iso),
    (
        rf"(?:{_DATE_WORD}\s*)?(?P<d>{_NUM})(?:\s+|\s*[-/.]\s*)(?P<mon>{_MONTH})\.?(?:\s*[-/,.]?\s*(?P<y>20\d\d|'?\d\d(?=\s*$)))?(?!\w)",
        _full,
    ),
    (
        rf"{_NOT_ADDRESS}(?:{_DATE_WORD}\s*)?(?<![\d/.-])(?P<d>\d{{1,2}})\s?/\s?(?P<m>\d{{1,2}})(?:\s?/\s?(?P<y>20\d\d|\d\d))?(?![\d/])",
        _full,
    ),
    (r"(?<![\d/.-])(?P<d>\d{1,2})-(?P<m>\d{1,2})-(?P<y>20\d\d|\d\d)(?![\d-])", _full),
    (r"(?<![\d/.-])(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>20\d\d)(?![\d-])", _full),
    (rf"{_DATE_WORD}\s*(?P<d>\d{{1,2}})-(?P<m>\d{{1,2}})(?![\d-])", _full),
    (
        rf"{_DATE_WORD}\s*(?P<d>{_NUM})\s+(?:(?P<next>(?:bulan|bln|sasi|wulan)\s+{_NEXT})|(?P<this>(?:bulan|bln|sasi|wulan)\s+(?:ini|iki|niki)))",
        _of_month,
    ),
    (rf"{_DATE_WORD}\s*(?P<d>{_NUM})(?![\d:])(?!\.\d)", _of_month),
    (rf"(?:hari\s+|dina\s+)?(?P<day>{_DAY})\s+{_WEEK}\s+{_NEXT}", _next_week_day),
    (
        rf"{_WEEK}\s+{_NEXT}\s*,?\s*(?:hari\s+|dina\s+)?(?P<day>{_WEEKDAY_ONLY}|(?<=hari )minggu)",
        _next_week_day,
    ),
    (rf"(?:hari|dina|dino|hr)\s+(?P<day>minggu)\s+{_NEXT}", _coming_sunday),
    (rf"{_WEEK}\s+{_NEXT}|next week", _week(1)),
    (rf"(?:malem|malam|mlm|bengi)\s+(?P<day>{_DAY})(?!\s+{_NEXT})", _eve),
    (rf"(?:hari\s+|dina\s+|dino\s+|dinten\s+)?(?P<day>{_WEEKDAY_ONLY})\s+{_LAST}", _day_last),
    (rf"(?:hari|dina|dino|hr)\s+(?P<day>{_DAY})\s+{_LAST}", _day_last),
    (rf"(?:besok|bsk|sesuk|mene|tomorrow)\s+(?:hari\s+)?(?P<day>{_DAY})(?!\s+{_NEXT})", _plain_day),
    (rf"(?P<day>{_WEEKDAY_ONLY})\s+(?:besok|bsk|sesuk|ngesuk|mene)", _plain_day),
    (rf"(?:hari\s+|dina\s+|dino\s+|dinten\s+|hr\s+)?(?P<day>{_WEEKDAY_ONLY})\s+{_NEXT}", _day_next),
    (rf"(?:hari|dina|dino|hr)\s+(?P<day>{_DAY})\s+{_NEXT}", _day_next),
    (rf"next\s+(?P<day>{_WEEKDAY_ONLY})", _day_next),
    (rf"(?:hari\s+|dina\s+)?(?P<day>{_WEEKDAY_ONLY})\s+(?:minggu\s+)?(?:ini|iki|niki)", _day_this),
    (r"(?:akhir pekan|weekend|akhir minggu)(?:\s+(?:depan|ini|besok))?", _weekend),
    (rf"{_WEEK}\s+(?:ini|iki|niki)|this week", _week(0)),
    (rf"{_WEEK}\s+{_LAST}|last week", _week(-1)),
    (
        rf"(?P<part>akhir|awal|pertengahan|tengah|pungkasan)\s+(?:bulan|bln|sasi|wulan)\s+{_NEXT}",
        _month_span(1),
    ),
    (
        r"(?P<part>akhir|awal|pertengahan|tengah|pungkasan)\s+(?:bulan|bln|sasi|wulan)(?:\s+(?:ini|iki))?",
        _month_span(0),
    ),
    (rf"(?:bulan|bln|sasi|wulan)\s+{_NEXT}|next month", _month_span(1)),
    (rf"(?:bulan|bln|sasi|wulan)\s+{_LAST}|last month", _month_span(-1)),
    (r"(?:bulan|bln|sasi|wulan)\s+(?:ini|iki|niki)", _month_span(0)),
    (rf"(?:tahun|thn|taun)\s+{_NEXT}", _year_next),
    (
        rf"{_SPAN_COUNT}(?P<unit>{_UNIT})\s+(?:yang\s+|yg\s+)?(?:lalu|kemarin|kemaren|kmrn|kepungkur|ago)",
        _days_ago,
    ),
    (
        rf"(?:dalam\s+)?{_SPAN_COUNT}(?P<unit>{_UNIT})\s+(?:lagi|lg|maneh|malih|kedepan|ke depan|mendatang|kemudian|engkas|ngkas)",
        _in_days,
    ),
    (r"(?:besok\s*|bsk\s*|sesuk\s*)?(?:lusa|emben|mben|mbesuk emben)(?:e|nya)?(?!\w)", _offset(2)),
    (r"(?:day after tomorrow)", _offset(2)),
    (
        r"(?:hari|dina|dino|dinten|hr)\s+(?:ini|iki|niki|ni)|ini hari|hr ini|today|saiki|sekarang(?: juga)?|skrg|skrng|sakniki",
        _offset(0),
    ),
    (r"(?:tadi|wau|mau)\s+(?:malam|malem|bengi|mlm)(?!\s+(?:minggu|jum|kamis))", _last_night),
    (rf"(?P<part>{PART})\s+(?:ini|iki|niki)", _part_today),
    (
        r"(?:tadi|wau|nanti|ntar|nti|mengko|mangke)(?=\s+(?:pagi|siang|sore|malam|malem|mlm|subuh|isuk|bengi|awan)(?!\w))",
        _offset(0),
    ),
    (r"(?:wingi|kemarin|kemaren|kmrn|kmarin|kmaren)\s+(?:lusa|dulu|emben)|kapan hari", _offset(-2)),
    (r"(?:kemarin|kemaren|kmrn|kmarin|kmaren|wingi|dek wingi|kolo wingi|yesterday)(?:nya)?", _offset(-1)),
    (
        r"(?:besok|bsk|bsok|besuk|beso|sesuk|mene|mbenjing|benjing|benjang|ngesuk|esok(?: hari)?|tomorrow)(?:nya)?(?!\s+lusa)",
        _offset(1),
    ),
    (rf"(?:hari|dina|dino|dinten|hr|dinten)\s+(?P<day>{_DAY})", _plain_day),
    (rf"(?P<day>{_WEEKDAY_ONLY})", _plain_day),
]
_COMPILED = [(re.compile(rf"(?<![\w-]){pattern}(?![\w])", re.IGNORECASE), read) for pattern, read in _RULES]
_COUNTED = re.compile(rf"(?:\d|\b(?:{WORD_PATTERN}|tiap|setiap|beberapa|pirang|per|se))\s*$", re.IGNORECASE)
_LONE_SUNDAY = re.compile(
    rf"(?<![\w-])(?P<day>minggu)(?![\w-])(?!\s+(?:{_NEXT}|{_LAST}|ini|iki|lagi|ke\b))", re.IGNORECASE
)
_BRIDGE = re.compile(
    r"[\s,.;:()-]*(?:(?:di|pd|pada|jam|pukul|sekitar|kira2|kira-kira|yang|yg|nya|e|hari|dan|at)[\s,.]*)*",
    re.I,
)


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
    for pattern, read in _COMPILED:
        for match in pattern.finditer(lowered):
            if not any(taken[match.start() : match.end()]):
                days.append(read(match, today))
                taken[match.start() : match.end()] = [True] * (match.end() - match.start())
    if not days:
        alone = (m for m in _LONE_SUNDAY.finditer(lowered) if not _COUNTED.search(lowered[: m.start()]))
        days += [replace(_plain_day(match, today), problem="ambiguous") for match in alone]
        for day in days:
            taken[day.start : day.end] = [True] * (day.end - day.start)
    clock = [
        Mention(found.start, found.end, time=found.time, part_of_day=found.part_of_day, problem=found.problem)
        for found in find_times(lowered, taken)
    ]
    return [_checked(mention, now) for mention in _join(text, sorted([*days, *clock], key=lambda m: m.start))]


def combine(mentions: Iterable[Mention]) -> Mention | None:
    """Return one wish out of all mentions: the first day that is not past, the first time; None without any."""
    mentions = list(mentions)
    if not mentions:
        return None
    dated = [m for m in mentions if m.day or m.range]
    best = next((m for m in dated if m.problem != "past"), dated[0] if dated else None)
    broken = next((m for m in mentions if m.problem == "impossible"), None)
    timed = next((m for m in mentions if m.time), None)
    part = next((m.part_of_day for m in mentions if m.part_of_day), None)
    first = best or broken or mentions[0]
    return replace(
        first,
        start=min(m.start for m in mentions),
        end=max(m.end for m in mentions),
        time=first.time or (timed.time if timed else None),
        part_of_day=first.part_of_day or part,
        problem=first.problem or (broken.problem if broken else None),
    )


def _join(text: str, mentions: list[Mention]) -> list[Mention]:
    """Merge neighbours: a day with its time, a weekday with its date."""
    joined: list[Mention] = []
    for mention in mentions:
        last = joined[-1] if joined else None
        if last and _BRIDGE.fullmatch(text, last.end, mention.start) and _fit(last, mention):
            joined[-1] = _merge(last, mention)
        else:
            joined.append(mention)
    return joined


def _dateless(mention: Mention) -> bool:
    return mention.day is None and mention.range is None and mention.problem != "impossible"


def _fit(first: Mention, second: Mention) -> bool:
    if _dateless(first) or _dateless(second):
        return not (first.time and second.time) and not (
            first.part_of_day and second.part_of_day and first.part_of_day != second.part_of_day
        )
    # "senin, 30 november" or "besok senin": the more exact one counts.
    return bool(
        first.day
        and second.day
        and (first.day == second.day or "ambiguous" in (first.problem, second.problem))
    ) or (first.range is not None and second.day is not None)


def _merge(first: Mention, second: Mention) -> Mention:
    if not _dateless(first) and not _dateless(second):
        exact = first if second.problem == "ambiguous" else second
    else:
        exact = second if _dateless(first) else first
    problems = [m.problem for m in (first, second) if m.problem and (m is exact or m.problem == "impossible")]
    return Mention(
        first.start,
        second.end,
        day=exact.day,
        range=exact.range if exact.day is None else None,
        time=first.time or second.time,
        part_of_day=first.part_of_day or second.part_of_day,
        problem=problems[0] if problems else None,
    )


def _checked(mention: Mention, now: datetime) -> Mention:
    """Mark a time that is over today as past."""
    if mention.problem is None and mention.day == now.date() and mention.time and mention.time <= now.time():
        return replace(mention, problem="past")
    return mention
