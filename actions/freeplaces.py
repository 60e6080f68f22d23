"""Free places of a day: fetched, thinned out to what a thumb can choose from, held while more is asked."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from actions import reading
from actions.offers import minutes, next_days, short, spread
from actions.runtime import runtime
from actions.turn import Answer, Turn, button, choice
from connectors.capabilities import Capability, DaySlots, SlotQuery
from connectors.dialects.base import Connector
from connectors.errors import ConnectorError, LimitReached
from connectors.queues import HoldRequest

MOST_TIMES = 8
NEAREST = 3
PARTS = {"pagi": (0, 11), "siang": (11, 15), "sore": (15, 18), "malam": (18, 24)}
"""Hours of the day, from and below."""
LEAST_LEFT = timedelta(seconds=20)
"""A hold that ends sooner is not worth showing: it would be over before the thumb is there."""


@dataclass(frozen=True)
class Found:
    """Places of one day, as plain data: id, counter, starts_at (ISO, in the tenant's zone)."""

    places: list[dict[str, Any]]
    closed_reason: str | None
    next_open: date | None


def connector_for(turn: Turn, service: str) -> Connector:
    """The app that gives places for a service. Raises NotOffered."""
    found: Connector = runtime().registry.find(turn.tenant, Capability.BOOKING_SLOTS, service)
    return found


async def fetch(turn: Turn, connector: Connector, query: SlotQuery) -> Found:
    """Ask for the places of a day that are still to come. Raises ConnectorError."""
    answered: DaySlots = await connector.slots(query)
    free = [slot for slot in answered.slots if slot.left > 0 and slot.starts_at > turn.now]
    places = [
        {
            "id": slot.id,
            "counter": slot.counter,
            "starts_at": slot.starts_at.astimezone(turn.now.tzinfo).isoformat(),
        }
        for slot in sorted(free, key=lambda slot: slot.starts_at)
    ]
    return Found(places, answered.closed_reason, answered.next_open)


def at(places: list[dict[str, Any]], clock: str | None) -> dict[str, Any] | None:
    """The place that begins at a clock time such as 09:00."""
    return next((place for place in places if place["starts_at"][11:16] == clock), None)


def nearest(places: list[dict[str, Any]], clock: str) -> list[dict[str, Any]]:
    """The places nearest to a clock time, in the order of the day; one place for each time."""
    by_time = list({place["starts_at"]: place for place in places}.values())
    by_time.sort(key=lambda place: abs(minutes(place["starts_at"][11:16]) - minutes(clock)))
    return sorted(by_time[:NEAREST], key=lambda place: place["starts_at"])


def within(places: list[dict[str, Any]], part: str | None) -> list[dict[str, Any]]:
    """The places of a part of the day; all of them without one."""
    first, below = PARTS.get(part or "", (0, 24))
    return [place for place in places if first <= int(place["starts_at"][11:13]) < below]


def thinned(places: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many as fit under a bubble, one for each time."""
    return spread(list({place["starts_at"]: place for place in places}.values()), MOST_TIMES)


def clock_of(place: dict[str, Any]) -> str:
    """09.00, as it stands on a button."""
    return str(place["starts_at"][11:16]).replace(":", ".")


def say_none(
    turn: Turn, answer: Answer, day: date, found: Found, *, wait_for: str | None, move: str | None = None
) -> None:
    """Say that a day has no place, and offer the next one; with `wait_for`, a waiting list too.

    `move` is the code of a booking that is to be moved: its buttons then move it.
    """
    after = found.next_open or next(iter(next_days(day, 1)), None)
    buttons: list[dict[str, Any]] = []
    if after and move:
        buttons.append(button("", "reschedule_booking", title=short(after), code=move, day=after.isoformat()))
    elif after:
        buttons.append(choice("", after.isoformat(), title=short(after)))
    if found.closed_reason:
        answer.say("booking.closed", buttons=buttons, day=day, reason=found.closed_reason)
    elif wait_for:
        buttons.append(choice("button.join_waiting", wait_for))
        answer.say("booking.full", buttons=buttons, day=day)
    else:
        answer.say("booking.full_without_list", buttons=buttons, day=day)


async def hold(turn: Turn, connector: Connector, service: str, place: dict[str, Any]) -> dict[str, Any]:
    """Keep a place for this citizen, where the queue can do that. Raises ConnectorError, SlotTaken."""
    if Capability.BOOKING_HOLD not in connector.offers:
        return place
    key = turn.key(f"hold:{place['id']}")
    held = await connector.hold(HoldRequest(key, place["id"], service, turn.person))
    return {**place, "hold": held.code, "until": held.expires_at.astimezone(turn.now.tzinfo).isoformat()}


async def let_go(turn: Turn, service: str | None, place: Any) -> None:
    """Give a held place back at once. Failing is harmless: a hold ends by itself."""
    if not isinstance(place, dict) or not place.get("hold") or not service:
        return
    try:
        await connector_for(turn, service).release(place["hold"], turn.key("release"))
    except ConnectorError:
        return


def is_held(place: dict[str, Any], now: datetime) -> bool:
    """True while a hold lasts, and for queues that hold nothing."""
    until = place.get("until")
    return until is None or datetime.fromisoformat(until) - now > LEAST_LEFT


def wish(turn: Turn) -> dict[str, Any] | None:
    """The time or part of the day a citizen names, as the draft keeps it until a place is chosen."""
    found = reading.wish(turn)
    if found is None or (found.time is None and found.part_of_day is None):
        return None
    return {"wish": found.time.strftime("%H:%M") if found.time else None, "part": found.part_of_day}


def say_limit(answer: Answer, error: LimitReached) -> None:
    """Say that this person has as many places as one may have, and what can be done."""
    answer.say("booking.limit", buttons=[button("button.my_bookings", "check_booking")], reason=error.detail)
