"""What a citizen follows after a conversation: cases and bookings."""

from dataclasses import dataclass
from datetime import date, datetime

from connectors.capabilities import CaseStatus


@dataclass(frozen=True, slots=True)
class Case:
    """Anything the city tracks under a reference. `promised_at` is computed once and never moves.

    `number` is ours, given while the city could not be reached; `filed_at` is None until it could.
    `origin` says how the citizen came to it: filed, joined or followed.
    """

    id: str
    tenant: str
    conversation_id: str
    connector: str
    reference: str
    kind: str
    topic: str | None
    status: CaseStatus
    description: str | None
    place: str | None
    promised_at: datetime | None
    created_at: datetime
    updated_at: datetime
    number: str | None = None
    origin: str = "filed"
    agency: str | None = None
    filed_at: datetime | None = None
    verify_by: datetime | None = None
    done_at: datetime | None = None
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """A place in a queue. `number` is what the counter calls, `code` what the citizen shows.

    `moves` counts how often it got another time.
    """

    id: str
    tenant: str
    conversation_id: str
    connector: str
    code: str
    number: str | None
    service: str | None
    counter: str | None
    starts_at: datetime
    status: str
    counter_title: str | None = None
    priority: str | None = None
    name: str | None = None
    moves: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A place on a waiting list. `offered_at` is the time of the freed place, kept until `expires_at`."""

    id: str
    tenant: str
    conversation_id: str
    connector: str
    place_id: str
    service: str
    day: date
    name: str | None
    status: str
    offered_at: datetime | None
    expires_at: datetime | None
