"""In the hall: which number is served now, how long it will take, and saying that one is there."""

import math
from datetime import datetime
from typing import Any

from actions import freeplaces, ownbookings, reading
from actions.effects import BookingReached
from actions.runtime import runtime
from actions.turn import Answer, Turn, button, handles, said
from connectors.capabilities import Capability
from connectors.errors import ConnectorError
from connectors.queues import BookingState, BookingStatus, Pace

OVER = frozenset({"served", "missed", "no_show", "cancelled", "expired"})


@handles("action_queue_live", "queue_live")
async def live(turn: Turn, answer: Answer) -> None:
    """Say which number is served now and how many are before the citizen, with the wait and its range."""
    if not ownbookings.mine(turn) and await _board(turn, answer):
        return
    booking = await ownbookings.one(turn, answer, "queue_live")
    if booking is None:
        return
    try:
        state = await runtime().registry.by_id(booking["connector"]).booking_status(booking["code"])
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        return
    again = button("button.refresh", "queue_live", reusable=True, code=booking["code"])
    answer.say(
        _key(state),
        buttons=[again],
        now_serving=state.now_serving or "-",
        number=state.number,
        ahead="-" if state.ahead is None else str(state.ahead),
        when=state.starts_at,
        wait=wait(state.pace, state.ahead),
        status=said(f"booking_status.{state.status}"),
    )


def _key(state: BookingState) -> str:
    if state.status == BookingStatus.CALLED:
        return "booking.live_called"
    if state.status in OVER:
        return "booking.live_over"
    if not state.now_serving:
        return "booking.live_not_started"
    return "booking.live_next" if state.ahead == 0 else "booking.live"


async def _board(turn: Turn, answer: Answer) -> bool:
    """The board of the counter for the service talked about, for who has no booking; False without one."""
    service = reading.service(turn) or turn.slot("service")
    if not service or turn.values.get("code") or reading.reference(turn):
        return False
    try:
        connector = freeplaces.connector_for(turn, service)
        if not {Capability.BOOKING_LIVE, Capability.BOOKING_COUNTERS} <= connector.offers:
            return False
        desk = next((desk for desk in await connector.counters() if service in desk.services), None)
        if desk is None:
            return False
        board = await connector.live(desk.id)
    except ConnectorError:
        return False
    answer.say(
        "booking.board",
        buttons=[button("button.book_new", "book_queue", service=service)],
        counter=desk.title,
        now_serving=board.now_serving or "-",
        waiting=str(board.waiting),
        wait=wait(board.pace, board.waiting),
    )
    return True


@handles("action_check_in", "check_in")
async def check_in(turn: Turn, answer: Answer) -> None:
    """Tell the counter that the citizen has come; only on the day itself."""
    booking = await ownbookings.one(turn, answer, "check_in")
    if booking is None:
        return
    starts_at = datetime.fromisoformat(booking["starts_at"])
    if starts_at.astimezone(turn.now.tzinfo).date() != turn.now.date():
        answer.say("booking.arrived_early", number=ownbookings.number(booking), when=starts_at)
        return
    try:
        connector = runtime().registry.by_id(booking["connector"])
        state = await connector.check_in(booking["code"], turn.key("check_in"))
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        answer.say("handoff.offer", buttons=[button("button.agent", "talk_to_agent")])
        return
    answer.effect(BookingReached(booking["connector"], booking["code"]))
    answer.say(
        "booking.arrived",
        buttons=[button("button.live", "queue_live", reusable=True, code=booking["code"])],
        number=ownbookings.number(booking),
        wait=wait(state.pace, state.ahead),
    )


def wait(pace: Pace | None, ahead: int | None) -> dict[str, Any]:
    """The expected wait with its range, as a sentence; an honest one where nothing was measured yet."""
    if pace is None or ahead is None or pace.samples < 2:
        return said("wait.unknown")
    estimate = pace.wait(ahead)
    high = math.ceil(estimate.high.total_seconds() / 60)
    if high <= 5:
        return said("wait.moment")
    low = max(1, math.floor(estimate.low.total_seconds() / 60))
    return said("wait.range", low=low, high=high, samples=pace.samples)
