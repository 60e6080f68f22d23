"""The one component of Rasa's pipeline: normalise, intent, services, topic, values, language, in one node.

One node instead of six, because Rasa spends more time between components than in them. It reads
`metadata.example` of training sentences ({service: id} or {topic: id}) and, when serving, `metadata` of the
message ({tenant, now}). A button's payload passes untouched.
"""

from __future__ import annotations

import hashlib
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from intents import catalog as catalogue
from intents import reading, thresholds
from intents.pipeline import judge
from intents.pipeline.examples import collect
from intents.pipeline.judge import Judge
from intents.pipeline.opinion import MOST_SENTENCES

FILE = "judge.bin"
ROOT = Path(__file__).resolve().parents[2]
LEARNED_FROM = (
    "intents/normaliser.py",
    "intents/grams.py",
    "intents/signs.py",
    "data/language/slang.yml",
    "data/language/signs.yml",
)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class Understanding(GraphComponent):
    """Everything Lawang understands of a message."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {
            "ranking_length": 10,
            "strength": 1.0,
            "seed": 7,
            # Sentences whose meaning is learnt (encoding takes most of the training).
            "encoded": MOST_SENTENCES,
            # For data that are not ours: leave data/thresholds.yml as it is.
            "keep_thresholds": False,
        }

    @staticmethod
    def required_packages() -> list[str]:
        return ["sklearn", "langdetect"]

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str:
        """Make Rasa train anew when our code, the slang or the catalogue's names change, not only the
        sentences."""
        digest = hashlib.sha256()
        for path in (*sorted(Path(__file__).parent.glob("*.py")), *(ROOT / name for name in LEARNED_FROM)):
            digest.update(path.read_bytes())
        loaded = catalogue.load()
        for service in loaded.services.values():
            digest.update(
                "\0".join((service.id, service.title, *service.aliases, *service.old_names)).encode()
            )
        for topic in loaded.topics.values():
            digest.update("\0".join((topic.id, topic.title, *topic.synonyms)).encode())
        return digest.hexdigest()

    def __init__(self, config: dict[str, Any], storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._reader: reading.Reader | None = None

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Understanding:
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> Understanding:
        component = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            judged = Judge.from_bytes((Path(folder) / FILE).read_bytes())
        component._reader = reading.Reader(judged, catalogue.load())
        return component

    def train(self, training_data: TrainingData) -> Resource:
        sentences = []
        for example in training_data.intent_examples:
            extra = (example.get("metadata") or {}).get("example") or {}
            sentences.append(
                (example.get("text"), example.get("intent"), extra.get("service"), extra.get("topic"))
            )
        loaded = catalogue.load()
        strength = dict.fromkeys(("intent", "service", "topic"), float(self._config["strength"]))
        started = time.monotonic()

        def tell(line: str) -> None:
            sys.stdout.write(f"  {time.monotonic() - started:3.0f} s  {line}\n")
            sys.stdout.flush()

        labelled = collect(sentences, loaded)
        judged, trials = judge.train(labelled, strength, self._config["seed"], self._config["encoded"], tell)
        if "intent" in trials and not self._config["keep_thresholds"]:
            act = thresholds.act_from(trials["intent"].sure)
            changed = thresholds.write(act, thresholds.WORTH_OFFERING)
            tell(f"act from {act:.2f}" + (", now in data/thresholds.yml" if changed else ""))
        with self._storage.write_to(self._resource) as folder:
            (Path(folder) / FILE).write_bytes(judged.to_bytes())
        self._reader = reading.Reader(judged, loaded)
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = message.get("text") or ""
            if text.startswith("/") or self._reader is None:
                continue
            about = message.get("metadata") or {}
            read = self._reader.read(text, _now(about), about.get("tenant"), self._config["ranking_length"])
            for name, value in read.items():
                message.set(name, value, add_to_output=True)
        return messages


def _now(metadata: dict[str, Any]) -> datetime:
    given = metadata.get("now")
    return datetime.fromisoformat(given) if given else datetime.now(UTC).astimezone()
