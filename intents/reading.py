"""One message read whole: what the model, the catalogue and the grammars say, in the shape Rasa hands on.

Needs numpy (the classifier), so it is for Rasa's environment; `intents.parse` prints what it returns.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from intents import emergency, entities, language
from intents.catalog import Catalog
from intents.normaliser import normalise
from intents.pipeline.ranking import NOTHING, SERVICE_FLOOR, TOPIC_FLOOR, Ranking

if TYPE_CHECKING:
    from intents.pipeline.classifier import Classifier

# What the guard finds is an emergency whatever the model says; what the model alone finds must be this sure.
CERTAIN = 0.97
ALARMED = 0.3


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
        alarm = emergency.check(text)
        intents = _lift(answers["intent"], alarm)
        ranking: list[dict[str, Any]] = sorted(
            ({"name": n, "confidence": round(p, 6)} for n, p in intents.items()),
            key=lambda e: -e["confidence"],
        )
        if (
            alarm is None
            and ranking[0]["name"] in ("emergency", "crisis")
            and ranking[0]["confidence"] >= ALARMED
        ):
            alarm = emergency.name(text, ranking[0]["name"] == "crisis")
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


def _lift(likely: dict[str, float], alarm: emergency.Emergency | None) -> dict[str, float]:
    """Let the guard speak: what the rules take for an emergency is one, whatever the model thinks."""
    if alarm is None:
        return likely
    name = "crisis" if alarm.number_key == "crisis" else "emergency"
    if name not in likely or likely[name] >= CERTAIN:
        return likely
    rest = 1.0 - likely[name]
    return {n: CERTAIN if n == name else p * (1 - CERTAIN) / rest for n, p in likely.items()}
