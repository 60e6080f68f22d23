"""Jurisdiction first: a report goes on only when the topic, the words and the place are the tenant's own."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from actions import owners
from actions.runtime import runtime
from actions.turn import Answer, Turn, button, choice, lines, said
from connectors.capabilities import Capability
from connectors.errors import NotOffered
from intents import places

ROOT = Path(__file__).resolve().parents[1]
_REGENCY = re.compile(r"\bkab(?:upaten)?\b")
_NOT = re.compile(
    r"\b(?:bukan|bkn|dudu|sanes|jangan)\b[^,.;]*?\b(?:kab(?:upaten)?|kota|kec(?:amatan)?\.? \w+|\w+$)"
)
_ORDINALS = (
    r"\b(?:pertama|satu|kesatu|siji|atas)\b|^\W*1\W*$|\bno(?:mor|mer)?\.? ?1\b",
    r"\b(?:kedua|dua|loro|kalih|bawah)\b|^\W*2\W*$|\bno(?:mor|mer)?\.? ?2\b",
)


def connected(turn: Turn, topic: str | None) -> bool:
    """Say whether this government takes complaints here; what others own is told apart later."""
    try:
        runtime().registry.find(turn.tenant, Capability.COMPLAINT_SUBMIT, None if outside(topic) else topic)
    except NotOffered:
        return False
    return True


def outside(topic: str | None) -> bool:
    """Say whether a topic is another's business wherever it happens."""
    if topic is None:
        return False
    jurisdiction = runtime().catalog.topics[topic].jurisdiction
    return bool(jurisdiction) and jurisdiction != "city"


def say_not_connected(turn: Turn, answer: Answer) -> None:
    """Complaints of this government do not come in here; where they do."""
    brand = runtime().fact(turn.tenant, "complaint", "brand")
    key = "complaint.not_connected_with_brand" if brand else "complaint.not_connected"
    answer.say(key, buttons=[button("button.agent", "talk_to_agent")], brand=brand)


def say_not_ours(turn: Turn, answer: Answer, topic_id: str) -> None:
    """The topic is another's: whose, and how to reach them."""
    topic = runtime().catalog.topics[topic_id]
    names = runtime().fact(turn.tenant, "agencies") or {}
    owner = str(names.get(topic.owner, topic.owner.upper()))
    answer.say(
        f"complaint.not_ours_{topic.owner}",
        buttons=[button("button.agent", "talk_to_agent"), button("button.report_other", "report_complaint")],
        owner=owner,
        topic=topic.title,
    )


def say_owner(turn: Turn, answer: Answer, owner: owners.Owner) -> None:
    """The words name what another owns: whose, how to reach them, and a way on if that was misread."""
    checked = (
        said("complaint.owner_source", source=owner.source, date=owner.last_verified) if owner.reach else ""
    )
    reach = (
        said("complaint.owner_reach", reach=owner.reach) if owner.reach else said("complaint.owner_unknown")
    )
    answer.say(
        "complaint.owner",
        buttons=[
            choice("button.cancel", "cancel"),
            choice("button.still_ours", "ours"),
            button("button.agent", "talk_to_agent"),
        ],
        owner=owner.name,
        reach=lines(reach, checked),
    )


def say_elsewhere(turn: Turn, answer: Answer, place: dict[str, Any]) -> None:
    """The place belongs to a neighbour: say whose it is, and ask for another place or an end."""
    neighbour = place["government"]
    known = runtime().catalog.tenants.get(neighbour)
    brand = runtime().fact(neighbour, "complaint", "brand") if known else None
    answer.say(
        "complaint.elsewhere_with_brand" if brand else "complaint.elsewhere",
        buttons=[choice("button.cancel", "cancel")],
        place=place.get("text") or said("complaint.that_pin"),
        government=known.short_name if known else neighbour,
        brand=brand,
    )


def of_pin(tenant: str, latitude: float, longitude: float) -> str | None:
    """Whose a pin is by the boxes of data/regions: the tenant's own first, then a neighbour's, else None.

    The boxes are rough and a little wide: they tell a pin in the sea, never a border.
    """
    boxes = _boxes()
    nearby = [tenant, *(runtime().fact(tenant, "neighbours") or ())]
    for name in nearby:
        box = boxes.get(name)
        if box is None:
            return tenant
        if box["south"] <= latitude <= box["north"] and box["west"] <= longitude <= box["east"]:
            return name
    return None


@lru_cache(maxsize=1)
def _boxes() -> dict[str, dict[str, float]]:
    found = {}
    for path in sorted((ROOT / "data" / "regions").glob("*.yml")):
        region = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if region.get("tenant") and region.get("bounding_box"):
            found[region["tenant"]] = region["bounding_box"]
    return found


def areas(turn: Turn, place: dict[str, Any]) -> list[places.Area]:
    """The areas that the name in a place may mean, when it is not settled which."""
    if place.get("latitude") is not None or place.get("settled") or not place.get("text"):
        return []
    mentions = [m for m in places.find(place["text"], turn.tenant) if m.kind == "village" and m.ambiguous]
    return sorted(mentions[0].candidates, key=lambda area: area.tenant != turn.tenant) if mentions else []


def say_which(turn: Turn, answer: Answer, found: list[places.Area]) -> None:
    """Ask which of several places of one name is meant."""
    titles = {area.code: f"{area.kind.capitalize()} {area.name}, Kec. {area.parent}" for area in found}
    answer.say(
        "complaint.which_area",
        buttons=[choice("", f"area:{area.code}", title=_short(area, turn.tenant)) for area in found[:4]],
        name=found[0].name,
        areas={"$list": [f"{titles[area.code]} ({_government(area.tenant)})" for area in found[:4]]},
    )


def named(text: str, found: list[places.Area]) -> places.Area | None:
    """The area that an answer picks in words: by its district, its government, or first and second; *bukan
    yang kabupaten* leaves the others."""
    lowered = text.lower()
    denied = [area for match in _NOT.finditer(lowered) for area in _meant(match[0], found)]
    left = [area for area in found if area not in denied]
    fitting = _meant(_NOT.sub(" ", lowered), left) or (left if denied else [])
    if not fitting and (place := _place_in_list(lowered)) and place <= len(found):
        fitting = [found[place - 1]]
    return fitting[0] if len(fitting) == 1 else None


def _meant(lowered: str, found: list[places.Area]) -> list[places.Area]:
    """The areas whose district or government stands in the words; a district says more."""
    fitting = [area for area in found if area.parent and area.parent.lower() in lowered]
    if len(fitting) == 1:
        return fitting
    side = "kab_mojokerto" if _REGENCY.search(lowered) else "kota_mojokerto" if "kota" in lowered else None
    return [area for area in found if side and area.tenant == side]


def _place_in_list(lowered: str) -> int | None:
    found = [place for place, word in enumerate(_ORDINALS, start=1) if re.search(word, lowered)]
    return found[0] if len(found) == 1 else None


def _short(area: places.Area, tenant: str) -> str:
    if area.tenant == tenant:
        return f"{area.name}, {area.parent}"[:24]
    return f"{area.parent}, {_government(area.tenant).replace('Kabupaten', 'Kab.')}"[:24]


def _government(tenant: str) -> str:
    known = runtime().catalog.tenants.get(tenant)
    return known.short_name if known else tenant
