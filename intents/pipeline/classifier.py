"""A linear classifier over `Features`, several questions answered by one product.

The coefficients of all questions (which intent, which service, which topic) lie side by side in one
contiguous
float32 array, so a message costs one gather and one product. Probabilities are calibrated by a temperature
that
is fitted on held-back sentences. Training needs scikit-learn, answering only numpy.
"""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from intents.pipeline.features import Features


@dataclass(frozen=True)
class Example:
    """A normalised text with its label. Examples of one `group` are variants of one sentence."""

    text: str
    label: str
    weight: float = 1.0
    group: int = 0


@dataclass
class Question:
    """The labels of one question and where its columns lie in the shared coefficients."""

    labels: list[str]
    first: int
    temperature: float = 1.0


@dataclass
class Classifier:
    """Features, coefficients [features × all labels], intercepts, and the questions."""

    features: Features
    coefficients: np.ndarray
    intercepts: np.ndarray
    questions: dict[str, Question]

    def answer(self, text: str) -> dict[str, dict[str, float]]:
        """Return question → label → probability for one normalised text."""
        columns, values = self.features.row(text)
        scores = values @ self.coefficients[columns] + self.intercepts
        answers = {}
        for name, question in self.questions.items():
            own = scores[question.first : question.first + len(question.labels)] / question.temperature
            own = np.exp(own - own.max())
            own /= own.sum()
            answers[name] = dict(zip(question.labels, own.tolist(), strict=True))
        return answers

    def known(self, text: str) -> bool:
        """Say whether the model has seen any word or letter group of `text`."""
        return bool(len(self.features.row(text)[0]))

    def save(self, path: Path) -> None:
        """Write everything to one file; coefficients at half precision, which costs no accuracy."""
        state = {
            "columns": list(self.features.columns),
            "idf": self.features.idf,
            "coefficients": self.coefficients.astype(np.float16),
            "intercepts": self.intercepts,
            "questions": {name: vars(question) for name, question in self.questions.items()},
        }
        path.write_bytes(pickle.dumps(state, protocol=5))

    @classmethod
    def load(cls, path: Path) -> "Classifier":
        return cls.from_bytes(path.read_bytes())

    @classmethod
    def from_bytes(cls, content: bytes) -> "Classifier":
        state = pickle.loads(content)  # our own file inside a model archive  # noqa: S301
        columns = {feature: i for i, feature in enumerate(state["columns"])}
        return cls(
            Features(columns, state["idf"]),
            np.ascontiguousarray(state["coefficients"].astype(np.float32)),
            state["intercepts"],
            {name: Question(**question) for name, question in state["questions"].items()},
        )


def train(
    labelled: Mapping[str, Sequence[Example]], strength: Mapping[str, float] | None = None, seed: int = 7
) -> Classifier:
    """Fit one classifier; `labelled` is question → examples. Same data, same model.

    Raises ValueError when a question has fewer than two labels.
    """
    strength = strength or {}
    features = Features.fit(sorted({example.text for examples in labelled.values() for example in examples}))
    columns, intercepts, questions, first = [], [], {}, 0
    for name, examples in labelled.items():
        if len({example.label for example in examples}) < 2:
            raise ValueError(f"{name}: fewer than two labels to tell apart")
        c = strength.get(name, 0.5)
        temperature = _temperature(features, examples, c, seed)
        labels, coefficients, bias = _fit(features, examples, c)
        columns.append(coefficients)
        intercepts.append(bias)
        questions[name] = Question(labels, first, temperature)
        first += len(labels)
    return Classifier(
        features,
        np.ascontiguousarray(np.hstack(columns).astype(np.float32)),
        np.concatenate(intercepts).astype(np.float32),
        questions,
    )


def _fit(
    features: Features, examples: Sequence[Example], c: float
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return labels, coefficients [features × labels] and intercepts of one linear model."""
    from sklearn.svm import LinearSVC

    model = LinearSVC(C=c, random_state=1)
    weights = np.array([example.weight for example in examples])
    model.fit(features.matrix([e.text for e in examples]), [e.label for e in examples], sample_weight=weights)
    labels = [str(label) for label in model.classes_]
    if len(labels) == 2:
        return (
            labels,
            np.hstack([-model.coef_.T, model.coef_.T]),
            np.array([-model.intercept_[0], model.intercept_[0]]),
        )
    return labels, model.coef_.T, model.intercept_


def _temperature(features: Features, examples: Sequence[Example], c: float, seed: int) -> float:
    """Fit on four fifths of the sentences, and find the temperature that makes the rest's probabilities
    honest."""
    groups = sorted({example.group for example in examples})
    chosen = np.random.default_rng(seed).permutation(len(groups))[: len(groups) // 5]
    held_groups = {groups[i] for i in chosen}
    kept = [example for example in examples if example.group not in held_groups]
    held = [example for example in examples if example.group in held_groups and example.weight >= 0.5]
    if len(held) < 20 or len({example.label for example in kept}) < 2:
        return 1.0
    labels, coefficients, bias = _fit(features, kept, c)
    place = {label: i for i, label in enumerate(labels)}
    held = [example for example in held if example.label in place]
    scores = features.matrix([example.text for example in held]) @ coefficients + bias
    truth = np.array([place[example.label] for example in held])
    best = (np.inf, 1.0)
    for temperature in np.geomspace(0.05, 3.0, 60):
        scaled = scores / temperature
        scaled -= scaled.max(axis=1, keepdims=True)
        loss = float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(truth)), truth]))
        best = min(best, (loss, float(temperature)))
    return best[1]
