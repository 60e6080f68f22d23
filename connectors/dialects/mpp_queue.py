"""Our own contract for queue systems, `mpp_queue.openapi.yaml` beside this file.

Everything that writes carries an Idempotency-Key, so the client may ask again: the outcome of a hold or a
confirmation that nobody heard is the one the same key gets.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from connectors import answers, mapping
from connectors.answers import Reader
from connectors.client import IDEMPOTENCY_KEY
from connectors.contracts import WAITING_WORDS
from connectors.dialects.base import CityApp
from connectors.errors import (
    BackendChanged,
    BackendRejected,
    CaseNotFound,
    HoldExpired,
    LimitReached,
    SlotTaken,
)
from connectors.exchange import Answer
from connectors.queues import (
    BookingReceipt,
    BookingRequest,
    BookingSlot,
    BookingState,
    Confirmation,
    Counter,
    CounterLive,
    DaySlots,
    Hold,
    HoldRequest,
    Offer,
    SlotQuery,
    WaitingPlace,
    WaitingStatus,
    WaitingWish,
)

_SLOTS = {"each": "slots", "id": "id", "counter": "counter", "starts_at": "starts_at", "left": "left"}
_PLAIN = (
    "code number counter counter_title starts_at expires_at status ahead now_serving waiting as_of slot_id "
    "closed_reason next_open id service date"
)
_SOURCES: Mapping[str, Any] = {
    **{name: name for name in _PLAIN.split()},
    "day": "date",
    "slots": _SLOTS,
    "pace.seconds": "pace.seconds_per_number",
    "pace.spread": "pace.spread_seconds",
    "pace.samples": "pace.samples",
}
# A slot that closed or vanished is like one that was taken: the citizen is offered the next ones.
_GONE = frozenset({"slot_taken", "slot_closed", "slot_not_found"})
_NOT_FOUND = frozenset({"booking_not_found", "waiting_not_found", "counter_not_found"})


class MppQueue(CityApp):
    """A queue that speaks `mpp_queue`."""

    async def counters(self) -> tuple[Counter, ...]:
        """Return every counter with our names of the services it takes."""
        reader = await self._ask("GET", "counters")
        ours = {str(theirs): name for name, theirs in self.manifest.values.service.items()}
        found = mapping.read(reader.document, "counters")
        if not isinstance(found, list):
            raise BackendChanged(self.id, "the answer has no list of counters")
        return tuple(self._counter(replace(reader, document=item), ours) for item in found)

    def _counter(self, reader: Reader, ours: Mapping[str, str]) -> Counter:
        services = mapping.read(reader.document, "services") or []
        names = [mapping.as_text(service) or "" for service in services]
        reader = replace(reader, sources={"id": "id", "title": "title", "address": "address"})
        return Counter(
            id=reader.needed("id"),
            title=reader.needed("title"),
            services=tuple(ours.get(name, name) for name in names if not ours or name in ours),
            address=reader.text("address", 200),
        )

    async def slots(self, query: SlotQuery) -> DaySlots:
        """Return the free places of a day."""
        asked = {"service": self._service(query.service), "date": query.day.isoformat()}
        if query.counter:
            asked["counter"] = query.counter
        return answers.day_slots(await self._ask("GET", "slots", query=asked), query.day)

    async def hold(self, request: HoldRequest) -> Hold:
        """Keep a place for a while."""
        body = {
            "slot_id": request.slot_id,
            "service": self._service(request.service),
            "person": request.person,
        }
        reader = await self._ask("POST", "holds", body=body, key=request.idempotency_key)
        return Hold(
            code=reader.needed("code"),
            slot_id=reader.text("slot_id") or request.slot_id,
            counter=reader.needed("counter"),
            starts_at=reader.present("starts_at", reader.moment("starts_at")),
            expires_at=reader.present("expires_at", reader.moment("expires_at")),
        )

    async def confirm(self, confirmation: Confirmation) -> BookingReceipt:
        """Turn a hold into a booking."""
        body = {
            "name": confirmation.name,
            "contact": confirmation.contact,
            "priority": str(confirmation.priority),
        }
        path = self._path("holds/{id}/confirm", confirmation.code)
        reader = await self._ask("POST", path, body=body, key=confirmation.idempotency_key)
        return answers.booking_receipt(reader, confirmation.code)

    async def release(self, code: str, idempotency_key: str) -> None:
        """Give a hold up."""
        await self._ask("POST", self._path("holds/{id}/release", code), key=idempotency_key)

    async def reserve(self, request: BookingRequest) -> BookingReceipt:
        """Take a place in one step."""
        body = {
            "slot_id": request.slot_id,
            "service": self._service(request.service),
            "name": request.name,
            "contact": request.contact,
            "person": request.person,
            "priority": str(request.priority),
        }
        return answers.booking_receipt(
            await self._ask("POST", "bookings", body=body, key=request.idempotency_key)
        )

    async def booking_status(self, code: str) -> BookingState:
        """Return the state of a booking or a hold, with its place in line."""
        return answers.booking_state(await self._ask("GET", self._path("bookings/{id}", code)), code)

    async def reschedule(self, code: str, slot_id: str, idempotency_key: str) -> BookingReceipt:
        """Move a booking to another place."""
        path = self._path("bookings/{id}/reschedule", code)
        reader = await self._ask("POST", path, body={"slot_id": slot_id}, key=idempotency_key)
        return answers.booking_receipt(reader, code)

    async def cancel_booking(self, code: str, idempotency_key: str) -> None:
        """Give a place back."""
        await self._ask("POST", self._path("bookings/{id}/cancel", code), key=idempotency_key)

    async def check_in(self, code: str, idempotency_key: str) -> BookingState:
        """Say that the citizen has arrived."""
        reader = await self._ask("POST", self._path("bookings/{id}/checkin", code), key=idempotency_key)
        return answers.booking_state(reader, code)

    async def live(self, counter: str) -> CounterLive:
        """Return the board of a counter."""
        return answers.counter_live(
            await self._ask("GET", self._path("counters/{id}/live", counter)), counter
        )

    async def join_waiting_list(self, wish: WaitingWish) -> WaitingPlace:
        """Line up for a full day."""
        body = {
            "service": self._service(wish.service),
            "date": wish.day.isoformat(),
            "name": wish.name,
            "contact": wish.contact,
            "person": wish.person,
            "priority": str(wish.priority),
            "earliest": wish.earliest and wish.earliest.strftime("%H:%M"),
            "latest": wish.latest and wish.latest.strftime("%H:%M"),
        }
        reader = await self._ask("POST", "waiting-list", body=body, key=wish.idempotency_key)
        return self._waiting_place(reader)

    async def waiting_place(self, place_id: str) -> WaitingPlace:
        """Return a place on the waiting list, with its offer if there is one."""
        return self._waiting_place(await self._ask("GET", self._path("waiting-list/{id}", place_id)))

    async def leave_waiting_list(self, place_id: str, idempotency_key: str) -> None:
        """Ask no longer, or pass on what was offered."""
        await self._ask("POST", self._path("waiting-list/{id}/leave", place_id), key=idempotency_key)

    async def accept_offer(self, place_id: str, idempotency_key: str) -> BookingReceipt:
        """Take the place that is offered."""
        path = self._path("waiting-list/{id}/accept", place_id)
        return answers.booking_receipt(await self._ask("POST", path, key=idempotency_key))

    def _waiting_place(self, reader: Reader) -> WaitingPlace:
        service = reader.needed("service")
        ours = {str(theirs): name for name, theirs in self.manifest.values.service.items()}
        offered = mapping.read(reader.document, "offer")
        offer = None
        if isinstance(offered, Mapping):
            inner = replace(reader, document=offered)
            offer = Offer(
                slot_id=inner.needed("slot_id"),
                counter=inner.needed("counter"),
                starts_at=inner.present("starts_at", inner.moment("starts_at")),
                expires_at=inner.present("expires_at", inner.moment("expires_at")),
            )
        word = mapping.normal_word(reader.needed("status"))
        return WaitingPlace(
            id=reader.needed("id"),
            service=ours.get(service, service),
            day=reader.present("day", reader.day("day")),
            status=WaitingStatus(WAITING_WORDS.get(word, WaitingStatus.UNKNOWN)),
            ahead=reader.count("ahead"),
            offer=offer,
            code=reader.text("code"),
        )

    def _service(self, ours: str) -> str:
        codes = self.manifest.values.service
        if codes and ours not in codes:
            raise BackendRejected(self.id, f"does not take {ours}")
        return str(codes.get(ours, ours))

    def _path(self, template: str, subject: str) -> str:
        try:
            return mapping.fill_path(template, {"id": subject})
        except mapping.MappingError as error:
            raise CaseNotFound(self.id, str(error)) from None

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | list[str]] | None = None,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Reader:
        headers = mapping.fill_headers({IDEMPOTENCY_KEY: "{key}"}, {"key": key}) if key else {}
        said = None if body is None else {name: value for name, value in body.items() if value is not None}
        answer = await self.client.send(self.endpoint, method, path, query=query, headers=headers, body=said)
        if not answer.ok:
            self._refused(answer)
        return Reader(self.id, answer.document(), _SOURCES, self.manifest.values, self.zone)

    def _refused(self, answer: Answer) -> NoReturn:
        try:
            document = answer.document()
        except BackendChanged:
            document = None
        word = mapping.as_text(mapping.read(document, "error")) or ""
        reason = answer.reason() or f"status {answer.status}"
        if word in _GONE:
            raise SlotTaken(self.id, reason, self._alternatives(document))
        if word == "hold_expired":
            raise HoldExpired(self.id, reason)
        if word == "limit_reached":
            raise LimitReached(self.id, reason)
        if word in _NOT_FOUND:
            raise CaseNotFound(self.id, reason)
        if word == "service_not_found":
            raise BackendRejected(self.id, reason)
        # A 404 in other words than the contract's is a wrong address or somebody's error page.
        self.refuse(answer, "changed" if answer.status in {404, 410} else None, about_subject=False)

    def _alternatives(self, document: Any) -> tuple[BookingSlot, ...]:
        """Return the places a refusal names; one that makes no sense is as good as none."""
        sources = {"slots": {**_SLOTS, "each": "alternatives"}}
        try:
            reader = Reader(self.id, document, sources, self.manifest.values, self.zone)
            return answers.offered_slots(reader)
        except BackendChanged:
            return ()
