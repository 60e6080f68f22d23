"""Everything in a message that is a value: when, where, which number. One list, in the order of the text."""

from datetime import datetime
from typing import Any

from intents import dates, numbers, places

MASKS = {
    "[NIK]": "nik",
    "[KK]": "kk",
    "[NOP]": "nop",
    "[TELEPON]": "phone",
    "[EMAIL]": "email",
    "[BPJS]": "bpjs",
}


def find(text: str, now: datetime, tenant: str | None = None) -> list[dict[str, Any]]:
    """Return entities as {entity, value, start, end, …}.

    `date` is an ISO day, `date_range` two ISO days with a slash, `time` HH:MM, `part_of_day` a word,
    `location` the
    text of a place with its `kind` and `code`, `reference` a case or booking number, `amount` rupiah; a
    masked
    number (`nik`, `phone` …) has its tag as value. A broken date is a `date` with value None and its
    `problem`.
    """
    found = [_entity("reference", item.value, item.start, item.end) for item in numbers.references(text)]
    busy = [(item["start"], item["end"]) for item in found]
    for tag, name in MASKS.items():
        start = text.find(tag)
        while start >= 0:
            found.append(_entity(name, tag, start, start + len(tag)))
            start = text.find(tag, start + 1)
    when = dates.resolve(text, now)
    said_when = [(mention.start, mention.end) for mention in when]
    for place in places.find(text, tenant):
        # "minggu depan": the word for *in front of* belongs to the week.
        if place.kind == "landmark" and _inside(place.start, place.end, said_when):
            continue
        if not _inside(place.start, place.end, busy):
            found.append(_place(place))
            if place.kind in ("rt_rw", "street"):
                busy.append((place.start, place.end))
    for amount in numbers.amounts(text):
        if not _inside(amount.start, amount.end, busy):
            found.append(_entity("amount", amount.value, amount.start, amount.end))
            busy.append((amount.start, amount.end))
    for mention in when:
        if not _inside(mention.start, mention.end, busy):
            found += _when(mention)
    return sorted(found, key=lambda item: (item["start"], item["end"]))


def _entity(name: str, value: Any, start: int, end: int, **more: Any) -> dict[str, Any]:
    return {"entity": name, "value": value, "start": start, "end": end, **more}


def _inside(start: int, end: int, spans: list[tuple[int, int]]) -> bool:
    return any(first < end and start < last for first, last in spans)


def _place(place: places.PlaceMention) -> dict[str, Any]:
    more: dict[str, Any] = {"kind": place.kind}
    if place.code:
        more |= {"code": place.code, "tenant": place.tenant, "ambiguous": place.ambiguous}
    if place.kind == "rt_rw":
        more |= {"rt": place.rt, "rw": place.rw}
    return _entity("location", place.value, place.start, place.end, **more)


def _when(mention: dates.Mention) -> list[dict[str, Any]]:
    span = (mention.start, mention.end)
    problem: dict[str, Any] = {"problem": mention.problem} if mention.problem else {}
    found = []
    if mention.day:
        found.append(_entity("date", mention.day.isoformat(), *span, **problem))
    elif mention.range:
        first, last = mention.range
        found.append(_entity("date_range", f"{first.isoformat()}/{last.isoformat()}", *span, **problem))
    elif mention.problem:
        found.append(_entity("date", None, *span, **problem))
    if mention.time:
        found.append(_entity("time", mention.time.strftime("%H:%M"), *span))
    elif mention.part_of_day:
        found.append(_entity("part_of_day", mention.part_of_day, *span))
    return found
