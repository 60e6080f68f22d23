"""Bookings a citizen has: which they are, their ticket, moving them, giving them back."""

from datetime import date, datetime
from typing import Any

from actions import freeplaces, reading, waitinglist
from actions.effects import BookingCancelled, BookingMoved, TicketWanted
from actions.offers import next_days, short
from actions.runtime import runtime
from actions.turn import Answer, Turn, button, handles
from connectors.capabilities import Capability, SlotQuery
from connectors.errors import ConnectorError, SlotTaken

ACTIVE = {"booked", "checked_in", "called", "rescheduled", "missed", "unknown"}


def mine(turn: Turn) -> list[dict[str, Any]]:
    """The citizen's bookings that are still to come, soonest first; with a code named, only that one."""
    active = [dict(entry) for entry in turn.bookings if entry.get("status") in ACTIVE]
    code = _code(turn)
    if code:
        active = [entry for entry in active if code in (entry.get("code"), entry.get("number"))]
    return sorted(active, key=lambda entry: entry["starts_at"])


def title(service_id: str | None) -> str:
    """The name of a service as citizens know it."""
    service = runtime().catalog.services.get(service_id or "")
    return service.title if service else (service_id or "-")


def number(booking: dict[str, Any]) -> str:
    """What the counter will call."""
    return str(booking.get("number") or booking["code"])


def none(turn: Turn, answer: Answer) -> None:
    """Say that there is no such booking here; somebody else's code opens nothing."""
    code = _code(turn)
    if code and not turn.pressed:
        answer.say("booking.not_yours", buttons=[button("button.book_new", "book_queue")], code=code)
    else:
        answer.say("booking.none", buttons=[button("button.book_new", "book_queue")])


async def one(turn: Turn, answer: Answer, intent: str) -> dict[str, Any] | None:
    """The booking that is meant; asks when there are several, says so when there is none."""
    found = mine(turn)
    if not found:
        none(turn, answer)
        return None
    if len(found) > 1:
        buttons = [
            button("", intent, title=f"{number(entry)} {title(entry['service'])}"[:40], code=entry["code"])
            for entry in found[:5]
        ]
        answer.say("booking.which_booking", buttons=buttons)
        return None
    return found[0]


@handles("action_check_booking", "check_booking")
async def check(turn: Turn, answer: Answer) -> None:
    """List the citizen's bookings and places on waiting lists, or hand a ticket over again."""
    found = mine(turn)
    if turn.values.get("ticket") and found:
        answer.effect(TicketWanted(found[0]["connector"], found[0]["code"]))
        return
    if not found and not turn.waitings:
        none(turn, answer)
        return
    for booking in found[:3]:
        code = booking["code"]
        answer.say(
            "booking.yours",
            buttons=_choices(booking),
            service=title(booking["service"]),
            number=number(booking),
            code=code,
            when=datetime.fromisoformat(booking["starts_at"]),
        )
    if not _code(turn):
        for entry in turn.waitings[:3]:
            waitinglist.say_place(answer, dict(entry))


@handles("action_cancel_booking", "cancel_booking")
async def cancel(turn: Turn, answer: Answer) -> None:
    """Give a place back, after one question."""
    booking = await one(turn, answer, "cancel_booking")
    if booking is None:
        return
    if not turn.values.get("sure"):
        answer.say(
            "booking.cancel_sure",
            buttons=[
                button("button.yes_cancel", "cancel_booking", code=booking["code"], sure="yes"),
                button("button.keep", "check_booking", code=booking["code"]),
            ],
            service=title(booking["service"]),
            number=number(booking),
            when=datetime.fromisoformat(booking["starts_at"]),
        )
        answer.keep(asked={"intent": "cancel_booking", "values": {"code": booking["code"], "sure": "yes"}})
        return
    try:
        connector = runtime().registry.by_id(booking["connector"])
        await connector.cancel_booking(booking["code"], turn.key("cancel"))
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        answer.say("handoff.offer", buttons=[button("button.agent", "talk_to_agent")])
        return
    answer.effect(BookingCancelled(booking["connector"], booking["code"]))
    answer.keep(asked=None)
    again = button("button.book_new", "book_queue")
    answer.say("booking.given_back", buttons=[again], number=number(booking))


