"""Build our answers from a backend's document, whatever it calls its fields.

A `Reader` knows where each of our fields is; a field that is missing or unusable is BackendChanged, with the
name of the field and the place where it was looked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

from connectors import mapping
from connectors.capabilities import (
    BookingReceipt,
    BookingSlot,
    BookingState,
    BookingStatus,
    CaseReceipt,
    CaseState,
    CaseStatus,
    CounterLive,
    DaySlots,
    Pace,
)
from connectors.errors import BackendChanged
from connectors.manifest import Values

T = TypeVar("T")
MAX_SLOTS = 500
MAX_NAME, MAX_NOTE = 100, 2000


@dataclass(frozen=True, slots=True)
class Reader:
    """A backend's document and the sources of our fields in it."""

    app: str
    document: Any
    sources: Mapping[str, Any]
    values: Values = field(default_factory=Values)
    zone: ZoneInfo | None = None

    def raw(self, name: str) -> Any:
        """Return what the source of a field finds, or None."""
        source = self.sources.get(name)
        for one in source if isinstance(source, list | tuple) else (source,):
            if one is None:
                continue
            found = self._template(one) if "{" in one else mapping.read(self.document, one)
            if found is not None and found != "":
                return found
        return None

    def _template(self, template: str) -> str | None:
        found = {
            name: mapping.as_text(mapping.read(self.document, name))
            for name in mapping.placeholders(template)
        }
        if not all(found.values()):
            return None
        for name, text in found.items():
            template = template.replace(f"{{{name}}}", text or "")
        return template

    def text(self, name: str, longest: int = MAX_NAME) -> str | None:
        """Return a field as clean text of at most `longest` characters."""
        found = mapping.as_text(self.raw(name))
        return (found.strip()[:longest] or None) if found else None

    def needed(self, name: str) -> str:
        """Return a field that an answer is useless without."""
        found = self.text(name, MAX_NAME + 1)
        if not found:
            self._changed(name, "is missing")
        if len(found) > MAX_NAME:
            self._changed(name, f"is longer than {MAX_NAME} characters")
        return found

    def moment(self, name: str) -> datetime | None:
        """Return a field as an aware time."""
        return self._convert(name, lambda raw: mapping.as_moment(raw, self.zone))

    def day(self, name: str) -> date | None:
        """Return a field as a date."""
        return self._convert(name, mapping.as_day)

    def count(self, name: str) -> int | None:
        """Return a field as a whole number."""
        return self._convert(name, mapping.as_count)

    def present(self, name: str, found: T | None) -> T:
        """Return `found`, or complain that the field is missing."""
        if found is None:
            self._changed(name, "is missing")
        return found

    def _convert(self, name: str, convert: Callable[[Any], T | None]) -> T | None:
        try:
            return convert(self.raw(name))
        except mapping.MappingError as error:
            self._changed(name, str(error))

    def _changed(self, name: str, what: str) -> NoReturn:
        raise BackendChanged(
            self.app, f"the answer's {name} (looked for at {self.sources.get(name)!r}) {what}"
        )


def case_receipt(reader: Reader) -> CaseReceipt:
    """Return the receipt of a filed complaint; without a state of its own it is received."""
    raw = reader.text("status")
    return CaseReceipt(
        reference=reader.needed("reference"),
        status=mapping.case_status(reader.values.status, raw) if raw else CaseStatus.RECEIVED,
        promised_at=reader.moment("promised_at"),
        notice=reader.text("notice", MAX_NOTE),
    )


def case_state(reader: Reader, asked: str) -> CaseState:
    """Return the state of the case that was asked for."""
    raw = reader.needed("status")
    return CaseState(
        reference=reader.text("reference") or asked,
        status=mapping.case_status(reader.values.status, raw),
        updated_at=reader.moment("updated_at"),
        note=reader.text("note", MAX_NOTE),
        title=reader.text("title"),
        holder=reader.text("holder"),
        backend_status=raw,
    )


def day_slots(reader: Reader, asked: date) -> DaySlots:
    """Return the free places of a day, earliest first; places that are full are left out."""
    return DaySlots(
        day=reader.day("day") or asked,
        slots=offered_slots(reader),
        closed_reason=reader.text("closed_reason", MAX_NOTE),
        next_open=reader.day("next_open"),
    )


def offered_slots(reader: Reader) -> tuple[BookingSlot, ...]:
    """Return the list of slots in an answer, earliest first, without those that are full."""
    spec = reader.sources.get("slots") or {}
    items = mapping.read(reader.document, spec.get("each", "."))
    if not isinstance(items, list) or len(items) > MAX_SLOTS:
        raise BackendChanged(reader.app, f"the answer has no usable list of slots at {spec.get('each')!r}")
    slots = (_slot(replace(reader, document=item, sources=spec)) for item in items)
    return tuple(sorted((slot for slot in slots if slot.left), key=lambda slot: (slot.starts_at, slot.id)))


def _slot(reader: Reader) -> BookingSlot:
    left = reader.count("left")
    return BookingSlot(
        id=reader.needed("id"),
        counter=reader.text("counter") or "",
        starts_at=reader.present("starts_at", reader.moment("starts_at")),
        left=1 if left is None else left,
    )


def booking_receipt(reader: Reader, code: str | None = None) -> BookingReceipt:
    """Return the receipt of a booking; `code` is the one asked for when a booking is moved."""
    raw = reader.text("status")
    return BookingReceipt(
        code=(reader.text("code") or code) if code else reader.needed("code"),
        number=reader.needed("number"),
        counter=reader.needed("counter"),
        starts_at=reader.present("starts_at", reader.moment("starts_at")),
        status=mapping.booking_status(reader.values.booking_status, raw) if raw else BookingStatus.BOOKED,
        counter_title=reader.text("counter_title"),
    )


def booking_state(reader: Reader, asked: str) -> BookingState:
    """Return the state of the booking that was asked for."""
    return BookingState(
        code=reader.text("code") or asked,
        number=reader.needed("number"),
        counter=reader.needed("counter"),
        starts_at=reader.present("starts_at", reader.moment("starts_at")),
        status=mapping.booking_status(reader.values.booking_status, reader.needed("status")),
        ahead=reader.count("ahead"),
        now_serving=reader.text("now_serving"),
        pace=_pace(reader),
        expires_at=reader.moment("expires_at"),
    )


def counter_live(reader: Reader, asked: str) -> CounterLive:
    """Return the board of a counter; a backend that does not say when means now."""
    return CounterLive(
        counter=reader.text("counter") or asked,
        now_serving=reader.text("now_serving"),
        waiting=reader.present("waiting", reader.count("waiting")),
        as_of=reader.moment("as_of") or datetime.now(UTC),
        pace=_pace(reader),
    )


def _pace(reader: Reader) -> Pace | None:
    """Return the measured pace, if the answer has a whole one."""
    seconds, spread, samples = (reader.count(f"pace.{name}") for name in ("seconds", "spread", "samples"))
    return Pace(seconds, spread, samples) if seconds and spread is not None and samples else None
