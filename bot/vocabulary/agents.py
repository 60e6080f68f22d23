"""The people who answer: agents, their presence, what waits for them, and what they leave behind."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """What an agent may do. Each role may do what the ones before it may."""

    PETUGAS = "petugas"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class PresenceState(StrEnum):
    """Whether an agent takes conversations. `away` keeps those they have and gets no new ones."""

    AVAILABLE = "available"
    AWAY = "away"
    OFFLINE = "offline"


class Urgency(StrEnum):
    """How a hand-off stands in the queue; `crisis` and `emergency` go before everything."""

    NORMAL = "normal"
    EMERGENCY = "emergency"
    CRISIS = "crisis"


class Stage(StrEnum):
    """Where a hand-off is. `callback` waits for the time the citizen chose; the bot answers until then."""

    CALLBACK = "callback"
    WAITING = "waiting"
    ASSIGNED = "assigned"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a hand-off ended. `abandoned` is not `solved`: nobody had answered when the citizen left."""

    SOLVED = "solved"
    REFERRED = "referred"
    UNSOLVED = "unsolved"
    NO_ANSWER = "no_answer"
    SPAM = "spam"
    TO_BOT = "to_bot"
    ABANDONED = "abandoned"


class EventKind(StrEnum):
    """What the console is told."""

    HANDOFF_WAITING = "handoff_waiting"
    HANDOFF_ASSIGNED = "handoff_assigned"
    HANDOFF_RELEASED = "handoff_released"
    HANDOFF_FORWARDED = "handoff_forwarded"
    HANDOFF_CARRIED = "handoff_carried"
    HANDOFF_CLOSED = "handoff_closed"
    HANDOFF_RATED = "handoff_rated"
    MESSAGE = "message"
    MESSAGE_STATUS = "message_status"
    NOTE = "note"
    MENTION = "mention"
    LABELS = "labels"
    PRESENCE = "presence"
    DRAFT = "draft"
    CASEWORK = "casework"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Agent:
    """One person of one government who answers citizens.

    `name` is for colleagues, `public_name` for citizens (None: the tenant's setting decides from `name`).
    No skills or languages listed means any. `capacity` is how many conversations are assigned by itself.
    """

    id: str
    tenant: str
    name: str
    role: Role = Role.PETUGAS
    public_name: str | None = None
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    capacity: int = 4
    active: bool = True

    def may(self, role: Role) -> bool:
        """Say whether this agent may do what `role` may."""
        order = list(Role)
        return order.index(self.role) >= order.index(role)


@dataclass(frozen=True, slots=True)
class Presence:
    """Where an agent is: `seen_at` is the last heartbeat of any of their consoles."""

    agent_id: str
    state: PresenceState
    reason: str | None
    since: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Handoff:
    """One request for a person, from asking to rating.

    `number` is what the citizen was told (P-12). `queued_at` decides the place in the queue and survives a
    release; `unanswered_since` is the oldest message of the citizen that no person has answered.
    """

    id: str
    number: int
    tenant: str
    conversation_id: str
    stage: Stage
    urgency: Urgency
    reason: str
    asked_at: datetime
    queued_at: datetime
    summary: dict[str, Any] = field(default_factory=dict)
    skill: str | None = None
    language: str | None = None
    agent_id: str | None = None
    wanted_agent_id: str | None = None
    claimed_at: datetime | None = None
    first_reply_at: datetime | None = None
    unanswered_since: datetime | None = None
    last_message_at: datetime | None = None
    callback_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: Outcome | None = None
    rating: int | None = None
    transfers: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """What agents write to each other about a conversation; no citizen ever sees one."""

    id: int
    conversation_id: str
    agent_id: str
    text: str
    mentions: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CannedReply:
    """A sentence kept for reuse. `text` may name variables in braces: {nama}, {petugas}, {nomor}."""

    id: str
    tenant: str
    shortcut: str
    title: str
    text: str
    skill: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What the bot would say where a person approves first. `bubbles` are texts with their buttons."""

    id: str
    tenant: str
    conversation_id: str
    service: str | None
    bubbles: tuple[dict[str, Any], ...]
    created_at: datetime
    decided_at: datetime | None = None
    agent_id: str | None = None
    decision: str | None = None


@dataclass(frozen=True, slots=True)
class ConsoleEvent:
    """One change that consoles show. `id` only grows, survives restarts, and becomes visible in order.

    `agent_id` is whose screen it concerns (None: everybody's of the tenant).
    """

    id: int
    tenant: str
    kind: EventKind
    created_at: datetime
    conversation_id: str | None = None
    handoff_id: str | None = None
    agent_id: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
