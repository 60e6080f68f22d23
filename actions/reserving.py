"""What becomes of a finished booking: the place is taken once, or the citizen hears why not."""

from dataclasses import replace
from typing import Any

from actions.booking import DRAFT, NAME, OFFERS, REVIEW, SERVICE, TIME, UNSURE
from actions.effects import BookingMade
from actions.runtime import runtime
from actions.turn import HANDLERS, Answer, Turn, button, handles
from connectors.capabilities import BookingReceipt, BookingRequest, Capability
from connectors.dialects.base import Connector
from connectors.errors import BackendChanged, BackendUnreachable, ConnectorError, SlotTaken


@handles("action_end_booking")
async def end_booking(turn: Turn, answer: Answer) -> None:
    """Take the place, or say what became of the wish."""
    how = turn.slot(REVIEW)
    if how == "send":
        await _reserve(turn, answer)
        return
    answer.keep(**dict.fromkeys((*DRAFT, OFFERS, UNSURE, "draft_key")))
    if how == "move":
        await HANDLERS["action_repair"](turn, answer)
    elif how == "erase":
        await HANDLERS["action_delete_data"](replace(turn, values={"sure": "yes"}), answer)
    elif how == "switch":
        answer.followup = "complaint_form"
    elif how == "cancel":
        answer.say("booking.cancelled", buttons=[button("button.help", "help")])


async def _reserve(turn: Turn, answer: Answer) -> None:
    service = runtime().catalog.services[turn.slot(SERVICE)]
    chosen = turn.slot(TIME)
    unsure = turn.slot(UNSURE)
    wish: dict[str, Any] = {"slot_id": chosen["id"], "service": service.id, "name": turn.slot(NAME)}
    if unsure is None or unsure["slot_id"] == wish["slot_id"]:
        wish["idempotency_key"] = (
            unsure["idempotency_key"] if unsure else turn.slot("draft_key") or turn.key("booking")
        )
    try:
        connector = runtime().registry.find(turn.tenant, Capability.BOOKING_RESERVE, service.id)
        receipt = await _take(connector, wish, unsure, turn)
    except SlotTaken:
        answer.say("error.slot_taken")
        answer.keep(**{TIME: {"wish": chosen["starts_at"][11:16]}, REVIEW: None})
        answer.followup = "booking_form"
        return
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        lost = isinstance(error, BackendChanged) or (
            isinstance(error, BackendUnreachable) and error.outcome_unknown
        )
        answer.say(
            "booking.outcome_unknown" if lost else "booking.not_made",
            buttons=[button("button.try_again", "book_queue"), button("button.agent", "talk_to_agent")],
        )
        answer.keep(**{REVIEW: None, UNSURE: unsure or (wish if lost else None)})
        return
    answer.effect(
        BookingMade(
            connector=connector.id,
            code=receipt.code,
            number=receipt.number,
            counter=receipt.counter,
            service=service.id,
            starts_at=receipt.starts_at.isoformat(),
            name=turn.slot(NAME),
        )
    )
    answer.say(
        "booking.made",
        buttons=[
            button("button.reschedule", "reschedule_booking", reusable=True, code=receipt.code),
            button("button.cancel_booking", "cancel_booking", reusable=True, code=receipt.code),
        ],
        service=service.title,
        number=receipt.number,
        code=receipt.code,
        when=receipt.starts_at,
        place=str(runtime().fact(turn.tenant, "mpp", "name") or service.counter or receipt.counter),
        name=turn.slot(NAME),
    )
    if turn.slot("complaint_description"):
        answer.say("complaint.resume_offer", buttons=[button("button.resume", "report_complaint")])
    answer.keep(**dict.fromkeys((*DRAFT, OFFERS, UNSURE, "draft_key")))


async def _take(
    connector: Connector, wish: dict[str, Any], unsure: dict[str, Any] | None, turn: Turn
) -> BookingReceipt:
    """Reserve a place. A reservation whose answer was lost is asked for again with its own key first.

    If the citizen has chosen another time since, the place found that way is moved, so nobody holds two.
    """
    if unsure is None or "idempotency_key" in wish:
        return await connector.reserve(BookingRequest(**wish))
    try:
        held = await connector.reserve(BookingRequest(**unsure))
    except SlotTaken:
        return await connector.reserve(BookingRequest(idempotency_key=turn.key("booking"), **wish))
    return await connector.reschedule(held.code, wish["slot_id"], turn.key("move"))
