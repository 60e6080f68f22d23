"""Reading a citizen's words for the forms: places, days, times, numbers. The grammar lives in `intents`."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

from actions.runtime import runtime
from actions.turn import Turn
from intents import dates, numbers, places

# Words between the problem and the spot that belong to the spot: "di depan ..." reads better than "depan
# ...".
_LEAD = re.compile(
    r"(?:(?:di|nang|ning|neng|wonten|pas)\s+|(?:kelurahan|kel|kecamatan|kec|desa)\.?\s+)+$", re.IGNORECASE
)
MOSTLY = 0.6
NAME_LENGTH = range(2, 61)
_SPOTS = {"street", "landmark", "quarter", "rt_rw"}


def place(turn: Turn) -> dict[str, Any] | None:
    """Find where something is: a shared pin, or the stretch of the message that names places.

    `text` are the citizen's own words, `region` the official code of the kelurahan when it was named,
    `exact` says that a street, a landmark or an RT/RW was named, `government` that the kelurahan is another
    government's.
    """
    if turn.location:
        return {"latitude": turn.location["lat"], "longitude": turn.location["lon"]}
    mentions = places.find(turn.text, turn.tenant) if turn.text else []
    mentions = [mention for mention in mentions if mention.kind != "city" or len(mentions) > 1]
    if not mentions:
        return None
    start = min(mention.start for mention in mentions)
    end = max(mention.end for mention in mentions)
    if lead := _LEAD.search(turn.text[:start]):
        start = lead.start()
    found: dict[str, Any] = {"text": " ".join(turn.text[start:end].split())}
    villages = [mention for mention in mentions if mention.kind == "village"]
    if villages and (not villages[0].ambiguous or villages[0].tenant == turn.tenant):
        found["region"] = villages[0].code
        if villages[0].tenant and villages[0].tenant != turn.tenant:
            found["government"] = villages[0].tenant
    if any(mention.kind in _SPOTS for mention in mentions):
        found["exact"] = True
    return found


def amended(known: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """Put a correction into a place: a new RT or RW into the old words, a kelurahan that was missing behind
    them, anything else in their stead.
    """
    old, new = str(known.get("text") or ""), str(said.get("text") or "")
    if known.get("exact") and not said.get("exact") and known.get("region") in (None, said.get("region")):
        behind = new if new.casefold() not in old.casefold() else ""
        return {**known, **said, "text": ", ".join(part for part in (old, behind) if part)}
    if not old or not new or said.get("region"):
        return {**known, **said}
    corrected = places.find(new)
    if any(mention.kind != "rt_rw" for mention in corrected):
        return {**known, **said}
    spot = next((mention for mention in places.find(old) if mention.kind == "rt_rw"), None)
    rt = corrected[0].rt or (spot.rt if spot else None)
    rw = corrected[0].rw or (spot.rw if spot else None)
    value = " ".join(part for part in (rt and f"RT {rt}", rw and f"RW {rw}") if part)
    text = f"{old[: spot.start]}{value}{old[spot.end :]}" if spot else f"{old}, {value}"
    return {**known, "text": text, "exact": True}


def wish(turn: Turn) -> dates.Mention | None:
    """Find the day and time a citizen names."""
    return dates.combine(dates.resolve(turn.text, turn.now)) if turn.text else None


def mostly(turn: Turn, found: str | None) -> bool:
    """Say whether what was found in a message is the greater part of it, fillers aside."""
    core = runtime().words.core(turn.text)
    return bool(found) and len(runtime().words.core(str(found))) >= MOSTLY * len(core)


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


def moment(text: str, turn: Turn) -> datetime:
    """Read a stored time in the tenant's zone."""
    return datetime.fromisoformat(text).astimezone(turn.now.tzinfo)


def person_name(text: str) -> str | None:
    """Return a name that a counter can call: letters, marks, spaces and the signs of names, no emoji.

    None when nothing is left, or what was said holds figures or a question.
    """
    if any(mark in text for mark in "[]0123456789?"):
        return None
    kept = (
        sign if sign.isalpha() or unicodedata.category(sign)[0] == "M" or sign in " .'’-," else " "
        for sign in text
    )
    name = " ".join("".join(kept).split()).strip(" .,-")
    lowered = name.lower()
    lead = next((lead for lead in runtime().words.name_leads if lowered.startswith(f"{lead} ")), "")
    name = name[len(lead) :].strip()
    name = name.title() if name.islower() or name.isupper() else name
    return name if len(name) in NAME_LENGTH else None


