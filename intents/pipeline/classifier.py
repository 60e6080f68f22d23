"""A linear classifier over `Features`, several questions answered by one product.

The coefficients of all questions (which intent, which service, which topic) lie side by side in one
contiguous float32 array, so a message costs one gather and one product. Probabilities are calibrated by a
temperature that is fitted on held-back sentences. Training needs scikit-learn, answering only numpy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from intents.pipeline.features import Features

# How exactly the linear models are solved; finer than this takes longer and decides nothing.
TOLERANCE = 1e-2


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


@dataclass(frozen=True)
class Trial:
    """What a model fitted on the other sentences says of some that were held back, variants left out.

    `said` is [sentences × labels] log probabilities, `truth` the place of each right label, `groups` names
    all sentences that were held back.
    """

    texts: list[str]
    said: np.ndarray
    truth: np.ndarray
    groups: frozenset[int]

    @property
    def sure(self) -> list[tuple[float, bool]]:
        """The validation curve: (confidence, was it right) of each sentence."""
        right = self.said.argmax(axis=1) == self.truth
        return list(zip(np.exp(self.said.max(axis=1)).round(4).tolist(), right.tolist(), strict=True))


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

    def state(self) -> dict[str, Any]:
        """Return everything as plain values; coefficients at half precision, which costs no accuracy."""
        return {
            "columns": list(self.features.columns),
            "idf": self.features.idf,
            "coefficients": self.coefficients.astype(np.float16),
            "intercepts": self.intercepts,
            "questions": {name: vars(question) for name, question in self.questions.items()},
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Classifier":
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
) -> tuple[Classifier, dict[str, Trial]]:
    """Fit one classifier; `labelled` is question → examples, `tell` hears of the progress.

    Returns it with a trial of each question on a fifth of its sentences. Same data, same model.

    Raises ValueError when a question has fewer than two labels.
    """
    strength = strength or {}
    texts = sorted({example.text for examples in labelled.values() for example in examples})
    features = Features.fit(texts)
    matrix = features.matrix(texts)
    row_of = {text: row for row, text in enumerate(texts)}
    tell(f"{len(texts)} texts, {len(features.columns)} features")
    columns, intercepts, questions, trials, first = [], [], {}, {}, 0
    for name, examples in labelled.items():
        if len({example.label for example in examples}) < 2:
            raise ValueError(f"{name}: fewer than two labels to tell apart")
        c = strength.get(name, 0.5)
        rows = matrix[[row_of[example.text] for example in examples]]
        temperature, trial = _try(rows, examples, c, seed)
        if trial:
            trials[name] = trial
        labels, coefficients, bias = _fit(rows, examples, c)
        columns.append(coefficients.astype(np.float32))
        intercepts.append(bias)
        questions[name] = Question(labels, first, temperature)
        first += len(labels)
        tell(f"{name}: {len(labels)} labels from {len(examples)} examples, temperature {temperature:.2f}")
    classifier = Classifier(
        features,
        np.ascontiguousarray(np.hstack(columns)),
        np.concatenate(intercepts).astype(np.float32),
        questions,
    )
    return classifier, trials


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


def _try(rows: Any, examples: Sequence[Example], c: float, seed: int) -> tuple[float, Trial | None]:
    """Fit on four fifths of the sentences, find the temperature that makes the rest's probabilities honest.

    Returns it with what is said of the rest; None when there are too few sentences to tell.
    """
    groups = sorted({example.group for example in examples})
    chosen = np.random.default_rng(seed).permutation(len(groups))[: len(groups) // 5]
    held_groups = frozenset(groups[i] for i in chosen)
    kept = [i for i, example in enumerate(examples) if example.group not in held_groups]
    held = [i for i, e in enumerate(examples) if e.group in held_groups and e.weight >= 0.5]
    every = sorted({example.label for example in examples})
    labels_kept = {examples[i].label for i in kept}
    held = [i for i in held if examples[i].label in labels_kept]
    if len(held) < 20 or len(labels_kept) < len(every):
        return 1.0, None
    _, coefficients, bias = _fit(rows[kept], [examples[i] for i in kept], c)
    place = {label: i for i, label in enumerate(every)}
    scores = rows[held] @ coefficients + bias
    truth = np.array([place[examples[i].label] for i in held])
    best = min(
        (loss(log_softmax(scores / temperature), truth), float(temperature))
        for temperature in np.geomspace(0.05, 3.0, 60)
    )
    return best[1], Trial([examples[i].text for i in held], log_softmax(scores / best[1]), truth, held_groups)


def loss(said: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean of minus the log probability of what is right."""
    return -float(np.mean(said[np.arange(len(truth)), truth]))


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """Return log probabilities along the last axis."""
    scaled = scores - scores.max(axis=-1, keepdims=True)
    result: np.ndarray = scaled - np.log(np.exp(scaled).sum(axis=-1, keepdims=True))
    return result
