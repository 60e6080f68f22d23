"""What each capability takes and answers, in the names that manifests, examples and `try` use."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
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
    UpdateQuery,
)
from connectors.queues import Confirmation, HoldRequest, PersonNumbers, Priority, Registration, WaitingWish


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
        "location.region_code photos reporter anonymous confidential attributes asked_at",
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
    Capability.COMPLAINT_ATTRIBUTES: _shape("complaint_attributes", "topic", subject="topic"),
    Capability.COMPLAINT_UPDATES: _shape("complaint_updates", "references since until"),
    Capability.BOOKING_SLOTS: _shape("slots", "service day counter", "slots", "day closed_reason next_open"),
    Capability.BOOKING_RESERVE: _shape(
        "reserve",
        "idempotency_key slot_id service name contact person priority numbers.nik numbers.card complaint",
        f"code {_BOOKING}",
        "status",
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
    Capability.BOOKING_COUNTERS: _shape("counters", ""),
    Capability.BOOKING_HOLD: _shape("hold", "idempotency_key slot_id service person"),
    Capability.BOOKING_CONFIRM: _shape(
        "confirm", "idempotency_key code name contact priority", subject="code"
    ),
    Capability.BOOKING_RELEASE: _shape("release", "idempotency_key code", subject="code"),
    Capability.BOOKING_CHECK_IN: _shape("check_in", "idempotency_key code", subject="code"),
    Capability.BOOKING_WAIT: _shape(
        "join_waiting_list", "idempotency_key service day name person contact priority earliest latest"
    ),
    Capability.BOOKING_WAITING: _shape("waiting_place", "id", subject="id"),
    Capability.BOOKING_LEAVE: _shape("leave_waiting_list", "idempotency_key id", subject="id"),
    Capability.BOOKING_ACCEPT: _shape("accept_offer", "idempotency_key id", subject="id"),
    Capability.BOOKING_REGISTER: _shape(
        "register_person", "idempotency_key counter numbers family_card name sex birth_date address"
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
    Capability.COMPLAINT_UPDATES: frozenset({"references", "since", "until"}),
    Capability.BOOKING_SLOTS: frozenset({"service", "day"}),
    Capability.BOOKING_RESERVE: frozenset({"slot_id", "service", "name"}),
    Capability.BOOKING_RESCHEDULE: frozenset({"code", "slot_id"}),
    Capability.BOOKING_CANCEL: frozenset({"code"}),
    Capability.BOOKING_HOLD: frozenset({"slot_id", "service"}),
    Capability.BOOKING_CONFIRM: frozenset({"code", "name"}),
    Capability.BOOKING_WAIT: frozenset({"service", "day", "name"}),
    Capability.BOOKING_REGISTER: frozenset(
        {"counter", "numbers", "family_card", "name", "sex", "birth_date"}
    ),
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
        "attributes": dict(draft.attributes) or None,
        "asked_at": draft.asked_at,
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
                    attributes=_attributes(given.get("attributes") or {}),
                    asked_at=_moment(capability, given["asked_at"]) if given.get("asked_at") else None,
                ),
            )
        case Capability.COMPLAINT_COMMENT:
            return (CaseComment(key, str(given["reference"]), str(given["text"]), photos),)
        case Capability.COMPLAINT_UPDATES:
            since, until = (_moment(capability, given[name]) for name in ("since", "until"))
            return (UpdateQuery(tuple(map(str, given["references"])), since, until),)
        case Capability.BOOKING_SLOTS:
            return (SlotQuery(str(given["service"]), _day(capability, given["day"]), given.get("counter")),)
        case Capability.BOOKING_RESCHEDULE:
            return (str(given["code"]), str(given["slot_id"]), key)
        case (
            Capability.BOOKING_RESERVE
            | Capability.BOOKING_HOLD
            | Capability.BOOKING_CONFIRM
            | Capability.BOOKING_WAIT
            | Capability.BOOKING_REGISTER
        ):
            return (_wish(capability, given, key),)
        case _:
            subject = (str(given[shape.subject]),) if shape.subject else ()
            return (*subject, key) if shape.writes else subject


_WISHES: dict[Capability, type[Any]] = {
    Capability.BOOKING_RESERVE: BookingRequest,
    Capability.BOOKING_HOLD: HoldRequest,
    Capability.BOOKING_CONFIRM: Confirmation,
    Capability.BOOKING_WAIT: WaitingWish,
    Capability.BOOKING_REGISTER: Registration,
}


def _wish(capability: Capability, given: Mapping[str, Any], key: str) -> Any:
    """Build what a queue is asked for, each field in its own type."""
    kind = _WISHES[capability]
    found: dict[str, Any] = {}
    for name in given:
        match name:
            case "day" | "birth_date":
                found[name] = _day(capability, given[name])
            case "earliest" | "latest":
                found[name] = time.fromisoformat(str(given[name]))
            case "priority":
                found[name] = Priority(given[name])
            case "numbers":
                found[name] = PersonNumbers(**given[name])
            case "address":
                found[name] = dict(given[name])
            case _:
                found[name] = str(given[name])
    if "idempotency_key" in {field.name for field in dataclasses.fields(kind)}:
        found["idempotency_key"] = key
    else:
        found.pop("idempotency_key", None)
    return kind(**found)


def _day(capability: Capability, raw: Any) -> date:
    try:
        return date.fromisoformat(str(raw))
    except ValueError:
        raise ValueError(f"{capability}: a day must be a date like 2026-11-24") from None


def _moment(capability: Capability, raw: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(raw))
        if moment.tzinfo is not None:
            return moment
    except ValueError:
        pass
    raise ValueError(f"{capability}: a time must be like 2026-11-24T08:00:00+07:00")


def _attributes(given: Mapping[str, Any]) -> dict[str, str | tuple[str, ...]]:
    return {
        str(code): tuple(map(str, answer)) if isinstance(answer, list | tuple) else str(answer)
        for code, answer in given.items()
    }


def to_json(value: Any) -> Any:
    """Return an answer as plain data: times as ISO 8601, enums as their value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: to_json(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {name: to_json(item) for name, item in value.items()}
    return value
