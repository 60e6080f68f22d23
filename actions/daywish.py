"""A day that a citizen wishes and that is not one day to come: said to be over, or asked back."""

from datetime import date
from typing import Any

from actions import reading
from actions.offers import next_days, short
from actions.turn import Answer, Turn, choice
from intents.dates import Mention

MOST_DAYS = 5


def beside(turn: Turn, question: str) -> Mention | None:
    """The day that came with words about something else: who answers the question has been heard already."""
    return None if turn.pressed or turn.question == question else reading.wish(turn)


def ask_back(wish: Mention, answer: Answer) -> bool:
    """A day that is over, does not exist, or may be several: say so, and offer those it may be; True when
    the question is put with that.
    """
    if wish.problem == "past":
        answer.open_with("booking.day_past")
    elif wish.problem == "impossible":
        answer.open_with("booking.day_impossible")
    elif asked := several(wish):
        key, days, values = asked
        answer.say(key, buttons=[choice("", day.isoformat(), title=short(day)) for day in days], **values)
        return True
    return False


def several(wish: Mention) -> tuple[str, list[date], dict[str, Any]] | None:
    """The question which of several days is meant, the days, and what stands in the question."""
    if wish.choices:
        return "booking.day_ambiguous", list(wish.choices), {}
    if wish.range:
        first, last = wish.range
        days = [day for day in next_days(first, MOST_DAYS, including=True) if day <= last]
        return ("booking.which_day_of", days, {"first": first, "last": last}) if days else None
    return None
