"""Reading a citizen's words for the forms: places, days, times, reference numbers. The grammar lives in `intents`."""

import re
from datetime import date, time
from typing import Any

from actions.runtime import runtime
from actions.turn import Turn
from intents import dates, numbers

_PLACE_START = re.compile(
    r"\b(?:(?:di|nang|ning|wonten|pas)\s+)?(?:depan|dpn|dekat|deket|samping|belakang|sebelah|seberang|sekitar|perempatan|pertigaan|"
    r"simpang|jalan|jln|jl|gang|gg|rt|rw|kelurahan|kel|lingkungan|link|perumahan|perum|pasar|taman|alun-alun|lapangan|"
    r"terminal|stasiun|jembatan|kampung|dusun|desa)\b\.?\s+\S.*$|\b(?:di|nang|ning|wonten)\s+\S.*$",
    re.IGNORECASE,
)
_NOT_A_PLACE = re.compile(r"^(?:di|nang|ning)\s*(?:sini|situ|sana|mana|kene|kono|tempat saya|rumah)\b", re.IGNORECASE)
_STATE_AFTER = re.compile(r"\b(?:jalan|jln|jl)\.?\s+(?:rusak|berlubang|bolong|ambles|gelap|mati)\b", re.IGNORECASE)


def place(turn: Turn) -> dict[str, Any] | None:
    """Find where something is: a shared pin, or the part of the message that names a spot."""
    if turn.location:
        return {"latitude": turn.location["lat"], "longitude": turn.location["lon"]}
    named = [str(found["value"]) for found in turn.entities if found.get("entity") in {"location", "place", "address"}]
    if named:
        return {"text": ", ".join(dict.fromkeys(named))}
    text = " ".join(turn.text.split())
    starts = [match for match in _PLACE_START.finditer(_STATE_AFTER.sub(lambda m: "x" * len(m[0]), text))]
    if not starts or _NOT_A_PLACE.match(text[starts[0].start() :]):
        return None
    return {"text": text[starts[0].start() :].strip(" .,!?")}


def wish(turn: Turn) -> dates.Mention | None:
    """Find the day and time a citizen names."""
    return dates.combine(dates.resolve(turn.text, turn.now)) if turn.text else None


def day(turn: Turn) -> date | None:
    """Return the day, whether typed or pressed; None when there is none."""
    pressed = turn.values.get("value")
    if pressed:
        try:
            return date.fromisoformat(str(pressed))
        except ValueError:
            return None
    found = wish(turn)
    return found.day if found and found.problem is None else None


def clock(turn: Turn) -> time | None:
    """Return the time of day a citizen names."""
    found = wish(turn)
    return found.time if found else None


def reference(turn: Turn) -> str | None:
    """Return a case, permit or booking number, pressed or typed."""
    pressed = turn.values.get("reference")
    if pressed:
        return str(pressed)
    found = numbers.references(turn.text)
    return found[0].value if found else None


def topic(turn: Turn) -> str | None:
    """Return what a complaint is about: the pipeline's word, or else the longest synonym that stands in the text."""
    pressed = turn.values.get("topic")
    if pressed in runtime().catalog.topics:
        return str(pressed)
    if turn.topic in runtime().catalog.topics:
        return turn.topic
    text = f" {turn.text.lower()} "
    hits = [
        (len(word), entry.id)
        for entry in runtime().catalog.topics.values()
        for word in (*entry.synonyms, entry.title)
        if f" {word.lower()}" in text
    ]
    return max(hits)[1] if hits else None


def service(turn: Turn) -> str | None:
    """Return the service a citizen names beyond doubt."""
    named = turn.values.get("service")
    if named in runtime().catalog.services:
        return str(named)
    candidates = services(turn)
    if not candidates:
        return None
    best = candidates[0]
    second = candidates[1][1] if len(candidates) > 1 else 0.0
    sure = runtime().thresholds
    if best[1] >= sure["service_act"] and best[1] - second >= sure["service_gap"]:
        return best[0]
    return None


def services(turn: Turn) -> list[tuple[str, float]]:
    """Return what the citizen may mean, best first, as far as it is worth offering."""
    floor = runtime().thresholds["service_offer"]
    found = [(str(entry["id"]), float(entry["score"])) for entry in turn.services]
    if not found and turn.text:
        found = runtime().search.find(turn.text, turn.tenant, 4)
    known = runtime().catalog.services
    return [
        (name, score) for name, score in found if score >= floor and name in known and known[name].serves(turn.tenant)
    ]
