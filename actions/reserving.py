"""What becomes of a finished booking: the place is taken once, or the citizen hears why not."""

from dataclasses import replace
from datetime import date
from typing import Any

from actions import freeplaces
from actions.booking import DAY, DRAFT, NAME, OFFERS, PRIORITY, REVIEW, SERVICE, TIME, WAIT
from actions.effects import BookingMade, BookingQueued
from actions.runtime import runtime
from actions.turn import HANDLERS, Answer, Turn, button, handles
from actions.waitinglist import join
from connectors.capabilities import BookingReceipt, BookingRequest, Capability
from connectors.dialects.base import Connector
from connectors.errors import (
    BackendChanged,
    BackendUnreachable,
    CaseNotFound,
    ConnectorError,
    HoldExpired,
    LimitReached,
    SlotTaken,
)
from connectors.queues import Confirmation, Priority


@handles("action_end_booking")
async def end_booking(turn: Turn, answer: Answer) -> None:
    """Take the place, or say what became of the wish."""
    how = turn.slot(REVIEW)
    if how == "send":
        await _reserve(turn, answer)
        return
    if how == "failed":
        answer.keep(**{REVIEW: None})
        return
    if how == WAIT:
        await join(
            turn,
            answer,
            turn.slot(SERVICE),
            date.fromisoformat(turn.slot(DAY)),
            turn.slot(NAME),
            _priority(turn),
        )
    await freeplaces.let_go(turn, turn.slot(SERVICE), turn.slot(TIME))
    _forget(answer)
    if how == "move":
        await HANDLERS["action_repair"](turn, answer)
    elif how == "code":
        await HANDLERS["action_check_booking"](turn, answer)
    elif how == "erase":
        await HANDLERS["action_delete_data"](replace(turn, values={"sure": "yes"}), answer)
    elif how == "switch":
        answer.followup = "complaint_form"
    elif how == "clinic":
        answer.followup = "clinic_form"
    elif how == "cancel":
        answer.say("booking.cancelled", buttons=[button("button.help", "help")])


async def _reserve(turn: Turn, answer: Answer) -> None:
    service = runtime().catalog.services[turn.slot(SERVICE)]
    place = turn.slot(TIME)
    key = turn.slot("draft_key") or turn.key("booking")
    try:
        connector = runtime().registry.find(turn.tenant, Capability.BOOKING_RESERVE, service.id)
        receipt = await _take(connector, turn, place, key)
    except (HoldExpired, SlotTaken, CaseNotFound) as error:
        over = not isinstance(error, SlotTaken)
        answer.say("booking.hold_over" if over else "booking.just_taken")
        wish: dict[str, Any] = {"wish": place["starts_at"][11:16], "part": None}
        answer.keep(**{TIME: wish if over else {**wish, "gone": place["id"]}, REVIEW: None})
        answer.followup = "booking_form"
    except LimitReached as error:
        await freeplaces.let_go(turn, service.id, place)
        freeplaces.say_limit(answer, error)
        _forget(answer)
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        lost = isinstance(error, BackendChanged) or (
            isinstance(error, BackendUnreachable) and error.outcome_unknown
        )
        if lost:
            answer.effect(_queued(connector, turn, service.id, place, key))
            answer.say("booking.outcome_unknown")
            _forget(answer)
            return
        buttons = [button("button.try_again", "book_queue"), button("button.agent", "talk_to_agent")]
        answer.say("booking.not_made", buttons=buttons)
        answer.keep(**{REVIEW: None})
    else:
        # The front door speaks: it has the ticket.
        answer.effect(made(connector, receipt, service.id, turn.slot(NAME), _priority(turn)))
        if turn.slot("complaint_description"):
            answer.say("complaint.resume_offer", buttons=[button("button.resume", "report_complaint")])
        _forget(answer)


async def _take(connector: Connector, turn: Turn, place: dict[str, Any], key: str) -> BookingReceipt:
    """Turn the hold into a booking; a queue that holds nothing gives the place at once."""
    if place.get("hold"):
        sure = Confirmation(key, place["hold"], turn.slot(NAME), priority=_priority(turn))
        return await connector.confirm(sure)
    request = BookingRequest(
        key, place["id"], turn.slot(SERVICE), turn.slot(NAME), person=turn.person, priority=_priority(turn)
    )
    return await connector.reserve(request)


def made(
    connector: Connector,
    receipt: BookingReceipt,
    service: str,
    name: str | None,
    priority: Priority,
    waiting: str | None = None,
) -> BookingMade:
    """The effect of a place that was taken."""
    return BookingMade(
        connector=connector.id,
        code=receipt.code,
        number=receipt.number,
        counter=receipt.counter,
        service=service,
        starts_at=receipt.starts_at.isoformat(),
        name=name,
        counter_title=receipt.counter_title,
        priority=priority.value,
        note=receipt.note,
        waiting=waiting,
    )


def _queued(connector: Connector, turn: Turn, service: str, place: dict[str, Any], key: str) -> BookingQueued:
    return BookingQueued(
        connector=connector.id,
        idempotency_key=key,
        service=service,
        slot_id=place["id"],
        starts_at=place["starts_at"],
        name=turn.slot(NAME),
        hold=place.get("hold"),
        priority=_priority(turn).value,
    )


def _priority(turn: Turn) -> Priority:
    return Priority(turn.slot(PRIORITY) or "none")


def _forget(answer: Answer) -> None:
    answer.keep(**dict.fromkeys((*DRAFT, OFFERS, "draft_key")))
