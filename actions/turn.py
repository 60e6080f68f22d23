"""One turn as an action sees it: what the citizen said, what is known, and the answer being built.

A handler is a function `async def handler(turn: Turn, answer: Answer) -> None`, registered for an action
name and the intents it answers. Handlers never raise for a city system's failure: they say it.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from actions.effects import Effect


@dataclass(frozen=True)
class Turn:
    """What came in. `text` is masked; `values` are the entities of a pressed button."""

    id: str
    text: str
    intent: str
    confidence: float
    values: Mapping[str, Any]
    entities: tuple[Mapping[str, Any], ...]
    alternatives: tuple[Mapping[str, Any], ...]
    services: tuple[Mapping[str, Any], ...]
    topic: str | None
    pressed: bool
    tenant: str
    now: datetime
    location: Mapping[str, float] | None
    photos: tuple[Mapping[str, str], ...]
    cases: tuple[Mapping[str, Any], ...]
    bookings: tuple[Mapping[str, Any], ...]
    waitings: tuple[Mapping[str, Any], ...]
    person: str | None
    display_name: str | None
    language: str | None
    slots: Mapping[str, Any]
    form: str | None
    question: str | None
    aside_answered: bool = False
    form_ran: bool = False

    @property
    def heard(self) -> str:
        """The intent as understood, also when it was too unsure to act upon."""
        if self.intent == "unclear" and self.alternatives:
            return str(self.alternatives[0].get("name"))
        return self.intent

    def slot(self, name: str) -> Any:
        """Return a slot's value, None when it is empty."""
        return self.slots.get(name)

    def entity(self, name: str) -> Any:
        """Return the first value of an entity, also one of a pressed button."""
        if name in self.values:
            return self.values[name]
        return next((found.get("value") for found in self.entities if found.get("entity") == name), None)

    def key(self, purpose: str) -> str:
        """Derive an idempotency key: the same turn asked twice gives the same key."""
        return hashlib.sha256(f"{purpose}:{self.id}".encode()).hexdigest()[:32]


@dataclass
class Answer:
    """What goes out: bubbles and effects, and the slots to remember."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    effects: list[dict[str, Any]] = field(default_factory=list)
    slots: dict[str, Any] = field(default_factory=dict)
    followup: str | None = None
    opening: dict[str, Any] | None = None

    def say(
        self,
        text_key: str,
        *,
        buttons: list[dict[str, Any]] | None = None,
        attachments: list[dict[str, Any]] | None = None,
        ask_location: bool = False,
        form: str | None = None,
        **values: Any,
    ) -> None:
        """Add one bubble. Dates and times among the values are typed for the front door.

        `form` names the form that this bubble begins, for channels that can show it whole.
        """
        message: dict[str, Any] = {
            "text_key": text_key,
            "values": {name: typed(value) for name, value in values.items()},
        }
        if self.opening:
            second = {"$text": message["text_key"], "values": message["values"]}
            message = {"text_key": "layout.lines", "values": {"first": self.opening, "second": second}}
            self.opening = None
        if buttons:
            message["buttons"] = buttons
        if attachments:
            message["attachments"] = attachments
        if ask_location:
            message["ask_location"] = True
        if form:
            message["form"] = form
        self.messages.append(message)

    def open_with(self, text_key: str, **values: Any) -> None:
        """Put a short sentence above the next bubble instead of sending it as one of its own."""
        self.opening = said(text_key, **values)

    def effect(self, effect: Effect) -> None:
        """Ask the front door for something."""
        self.effects.append(effect.to_json())

    def keep(self, **slots: Any) -> None:
        """Remember values for later turns; None forgets."""
        self.slots.update(slots)


def settle(turn: Turn, answer: Answer) -> None:
    """Let a question outside the forms live for one message: whatever is answered next, it is over."""
    if turn.slot("asked") and "asked" not in answer.slots:
        answer.keep(asked=None)


Handler = Callable[[Turn, Answer], Awaitable[None]]
HANDLERS: dict[str, Handler] = {}
BY_INTENT: dict[str, Handler] = {}


def handles(action: str, *intents: str) -> Callable[[Handler], Handler]:
    """Register a handler under Rasa's name of the action and the intents it answers."""

    def register(handler: Handler) -> Handler:
        HANDLERS[action] = handler
        for intent in intents:
            BY_INTENT[intent] = handler
        return handler

    return register


def typed(value: Any) -> Any:
    """Mark a value for formatting by the front door, which knows weekday names and the zone."""
    if isinstance(value, datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, time):
        return {"$time": value.strftime("%H:%M")}
    return value


def said(text_key: str, **values: Any) -> dict[str, Any]:
    """A sentence inside another one."""
    return {
        "$text": text_key,
        **({"values": {name: typed(value) for name, value in values.items()}} if values else {}),
    }


def lines(*parts: Any) -> Any:
    """Put sentences under each other, leaving out those that are empty."""
    kept = [typed(part) for part in parts if part]
    if not kept:
        return ""
    whole = kept[-1]
    for part in reversed(kept[:-1]):
        whole = {"$text": "layout.lines", "values": {"first": part, "second": whole}}
    return whole


def button(
    title_key: str, intent: str, *, title: str | None = None, reusable: bool = False, **values: Any
) -> dict[str, Any]:
    """A choice. `title` is for names and times that come from data; everything else has a text key."""
    payload = f"/{intent}" + (json.dumps(values, ensure_ascii=False) if values else "")
    named = {"title": title} if title is not None else {"title_key": title_key}
    return {**named, "payload": payload, **({"reusable": True} if reusable else {})}


def choice(title_key: str, value: str, *, title: str | None = None) -> dict[str, Any]:
    """A form's button."""
    return button(title_key, "choose", title=title, value=value)
