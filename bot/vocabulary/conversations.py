"""A conversation with one citizen on one channel, and the turns it is made of."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.vocabulary.messages import ChannelAddress, Location


class Owner(StrEnum):
    """Who answers the citizen now."""

    BOT = "bot"
    QUEUE = "queue"
    AGENT = "agent"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Conversation:
    """One thread with one citizen on one channel. `state` is the dialogue engine's memory, opaque to us."""

    id: str
    tenant: str
    citizen_id: str
    address: ChannelAddress
    owner: Owner
    language: str | None
    failures: int
    state: dict[str, Any] | None
    consented: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """What we ask the dialogue engine. The same `id` asked twice must be harmless.

    `text` is masked (no NIK, phone or e-mail) or a button's payload; `cases` and `bookings` are what
    this citizen already has with us, newest first, so that actions need no database; `waitings` are their
    places on waiting lists. `person` is the citizen's pseudonym towards queues, which count places by it.
    """

    id: str
    conversation_id: str
    tenant: str
    channel: str
    text: str
    now: datetime
    language: str | None = None
    location: Location | None = None
    photos: tuple[dict[str, Any], ...] = ()
    cases: tuple[dict[str, Any], ...] = ()
    bookings: tuple[dict[str, Any], ...] = ()
    waitings: tuple[dict[str, Any], ...] = ()
    person: str | None = None
    display_name: str | None = None
    state: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """One bubble to be: a key of data/texts/id with its values, buttons and attachments as plain data.

    `form` names the form that this bubble begins: a channel with forms of its own may offer it whole.
    """

    text_key: str
    values: dict[str, Any] = field(default_factory=dict)
    buttons: tuple[dict[str, Any], ...] = ()
    attachments: tuple[dict[str, Any], ...] = ()
    ask_location: bool = False
    form: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the engine answered: bubbles, effects to apply, and its memory after the turn."""

    messages: tuple[Say, ...]
    effects: tuple[dict[str, Any], ...]
    state: dict[str, Any]
    understanding: dict[str, Any] = field(default_factory=dict)
