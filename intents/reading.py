"""One message read whole: what the model, the catalogue and the grammars say, in the shape Rasa hands on.

Needs numpy (the classifier), so it is for Rasa's environment; `intents.parse` prints what it returns.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from intents import emergency, entities, language
from intents.catalog import Catalog
from intents.normaliser import normalise
from intents.pipeline.ranking import NOTHING, SERVICE_FLOOR, TOPIC_FLOOR, Ranking

if TYPE_CHECKING:
    from intents.pipeline.classifier import Classifier

# What the guard finds is an emergency whatever the model says. Below its threshold guard and model count
# alike, and raise the alarm together from here: where at least one in three is right in cross-validation.
ALARM = 0.35
# How sure the intent of an alarm is at least, so that it is acted upon.
CERTAIN = 0.9
_DANGERS = ("emergency", "crisis")


class Reader:
    """A trained classifier with today's catalogue."""

    def __init__(self, classifier: Classifier, catalog: Catalog) -> None:
        self._classifier = classifier
        self._ranking = Ranking(catalog)

    def read(
        self,
        text: str,
        now: datetime,
        tenant: str | None = None,
        ranking_length: int = 10,
        previous: str | None = None,
    ) -> dict[str, Any]:
        """Return intent, intent_ranking, service, services, topic, topics, entities, language and
        emergency."""
        plain = normalise(text)
        answers = self._classifier.answer(plain)
        guard, crisis = emergency.weigh(text)
        danger = _together(guard, sum(answers["intent"].get(name, 0.0) for name in _DANGERS))
        alarm = None
        if guard >= emergency.threshold() or danger >= ALARM:
            alarm = emergency.name(text, crisis >= 0.5)
        intents = _agree(answers["intent"], danger, alarm)
        ranking: list[dict[str, Any]] = sorted(
            ({"name": n, "confidence": round(p, 6)} for n, p in intents.items()),
            key=lambda e: -e["confidence"],
        )
        services = self._ranking.services(text, _without_nothing(answers["service"]), tenant)
        topics = self._ranking.topics(text, _without_nothing(answers["topic"]))
        guess = language.detect(text, previous)
        return {
            "intent": ranking[0],
            "intent_ranking": ranking[:ranking_length],
            "services": services,
            "service": _first(services, SERVICE_FLOOR),
            "topics": topics,
            "topic": _first(topics, TOPIC_FLOOR),
            "entities": entities.find(text, now, tenant),
            "language": {"code": guess.code, "confidence": guess.confidence, "variety": guess.variety},
            "emergency": None if alarm is None else {"kind": alarm.kind, "number_key": alarm.number_key},
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
