"""A form that a citizen filled in on the channel, as an agent reads it: each field with its name."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from bot.storage.messages import StoredMessage
from bot.storage.transcripts import Line
from bot.texts import clock, long_date
from bot.web.agent.words import Words
from intents import places

ORDER = (
    "topic", "description", "place", "village", "confidential", "anonymous",
    "service", "day", "time", "name", "priority",
)  # fmt: skip
MOST = 500
"""Characters of a place that the helper for filing takes."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a filled form says for a report: to begin with, not to be sent unread."""

    topic: str | None
    description: str
    place: str
    confidential: bool
    anonymous: bool


@dataclass(frozen=True, slots=True)
class Appointment:
    """What a filled form says for a queue place: the service id; day and time as HTML fields take them."""

    service: str
    day: str
    time: str
    name: str


def fields(words: Words, message: StoredMessage) -> list[tuple[str, str]]:
    """The fields of a filled form, named and in the order of the form; empty for any other message.

    They are masked as the message's words are.
    """
    given = _given(message)
    names = [*(name for name in ORDER if name in given), *(name for name in given if name not in ORDER)]
    # An empty field and a box that was not ticked say nothing.
    return [(words.named("field", name), _value(words, name, given[name])) for name in names if given[name]]


def report(lines: Iterable[Line], since: datetime | None) -> Report | None:
    """The newest report that came as a form since then: before, the bot took it."""
    given = _newest(lines, since, "description")
    if given is None:
        return None
    where = [str(given.get("place") or ""), _area(str(given.get("village") or ""))]
    return Report(
        topic=str(given["topic"]) if given.get("topic") else None,
        description=given["description"],
        place=", ".join(part for part in where if part)[:MOST],
        confidential=given.get("confidential") is True,
        anonymous=given.get("anonymous") is True,
    )


def appointment(lines: Iterable[Line], since: datetime | None) -> Appointment | None:
    """The newest queue place that was wished for by a form since then."""
    given = _newest(lines, since, "service")
    if given is None:
        return None
    return Appointment(given["service"], *(str(given.get(name) or "") for name in ("day", "time", "name")))


def _newest(lines: Iterable[Line], since: datetime | None, field: str) -> dict[str, Any] | None:
    for line in reversed(list(lines)):
        if since is None or line.message.created_at < since:
            return None
        given = _given(line.message)
        if isinstance(given.get(field), str):
            return given
    return None


def _given(message: StoredMessage) -> dict[str, Any]:
    given = message.extra.get("form") if message.direction == "in" else None
    return given if isinstance(given, dict) else {}


def _value(words: Words, name: str, value: Any) -> str:
    if value is True:
        return words.text("field_yes")
    said = str(value)
    try:
        if name == "day":
            return long_date(date.fromisoformat(said))
        if name == "time":
            return clock(time.fromisoformat(said))
    except ValueError:
        return said
    if name == "topic":
        return words.topic(said)
    if name == "service":
        return words.service(said)
    if name == "village":
        return _area(said) or said
    return words.named("field_priority", said) if name == "priority" else said


def _area(code: str) -> str:
    found = places.gazetteer().areas.get(code)
    return found.name if found else ""
