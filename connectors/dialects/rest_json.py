"""JSON over HTTP, wholly described by the manifest: requests are templates, answers are dotted paths."""

from collections.abc import Mapping
from typing import Any

from connectors import answers, mapping
from connectors.answers import Reader
from connectors.capabilities import (
    BookingReceipt,
    BookingRequest,
    BookingState,
    Capability,
    CaseComment,
    CaseReceipt,
    CaseState,
    ComplaintDraft,
    CounterLive,
    DaySlots,
    SlotQuery,
)
from connectors.dialects.base import CityApp
from connectors.errors import BackendChanged, BackendRejected, CaseNotFound
from connectors.exchange import Answer
from connectors.manifest import OperationTemplate
from connectors.operations import SHAPES, complaint_fields


class RestJson(CityApp):
    """An app that speaks JSON its own way."""

    async def submit_complaint(self, draft: ComplaintDraft) -> CaseReceipt:
        """File a complaint."""
        fields = complaint_fields(draft)
        fields["topic"] = self._code(self.manifest.values.topic, draft.topic)
        return answers.case_receipt(await self._ask(Capability.COMPLAINT_SUBMIT, fields))

    async def complaint_status(self, reference: str) -> CaseState:
        """Return the state of a complaint."""
        reader = await self._ask(Capability.COMPLAINT_STATUS, {"reference": reference})
        return answers.case_state(reader, reference)

    async def add_comment(self, comment: CaseComment) -> None:
        """Add a citizen's words and photos to a case."""
        await self._ask(
            Capability.COMPLAINT_COMMENT,
            {
                "idempotency_key": comment.idempotency_key,
                "reference": comment.reference,
                "text": comment.text,
                "photos": [photo.url for photo in comment.photos],
            },
        )

    async def slots(self, query: SlotQuery) -> DaySlots:
        """Return the free places of a day."""
        service = self._code(self.manifest.values.service, query.service)
        fields = {"service": service, "day": query.day, "counter": query.counter}
        return answers.day_slots(await self._ask(Capability.BOOKING_SLOTS, fields), query.day)

    async def reserve(self, request: BookingRequest) -> BookingReceipt:
        """Take a place."""
        fields = {
            "idempotency_key": request.idempotency_key,
            "slot_id": request.slot_id,
            "service": self._code(self.manifest.values.service, request.service),
            "name": request.name,
            "contact": request.contact,
            "person": request.person,
            "priority": str(request.priority),
            "numbers": {"nik": request.numbers.nik, "card": request.numbers.card},
            "complaint": request.complaint,
        }
        return answers.booking_receipt(await self._ask(Capability.BOOKING_RESERVE, fields))

    async def booking_status(self, code: str) -> BookingState:
        """Return the state of a booking."""
        return answers.booking_state(await self._ask(Capability.BOOKING_STATUS, {"code": code}), code)

    async def reschedule(self, code: str, slot_id: str, idempotency_key: str) -> BookingReceipt:
        """Move a booking to another place."""
        fields = {"code": code, "slot_id": slot_id, "idempotency_key": idempotency_key}
        return answers.booking_receipt(await self._ask(Capability.BOOKING_RESCHEDULE, fields), code)

    async def cancel_booking(self, code: str, idempotency_key: str) -> None:
        """Give a place back."""
        await self._ask(Capability.BOOKING_CANCEL, {"code": code, "idempotency_key": idempotency_key})

    async def live(self, counter: str) -> CounterLive:
        """Return the board of a counter."""
        return answers.counter_live(await self._ask(Capability.BOOKING_LIVE, {"counter": counter}), counter)

    async def permit_status(self, reference: str) -> CaseState:
        """Return the state of a permit."""
        reader = await self._ask(Capability.PERMIT_STATUS, {"reference": reference})
        return answers.case_state(reader, reference)

    def _code(self, codes: Mapping[str, str | int], ours: str) -> str | int:
        """Return the backend's code for ours; without a map the codes are the same."""
        if codes and ours not in codes:
            raise BackendRejected(self.id, f"does not take {ours}")
        return codes.get(ours, ours)

    async def _ask(self, capability: Capability, fields: Mapping[str, Any]) -> Reader:
        operation = self.manifest.operations.get(capability)
        if operation is None:
            self.not_offered(capability)
        request = operation.request
        try:
            path = mapping.fill_path(request.path, fields)
        except mapping.MappingError as error:
            raise CaseNotFound(self.id, str(error)) from None
        answer = await self.client.send(
            self.endpoint,
            request.method,
            path,
            query=mapping.fill_flat(request.query, fields),
            headers=mapping.fill_headers(request.headers, fields),
            body=mapping.fill(request.json, fields) if request.json is not None else None,
            form=mapping.fill_flat(request.form, fields) if request.form is not None else None,
        )
        if not answer.ok:
            self.refuse(
                answer, _kind(operation, answer), about_subject=SHAPES[capability].subject is not None
            )
        document = answer.document() if operation.reply else None
        return Reader(self.id, document, operation.reply, self.manifest.values, self.zone)


def _kind(operation: OperationTemplate, answer: Answer) -> str | None:
    """Return the manifest's word for a 4xx: by status, or by a word in the answer."""
    rule = operation.errors.get(answer.status)
    if not isinstance(rule, Mapping):
        return rule
    try:
        document = answer.document()
    except BackendChanged:
        document = None
    word = mapping.as_text(mapping.read(document, rule["read"])) or ""
    kind: str | None = rule["words"].get(word, rule.get("otherwise"))
    return kind