@handles("action_reschedule_booking", "reschedule_booking")
async def reschedule(turn: Turn, answer: Answer) -> None:
    """Move a booking: ask for the day, then the time, then move it."""
    booking = await one(turn, answer, "reschedule_booking")
    if booking is None:
        return
    if not _movable(booking):
        again = button("button.book_new", "book_queue", service=booking["service"])
        cancel_it = button("button.cancel_booking", "cancel_booking", code=booking["code"])
        answer.say("booking.cannot_move", buttons=[cancel_it, again], number=number(booking))
        return
    if turn.values.get("slot"):
        await _move(turn, answer, booking, str(turn.values["slot"]))
        return
    wish = reading.wish(turn)
    chosen = turn.values.get("day")
    day = date.fromisoformat(str(chosen)) if chosen else (wish.day if wish and not wish.problem else None)
    if day is None:
        _ask_day(turn, answer, booking)
        return
    clock = wish.time.strftime("%H:%M") if wish and wish.time and not chosen else None
    await _offer_times(turn, answer, booking, day, clock)


def _ask_day(turn: Turn, answer: Answer, booking: dict[str, Any]) -> None:
    code = booking["code"]
    buttons = [
        button("", "reschedule_booking", title=short(day), code=code, day=day.isoformat())
        for day in next_days(turn.now.date(), 3)
    ]
    answer.keep(asked={"intent": "reschedule_booking", "values": {"code": code}, "wants": "day"})
    when = datetime.fromisoformat(booking["starts_at"])
    answer.say("booking.move_which_day", buttons=buttons, number=number(booking), when=when)


async def _offer_times(
    turn: Turn, answer: Answer, booking: dict[str, Any], day: date, clock: str | None
) -> None:
    """Offer the free times of a day; a time that was named and is free needs only a yes."""
    query = SlotQuery(booking["service"], day, booking.get("counter"))
    try:
        found = await freeplaces.fetch(turn, runtime().registry.by_id(booking["connector"]), query)
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        return
    code = booking["code"]
    if not found.places:
        freeplaces.say_none(turn, answer, day, found, wait_for=None, move=code)
        return
    exact = freeplaces.at(found.places, clock)
    if exact:
        yes = button("button.move_it", "reschedule_booking", code=code, slot=exact["id"])
        keep = button("button.keep", "check_booking", code=code)
        answer.keep(asked={"intent": "reschedule_booking", "values": {"code": code, "slot": exact["id"]}})
        when = datetime.fromisoformat(exact["starts_at"])
        answer.say("booking.move_sure", buttons=[yes, keep], number=number(booking), when=when)
        return
    places = freeplaces.nearest(found.places, clock) if clock else freeplaces.thinned(found.places)
    answer.say("booking.move_which_time", buttons=_times(code, places), day=day)


def _times(code: str, places: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        button("", "reschedule_booking", title=freeplaces.clock_of(place), code=code, slot=place["id"])
        for place in places
    ]


async def _move(turn: Turn, answer: Answer, booking: dict[str, Any], slot: str) -> None:
    code = booking["code"]
    connector = runtime().registry.by_id(booking["connector"])
    try:
        receipt = await connector.reschedule(code, slot, turn.key("reschedule"))
    except SlotTaken as error:
        # The place the citizen has is theirs as before.
        next_ones = [
            {"id": place.id, "starts_at": place.starts_at.astimezone(turn.now.tzinfo).isoformat()}
            for place in error.alternatives[: freeplaces.NEAREST]
        ]
        another = button("button.another_day", "reschedule_booking", code=code)
        answer.say("booking.move_taken", buttons=[*_dated(code, next_ones), another])
        return
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        answer.say("handoff.offer", buttons=[button("button.agent", "talk_to_agent")])
        return
    answer.keep(asked=None)
    answer.effect(
        BookingMoved(
            connector.id,
            code,
            receipt.number,
            receipt.starts_at.isoformat(),
            receipt.counter,
            receipt.counter_title,
        )
    )


def _dated(code: str, places: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        button(
            "",
            "reschedule_booking",
            title=f"{short(date.fromisoformat(place['starts_at'][:10]))} {freeplaces.clock_of(place)}",
            code=code,
            slot=place["id"],
        )
        for place in places
    ]


def _choices(booking: dict[str, Any]) -> list[dict[str, Any]]:
    code = booking["code"]
    move = [button("button.reschedule", "reschedule_booking", reusable=True, code=code)]
    return [
        button("button.ticket", "check_booking", reusable=True, code=code, ticket="yes"),
        button("button.live", "queue_live", reusable=True, code=code),
        *(move if _movable(booking) else []),
        button("button.cancel_booking", "cancel_booking", reusable=True, code=code),
    ]


def _movable(booking: dict[str, Any]) -> bool:
    return Capability.BOOKING_RESCHEDULE in runtime().registry.by_id(booking["connector"]).offers


def _code(turn: Turn) -> str | None:
    code = turn.values.get("code") or reading.reference(turn)
    return str(code) if code else None
