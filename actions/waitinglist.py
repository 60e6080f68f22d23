"""Waiting for a freed place on a full day: join, take what is offered, leave."""

from datetime import date
from typing import Any

from actions import freeplaces
from actions.effects import BookingMade, WaitingJoined, WaitingLeft
from actions.runtime import runtime
from actions.turn import Answer, Turn, button, handles, said
from connectors.errors import CaseNotFound, ConnectorError, HoldExpired, LimitReached
from connectors.queues import Priority, WaitingWish


async def join(turn: Turn, answer: Answer, service: str, day: date, name: str, priority: Priority) -> None:
    """Put a citizen on the list of one day."""
    try:
        connector = freeplaces.connector_for(turn, service)
        wish = WaitingWish(turn.key("wait"), service, day, name, turn.person, priority=priority)
        place = await connector.join_waiting_list(wish)
    except LimitReached as error:
        answer.say(
            "booking.limit", buttons=[button("button.my_bookings", "check_booking")], reason=error.detail
        )
        return
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        answer.say("handoff.offer", buttons=[button("button.agent", "talk_to_agent")])
        return
    answer.effect(WaitingJoined(connector.id, place.id, service, day.isoformat(), name))
    answer.say(
        "waiting.joined",
        buttons=[button("button.leave_waiting", "waiting_list", reusable=True, do="leave", place=place.id)],
        service=_title(service),
        day=day,
        ahead=said("waiting.before_you", ahead=str(place.ahead)) if place.ahead else said("waiting.first"),
    )


@handles("action_waiting_list", "waiting_list")
async def waiting_list(turn: Turn, answer: Answer) -> None:
    """Accept an offer or leave the list, by button; in words, say where the citizen stands."""
    named = turn.values.get("place")
    mine = [dict(entry) for entry in turn.waitings if not named or entry["place_id"] == named]
    if turn.values.get("do") == "accept" and mine:
        await _accept(turn, answer, mine[0])
    elif turn.values.get("do") == "leave" and mine:
        await _leave(turn, answer, mine[0])
    elif turn.values.get("do"):
        answer.say("waiting.gone", buttons=[button("button.book_new", "book_queue")])
    elif mine:
        for entry in mine[:3]:
            say_place(answer, entry)
    else:
        answer.say("waiting.which_day", buttons=[button("button.book_new", "book_queue")])


def say_place(answer: Answer, entry: dict[str, Any]) -> None:
    """One place on a list, and the way out of it."""
    leave = button("button.leave_waiting", "waiting_list", reusable=True, do="leave", place=entry["place_id"])
    day = date.fromisoformat(entry["day"])
    answer.say("booking.yours_waiting", buttons=[leave], service=_title(entry["service"]), day=day)


async def _accept(turn: Turn, answer: Answer, entry: dict[str, Any]) -> None:
    """Take the offered place. The key belongs to the offer, so five taps and two devices take one."""
    key = f"accept-{entry['place_id']}"
    try:
        connector = runtime().registry.by_id(entry["connector"])
        receipt = await connector.accept_offer(entry["place_id"], key)
    except (HoldExpired, CaseNotFound):
        again = button("button.other_time", "book_queue", service=entry["service"])
        leave = button("button.leave_waiting", "waiting_list", do="leave", place=entry["place_id"])
        answer.say("waiting.gone", buttons=[again, leave])
        return
    except LimitReached as error:
        answer.say(
            "booking.limit", buttons=[button("button.my_bookings", "check_booking")], reason=error.detail
        )
        return
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        again = button("button.try_again", "waiting_list", do="accept", place=entry["place_id"])
        answer.say("handoff.offer", buttons=[again, button("button.agent", "talk_to_agent")])
        return
    answer.effect(
        BookingMade(
            connector=connector.id,
            code=receipt.code,
            number=receipt.number,
            counter=receipt.counter,
            service=entry["service"],
            starts_at=receipt.starts_at.isoformat(),
            name=entry.get("name"),
            counter_title=receipt.counter_title,
            note=receipt.note,
            waiting=entry["place_id"],
        )
    )


async def _leave(turn: Turn, answer: Answer, entry: dict[str, Any]) -> None:
    try:
        connector = runtime().registry.by_id(entry["connector"])
        await connector.leave_waiting_list(entry["place_id"], turn.key("leave"))
    except CaseNotFound:
        pass  # the list has forgotten them already
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        return
    answer.effect(WaitingLeft(entry["connector"], entry["place_id"]))
    day = date.fromisoformat(entry["day"])
    answer.say("waiting.left", service=_title(entry["service"]), day=day)


def _title(service: str) -> str:
    known = runtime().catalog.services.get(service)
    return known.title if known else service
