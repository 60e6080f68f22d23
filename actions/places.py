"""Bookings that exist: which, when, move, give back, and the counter right now."""

from datetime import date, datetime
from typing import Any

from actions import reading
from actions.effects import BookingCancelled, BookingMoved
from actions.offers import next_days, short, spread
from actions.runtime import runtime
from actions.turn import Answer, Turn, button, handles
from connectors.capabilities import SlotQuery
from connectors.errors import ConnectorError, SlotTaken

ACTIVE = {"booked", "checked_in", "called", "rescheduled", "unknown"}
MOST_TIMES = 8


def _mine(turn: Turn) -> list[dict[str, Any]]:
    """The citizen's bookings that are still to come, soonest first; a named code goes first."""
    active = [dict(entry) for entry in turn.bookings if entry.get("status") in ACTIVE]
    code = turn.values.get("code") or reading.reference(turn)
    if code:
        active = [entry for entry in active if code in (entry.get("code"), entry.get("number"))]
    return sorted(active, key=lambda entry: entry["starts_at"])


def _title(service_id: str | None) -> str:
    service = runtime().catalog.services.get(service_id or "")
    return service.title if service else (service_id or "-")


async def _one(turn: Turn, answer: Answer, intent: str) -> dict[str, Any] | None:
    """The booking that is meant; asks when there are several, says so when there is none."""
    mine = _mine(turn)
    if not mine:
        answer.say("booking.none", buttons=[button("button.book_new", "book_queue")])
        return None
    if len(mine) > 1:
        answer.say(
            "booking.which_booking",
            buttons=[
                button(
                    "",
                    intent,
                    title=f"{b['number'] or b['code']} {_title(b['service'])}"[:40],
                    code=b["code"],
                )
                for b in mine[:5]
            ],
        )
        return None
    return mine[0]


@handles("action_check_booking", "check_booking")
async def check(turn: Turn, answer: Answer) -> None:
    """List the citizen's bookings, with what the counter says now when it is one."""
    mine = _mine(turn)
    if not mine:
        answer.say("booking.none", buttons=[button("button.book_new", "book_queue")])
        return
    for booking in mine[:3]:
        answer.say(
            "booking.yours",
            buttons=[
                button("button.live", "queue_live", reusable=True, code=booking["code"]),
                button("button.reschedule", "reschedule_booking", reusable=True, code=booking["code"]),
                button("button.cancel_booking", "cancel_booking", reusable=True, code=booking["code"]),
            ],
            service=_title(booking["service"]),
            number=booking["number"] or "-",
            code=booking["code"],
            when=datetime.fromisoformat(booking["starts_at"]),
        )


@handles("action_queue_live", "queue_live")
async def live(turn: Turn, answer: Answer) -> None:
    """Say which number is served now and how many are before the citizen."""
    booking = await _one(turn, answer, "queue_live")
    if booking is None:
        return
    try:
        state = await runtime().registry.by_id(booking["connector"]).booking_status(booking["code"])
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        return
    key = "booking.live" if state.now_serving else "booking.live_not_started"
    answer.say(
        key,
        buttons=[button("button.refresh", "queue_live", reusable=True, code=booking["code"])],
        now_serving=state.now_serving or "-",
        number=state.number,
        ahead="-" if state.ahead is None else str(state.ahead),
        when=state.starts_at,
    )


@handles("action_cancel_booking", "cancel_booking")
async def cancel(turn: Turn, answer: Answer) -> None:
    """Give a place back, after one question."""
    booking = await _one(turn, answer, "cancel_booking")
    if booking is None:
        return
    if not turn.values.get("sure"):
        answer.say(
            "booking.cancel_sure",
            buttons=[
                button("button.yes_cancel", "cancel_booking", code=booking["code"], sure="yes"),
                button("button.keep", "check_booking", code=booking["code"]),
            ],
            service=_title(booking["service"]),
            number=booking["number"] or booking["code"],
            when=datetime.fromisoformat(booking["starts_at"]),
        )
        answer.keep(asked={"intent": "cancel_booking", "values": {"code": booking["code"], "sure": "yes"}})
        return
    try:
        await (
            runtime().registry.by_id(booking["connector"]).cancel_booking(booking["code"], turn.key("cancel"))
        )
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        answer.say("handoff.offer", buttons=[button("button.agent", "talk_to_agent")])
        return
    answer.effect(BookingCancelled(booking["connector"], booking["code"]))
    answer.keep(asked=None)
    answer.say(
        "booking.given_back",
        buttons=[button("button.book_new", "book_queue")],
        number=booking["number"] or booking["code"],
    )


@handles("action_reschedule_booking", "reschedule_booking")
async def reschedule(turn: Turn, answer: Answer) -> None:
    """Move a booking: ask for the day, then the time, then move it."""
    booking = await _one(turn, answer, "reschedule_booking")
    if booking is None:
        return
    connector = runtime().registry.by_id(booking["connector"])
    code = booking["code"]
    slot = turn.values.get("slot")
    if slot:
        try:
            receipt = await connector.reschedule(code, str(slot), turn.key("reschedule"))
        except SlotTaken:
            answer.say(
                "error.slot_taken", buttons=[button("button.another_day", "reschedule_booking", code=code)]
            )
            return
        except ConnectorError as error:
            answer.say(error.text_key, reason=error.detail)
            answer.say("handoff.offer", buttons=[button("button.agent", "talk_to_agent")])
            return
        answer.effect(BookingMoved(connector.id, code, receipt.number, receipt.starts_at.isoformat()))
        answer.keep(asked=None)
        answer.say("booking.moved", number=receipt.number, code=receipt.code, when=receipt.starts_at)
        return
    chosen = turn.values.get("day")
    wish = reading.wish(turn)
    day = date.fromisoformat(str(chosen)) if chosen else (wish.day if wish and not wish.problem else None)
    if day is None:
        buttons = [
            button("", "reschedule_booking", title=short(d), code=code, day=d.isoformat())
            for d in next_days(turn.now.date(), 3)
        ]
        answer.keep(asked={"intent": "reschedule_booking", "values": {"code": code}, "wants": "day"})
        answer.say(
            "booking.move_which_day",
            buttons=buttons,
            number=booking["number"] or code,
            when=datetime.fromisoformat(booking["starts_at"]),
        )
        return
    try:
        found = await connector.slots(SlotQuery(booking["service"], day, booking.get("counter")))
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        return
    free = [
        {"id": s.id, "starts_at": s.starts_at.astimezone(turn.now.tzinfo).isoformat()}
        for s in found.slots
        if s.left > 0 and s.starts_at > turn.now
    ]
    if not free:
        after = found.next_open
        buttons = (
            [button("", "reschedule_booking", title=short(after), code=code, day=after.isoformat())]
            if after
            else []
        )
        answer.say(
            "booking.closed" if found.closed_reason else "booking.full",
            buttons=buttons,
            day=day,
            reason=found.closed_reason or "",
        )
        return
    times = spread(free, MOST_TIMES)
    answer.say(
        "booking.move_which_time",
        buttons=[
            button(
                "",
                "reschedule_booking",
                title=o["starts_at"][11:16].replace(":", "."),
                code=code,
                slot=o["id"],
            )
            for o in times
        ],
        day=day,
    )
