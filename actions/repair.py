"""Not understood: offer what it may have been, or ask again with an example; after two misses, a person."""

from dataclasses import replace
from typing import Any

from actions import reading
from actions.runtime import runtime
from actions.turn import BY_INTENT, Answer, Turn, button, handles

OFFERABLE = (
    "report_complaint",
    "find_service",
    "ask_requirements",
    "ask_hours_location",
    "ask_cost_duration",
    "book_queue",
    "check_booking",
    "reschedule_booking",
    "cancel_booking",
    "queue_live",
    "check_in",
    "waiting_list",
    "check_status",
    "add_complaint_info",
    "reopen_complaint",
    "confirm_complaint",
    "withdraw_complaint",
    "request_public_information",
    "check_bill",
    "query_data",
    "privacy_info",
    "emergency_info",
    "talk_to_agent",
)
MISSES_BEFORE_AGENT = 2
# Courtesies do no harm when they are wrong: better than a question.
HARMLESS = frozenset({"greet", "thanks", "goodbye", "help"})
HARMLESS_FROM = 0.3


@handles("action_repair", "unclear")
async def repair(turn: Turn, answer: Answer) -> None:
    """Try the open question, a number, a service; then offer choices; then ask again."""
    if await _answers_open_question(turn, answer):
        return
    if reading.reference(turn):
        await BY_INTENT["check_status"](turn, answer)
        return
    if reading.service(turn):
        await BY_INTENT["find_service"](turn, answer)
        return
    likely = next(iter(turn.alternatives), {})
    if likely.get("name") in HARMLESS and float(likely.get("confidence") or 0) >= HARMLESS_FROM:
        await BY_INTENT[str(likely["name"])](turn, answer)
        return
    misses = int(turn.slot("misses") or 0) + 1
    answer.keep(misses=misses)
    if misses > MISSES_BEFORE_AGENT - 1:
        answer.say(
            "repair.agent",
            buttons=[button("button.agent", "talk_to_agent"), button("button.help", "help")],
        )
        return
    offers = _offers(turn)
    if offers:
        answer.say(
            "repair.offer", buttons=[*offers, button("button.none_of_these", "find_service", none="yes")]
        )
    else:
        answer.say(
            "repair.again", buttons=[button("button.help", "help"), button("button.agent", "talk_to_agent")]
        )


async def _answers_open_question(turn: Turn, answer: Answer) -> bool:
    asked: Any = turn.slot("asked")
    if not isinstance(asked, dict) or asked.get("wants") != "day":
        return False
    day = reading.day(turn)
    if day is None:
        return False
    values = {**asked["values"], "day": day.isoformat()}
    await BY_INTENT[asked["intent"]](
        replace(turn, intent=asked["intent"], values=values, pressed=True), answer
    )
    return True


def _offers(turn: Turn) -> list[dict[str, Any]]:
    """Up to three things it may have been: services by name first, then wishes."""
    catalog = runtime().catalog
    found = [
        button("", "find_service", title=catalog.services[name].title, service=name)
        for name, _ in reading.services(turn)[:2]
    ]
    floor = runtime().thresholds["offer"]
    for alternative in turn.alternatives:
        name = str(alternative.get("name"))
        if len(found) >= 3 or float(alternative.get("confidence") or 0) < floor:
            break
        if name in OFFERABLE and not (found and name == "find_service"):
            found.append(button(f"button.intent_{name}", name))
    return found
