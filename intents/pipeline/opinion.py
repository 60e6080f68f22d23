"""A second opinion on messages whose words leave a doubt: what the sentence means, by an embedding.

It costs 10 to 20 ms, so it is asked only where the words are unsure. How much it counts for each question,
and the temperature of the mixture, are fitted on sentences that neither model has seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from intents.pipeline import network
from intents.pipeline.classifier import Example, Trial, log_softmax, loss
from intents.pipeline.encoder import Encoder
from intents.pipeline.network import Network

SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
TEMPERATURES = (0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 1.6)
# The questions it is asked: it does not help to name topics.
QUESTIONS = ("intent", "service")
# Encoding is half the work of a training; from 4,000 to 6,000 sentences nothing measurable changes.
MOST_SENTENCES = 4500


@dataclass(frozen=True)
class Mixture:
    """How much the network counts next to the words, and how bold the sum of both is."""

    network: Network
    share: float
    temperature: float

    def mix(self, words: np.ndarray, meanings: np.ndarray) -> np.ndarray:
        """Return [n × labels] log probabilities of both together; `words` has the same labels."""
        return log_softmax((words + self.share * self.network.say(meanings)) / self.temperature)


@dataclass
class Opinion:
    """An encoder and one mixture for each question that gains by it."""

    mixtures: dict[str, Mixture] = field(default_factory=dict)
    encoder: Encoder | None = None

    def improve(self, text: str, answers: Mapping[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        """Return the answers (question → label → probability) improved by what `text` means."""
        better = dict(answers)
        if self.encoder is None or not self.mixtures:
            return better
        meaning = self.encoder.encode([text])
        for question, mixture in self.mixtures.items():
            labels = mixture.network.labels
            words = np.log(np.array([[answers[question][label] for label in labels]]) + 1e-9)
            mixed = np.exp(mixture.mix(words, meaning)[0])
            better[question] = dict(zip(labels, mixed.tolist(), strict=True))
        return better

    def state(self) -> dict[str, Any]:
        """Return everything but the encoder as plain values."""
        return {
            name: {"network": m.network.state(), "share": m.share, "temperature": m.temperature}
            for name, m in self.mixtures.items()
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], encoder: Encoder | None) -> "Opinion":
        return cls(
            {
                name: Mixture(Network.restore(m["network"]), m["share"], m["temperature"])
                for name, m in state.items()
            },
            encoder,
        )


def choose(examples: Sequence[Example], most: int) -> list[str]:
    """Return at most `most` texts worth encoding, spread evenly over all; misspelt copies are left out."""
    texts = list(dict.fromkeys(example.text for example in examples if example.weight >= 0.5))
    count = min(most, len(texts))
    return [texts[i * len(texts) // count] for i in range(count)]


def train(
    labelled: Mapping[str, Sequence[Example]],
    trials: Mapping[str, Trial],
    meanings: Mapping[str, np.ndarray],
    asked_below: float,
) -> tuple[Opinion, dict[str, Trial]]:
    """Fit a network for each question on trial, and how much it counts; `meanings` is text → 384 numbers.

    Returns the opinion without an encoder, and the trials as both together answer them: below the confidence
    `asked_below` of the words.
    """
    opinion, better = Opinion(), dict(trials)
    for question in QUESTIONS:
        trial = trials.get(question)
        if trial is None:
            continue
        known = [e for e in labelled[question] if e.weight >= 0.5 and e.text in meanings]
        apart = [e for e in known if e.group not in trial.groups]
        every = {example.label for example in labelled[question]}
        rows = [i for i, text in enumerate(trial.texts) if text in meanings]
        if not rows or {e.label for e in apart} != every:
            continue
        tried = _fit(apart, meanings)
        unseen = np.stack([meanings[trial.texts[i]] for i in rows])
        said, truth = trial.said[rows], trial.truth[rows]
        doubt = said.max(axis=1) < np.log(asked_below)
        if doubt.sum() < 20:
            continue
        _, share, temperature = min(
            (loss(Mixture(tried, s, t).mix(said[doubt], unseen[doubt]), truth[doubt]), s, t)
            for s in SHARES
            for t in TEMPERATURES
        )
        mixed = said.copy()
        mixed[doubt] = Mixture(tried, share, temperature).mix(said[doubt], unseen[doubt])
        better[question] = Trial([trial.texts[i] for i in rows], mixed, truth, trial.groups)
        if share:
            opinion.mixtures[question] = Mixture(_fit(known, meanings), share, temperature)
    return opinion, better


def _fit(examples: Sequence[Example], meanings: Mapping[str, np.ndarray]) -> Network:
    return network.fit(np.stack([meanings[e.text] for e in examples]), [e.label for e in examples])
