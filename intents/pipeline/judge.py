"""The trained model whole: the classifier that reads words, and the second opinion where it is in doubt."""

import pickle
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from intents.pipeline import classifier as words
from intents.pipeline import encoder, opinion
from intents.pipeline.classifier import Classifier, Example, Trial
from intents.pipeline.opinion import Opinion
from intents.pipeline.spelling import Spelling

# Below this confidence of the intent the second opinion is asked (docs/understanding.md, *Second opinion*).
ASKED_BELOW = 0.85
CACHE = Path("models") / ".meanings.npz"


@dataclass
class Judge:
    """Answers every question about a normalised text."""

    classifier: Classifier
    spelling: Spelling
    opinion: Opinion = field(default_factory=Opinion)

    def answer(self, text: str, doubtful: bool = False) -> dict[str, dict[str, float]]:
        """Return question → label → probability; `doubtful` asks for the second opinion in any case."""
        text = self.spelling.right(text)
        answers = self.classifier.answer(text)
        if text and (doubtful or max(answers["intent"].values()) < ASKED_BELOW):
            return self.opinion.improve(text, answers)
        return answers

    def by_words(self, text: str) -> dict[str, dict[str, float]]:
        """Return the same by the words alone, which is quick."""
        return self.classifier.answer(self.spelling.right(text))

    def to_bytes(self) -> bytes:
        """Return the content of the one file that is kept in a model archive.

        Packed quickly here, because Rasa's archive would take ten seconds to pack it hardly smaller.
        """
        state = {
            "classifier": self.classifier.state(),
            "words": self.spelling.counts,
            "opinion": self.opinion.state(),
        }
        return zlib.compress(pickle.dumps(state, protocol=5), level=1)

    @classmethod
    def from_bytes(cls, content: bytes) -> "Judge":
        """Restore a judge with this process's encoder.

        Raises zlib.error or KeyError for a file of another version.
        """
        state = pickle.loads(zlib.decompress(content))  # our own file inside a model archive  # noqa: S301
        held = state["opinion"]
        return cls(
            Classifier.restore(state["classifier"]),
            Spelling(state["words"]),
            Opinion.restore(held, encoder.load() if held else None),
        )


def train(
    labelled: Mapping[str, Sequence[Example]],
    strength: Mapping[str, float] | None = None,
    seed: int = 7,
    encoded: int = opinion.MOST_SENTENCES,
    tell: Callable[[str], None] = lambda line: None,
) -> tuple[Judge, dict[str, Trial]]:
    """Train words and meaning side by side, a core each; returns the judge and its trials."""
    spelling = Spelling.learn(e.text for e in labelled["intent"] if e.weight >= 0.5)
    engine = encoder.load()
    if engine is None:
        classifier, trials = words.train(labelled, strength, seed, tell)
        return Judge(classifier, spelling), trials
    chosen = opinion.choose(labelled["intent"], encoded)
    with ThreadPoolExecutor(1) as other:
        encoding = other.submit(_encode, engine, chosen)
        classifier, trials = words.train(labelled, strength, seed, tell)
        meanings = encoding.result()
    tell(f"{len(meanings)} meanings")
    judged, trials = opinion.train(labelled, trials, meanings, ASKED_BELOW)
    for question, mixture in judged.mixtures.items():
        tell(f"{question}: meaning counts {mixture.share:.1f} in doubt")
    judged.encoder = engine
    return Judge(classifier, spelling, judged), trials


def _encode(engine: encoder.Encoder, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Return text → meaning; what an earlier training encoded lies beside the models."""
    known: dict[str, np.ndarray] = {}
    if CACHE.exists():
        with np.load(CACHE) as kept:
            known = dict(zip(kept["texts"].tolist(), kept["meanings"], strict=True))
    missing = [text for text in texts if text not in known]
    for start in range(0, len(missing), 64):
        part = missing[start : start + 64]
        known.update(zip(part, engine.encode(part).astype(np.float16), strict=True))
    if missing and CACHE.parent.is_dir():
        whole = CACHE.with_suffix(f".{time.monotonic_ns()}.npz")
        np.savez(whole, texts=np.array(texts), meanings=np.stack([known[text] for text in texts]))
        whole.replace(CACHE)
    return {text: known[text].astype(np.float32) for text in texts}
