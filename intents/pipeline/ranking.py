"""From probabilities and catalogue search to a short honest list of services, and of topics.

The trained model knows how people ask; the search knows what is in the catalogue today. Their scores are
mixed,
and a service the model has never seen stands on its search score alone.
"""

from collections.abc import Mapping
from typing import Any

from intents.catalog import Catalog, Topic
from intents.normaliser import tokens
from intents.search import Search

NOTHING = "-"
MODEL_SHARE = 0.72
SERVICE_FLOOR, TOPIC_FLOOR = 0.2, 0.3


class Ranking:
    """Mixes what the model says with what the catalogue says."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._search = Search(catalog)
        self._topics = {topic.id: _phrases(topic) for topic in catalog.topics.values()}

    def services(
        self, text: str, likely: Mapping[str, float], tenant: str | None, limit: int = 3
    ) -> list[dict[str, Any]]:
        """Return up to `limit` {id, score}, best first. `likely` is the model's probability of each
        service."""
        found = dict(self._search.find(text, tenant, limit=8))
        offered = {service.id for service in self.catalog.services_for(tenant)}
        scores: dict[str, float] = {}
        for service in offered & (found.keys() | {s for s, p in likely.items() if p > 0.01}):
            searched = found.get(service, 0.0)
            if service in likely:
                scores[service] = MODEL_SHARE * likely[service] + (1 - MODEL_SHARE) * searched
            else:
                scores[service] = 0.8 * searched
        best = sorted(scores.items(), key=lambda item: -item[1])[:limit]
        return [{"id": service, "score": round(score, 4)} for service, score in best if score >= 0.02]

    def topics(self, text: str, likely: Mapping[str, float], limit: int = 3) -> list[dict[str, Any]]:
        """Return up to `limit` {id, score} of complaint topics, best first."""
        words = f" {' '.join(tokens(text))} "
        scores = {}
        for topic, phrases in self._topics.items():
            named = 1.0 if any(f" {phrase} " in words for phrase in phrases) else 0.0
            model = likely.get(topic)
            scores[topic] = 0.8 * named if model is None else 0.88 * model + 0.12 * named
        best = sorted(scores.items(), key=lambda item: -item[1])[:limit]
        return [{"id": topic, "score": round(score, 4)} for topic, score in best if score >= 0.02]


def _phrases(topic: Topic) -> list[str]:
    return [" ".join(tokens(name)) for name in (topic.title, *topic.synonyms) if name]
