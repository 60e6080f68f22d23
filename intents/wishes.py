"""Two wishes in one message: *urus KTP hilang, sekalian lapor lampu mati di Wates*.

The first is done, the second is offered afterwards. A message is cut only at words that join wishes, and only
where both parts are understood by themselves and want different things; anything else stays whole.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# What one can want of the city; courtesies, answers and alarms are no wishes.
WISHES = frozenset(
    [
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
        "check_status",
        "request_public_information",
        "check_bill",
        "query_data",
        "ask_legal_consult",
        "talk_to_agent",
    ]
)
# These are understood without naming a service or a topic.
_BARE = frozenset(["check_booking", "reschedule_booking", "cancel_booking", "queue_live", "talk_to_agent"])
_JOINT = re.compile(
    r"""[\s,.;]*\b(?:
        (?:dan|sama|terus|trus|trs|lalu|karo|kalian|skalian|sekalian|sisan|plus|and)\s+
            (?:sekalian|skalian|juga|jg|ugi|pisan|mau|saya|sy|aku|minta|lapor|tanya|nanya|takon|also)
        |sekalian(?:\s+juga)?|skalian|sisan|selain\s+itu|habis\s+itu|abis\s+itu|setelah\s+itu|sama|dan|terus|trus
        |(?:oh|o)\s+(?:ya|iya)|oiya|oya|eh\s+iya|satu\s+lagi|1\s+lagi|and|also
    )\b[\s,:]*""",
    re.IGNORECASE | re.VERBOSE,
)
LONGEST = 400


@dataclass(frozen=True, slots=True)
class Wish:
    """One part of a message as it is understood; `sure` is the confidence of the intent."""

    text: str
    intent: str
    sure: float
    service: str | None = None
    topic: str | None = None

    @property
    def stands_alone(self) -> bool:
        """Say whether it names what it is about."""
        if self.intent == "check_status" and any(character.isdigit() for character in self.text):
            return True
        return self.intent in _BARE or bool(self.service or self.topic)


def two(text: str, read: Callable[[str], Wish], sure: float) -> tuple[Wish, Wish] | None:
    """Return both wishes of `text`, or None when it holds one; `sure` is the confidence that both need."""
    if len(text) > LONGEST:
        return None
    for first, second in _parts(text):
        parts = read(first), read(second)
        if all(part.intent in WISHES and part.sure >= sure and part.stands_alone for part in parts) and (
            _different(*parts)
        ):
            return parts
    return None


def _parts(text: str) -> Iterator[tuple[str, str]]:
    for joint in _JOINT.finditer(text):
        first, second = text[: joint.start()].strip(" ,.;"), text[joint.end() :].strip(" ,.;")
        if len(first.split()) >= 2 and len(second.split()) >= 2:
            # "lapor" in "trus lapor lampu mati" belongs to the wish.
            verb = joint[0].split()[-1].lower() if joint[0].split() else ""
            kept = verb in {"mau", "minta", "lapor", "tanya", "nanya", "takon"}
            yield first, f"{verb} {second}" if kept else second


def _different(first: Wish, second: Wish) -> bool:
    if first.service and second.service:
        return first.service != second.service
    if first.topic and second.topic and first.intent == second.intent:
        return first.topic != second.topic
    return first.intent != second.intent
