"""What a poster's link or QR code opens: a service, a counter, or a case, named by a token of ours.

Telegram sends what stands behind t.me/<bot>?start= as /start; a link to WhatsApp carries the same words.
"""

import json
from enum import StrEnum
from typing import Any

from bot.door import Door
from bot.vocabulary.conversations import Say

PREFIX = "k-"
LONGEST = 64
"""Letters behind ?start= (core.telegram.org/bots/features#deep-linking)."""
SERVICES_OFFERED = 8


class Subject(StrEnum):
    """What a link is about; one letter, because every one counts."""

    SERVICE = "s"
    COUNTER = "c"
    CASE = "n"


class Unlinkable(Exception):
    """There is no such thing, or its name is too long for a link; the message says which."""


def make(door: Door, tenant: str, subject: Subject, name: str) -> str:
    """The payload of a link: at most 64 of A-Z a-z 0-9 _ -. Raises Unlinkable."""
    if subject is Subject.SERVICE and name not in [one.id for one in door.catalog.services_for(tenant)]:
        raise Unlinkable(f"{tenant} has no service {name!r}; data/catalogue/ names them")
    counters = _counters(door, tenant)
    if subject is Subject.COUNTER and name not in counters:
        known = ", ".join(counters) or "none"
        raise Unlinkable(f"{tenant} has no counter {name!r}; known: {known}")
    payload = f"{PREFIX}{door.sealer.opaque(f'{subject}{name}')}"
    if not name or len(payload) > LONGEST:
        raise Unlinkable(f"{name!r} does not fit into the {LONGEST} letters of a link")
    return payload


def read(door: Door, tenant: str, text: str) -> Say | str | None:
    """What to say to `/start payload`, or the wish it stands for; None for anything else, and forgeries."""
    command, _, payload = text.strip().lstrip("/").partition(" ")
    payload = payload.strip()
    if command.partition("@")[0].lower() not in ("start", "mulai") or not payload.startswith(PREFIX):
        return None
    try:
        clear = door.sealer.clear(payload.removeprefix(PREFIX))
        subject, name = Subject(clear[:1]), clear[1:]
    except ValueError:
        return None
    if subject is Subject.CASE:
        return f"/check_status{json.dumps({'reference': name})}"
    if subject is Subject.SERVICE:
        # A poster may hang longer than its service is offered.
        known = name in [one.id for one in door.catalog.services_for(tenant)]
        return f"/ask_requirements{json.dumps({'service': name})}" if known else None
    return _counter(door, tenant, name)


def _counter(door: Door, tenant: str, name: str) -> Say | None:
    found = _counters(door, tenant).get(name)
    if found is None:
        return None
    services = [one for one in door.catalog.services_for(tenant) if one.counter == name]
    buttons: list[dict[str, Any]] = [
        {
            "title": one.title,
            "payload": f"/ask_requirements{json.dumps({'service': one.id})}",
            "reusable": True,
        }
        for one in services[:SERVICES_OFFERED]
    ]
    buttons.append({"title_key": "button.book", "payload": "/book_queue", "reusable": True})
    return Say("start.counter", {"counter": found["title"]}, tuple(buttons))


def _counters(door: Door, tenant: str) -> dict[str, Any]:
    known = door.tenants.get(tenant)
    found: dict[str, Any] = ((known.facts.get("mpp") or {}).get("counters") or {}) if known else {}
    return found
