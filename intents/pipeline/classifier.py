"""A linear classifier over `Features`, several questions answered by one product.

The coefficients of all questions (which intent, which service, which topic) lie side by side in one
contiguous
float32 array, so a message costs one gather and one product. Probabilities are calibrated by a temperature
that
is fitted on held-back sentences. Training needs scikit-learn, answering only numpy.
"""

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from intents.pipeline.features import Features

# How exactly the linear models are solved; finer than this takes longer and decides nothing.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Example:
    """A normalised text with its label. Examples of one `group` are variants of one sentence."""

    text: str
    label: str
    weight: float = 1.0
    group: int = 0


@dataclass
class Question:
    """The labels of one question and where its columns lie in the shared coefficients.

    `sure` is the validation curve: (confidence, was it right) of sentences the model was not fitted on.
    """

    labels: list[str]
    first: int
    temperature: float = 1.0
    sure: list[tuple[float, bool]] = field(default_factory=list)


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
    labelled: Mapping[str, Sequence[Example]],
    strength: Mapping[str, float] | None = None,
    seed: int = 7,
    tell: Callable[[str], None] = lambda line: None,
) -> Classifier:
    """Fit one classifier; `labelled` is question → examples, `tell` hears of the progress.

    Same data, same model.

    Raises ValueError when a question has fewer than two labels.
    """
    strength = strength or {}
    texts = sorted({example.text for examples in labelled.values() for example in examples})
    features = Features.fit(texts)
    matrix = features.matrix(texts)
    row_of = {text: row for row, text in enumerate(texts)}
    tell(f"{len(texts)} texts, {len(features.columns)} features")
    columns, intercepts, questions, first = [], [], {}, 0
    for name, examples in labelled.items():
        if len({example.label for example in examples}) < 2:
            raise ValueError(f"{name}: fewer than two labels to tell apart")
        c = strength.get(name, 0.5)
        rows = matrix[[row_of[example.text] for example in examples]]
        temperature, sure = _temperature(rows, examples, c, seed)
        labels, coefficients, bias = _fit(rows, examples, c)
        columns.append(coefficients.astype(np.float32))
        intercepts.append(bias)
        questions[name] = Question(labels, first, temperature, sure)
        first += len(labels)
        tell(f"{name}: {len(labels)} labels from {len(examples)} examples, temperature {temperature:.2f}")
    return Classifier(
        features,
        np.ascontiguousarray(np.hstack(columns)),
        np.concatenate(intercepts).astype(np.float32),
        questions,
    )


def _fit(rows: Any, examples: Sequence[Example], c: float) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return labels, coefficients [features × labels] and intercepts of one linear model."""
    from sklearn.svm import LinearSVC

    model = LinearSVC(C=c, random_state=1, tol=TOLERANCE)
    weights = np.array([example.weight for example in examples])
    model.fit(rows, [example.label for example in examples], sample_weight=weights)
    labels = [str(label) for label in model.classes_]
    if len(labels) == 2:
        return (
            labels,
            np.hstack([-model.coef_.T, model.coef_.T]),
            np.array([-model.intercept_[0], model.intercept_[0]]),
        )
    return labels, model.coef_.T, model.intercept_


def _temperature(
    rows: Any, examples: Sequence[Example], c: float, seed: int
) -> tuple[float, list[tuple[float, bool]]]:
    """Fit on four fifths of the sentences, find the temperature that makes the rest's probabilities honest.

    Returns it with (confidence, was it right) of each sentence of the rest.
    """
    groups = sorted({example.group for example in examples})
    chosen = np.random.default_rng(seed).permutation(len(groups))[: len(groups) // 5]
    held_groups = {groups[i] for i in chosen}
    kept = [i for i, example in enumerate(examples) if example.group not in held_groups]
    held = [i for i, e in enumerate(examples) if e.group in held_groups and e.weight >= 0.5]
    if len(held) < 20 or len({examples[i].label for i in kept}) < 2:
        return 1.0, []
    labels, coefficients, bias = _fit(rows[kept], [examples[i] for i in kept], c)
    place = {label: i for i, label in enumerate(labels)}
    held = [i for i in held if examples[i].label in place]
    scores = rows[held] @ coefficients + bias
    truth = np.array([place[examples[i].label] for i in held])
    best = (np.inf, 1.0)
    for temperature in np.geomspace(0.05, 3.0, 60):
        scaled = _log_softmax(scores / temperature)
        best = min(best, (-float(np.mean(scaled[np.arange(len(truth)), truth])), float(temperature)))
    likely = np.exp(_log_softmax(scores / best[1]))
    right = likely.argmax(axis=1) == truth
    return best[1], list(zip(likely.max(axis=1).round(4).tolist(), right.tolist(), strict=True))


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    scaled = scores - scores.max(axis=1, keepdims=True)
    result: np.ndarray = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    return result
