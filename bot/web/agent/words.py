"""How the console calls things: intents, services, reasons, ages, and the reading of a message."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from markupsafe import Markup, escape

from bot.conversations import speech
from bot.conversations.desk.teaching import known_intents
from bot.door import Door
from bot.storage import deliveries
from bot.storage.messages import StoredMessage
from bot.storage.transcripts import Line
from bot.vocabulary.agents import Handoff, Stage
from bot.vocabulary.messages import MessageStatus
from bot.web import passes
from bot.web.access import identity
from bot.web.access.identity import Signed
from intents.catalog import Service, Topic

MINUTE, HOUR, DAY = 60, 3600, 86_400
CHOICES = 3
SHOWN = 200
STUCK = (MessageStatus.FAILED, MessageStatus.SKIPPED, MessageStatus.UNKNOWN, MessageStatus.WAITING)
_BOLD = re.compile(r"\*([^*\n]+)\*")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the bot made of a message. `sure` is 0–100, None where nothing was measured."""

    intent: str | None
    title: str
    sure: int | None
    service: str | None
    choices: tuple[tuple[str, str], ...]


class Words:
    """The names of things for one tenant."""

    def __init__(self, door: Door, tenant: str) -> None:
        self._door = door
        self._tenant = tenant

    @classmethod
    def of(cls, request: Request, signed: Signed) -> "Words":
        """Those of the tenant of somebody who asks."""
        return cls(identity.door_of(request), signed.agent.tenant)

    def text(self, key: str, **values: Any) -> str:
        """A sentence of the console."""
        return self._door.texts.render(f"console.{key}", self._tenant, values)

    def named(self, group: str, name: str | None) -> str:
        """The name of one of ours; the bare name where there is no better one."""
        if not name:
            return "-"
        key = f"console.{group}.{name}"
        if self._door.texts.has(key, self._tenant):
            return self._door.texts.render(key, self._tenant)
        return str(name).replace("_", " ")

    def intent(self, name: str | None) -> str:
        """What an intent means, in words."""
        return self.named("intent", name)

    def intents(self) -> list[tuple[str, str]]:
        """Every intent there is, by its name in words."""
        return sorted(((name, self.intent(name)) for name in known_intents()), key=lambda pair: pair[1])

    def service(self, service_id: str | None) -> str:
        """A service's title."""
        found = self._door.catalog.service(str(service_id)) if service_id else None
        return found.title if found else str(service_id or "-")

    def topic(self, topic_id: str | None) -> str:
        """A complaint topic's title."""
        found = self._door.catalog.topic(str(topic_id)) if topic_id else None
        return found.title if found else str(topic_id or "-")

    def topics(self) -> list[Topic]:
        """What a report can be about, by title."""
        return sorted(self._door.catalog.topics.values(), key=lambda one: one.title)

    def counters(self) -> list[Service]:
        """The services with a counter that can be queued for."""
        found = [one for one in self._door.catalog.services_for(self._tenant) if one.counter]
        return sorted(found, key=lambda one: one.title)

    def for_scripts(self) -> dict[str, str]:
        """The sentences that the page's scripts show."""
        names = self._door.texts.keys()
        keys = [key for key in names if key.startswith("console.js.")]
        later = {"count": "{count}", "name": "{name}", "number": "{number}"}
        return {
            key.removeprefix("console.js."): self._door.texts.render(key, self._tenant, later) for key in keys
        }

    def status(self, name: str) -> str:
        """A case's status."""
        key = f"status.{name}"
        return self._door.texts.render(key, self._tenant) if self._door.texts.has(key) else name

    def age(self, moment: datetime | None) -> str:
        """How long ago, short: the page's script keeps it going."""
        if moment is None:
            return ""
        seconds = max(0, int((datetime.now(UTC) - moment).total_seconds()))
        for size, unit in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
            if seconds >= size:
                return self.text(f"age.{unit}", count=seconds // size)
        return self.text("age.now")

    def citizen(self, name: str | None) -> str:
        """A citizen's name on their channel."""
        return name or self.text("row.citizen")

    def last(self, row: Any) -> str:
        """The newest message of a row, short."""
        if row.last_text:
            return str(row.last_text)[:140]
        return self.named("kind", row.last_kind) if row.last_kind else ""

    def asked_with(self, row: Any) -> str | None:
        """What a citizen said when they asked for a person; of use until somebody answers."""
        if row.handoff.stage is not Stage.WAITING or row.last_direction != "out":
            return None
        said = row.handoff.summary.get("last_text")
        return said[:140] if isinstance(said, str) else None

    def emphasised(self, text: str) -> Markup:
        """A sentence of ours with its *bold* words bold."""
        return Markup(_BOLD.sub(r"<b>\1</b>", str(escape(text))))  # noqa: S704 (escaped on the same line)

    def since(self, found: Handoff) -> datetime:
        """What the age of a row is counted from."""
        return found.closed_at or found.unanswered_since or found.last_message_at or found.queued_at

    def slots(self, collected: dict[str, Any]) -> list[tuple[str, str]]:
        """What the bot asked and got, named."""
        readers = {"complaint_topic": self.topic, "service": self.service, "booking_service": self.service}
        return [
            (self.named("slot", name), readers.get(name, str)(value))
            for name, value in collected.items()
            if value not in (None, "") and name != "last_text" and not isinstance(value, dict | list)
        ]

    def reading(self, understanding: dict[str, Any] | None) -> Reading | None:
        """What the bot made of a message, and what else it might have meant."""
        if not understanding:
            return None
        heard, sure = _scored(understanding.get("intent"))
        service, _ = _scored(understanding.get("service"), "id")
        others = [_scored(item)[0] for item in understanding.get("alternatives") or ()]
        choices = [name for name in others if name and name != heard][:CHOICES]
        if heard is None and service is None:
            return None
        return Reading(
            heard,
            self.intent(heard),
            None if sure is None else round(sure * 100),
            self.service(service) if service else None,
            tuple((name, self.intent(name)) for name in choices),
        )

    def message(self, message: StoredMessage) -> str | None:
        """What a message says to its reader here: masked, but for what we ourselves wrote."""
        if message.direction == "in":
            return message.text
        return speech.words_of(self._door, message.text, message.sealed_text)

    def pictures(self, message: StoredMessage) -> list[tuple[str, bool]]:
        """The files of a message: a signed address, and whether it is a picture."""
        key = self._door.settings.secret_key
        found = []
        for item in (*message.media, *message.attachments):
            kind = str(item.get("kind") or item.get("content_type") or "image")
            picture = kind.startswith("image") or kind in ("photo", "qr")
            if item.get("media_id"):
                found.append((passes.signed_link(key, item["media_id"]), picture))
        return found

    def stuck(self, message: StoredMessage) -> bool:
        """Say whether a message of ours is not on its way to the citizen."""
        return message.status in STUCK

    def may_go_again(self, message: StoredMessage) -> bool:
        """Say whether somebody may send it again."""
        return deliveries.may_go_again(message)

    def failure(self, message: StoredMessage) -> str:
        """Why a message did not arrive, in words; a channel's own code where we have none."""
        reason = message.reason or ""
        head, _, rest = reason.partition("_")
        if head == "RESENT":
            return self.text("failure.resent", channel=self.named("channel", rest.lower()))
        if self._door.texts.has(f"console.failure.{reason.lower()}", self._tenant):
            return self.text(f"failure.{reason.lower()}")
        return self.text("failure.code", code=rest) if head == "FAILED" and rest else ""

    def around(self, text: str, query: str) -> str:
        """The part of a message in which the first word of a search stands."""
        word = next(iter(re.findall(r"\w+", query)), "")
        at = text.lower().find(word.lower()) if word else 0
        start = max(0, at - SHOWN // 3) if at > SHOWN // 2 else 0
        return ("…" if start else "") + text[start : start + SHOWN]

    def taught(self, line: Line) -> str | None:
        """What a colleague said that a message meant."""
        return self.intent(line.taught) if line.taught else None


def _scored(value: Any, name: str = "name") -> tuple[str | None, float | None]:
    if isinstance(value, dict):
        found, score = value.get(name), value.get("confidence", value.get("score"))
        return (str(found) if found else None), (float(score) if isinstance(score, int | float) else None)
    return (str(value), None) if value else (None, None)
