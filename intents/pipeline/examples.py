"""Training sentences → what the classifier learns: clean, with slips of the keyboard, and names of the
catalogue."""

import random
from collections.abc import Iterable, Iterator
from itertools import count

from intents.catalog import Catalog
from intents.normaliser import normalise
from intents.pipeline.classifier import Example
from intents.pipeline.ranking import NOTHING

NEIGHBOURS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",  # noqa: E501
    "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "wa", "r": "et", "s": "ad", "t": "ry",
    "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip
# How many misspelt copies of a sentence are learnt, and how much each counts.
SLIPS, SLIP_WEIGHT = 1, 0.45
# Intents that may name a service or a topic: their unlabelled sentences say nothing about either.
SERVICE_INTENTS = frozenset(
    [
        "find_service",
        "ask_requirements",
        "ask_hours_location",
        "ask_cost_duration",
        "book_queue",
        "reschedule_booking",
        "cancel_booking",
        "check_booking",
        "queue_live",
        "check_status",
        "check_bill",
        "query_data",
        "request_public_information",
        "ask_legal_consult",
        "internal_system",
        "correct",
        "report_complaint",
        "add_complaint_info",
        "help",
        "talk_to_agent",
        "emergency",
        "emergency_info",
        "crisis",
    ]
)
TOPIC_INTENTS = frozenset(
    ["report_complaint", "add_complaint_info", "reopen_complaint", "check_status", "correct"]
)

Sentence = tuple[str, str, str | None, str | None]
Labelled = list[Example]


def collect(sentences: Iterable[Sentence], catalog: Catalog, seed: int = 7) -> dict[str, Labelled]:
    """Return question → (normalised text, label, weight) from (text, intent, service, topic)."""
    chance = random.Random(seed)
    intents: Labelled = []
    services: Labelled = []
    topics: Labelled = []
    group = 0
    for group, (text, intent, service, topic) in enumerate(sentences):
        slipped = {slip(text, chance) for _ in range(SLIPS)} - {None, text}
        for spelled, weight in ((text, 1.0), *((other, SLIP_WEIGHT) for other in sorted(slipped, key=str))):
            if spelled is None:
                continue
            plain = normalise(spelled)
            intents.append(Example(plain, intent, weight, group))
            if service:
                services.append(Example(plain, service, weight, group))
            elif intent not in SERVICE_INTENTS:
                services.append(Example(plain, NOTHING, 0.5 * weight, group))
            if topic:
                topics.append(Example(plain, topic, weight, group))
            elif intent not in TOPIC_INTENTS:
                topics.append(Example(plain, NOTHING, 0.5 * weight, group))
    names = count(group + 1)
    services += _names(
        names, ((s.id, (s.title, *s.aliases, *s.old_names)) for s in catalog.services.values())
    )
    topics += _names(names, ((t.id, (t.title, *t.synonyms)) for t in catalog.topics.values()))
    return {"intent": intents, "service": services, "topic": topics}


def _names(groups: Iterator[int], named: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[Example]:
    for identity, names in named:
        for name in names:
            if name:
                yield Example(normalise(name), identity, 0.45, next(groups))


def slip(text: str, chance: random.Random) -> str | None:
    """Return `text` with one slip of the keyboard in a long word, None when there is no long word."""
    words = text.split()
    long = [i for i, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    if not long:
        return None
    for at in chance.sample(long, k=max(1, len(long) // 4)):
        word = words[at]
        place = chance.randrange(1, len(word) - 1)
        kind = chance.randrange(5)
        if kind == 0:
            word = word[:place] + word[place + 1 :]
        elif kind == 1:
            word = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        elif kind == 2:
            word = (
                word[:place]
                + chance.choice(NEIGHBOURS.get(word[place].lower(), word[place]))
                + word[place + 1 :]
            )
        elif kind == 3:
            word = word[:place] + word[place] + word[place:]
        else:
            kept = [c for i, c in enumerate(word) if i == 0 or c.lower() not in "aiueo"]
            word = "".join(kept) if len(kept) > 1 else word
        words[at] = word
    return " ".join(words)
