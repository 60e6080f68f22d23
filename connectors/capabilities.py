"""The closed list of what a city system can do for a citizen, with typed requests and answers.

A dialect implements some of these operations; a manifest names which of them its app offers.
All times are timezone-aware; all coordinates are WGS84 degrees. Queue places have their own words in
connectors.queues; those named here since the first version stay importable from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connectors.queues import (
    BookingEvent,
    BookingReceipt,
    BookingRequest,
    BookingSlot,
    BookingState,
    BookingStatus,
    CounterLive,
    DaySlots,
    Pace,
    SlotQuery,
)

__all__ = [
    "AttributeKind",
    "BookingEvent",
    "BookingReceipt",
    "BookingRequest",
    "BookingSlot",
    "BookingState",
    "BookingStatus",
    "Capability",
    "CaseComment",
    "CaseReceipt",
    "CaseState",
    "CaseStatus",
    "Choice",
    "ComplaintAttribute",
    "ComplaintDraft",
    "CounterLive",
    "DaySlots",
    "Pace",
    "Photo",
    "Place",
    "SlotQuery",
    "StatusUpdate",
    "UpdateQuery",
]


class Capability(StrEnum):
    """Operations, `subject.verb`, as manifests name them."""

    COMPLAINT_SUBMIT = "complaint.submit"
    COMPLAINT_STATUS = "complaint.status"
    COMPLAINT_COMMENT = "complaint.comment"
    COMPLAINT_ATTRIBUTES = "complaint.attributes"
    COMPLAINT_UPDATES = "complaint.updates"
    BOOKING_SLOTS = "booking.slots"
    BOOKING_RESERVE = "booking.reserve"
    BOOKING_STATUS = "booking.status"
    BOOKING_RESCHEDULE = "booking.reschedule"
    BOOKING_CANCEL = "booking.cancel"
    BOOKING_LIVE = "booking.live"
    BOOKING_COUNTERS = "booking.counters"
    BOOKING_HOLD = "booking.hold"
    BOOKING_CONFIRM = "booking.confirm"
    BOOKING_RELEASE = "booking.release"
    BOOKING_CHECK_IN = "booking.check_in"
    BOOKING_WAIT = "booking.wait"
    BOOKING_WAITING = "booking.waiting"
    BOOKING_LEAVE = "booking.leave"
    BOOKING_ACCEPT = "booking.accept"
    BOOKING_REGISTER = "booking.register"
    PERMIT_STATUS = "permit.status"


class CaseStatus(StrEnum):
    """Canonical states of a case; every backend's own words are mapped to these in its manifest."""

    RECEIVED = "received"
    VERIFIED = "verified"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    WAITING_FOR_CITIZEN = "waiting_for_citizen"
    DONE = "done"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    DUPLICATE = "duplicate"
    NOT_OURS = "not_ours"
    REOPENED = "reopened"
    UNKNOWN = "unknown"

    @property
    def is_open(self) -> bool:
        """True while the city still owes the citizen something."""
        return self in _OPEN


_OPEN = frozenset(
    {
        CaseStatus.RECEIVED,
        CaseStatus.VERIFIED,
        CaseStatus.ASSIGNED,
        CaseStatus.IN_PROGRESS,
        CaseStatus.WAITING_FOR_CITIZEN,
        CaseStatus.REOPENED,
        CaseStatus.UNKNOWN,
    }
)


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture the citizen sent: `url` can be fetched by the backend, EXIF already stripped."""

    url: str
    content_type: str = "image/jpeg"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is. At least one of the fields is set; `text` is the citizen's own words."""

    text: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    region_code: str | None = None


class AttributeKind(StrEnum):
    """What an answer looks like; the words are those of GeoReport v2."""

    STRING = "string"
    TEXT = "text"
    NUMBER = "number"
    DATETIME = "datetime"
    ONE = "singlevaluelist"
    SEVERAL = "multivaluelist"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers a backend takes: `key` is its own word, `name` what people read."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class ComplaintAttribute:
    """Something a backend wants to know about one topic besides what and where. `hint`: how to write it."""

    code: str
    question: str
    kind: AttributeKind = AttributeKind.STRING
    required: bool = False
    hint: str | None = None
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class ComplaintDraft:
    """A complaint ready to file. `idempotency_key` is the same for every retry of the same filing.

    `attributes` answers what the backend asks about the topic, by code; several answers are a tuple.
    `asked_at` is set when this filing was tried before and its outcome is unknown: a backend that honours
    no key is then searched before it is asked again.
    """

    idempotency_key: str
    topic: str
    description: str
    place: Place
    photos: tuple[Photo, ...] = ()
    reporter: str | None = None
    anonymous: bool = False
    confidential: bool = False
    attributes: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CaseReceipt:
    """The backend took the case: its own number, its first state, and its own promise if it makes one."""

    reference: str
    status: CaseStatus
    promised_at: datetime | None = None
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """A backend's word on a case or booking. `event_id` is unique per connector; twice the same is one event.

    `subject` is `case`, `booking` or `waiting`. `status` is a CaseStatus, BookingStatus or WaitingStatus
    value, `backend_status` the backend's own word for it. What follows `note` comes from queues only; see
    connectors.queues.BookingEvent for which event carries what. `topic` and `agency` say that a backend
    moved a case to another kind or desk; `silent` marks history that is only loaded.
    """

    connector: str
    subject: str
    event_id: str
    reference: str
    status: str
    occurred_at: datetime
    backend_status: str | None = None
    note: str | None = None
    now_serving: str | None = None
    ahead: int | None = None
    event: BookingEvent | None = None
    number: str | None = None
    starts_at: datetime | None = None
    slot_id: str | None = None
    expires_at: datetime | None = None
    pace: Pace | None = None
    topic: str | None = None
    agency: str | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True)
class CaseState:
    """What `complaint.status` and `permit.status` answer. `holder` is who has it now, if the backend says."""

    reference: str
    status: CaseStatus
    updated_at: datetime | None = None
    note: str | None = None
    title: str | None = None
    holder: str | None = None
    backend_status: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateQuery:
    """Which news is wanted: of these cases, or of all, said from `since` until `until`.

    A system that tells states instead of news is always asked about certain cases, and the times say nothing.
    """

    references: tuple[str, ...] | None
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class CaseComment:
    """Words or photos a citizen adds to a case."""

    idempotency_key: str
    reference: str
    text: str
    photos: tuple[Photo, ...] = field(default=())
