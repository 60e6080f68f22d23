"""What a queue system does for a citizen, in our words: places, holds, the waiting list, the board.

How the pieces fit, in the order a citizen meets them (`Connector` in connectors.dialects.base has the
methods; an app's `offers` says which of them it has):

* `slots(SlotQuery)` lists free places. `counters()` lists the counters of an app that asks for one (a
  puskesmas and its poli); its ids go into `SlotQuery.counter`.
* Two steps, where `booking.hold` is offered: `hold(HoldRequest)` keeps one place for one person until
  `Hold.expires_at`; a second hold of the same `person` replaces the first, so five taps hold one place. Then
  `confirm(Confirmation)` gives the BookingReceipt, or `release(code, key)` gives the place back. The code of
  the hold is the code of the booking. A confirmation whose answer was lost is settled by asking again with
  the same key, or by `booking_status(code)`: HELD, BOOKED or EXPIRED.
* One step, everywhere: `reserve(BookingRequest)`.
* `SlotTaken.alternatives` are the next free places, nearest first. LimitReached: the person has as many
  places as one may have. HoldExpired: the hold or offer is over, choose again. PersonUnknown: a puskesmas
  does not know this patient yet; `register_person(Registration)` first.
* `reschedule`, `cancel_booking`, `booking_status`, `check_in` go by code; places given back are not public at
  once.
* Full day: `join_waiting_list(WaitingWish)` -> WaitingPlace; when a place is freed it becomes OFFERED, with
  `offer` and until when; `accept_offer(id, key)` -> BookingReceipt; `leave_waiting_list(id, key)`.
* `live(counter)` is the board; `Pace.wait(ahead)` turns the measured pace into an estimate with its range.

A signed report is a StatusUpdate. Its `event` says more than the status, see BookingEvent: subject `booking`
for a booking's code, subject `waiting` for the id of a WaitingPlace.

All times are timezone-aware.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum


class BookingStatus(StrEnum):
    """Canonical states of a queue place. MISSED may still come back the same day, NO_SHOW is over."""

    HELD = "held"
    BOOKED = "booked"
    CHECKED_IN = "checked_in"
    CALLED = "called"
    SERVED = "served"
    MISSED = "missed"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    RESCHEDULED = "rescheduled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class WaitingStatus(StrEnum):
    """Canonical states of a place on a waiting list. Only WAITING and OFFERED are open."""

    WAITING = "waiting"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    LAPSED = "lapsed"
    LEFT = "left"
    UNKNOWN = "unknown"


class BookingEvent(StrEnum):
    """Why a queue reports, where the status alone does not say it.

    ALMOST: `ahead` and `pace` are set. MOVED: the counter closed and gave another time, `starts_at` and
    `number` are the new ones, `note` the reason. CLOSED: it closed and found no other time. OFFERED: a freed
    place for someone on the waiting list, `slot_id`, `starts_at` and `expires_at` are set. LAPSED: that offer
    is over.
    """

    CHANGED = "changed"
    CALLED = "called"
    ALMOST = "almost"
    MOVED = "moved"
    CLOSED = "closed"
    NO_SHOW = "no_show"
    OFFERED = "offered"
    LAPSED = "lapsed"


class Priority(StrEnum):
    """Who is served with priority: asked, never proved in chat (UU 25/2009 art. 29, UU 8/2016)."""

    NONE = "none"
    DISABILITY = "disability"
    ELDERLY = "elderly"
    PREGNANT = "pregnant"


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter one can queue at. `id` goes into SlotQuery.counter; `address` is for the ticket."""

    id: str
    title: str
    services: tuple[str, ...] = ()
    address: str | None = None


@dataclass(frozen=True, slots=True)
class SlotQuery:
    """Which places are free at `counter` for `service` on `day`."""

    service: str
    day: date
    counter: str | None = None


@dataclass(frozen=True, slots=True)
class BookingSlot:
    """A time at a counter with `left` places; a backend that does not count says 1."""

    id: str
    counter: str
    starts_at: datetime
    left: int


@dataclass(frozen=True, slots=True)
class DaySlots:
    """The answer to a SlotQuery. `closed_reason` is set when the counter does not open that day."""

    day: date
    slots: tuple[BookingSlot, ...] = ()
    closed_reason: str | None = None
    next_open: date | None = None


