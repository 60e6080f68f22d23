"""A small neural network over sentence meanings: one hidden layer, fitted by scikit-learn, asked by numpy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from intents.pipeline.classifier import log_softmax

HIDDEN, ROUNDS, BATCH, SHRINK = 384, 25, 256, 3e-4
# Meanings have length 1; the network learns faster from larger numbers.
SCALE = 6.0


@dataclass(frozen=True)
class Network:
    """Labels, and the weights of both layers for each of several fits, which vote."""

    labels: list[str]
    middle: np.ndarray
    layers: list[tuple[np.ndarray, ...]]

    def say(self, meanings: np.ndarray) -> np.ndarray:
        """Return [n × labels] log probabilities for [n × 384] meanings."""
        inside = _centred(meanings, self.middle)
        votes = [
            np.exp(log_softmax(np.maximum(inside @ first + bias, 0) @ second + last))
            for first, bias, second, last in self.layers
        ]
        return np.log(np.mean(votes, axis=0) + 1e-6)

    def state(self) -> dict[str, Any]:
        """Return everything as plain values, at half precision."""
        layers = [[part.astype(np.float16) for part in layer] for layer in self.layers]
        return {"labels": self.labels, "middle": self.middle, "layers": layers}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Network":
        layers = [tuple(np.asarray(part, dtype=np.float32) for part in layer) for layer in state["layers"]]
        return cls(state["labels"], state["middle"], layers)


def fit(meanings: np.ndarray, labels: Sequence[str], seeds: Sequence[int] = (1,)) -> Network:
    """Fit one network for each seed on [n × 384] meanings; needs scikit-learn."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    middle = meanings.mean(axis=0)
    inside = _centred(meanings, middle)
    layers = []
    for seed in seeds:
        model = MLPClassifier(
            (HIDDEN,), alpha=SHRINK, batch_size=min(BATCH, len(inside)), max_iter=ROUNDS, random_state=seed
        )
        with warnings.catch_warnings():
            # It is stopped on purpose before it has learnt everything by heart.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(inside, list(labels))
        (first, second), (bias, last) = model.coefs_, model.intercepts_
        layers.append(tuple(part.astype(np.float32) for part in (first, bias, second, last)))
    return Network([str(label) for label in model.classes_], middle, layers)


def _centred(meanings: np.ndarray, middle: np.ndarray) -> np.ndarray:
    away = meanings - middle
    lengths = np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
    scaled: np.ndarray = (SCALE * away / lengths).astype(np.float32)
    return scaled
