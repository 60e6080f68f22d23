"""The guard before everything: an emergency is answered at once, in every state, without Rasa.

It runs in the transaction that stores the message, so neither a queue nor a stopped engine stands before
the number to call. What the citizen was doing is kept.
"""

from typing import Any

from bot.conversations import speech
from bot.door import Door
from bot.vocabulary.conversations import Say
from bot.vocabulary.messages import OutgoingMessage
from intents import emergency

CRISIS = frozenset({"self_harm", "violence", "child"})


def check(text: str, *, alone: bool = False) -> emergency.Emergency | None:
    """Say which emergency a text reports, if any. Deterministic; knows idioms and questions about numbers.

    `alone`: no engine reads the text afterwards, so that the guard speaks at less.
    """
    return emergency.check(text, alone=alone)


def answer(door: Door, tenant_id: str, found: emergency.Emergency) -> OutgoingMessage:
    """The one bubble with the tenant's own number for this kind, and what to do if it does not answer."""
    return speech.bubble(door, tenant_id, say(door, tenant_id, found))


def say(door: Door, tenant_id: str, found: emergency.Emergency) -> Say:
    """The same, not yet in words."""
    numbers = _numbers(door, tenant_id, found.kind)
    key = f"emergency.{found.kind}" if door.texts.has(f"emergency.{found.kind}") else "emergency.general"
    if not numbers:
        # A tenant without a known number gets the sentence that names the national ones.
        return Say("emergency.no_number")
    first, *others = numbers
    values: dict[str, Any] = {
        "number": first["number"],
        "label": first["label"],
        "fallback": " atau ".join(f"{item['number']} ({item['label']})" for item in others)
        or first["number"],
    }
    return Say(key, values)


def _numbers(door: Door, tenant_id: str, kind: str) -> list[dict[str, Any]]:
    tenant = door.tenants.get(tenant_id)
    table: dict[str, Any] = {} if tenant is None else dict(tenant.facts.get("emergency") or {})
    crisis = table.get("crisis") or {}
    entry = (crisis.get(kind) if kind in CRISIS else None) or table.get(kind) or table.get("general") or {}
    known = [entry, *(entry.get("fallback") or [])]
    return [
        {"number": _dial(item), "label": item.get("label") or item["number"]}
        for item in known
        if item.get("number")
    ]


def _dial(item: dict[str, Any]) -> str:
    extension = item.get("extension")
    return f"{item['number']} tekan {extension}" if extension else str(item["number"])
