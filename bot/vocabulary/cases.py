"""What a citizen follows after a conversation: cases and bookings."""

from dataclasses import dataclass
from datetime import datetime

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
    """A place in a queue. `number` is what the counter calls, `code` what the citizen shows."""

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
