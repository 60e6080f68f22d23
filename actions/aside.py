"""What was said in mid-form but not to the form: answered by the handler it belongs to, then the form goes
on."""

from actions.turn import BY_INTENT, HANDLERS, Answer, Turn, handles


@handles("action_answer_aside")
async def answer_aside(turn: Turn, answer: Answer) -> None:
    """Answer what interrupted the form. What belongs to the form in progress stays as it is."""
    handler = BY_INTENT.get(turn.intent) or HANDLERS["action_repair"]
    await handler(turn, answer)
    answer.followup = None
    answer.slots = {
        name: value for name, value in answer.slots.items() if not name.startswith(("complaint_", "booking_"))
    }
