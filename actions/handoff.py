"""A person, please; and the numbers for danger and despair."""

from typing import Any

from actions.effects import HandoffRequested
from actions.runtime import runtime
from actions.turn import Answer, Turn, button, handles, said


@handles("action_hand_off", "talk_to_agent")
async def hand_off(turn: Turn, answer: Answer) -> None:
    """Ask for an agent, with what is known so far; the front door answers with the number and the hours."""
    answer.effect(HandoffRequested("asked", summary(turn)))
    answer.keep(misses=None)


def summary(turn: Turn) -> dict[str, Any]:
    """What an agent should see first: the draft, the service, the number that were talked about."""
    names = (
        "complaint_topic",
        "complaint_description",
        "complaint_place",
        "booking_service",
        "booking_day",
        "service",
        "reference",
    )
    return {name: turn.slot(name) for name in names if turn.slot(name) is not None} | {
        "last_text": turn.text[:500]
    }


@handles("action_emergency", "emergency")
async def emergency(turn: Turn, answer: Answer) -> None:
    """The number first. The front door has usually answered already; a draft stays where it is."""
    answer.say("urgent.call", number=_number(turn, "general"), medical=_number(turn, "medical"))
    if turn.form:
        answer.say("form.kept")


@handles("action_emergency_info", "emergency_info")
async def numbers(turn: Turn, answer: Answer) -> None:
    """The tenant's numbers; a number that is not verified is not listed."""
    entries = runtime().fact(turn.tenant, "emergency") or {}
    lines: dict[str, str] = {}
    for entry in entries.values():
        for found in (
            (entry, *(entry.get("fallback") or ())) if isinstance(entry, dict) and "number" in entry else ()
        ):
            if found.get("verified") and found.get("number"):
                lines[str(found["number"])] = str(found["label"])
    answer.say(
        "urgent.numbers",
        numbers={"$list": [said("urgent.number", number=n, label=name) for n, name in lines.items()]},
    )


@handles("action_crisis", "crisis")
async def crisis(turn: Turn, answer: Answer) -> None:
    """Short, warm, without questions; and a person is called."""
    answer.effect(HandoffRequested("crisis", {}))
    answer.say(
        "urgent.crisis",
        buttons=[button("button.agent", "talk_to_agent")],
        general=_number(turn, "general"),
        medical=_number(turn, "medical"),
    )


def _number(turn: Turn, kind: str) -> str:
    """The tenant's number of a kind, or the first of its fall-backs where that one is not served."""
    entry = runtime().fact(turn.tenant, "emergency", kind) or {}
    known = [found["number"] for found in (entry, *(entry.get("fallback") or ())) if found.get("number")]
    # 110 (police) answers everywhere; 112 only where a government runs it.
    return str(known[0]) if known else "110"
