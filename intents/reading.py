"""One message read whole: what the model, the catalogue and the grammars say, in the shape Rasa hands on.

Needs numpy (the classifier), so it is for Rasa's environment; `intents.parse` prints what it returns.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from intents import emergency, entities, language, wishes
from intents.catalog import Catalog
from intents.normaliser import normalise
from intents.pipeline.ranking import NOTHING, SERVICE_FLOOR, TOPIC_FLOOR, Ranking
from intents.wishes import Wish

if TYPE_CHECKING:
    from intents.pipeline.judge import Judge

# What the guard is sure of is an emergency whatever the model says. Below its threshold guard and model count
# alike, and raise the alarm together from here (docs/understanding.md, *Emergencies*).
ALARM = 0.25
# How sure the intent of an alarm is at least, so that it is acted upon.
CERTAIN = 0.9
# Between this and its opposite the guard is in doubt, and the meaning of the sentence is asked for.
DOUBTFUL = 0.05
# How sure both wishes of one message are at least, and what they are about, so that it is cut in two.
WISH, ABOUT = 0.7, 0.45
_DANGERS = ("emergency", "crisis")


class Reader:
    """A trained classifier with today's catalogue."""

    def __init__(self, judge: Judge, catalog: Catalog) -> None:
        self._judge = judge
        self._catalog = catalog
        self._ranking = Ranking(catalog)

    def read(
        self,
        text: str,
        now: datetime,
        tenant: str | None = None,
        ranking_length: int = 10,
        previous: str | None = None,
    ) -> dict[str, Any]:
        """Return intent, intent_ranking, service, services, topic, topics, entities, language, emergency
        and second.

        `second` is another wish in the same message, None as a rule; everything but the entities and the
        emergency is then about the first.
        """
        guard, crisis = emergency.weigh(text)
        whole, both = text, None
        if guard < emergency.threshold():
            both = wishes.two(text, lambda part: self._wish(part, tenant), WISH)
        if both:
            text = both[0].text
        plain = normalise(text)
        answers = self._judge.answer(plain, doubtful=DOUBTFUL < guard < 1 - DOUBTFUL)
        danger = _together(guard, sum(answers["intent"].get(name, 0.0) for name in _DANGERS))
        alarm = None
        if guard >= emergency.threshold() or danger >= ALARM:
            of_both = sum(answers["intent"].get(name, 0.0) for name in _DANGERS)
            share = answers["intent"].get("crisis", 0.0) / of_both if of_both else crisis
            alarm = emergency.name(whole, _together(crisis, share))
        intents = _agree(answers["intent"], danger, alarm)
        ranking: list[dict[str, Any]] = sorted(
            ({"name": n, "confidence": round(p, 6)} for n, p in intents.items()),
            key=lambda e: -e["confidence"],
        )
        services = self._ranking.services(text, _without_nothing(answers["service"]), tenant)
        topics = self._ranking.topics(text, _without_nothing(answers["topic"]))
        guess = language.detect(whole, previous)
        return {
            "intent": ranking[0],
            "intent_ranking": ranking[:ranking_length],
            "services": services,
            "service": _first(services, SERVICE_FLOOR),
            "topics": topics,
            "topic": _first(topics, TOPIC_FLOOR),
            "entities": entities.find(whole, now, tenant),
            "language": {"code": guess.code, "confidence": guess.confidence, "variety": guess.variety},
            "emergency": None if alarm is None else {"kind": alarm.kind, "number_key": alarm.number_key},
            "second": self._offer(*both) if both and alarm is None else None,
        }

    def _wish(self, text: str, tenant: str | None) -> Wish:
        """Read one part of a message by its words alone, which is quick."""
        answers = self._judge.by_words(normalise(text))
        intent, sure = max(answers["intent"].items(), key=lambda item: item[1])
        service = _first(self._ranking.services(text, _without_nothing(answers["service"]), tenant), ABOUT)
        topic = _first(self._ranking.topics(text, _without_nothing(answers["topic"])), ABOUT)
        complaint = intent == "report_complaint"
        return Wish(
            text,
            intent,
            sure,
            service["id"] if service and not complaint else None,
            topic["id"] if topic and complaint else None,
        )

    def _offer(self, first: Wish, second: Wish) -> dict[str, Any]:
        service = self._catalog.services.get(second.service or "")
        return {
            "first_text": first.text,
            "text": second.text,
            "intent": second.intent,
            "title": service.title if service else None,
        }


def _without_nothing(likely: dict[str, float]) -> dict[str, float]:
    return {label: probability for label, probability in likely.items() if label != NOTHING}


def _first(ranked: list[dict[str, Any]], floor: float) -> dict[str, Any] | None:
    best = ranked[0] if ranked else None
    return {"id": best["id"], "confidence": best["score"]} if best and best["score"] >= floor else None


def _together(guard: float, model: float) -> float:
    """Return the mean of two probabilities on the scale of log odds."""
    odds = [
        math.log(min(max(p, 1e-6), 1 - 1e-6)) - math.log(1 - min(max(p, 1e-6), 1 - 1e-6))
        for p in (guard, model)
    ]
    return 1 / (1 + math.exp(-sum(odds) / 2))


def _agree(likely: dict[str, float], danger: float, alarm: emergency.Emergency | None) -> dict[str, float]:
    """Make the intents say what was found together: an alarm comes first, and without one no danger does."""
    if not set(_DANGERS) <= likely.keys():
        return likely
    if alarm is not None:
        chosen = "crisis" if alarm.number_key == "crisis" else "emergency"
        share = {chosen: max(danger, CERTAIN)}
    else:
        before = sum(likely[name] for name in _DANGERS)
        share = {name: likely[name] / before * min(before, danger) if before else 0.0 for name in _DANGERS}
    rest = sum(p for name, p in likely.items() if name not in share)
    left = 1.0 - sum(share.values())
    return {
        name: share[name] if name in share else p * left / rest if rest else 0.0 for name, p in likely.items()
    }