def priority(text: str) -> str | None:
    """Return who is to be served first, if the words say so: disability, elderly or pregnant."""
    words = f" {' '.join(text.lower().split())} "
    return next(
        (
            who
            for who, signs in runtime().words.priorities.items()
            if any(f" {sign}" in words for sign in signs)
        ),
        None,
    )


def reference(turn: Turn) -> str | None:
    """Return a case, permit or booking number, pressed or typed."""
    pressed = turn.values.get("reference")
    if pressed:
        return str(pressed)
    found = numbers.references(turn.text)
    return found[0].value if found else None


def topic(turn: Turn) -> str | None:
    """Return what a complaint is about: the pipeline's word, or else the longest synonym that stands in the
    text."""
    pressed = turn.values.get("topic")
    if pressed in runtime().catalog.topics:
        return str(pressed)
    text = f" {turn.text.lower()} "
    entries = runtime().catalog.topics.values()
    plain = text.strip(" .,!?\n")
    if plain and len(plain.split()) <= 3:
        named = [
            (len(entry.title), entry.id) for entry in entries if f" {plain} " in f" {entry.title.lower()} "
        ]
        if named:
            return min(named)[1]
    if turn.topic in runtime().catalog.topics:
        return turn.topic
    hits = [
        (len(word), entry.id)
        for entry in entries
        for word in (*entry.synonyms, entry.title)
        if f" {word.lower()}" in text
    ]
    return max(hits)[1] if hits else None


def service(turn: Turn, among: Callable[[str], bool] | None = None) -> str | None:
    """Return the service a citizen names beyond doubt, of all or of those that count here."""
    named = turn.values.get("service")
    if named in runtime().catalog.services:
        return str(named)
    candidates = services(turn, among)
    if not candidates or family(turn):
        return None
    best = candidates[0]
    second = candidates[1][1] if len(candidates) > 1 else 0.0
    sure = runtime().thresholds
    if best[1] - second < sure["service_gap"]:
        return None
    # Where the choice is echoed before it counts, the only candidate will do.
    enough = sure["service_alone"] if among and len(candidates) == 1 else sure["service_act"]
    return best[0] if best[1] >= enough else None


def services(turn: Turn, among: Callable[[str], bool] | None = None) -> list[tuple[str, float]]:
    """Return what the citizen may mean, best first, as far as it is worth offering.

    The pipeline's list wins; without one, the search is asked, without the words about when and queueing.
    """
    floor = runtime().thresholds["service_offer"]
    kin = family(turn)
    if kin:
        return [(name, 1.0) for name in kin if among is None or among(name)]
    found = [(str(entry["id"]), float(entry["score"])) for entry in turn.services]
    if not found and turn.text:
        found = runtime().search.find(_subject(turn), turn.tenant, 6)
    known = runtime().catalog.services
    return [
        (name, score)
        for name, score in found
        if score >= floor
        and name in known
        and known[name].serves(turn.tenant)
        and (among is None or among(name))
    ]


def family(turn: Turn) -> list[str]:
    """Return the services that share a bare name: *ktp* or *urus kk* alone can mean any of them."""
    words = runtime().words
    core = [w.strip(".,!?") for w in words.core(turn.text).split()]
    core = [word for word in core if word not in words.queue and word not in words.bare]
    if len(core) != 1:
        return []
    kin = [
        entry.id for entry in runtime().catalog.services_for(turn.tenant) if entry.id.split("_")[0] == core[0]
    ]
    return kin if len(kin) > 1 else []


def _subject(turn: Turn) -> str:
    text = turn.text
    for mention in reversed(dates.resolve(text, turn.now)):
        text = text[: mention.start] + " " + text[mention.end :]
    return " ".join(word for word in text.split() if word.lower().strip(",.?!") not in runtime().words.queue)
