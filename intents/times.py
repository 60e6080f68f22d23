# ruff: noqa: E501 (patterns and tables read better unbroken)
"""Times of day as citizens say them: *jam setengah 9*, *9 pagi*, *jam 2* (14.00 at an office), *habis jumatan*."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time as TimeOfDay

from intents.numbers import WORD_PATTERN, value_of

OFFICE_OPENS = 7


@dataclass(frozen=True, slots=True)
class TimeMention:
    """A time or a part of the day. `problem` is impossible for *jam 25*."""

    start: int
    end: int
    time: TimeOfDay | None = None
    part_of_day: str | None = None
    problem: str | None = None


_PARTS = {
    "pagi": r"pagi|pgi|isuk|esuk|enjing|subuh|shubuh|pagi-pagi|pagi2|morning",
    "siang": r"siang|siank|awan|siang2|siang-siang|noon|afternoon",
    "sore": r"sore|sorean|sonten|petang|senja|ashar|asar",
    "malam": r"malam|malem|mlm|bengi|dalu|wengi|night|evening",
}
PART = "|".join(_PARTS.values())
_AFTER = r"(?:habis|abis|abes|bar|bakda|ba'?da|sesudah|setelah|sehabis|rampung|bibar|sawise)"
_PRAYERS = [
    (
        r"(?:sholat |salat |shalat )?(?:jum'?atan|jumatan|jum'?at an|jumat'?an)|(?:sholat |salat |shalat |solat )jum'?at",
        TimeOfDay(13),
        "siang",
    ),
    (r"(?:sholat |salat )?(?:dzuhur|duhur|zuhur|dhuhur|luhur|lohor)", TimeOfDay(12, 30), "siang"),
    (r"(?:sholat |salat )?(?:ashar|asar|ngasar)", TimeOfDay(15, 30), "sore"),
    (r"(?:sholat |salat )?(?:maghrib|magrib)", TimeOfDay(18, 30), "malam"),
    (r"(?:sholat |salat )?(?:isya'?|isyak)", TimeOfDay(19, 30), "malam"),
    (r"(?:sholat |salat )?(?:subuh|shubuh)", TimeOfDay(5), "pagi"),
    (r"(?:makan siang|istirahat|ishoma)", TimeOfDay(13), "siang"),
]
_QUARTER = ("seperempat", "seprapat")
_HALF = r"(?:setengah|stengah|setgh|stgh|satenga|stenga|satengah|tengah|1/2|½|half past)"
_HOUR = r"(?:jam|jm|pukul|pkl|pk|jem|tabuh|at)\.?"
_NUM = rf"(?:\d{{1,2}}|{WORD_PATTERN})"
_MORE = rf"(?:\s*(?:lewat|lebih|liwat|luwih|lebe)\s*(?P<plus>seperempat|seprapat|{_NUM})(?:\s*menit)?|\s*(?:kurang|kirang)\s*(?P<minus>seperempat|seprapat|{_NUM})(?:\s*menit)?)?"
_WIB = r"(?:\s*(?:wib|wita|wit|teng|tepat|an))?"


def _of_day(group: str) -> str:
    return rf"(?:\s*(?:an)?\s*(?P<{group}>{PART}))?"


_CLOCK = re.compile(
    rf"(?<![\w.,/:-])(?:"
    rf"(?:{_HOUR}\s*)?{_HALF}\s*(?P<half>{_NUM}){_WIB}{_of_day('part1')}"
    rf"|(?:{_HOUR}\s*)(?P<h>\d{{1,2}})\s?[.:,]\s?(?P<m>\d{{2}}){_WIB}{_of_day('part2')}"
    rf"|(?P<h2>[01]?\d|2[0-4])[.:](?P<m2>[0-5]\d){_WIB}{_of_day('part3')}"
    rf"|(?:{_HOUR}\s*)(?P<hour>{_NUM})(?![\d/]){_MORE}{_WIB}{_of_day('part4')}"
    rf"|(?P<bare>{_NUM})(?:an)?\s*(?P<partb>{PART})"
    rf")(?!\w)",
    re.IGNORECASE,
)
_NOON = re.compile(r"(?<!\w)(?:tengah hari|jam makan siang|tengah malam)(?!\w)", re.IGNORECASE)
_AFTER_PRAYER = [
    (re.compile(rf"(?<!\w){_AFTER}\s+(?:{words})(?!\w)", re.IGNORECASE), at, part)
    for words, at, part in _PRAYERS
]
_LONE_PART = re.compile(rf"(?<!\w)(?P<part>{PART})(?:\s*(?:hari|an|aja|saja))?(?!\w)", re.IGNORECASE)
_GREETING = re.compile(r"(?:selamat|slmt|met|sugeng|good|mat)\s+$", re.IGNORECASE)


def find(text: str, taken: Sequence[bool] = ()) -> list[TimeMention]:
    """Return the times in `text`, in order. `taken` marks characters that dates have used already."""
    used = list(taken) or [False] * len(text)
    found: list[TimeMention] = []
    for mention in _candidates(text):
        if not any(used[mention.start : mention.end]):
            found.append(mention)
            used[mention.start : mention.end] = [True] * (mention.end - mention.start)
    return sorted(found, key=lambda mention: mention.start)


def _candidates(text: str) -> Iterator[TimeMention]:
    for pattern, at, part in _AFTER_PRAYER:
        for match in pattern.finditer(text):
            yield TimeMention(match.start(), match.end(), at, part)
    for match in _NOON.finditer(text):
        night = "malam" in match[0].lower()
        yield TimeMention(
            match.start(),
            match.end(),
            TimeOfDay(0) if night else TimeOfDay(12),
            "malam" if night else "siang",
        )
    for match in _CLOCK.finditer(text):
        yield _clock(match)
    for match in _LONE_PART.finditer(text):
        if not _GREETING.search(text[: match.start()]):
            yield TimeMention(match.start(), match.end(), None, part_of_day(match["part"]))


def part_of_day(word: str | None) -> str | None:
    """Return pagi, siang, sore or malam for a word of any of the languages."""
    return next(
        (name for name, words in _PARTS.items() if word and re.fullmatch(words, word, re.IGNORECASE)), None
    )


def _clock(match: re.Match[str]) -> TimeMention:
    part = next(
        (part_of_day(match[name]) for name in match.re.groupindex if name.startswith("part") and match[name]),
        None,
    )
    minutes: int | None
    if match["half"]:
        hour, minutes = value_of(match["half"]), -30
    elif match["h"] or match["h2"]:
        hour, minutes = int(match["h"] or match["h2"]), int(match["m"] or match["m2"])
    else:
        hour, minutes = value_of(match["hour"] or match["bare"]), _minutes(match)
    exact = (
        bool(match["h"] or match["h2"])
        and len(match["h"] or match["h2"]) == 2
        and (match["h"] or match["h2"])[0] == "0"
    )
    if hour is None or hour > 24 or minutes is None or minutes > 59:
        return TimeMention(match.start(), match.end(), problem="impossible")
    hour = hour if exact and part is None else _on_the_day(hour, part, minutes)
    total = (hour * 60 + minutes) % (24 * 60)
    return TimeMention(match.start(), match.end(), TimeOfDay(total // 60, total % 60), part)


def _minutes(match: re.Match[str]) -> int | None:
    if match["plus"]:
        return 15 if match["plus"].lower() in _QUARTER else value_of(match["plus"])
    if match["minus"]:
        value = 15 if match["minus"].lower() in _QUARTER else value_of(match["minus"])
        return None if value is None else -value
    return 0


def _on_the_day(hour: int, part: str | None, minutes: int) -> int:
    """Read a 12-hour figure by the part of the day; without one, by the hours a counter is open."""
    if hour > 12:
        return hour
    if part == "pagi":
        return hour % 12 if hour == 12 else hour
    if part == "siang":
        return hour if hour >= 10 else hour + 12
    if part == "sore":
        return hour if hour == 12 else hour + 12
    if part == "malam":
        return hour % 12 if hour == 12 or hour < 5 else hour + 12
    return (
        hour + 12
        if hour < OFFICE_OPENS and not (hour == OFFICE_OPENS - 1 and minutes > 30) and hour > 0
        else hour
    )
