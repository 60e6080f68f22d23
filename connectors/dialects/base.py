"""The port every city system is reached through, and what all dialects share."""

from typing import NoReturn, Protocol
from zoneinfo import ZoneInfo

from connectors.capabilities import (
    BookingReceipt,
    BookingRequest,
    BookingState,
    Capability,
    CaseComment,
    CaseReceipt,
    CaseState,
    ComplaintAttribute,
    ComplaintDraft,
    CounterLive,
    DaySlots,
    SlotQuery,
    StatusUpdate,
    UpdateQuery,
)
from connectors.client import Client
from connectors.errors import (
    BackendChanged,
    BackendRejected,
    BackendUnreachable,
    CaseNotFound,
    ConnectorError,
    NotOffered,
    SlotTaken,
)
from connectors.exchange import Answer, Endpoint
from connectors.manifest import Manifest
from connectors.queues import (
    Confirmation,
    Counter,
    Hold,
    HoldRequest,
    Registration,
    WaitingPlace,
    WaitingWish,
)


class Connector(Protocol):
    """One app as actions and the front door see it. `offers` says which methods do something.

    Every method may raise any error of connectors.errors; one that is not offered raises NotOffered.
    """

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def offers(self) -> frozenset[Capability]: ...
    @property
    def manifest(self) -> Manifest: ...
    @property
    def webhook_secrets(self) -> tuple[str, ...]: ...

    @property
    def files_once(self) -> bool:
        """Whether a filing asked for again, its `asked_at` forgotten, is the same filing."""
        ...

    async def submit_complaint(self, draft: ComplaintDraft) -> CaseReceipt:
        """File a complaint. Asking again with the same key files nothing twice."""
        ...

    async def complaint_status(self, reference: str) -> CaseState: ...
    async def add_comment(self, comment: CaseComment) -> None: ...
    async def complaint_attributes(self, topic: str) -> tuple[ComplaintAttribute, ...]:
        """What the backend wants to know about a topic; empty when nothing."""
        ...

    async def complaint_updates(self, query: UpdateQuery) -> tuple[StatusUpdate, ...]:
        """The news of many cases in one request, oldest first."""
        ...

    async def slots(self, query: SlotQuery) -> DaySlots: ...
    async def reserve(self, request: BookingRequest) -> BookingReceipt:
        """Take a place. Raises SlotTaken when someone else was quicker."""
        ...

    async def booking_status(self, code: str) -> BookingState: ...
    async def reschedule(self, code: str, slot_id: str, idempotency_key: str) -> BookingReceipt: ...
    async def cancel_booking(self, code: str, idempotency_key: str) -> None: ...
    async def live(self, counter: str) -> CounterLive: ...
    async def counters(self) -> tuple[Counter, ...]: ...
    async def hold(self, request: HoldRequest) -> Hold:
        """Keep a place for a while. Raises SlotTaken, LimitReached."""
        ...

    async def confirm(self, confirmation: Confirmation) -> BookingReceipt:
        """Turn a hold into a booking. Raises HoldExpired, LimitReached, CaseNotFound."""
        ...

    async def release(self, code: str, idempotency_key: str) -> None: ...
    async def check_in(self, code: str, idempotency_key: str) -> BookingState: ...
    async def join_waiting_list(self, wish: WaitingWish) -> WaitingPlace: ...
    async def waiting_place(self, place_id: str) -> WaitingPlace: ...
    async def leave_waiting_list(self, place_id: str, idempotency_key: str) -> None: ...
    async def accept_offer(self, place_id: str, idempotency_key: str) -> BookingReceipt:
        """Take the place that was offered. Raises HoldExpired, LimitReached."""
        ...

    async def register_person(self, registration: Registration) -> str:
        """Make a patient known; returns the record number."""
        ...

    async def permit_status(self, reference: str) -> CaseState: ...


