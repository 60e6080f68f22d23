"""What each capability takes and answers, in the names that manifests, examples and `try` use."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from connectors.capabilities import (
    BookingRequest,
    Capability,
    CaseComment,
    ComplaintDraft,
    Photo,
    Place,
    SlotQuery,
)


@dataclass(frozen=True, slots=True)
class Shape:
    """One operation: the Connector method, the placeholders a request may use, the fields of its answer.

    `writes` operations carry an idempotency key. `subject` is the placeholder that names something which
    may not exist, so that 404 means "no such number".
    """

    method: str
    takes: frozenset[str]
    needs: frozenset[str] = frozenset()
    may_have: frozenset[str] = frozenset()
    writes: bool = False
    subject: str | None = None


def _shape(
    method: str, takes: str, needs: str = "", may_have: str = "", *, subject: str | None = None
) -> Shape:
    fields = frozenset(takes.split())
    return Shape(
        method,
        fields,
        frozenset(needs.split()),
        frozenset(may_have.split()),
        writes="idempotency_key" in fields,
        subject=subject,
    )


_BOOKING = "number counter starts_at"
SHAPES: dict[Capability, Shape] = {
    Capability.COMPLAINT_SUBMIT: _shape(
        "submit_complaint",
        "idempotency_key topic description location.text location.latitude location.longitude "
        "location.region_code photos reporter anonymous confidential",
        "reference",
        "status promised_at notice",
    ),
    Capability.COMPLAINT_STATUS: _shape(
        "complaint_status",
        "reference",
        "status",
        "reference updated_at note title holder",
        subject="reference",
    ),
    Capability.COMPLAINT_COMMENT: _shape(
        "add_comment", "idempotency_key reference text photos", subject="reference"
    ),
    Capability.BOOKING_SLOTS: _shape("slots", "service day counter", "slots", "day closed_reason next_open"),
    Capability.BOOKING_RESERVE: _shape(
        "reserve", "idempotency_key slot_id service name contact", f"code {_BOOKING}", "status"
    ),
    Capability.BOOKING_STATUS: _shape(
        "booking_status", "code", f"status {_BOOKING}", "code ahead now_serving", subject="code"
    ),
    Capability.BOOKING_RESCHEDULE: _shape(
        "reschedule", "idempotency_key code slot_id", _BOOKING, "code status", subject="code"
    ),
    Capability.BOOKING_CANCEL: _shape("cancel_booking", "idempotency_key code", subject="code"),
    Capability.BOOKING_LIVE: _shape(
        "live", "counter", "waiting", "counter now_serving as_of", subject="counter"
    ),
    Capability.PERMIT_STATUS: _shape(
        "permit_status", "reference", "status", "reference updated_at note title holder", subject="reference"
    ),
}
SLOT_NEEDS = frozenset({"id", "starts_at"})
SLOT_MAY_HAVE = frozenset({"counter", "left"})
REQUIRED_GIVEN: dict[Capability, frozenset[str]] = {
    Capability.COMPLAINT_SUBMIT: frozenset({"topic", "description", "location"}),
    Capability.COMPLAINT_COMMENT: frozenset({"reference", "text"}),
    Capability.BOOKING_SLOTS: frozenset({"service", "day"}),
    Capability.BOOKING_RESERVE: frozenset({"slot_id", "service", "name"}),
    Capability.BOOKING_RESCHEDULE: frozenset({"code", "slot_id"}),
    Capability.BOOKING_CANCEL: frozenset({"code"}),
}


def complaint_fields(draft: ComplaintDraft) -> dict[str, Any]:
    """Return the placeholders of a complaint. An anonymous one never carries a name."""
    return {
        "idempotency_key": draft.idempotency_key,
        "topic": draft.topic,
        "description": draft.description,
        "location": dataclasses.asdict(draft.place),
        "photos": [photo.url for photo in draft.photos],
        "reporter": None if draft.anonymous else draft.reporter,
        "anonymous": draft.anonymous,
        "confidential": draft.confidential,
    }


def arguments(capability: Capability, given: Mapping[str, Any]) -> tuple[Any, ...]:
    """Build the arguments of the Connector method from plain data, as examples and `try` write them.

    Raises:
        ValueError: a field is missing, unknown or unusable; the message names it.
    """
    shape = SHAPES[capability]
    known = {name.partition(".")[0] for name in shape.takes}
    required = REQUIRED_GIVEN.get(capability, frozenset({shape.subject}) if shape.subject else frozenset())
    if unknown := sorted(set(given) - known):
        raise ValueError(
            f"{capability}: unknown fields {', '.join(unknown)} (known: {', '.join(sorted(known))})"
        )
    if missing := sorted(required - set(given)):
        raise ValueError(f"{capability}: missing fields {', '.join(missing)}")
    key = str(given.get("idempotency_key", "try"))
    photos = tuple(Photo(str(url)) for url in given.get("photos", ()))
    match capability:
        case Capability.COMPLAINT_SUBMIT:
            try:
                place = Place(**given["location"])
            except TypeError as error:
                raise ValueError(f"{capability}: location: {error}") from None
            return (
                ComplaintDraft(
                    idempotency_key=key,
                    topic=str(given["topic"]),
                    description=str(given["description"]),
                    place=place,
                    photos=photos,
                    reporter=given.get("reporter"),
                    anonymous=bool(given.get("anonymous", False)),
                    confidential=bool(given.get("confidential", False)),
                ),
            )
        case Capability.COMPLAINT_COMMENT:
            return (CaseComment(key, str(given["reference"]), str(given["text"]), photos),)
        case Capability.BOOKING_SLOTS:
            try:
                day = date.fromisoformat(str(given["day"]))
            except ValueError:
                raise ValueError(f"{capability}: day must be a date like 2026-11-24") from None
            return (SlotQuery(str(given["service"]), day, given.get("counter")),)
        case Capability.BOOKING_RESERVE:
            return (
                BookingRequest(
                    key,
                    str(given["slot_id"]),
                    str(given["service"]),
                    str(given["name"]),
                    given.get("contact"),
                ),
            )
        case Capability.BOOKING_RESCHEDULE:
            return (str(given["code"]), str(given["slot_id"]), key)
        case Capability.BOOKING_CANCEL:
            return (str(given["code"]), key)
        case _:
            assert shape.subject is not None
            return (str(given[shape.subject]),)


def to_json(value: Any) -> Any:
    """Return an answer as plain data: times as ISO 8601, enums as their value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: to_json(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value
