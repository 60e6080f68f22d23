"""What a queue's report says beyond the state of a place: why, when, which number, how long still."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from connectors import mapping
from connectors.contracts import WAITING_WORDS
from connectors.queues import BookingEvent, Pace, WaitingStatus

SUBJECTS = ("case", "booking", "waiting")
_LONGEST = 100


def waiting_status(word: str) -> str:
    """Return our state of a place on a waiting list; a word nobody mapped is UNKNOWN."""
    return WAITING_WORDS.get(mapping.normal_word(word), WaitingStatus.UNKNOWN)


def fields(document: Mapping[str, Any], timezone: str | None) -> dict[str, Any]:
    """Return the queue's fields of a StatusUpdate; an event we have no word for is none.

    Raises:
        MappingError: a time that is none.
    """
    zone = ZoneInfo(timezone) if timezone else None
    event = mapping.normal_word(document.get("event"))
    return {
        "event": BookingEvent(event) if event in set(BookingEvent) else None,
        "number": (mapping.as_text(document.get("number")) or "")[:_LONGEST] or None,
        "slot_id": (mapping.as_text(document.get("slot_id")) or "")[:_LONGEST] or None,
        "starts_at": mapping.as_moment(document.get("starts_at"), zone),
        "expires_at": mapping.as_moment(document.get("expires_at"), zone),
        "pace": pace(document.get("pace")),
    }


def pace(raw: Any) -> Pace | None:
    """Return a measured pace as `mpp_queue` writes it; one that is incomplete is none."""
    if not isinstance(raw, Mapping):
        return None
    try:
        seconds, spread, samples = (
            mapping.as_count(raw.get(name)) for name in ("seconds_per_number", "spread_seconds", "samples")
        )
    except mapping.MappingError:
        return None
    if not seconds or spread is None or not samples:
        return None
    return Pace(seconds, spread, samples)