@dataclass(frozen=True, slots=True)
class PersonNumbers:
    """Numbers some queues know a person by. Never logged; pass them on, do not keep them.

    `nik` has 16 digits, `card` is the JKN card with 13; at least one is set.
    """

    nik: str | None = field(default=None, repr=False)
    card: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """One place for one person. `idempotency_key` is the same for every retry of the same booking.

    `person` is a stable pseudonym of the citizen, never a phone number: queues count places by it. `numbers`
    and `complaint` (one line, why the patient comes) are for apps that ask for them.
    """

    idempotency_key: str
    slot_id: str
    service: str
    name: str
    contact: str | None = None
    person: str | None = None
    priority: Priority = Priority.NONE
    numbers: PersonNumbers = PersonNumbers()
    complaint: str | None = None


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """Keep a place for one person while the rest is asked."""

    idempotency_key: str
    slot_id: str
    service: str
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A place that is nobody else's until `expires_at`."""

    code: str
    slot_id: str
    counter: str
    starts_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Turn a hold into a booking."""

    idempotency_key: str
    code: str
    name: str
    contact: str | None = None
    priority: Priority = Priority.NONE


@dataclass(frozen=True, slots=True)
class BookingReceipt:
    """The place is taken: `code` to show, `number` that will be called.

    `note` is the backend's own advice (*datang 30 menit lebih awal*). A code of more than 20 characters is
    for programs only: show the number.
    """

    code: str
    number: str
    counter: str
    starts_at: datetime
    status: BookingStatus = BookingStatus.BOOKED
    counter_title: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class WaitEstimate:
    """How long somebody still waits; four of five waits fall between `low` and `high`."""

    low: timedelta
    middle: timedelta
    high: timedelta


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a counter calls, measured: mean and standard deviation of seconds between calls, how many."""

    seconds: float
    spread: float
    samples: int

    def wait(self, ahead: int) -> WaitEstimate:
        """Estimate the wait of somebody with `ahead` people before them.

        The range is an 80 % prediction interval (z = 1.2816) of a sum of `ahead` independent service times
        whose mean is itself known from `samples` only: variance n s^2 + n^2 s^2 / m.
        """
        variance = self.spread**2 * (ahead + ahead**2 / max(self.samples, 1))
        middle, margin = self.seconds * ahead, 1.2816 * math.sqrt(variance)
        return WaitEstimate(
            timedelta(seconds=max(0.0, middle - margin)),
            timedelta(seconds=middle),
            timedelta(seconds=middle + margin),
        )


@dataclass(frozen=True, slots=True)
class BookingState:
    """What `booking.status` answers. `pace` is None until enough was measured."""

    code: str
    number: str
    counter: str
    starts_at: datetime
    status: BookingStatus
    ahead: int | None = None
    now_serving: str | None = None
    pace: Pace | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CounterLive:
    """The board of one counter right now."""

    counter: str
    now_serving: str | None
    waiting: int
    as_of: datetime
    pace: Pace | None = None


@dataclass(frozen=True, slots=True)
class WaitingWish:
    """Tell me when a place is freed on `day`, between two times of day if they are named."""

    idempotency_key: str
    service: str
    day: date
    name: str
    person: str | None = None
    contact: str | None = None
    priority: Priority = Priority.NONE
    earliest: time | None = None
    latest: time | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A freed place, kept for one person until `expires_at`."""

    slot_id: str
    counter: str
    starts_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingPlace:
    """A place on a waiting list. `ahead` counts those asked before; `code` is the booking once accepted."""

    id: str
    service: str
    day: date
    status: WaitingStatus
    ahead: int | None = None
    offer: Offer | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """A patient a puskesmas does not know yet, with the fields of BPJS's *Info Pasien Baru*.

    `address` keys: alamat, kodeprop, namaprop, kodedati2, namadati2, kodekec, namakec, kodekel, namakel, rw,
    rt.
    """

    counter: str
    numbers: PersonNumbers
    family_card: str = field(repr=False)
    name: str
    sex: str
    birth_date: date
    address: Mapping[str, str] = field(default_factory=dict, repr=False)