class CityApp:
    """An app that offers nothing yet; dialects override what they speak."""

    def __init__(
        self, manifest: Manifest, endpoint: Endpoint, client: Client, webhook_secrets: tuple[str, ...] = ()
    ) -> None:
        self.manifest = manifest
        self.endpoint = endpoint
        self.client = client
        self.webhook_secrets = webhook_secrets
        self.zone = ZoneInfo(manifest.timezone) if manifest.timezone else None

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def title(self) -> str:
        return self.manifest.title

    @property
    def offers(self) -> frozenset[Capability]:
        return self.manifest.offers

    @property
    def files_once(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    async def submit_complaint(self, draft: ComplaintDraft) -> CaseReceipt:
        self.not_offered(Capability.COMPLAINT_SUBMIT)

    async def complaint_status(self, reference: str) -> CaseState:
        self.not_offered(Capability.COMPLAINT_STATUS)

    async def add_comment(self, comment: CaseComment) -> None:
        self.not_offered(Capability.COMPLAINT_COMMENT)

    async def complaint_attributes(self, topic: str) -> tuple[ComplaintAttribute, ...]:
        self.not_offered(Capability.COMPLAINT_ATTRIBUTES)

    async def complaint_updates(self, query: UpdateQuery) -> tuple[StatusUpdate, ...]:
        self.not_offered(Capability.COMPLAINT_UPDATES)

    async def slots(self, query: SlotQuery) -> DaySlots:
        self.not_offered(Capability.BOOKING_SLOTS)

    async def reserve(self, request: BookingRequest) -> BookingReceipt:
        self.not_offered(Capability.BOOKING_RESERVE)

    async def booking_status(self, code: str) -> BookingState:
        self.not_offered(Capability.BOOKING_STATUS)

    async def reschedule(self, code: str, slot_id: str, idempotency_key: str) -> BookingReceipt:
        self.not_offered(Capability.BOOKING_RESCHEDULE)

    async def cancel_booking(self, code: str, idempotency_key: str) -> None:
        self.not_offered(Capability.BOOKING_CANCEL)

    async def live(self, counter: str) -> CounterLive:
        self.not_offered(Capability.BOOKING_LIVE)

    async def counters(self) -> tuple[Counter, ...]:
        self.not_offered(Capability.BOOKING_COUNTERS)

    async def hold(self, request: HoldRequest) -> Hold:
        self.not_offered(Capability.BOOKING_HOLD)

    async def confirm(self, confirmation: Confirmation) -> BookingReceipt:
        self.not_offered(Capability.BOOKING_CONFIRM)

    async def release(self, code: str, idempotency_key: str) -> None:
        self.not_offered(Capability.BOOKING_RELEASE)

    async def check_in(self, code: str, idempotency_key: str) -> BookingState:
        self.not_offered(Capability.BOOKING_CHECK_IN)

    async def join_waiting_list(self, wish: WaitingWish) -> WaitingPlace:
        self.not_offered(Capability.BOOKING_WAIT)

    async def waiting_place(self, place_id: str) -> WaitingPlace:
        self.not_offered(Capability.BOOKING_WAITING)

    async def leave_waiting_list(self, place_id: str, idempotency_key: str) -> None:
        self.not_offered(Capability.BOOKING_LEAVE)

    async def accept_offer(self, place_id: str, idempotency_key: str) -> BookingReceipt:
        self.not_offered(Capability.BOOKING_ACCEPT)

    async def register_person(self, registration: Registration) -> str:
        self.not_offered(Capability.BOOKING_REGISTER)

    async def permit_status(self, reference: str) -> CaseState:
        self.not_offered(Capability.PERMIT_STATUS)

    def not_offered(self, capability: Capability) -> NoReturn:
        """Say that this app does not do that."""
        raise NotOffered(self.id, f"does not offer {capability}")

    def refuse(
        self, answer: Answer, kind: str | None, *, about_subject: bool, reason: str | None = None
    ) -> NoReturn:
        """Raise the error a 4xx stands for. `kind` is the manifest's word for it, if it has one.

        Without one: 401 and 403 are our key's fault and for the operator; 404 is an unknown number when the
        request was about one; anything else is a refusal with a reason.
        """
        reason = answer.reason() if reason is None else reason
        if kind is None:
            if answer.status in {401, 403}:
                secret = self.endpoint.credential.secret_name or "auth"
                raise BackendChanged(
                    self.id, f"status {answer.status}: refuses our key (check {secret}) {reason}"
                )
            if answer.status in {404, 410}:
                kind = "case_not_found" if about_subject else "changed"
            else:
                kind = "rejected"
        raise _KINDS[kind](self.id, reason or f"status {answer.status}")


_KINDS: dict[str, type[ConnectorError]] = {
    "case_not_found": CaseNotFound,
    "slot_taken": SlotTaken,
    "rejected": BackendRejected,
    "unreachable": BackendUnreachable,
    "changed": BackendChanged,
}
