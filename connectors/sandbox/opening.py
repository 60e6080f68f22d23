"""When a counter is open, and which slots that makes. Only the calendar: who sits where is in `seats`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from connectors.sandbox.city import City, Counter, Interval

LOOK_AHEAD_DAYS = 60


@dataclass(frozen=True, slots=True)
class Slot:
    """A time at a counter. `first_number` is the queue number of its first place."""

    id: str
    counter: str
    day: date
    starts_at: datetime
    ends_at: datetime
    first_number: int


def today(city: City, now: datetime) -> date:
    """The city's own calendar day at `now`."""
    return now.astimezone(city.timezone).date()


def intervals(city: City, counter: Counter, day: date) -> tuple[Interval, ...]:
    """The opening hours of one day: its own if it has some, none on holidays, else those of the weekday."""
    if day.year not in city.years:
        return ()
    if day in counter.exceptions:
        return counter.exceptions[day]
    if _day_off(city, counter, day):
        return ()
    return counter.hours[day.weekday()]


def _day_off(city: City, counter: Counter, day: date) -> str | None:
    return city.holidays.get(day) or (None if counter.open_on_leave else city.collective_leave.get(day))


def closed_reason(city: City, counter: Counter, day: date, now: datetime, closure: str | None) -> str | None:
    """Why nothing is booked at `counter` on `day`, or None. `closure` is an announced one-day closing."""
    words = city.closed_words
    if day < today(city, now):
        return words["past"]
    if day.year not in city.years:
        return words["not_loaded"].format(year=day.year)
    if closure is not None:
        return words["closure"].format(counter=counter.title, reason=closure)
    if not intervals(city, counter, day):
        name = None if day in counter.exceptions else _day_off(city, counter, day)
        if name is not None:
            return words["holiday"].format(name=name)
        return words["weekend"].format(counter=counter.title)
    return None


def slots_of(city: City, counter: Counter, day: date) -> list[Slot]:
    """Every slot the opening hours make on `day`, closures not considered."""
    step = timedelta(minutes=counter.slot_minutes)
    slots: list[Slot] = []
    for opening, closing in intervals(city, counter, day):
        # A city's midnight is never inside opening hours, so wall-clock steps are safe.
        start = datetime.combine(day, opening)
        while start + step <= datetime.combine(day, closing):
            slots.append(
                Slot(
                    id=f"{counter.id}-{start:%Y%m%d-%H%M}",
                    counter=counter.id,
                    day=day,
                    starts_at=start.replace(tzinfo=city.timezone).astimezone(UTC),
                    ends_at=(start + step).replace(tzinfo=city.timezone).astimezone(UTC),
                    first_number=len(slots) * counter.places_per_slot + 1,
                )
            )
            start += step
    return slots


def place_of(city: City, slot_id: str) -> tuple[Counter, date] | None:
    """The counter and day that a slot id names, whether or not there is such a slot."""
    counter_id, _, rest = slot_id.partition("-")
    counter = city.counters.get(counter_id)
    raw = rest.partition("-")[0]
    if counter is None or len(raw) != len("20261124"):
        return None
    try:
        return counter, date.fromisoformat(raw)
    except ValueError:
        return None


def find_slot(city: City, slot_id: str) -> Slot | None:
    """The slot with this id, or None when no opening hours make it."""
    named = place_of(city, slot_id)
    if named is None:
        return None
    return next((slot for slot in slots_of(city, *named) if slot.id == slot_id), None)


def last_bookable(city: City) -> date:
    """The end of the last loaded calendar year."""
    return date(max(city.years), 12, 31)
