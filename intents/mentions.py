"""One stretch of text about when, and how neighbouring ones become one wish."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from datetime import time as TimeOfDay


@dataclass(frozen=True, slots=True)
class Mention:
    """One stretch of text about when. `day` or `range` (first and last day), `time`, `part_of_day`.

    `problem` is None, or past, impossible (30 February), or ambiguous (today is Monday: *senin*?);
    `choices` are then the days that may be meant. `weekday` says that only a weekday was named.
    """

    start: int
    end: int
    day: date | None = None
    range: tuple[date, date] | None = None
    time: TimeOfDay | None = None
    part_of_day: str | None = None
    problem: str | None = None
    choices: tuple[date, ...] = ()
    weekday: bool = False


_BRIDGE = re.compile(
    r"[\s,.;:()-]*(?:(?:di|pd|pada|jam|pukul|sekitar|kira2|kira-kira|yang|yg|nya|e|hari|dan|at)[\s,.]*)*",
    re.I,
)


def combine(mentions: Iterable[Mention]) -> Mention | None:
    """Return one wish out of all mentions: the first day that is not past, the first time."""
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


def join(text: str, mentions: list[Mention]) -> list[Mention]:
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
    if first.day and second.day:
        # "selasa, 1 desember" or "besok senin": the more exact one counts.
        agree = first.day == second.day or "ambiguous" in (first.problem, second.problem)
        return agree or first.weekday != second.weekday
    return first.range is not None and second.day is not None


def _merge(first: Mention, second: Mention) -> Mention:
    if not _dateless(first) and not _dateless(second):
        exact = first if first.day and (second.problem == "ambiguous" or second.weekday) else second
        if _contradict(first, second, exact):
            choices = tuple(sorted({day for day in (first.day, second.day) if day}))
            exact = replace(exact, problem="ambiguous", choices=choices)
    else:
        exact = second if _dateless(first) else first
    broken = "impossible" in (first.problem, second.problem)
    return Mention(
        first.start,
        second.end,
        day=exact.day,
        range=exact.range if exact.day is None else None,
        time=first.time or second.time,
        part_of_day=first.part_of_day or second.part_of_day,
        problem="impossible" if broken else exact.problem,
        choices=exact.choices,
        weekday=exact.weekday,
    )


def _contradict(first: Mention, second: Mention, exact: Mention) -> bool:
    """*senin, 1 desember* when that is a Tuesday: which of the two is wrong, only the citizen knows."""
    if exact.problem or exact.day is None or first.weekday == second.weekday:
        return False
    named = first if first.weekday else second
    return named.day is not None and named.day.weekday() != exact.day.weekday()
