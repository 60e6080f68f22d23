"""How likely a message tells of danger: a small linear model in plain Python, for the guard that works
without Rasa.

It weighs words, letter groups, signs (see signs) and what the patterns saw (see emergency.notes).
`data/language/danger.json` is written by `python -m intents.danger` (in Rasa's environment, from the training
sentences) and belongs into git, so that the guard is the same in every process and needs no training to
start. The thresholds in it come from cross-validation over the same sentences.
"""

import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from intents import signs
from intents.grams import letter_features, word_features

PATH = Path(__file__).resolve().parents[1] / "data" / "language" / "danger.json"
# Weights below this change nothing and are not stored.
SMALLEST = 0.08
SIGNS_SHARE, NOTE = 1.5, 0.5
# How often an alarm of the guard is right, measured on sentences it was not fitted on: where Rasa is asked
# next if it stays silent, and where nobody is.
PRECISION, ALONE = 0.93, 0.9
STRENGTH = 6


@lru_cache(maxsize=1)
def _model() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return loaded


def threshold(*, alone: bool = False) -> float:
    """Return the probability from which the guard raises the alarm; `alone`: nobody else is asked."""
    return float(_model()["alone" if alone else "alarm"])


class Reading:
    """One normalised text as the model scores it, first without and then with what the patterns saw."""

    def __init__(self, plain: str) -> None:
        model = _model()
        weights, idf, rare = model["weights"], model["idf"], model["rare"]
        self._danger, self._crisis = model["bias"]
        for block, share in _blocks(plain):
            values = _values(block, idf, rare)
            length = math.sqrt(sum(v * v for v in values.values())) or 1.0
            for feature, value in values.items():
                row = weights.get(feature)
                if row:
                    self._danger += share * row[0] * value / length
                    self._crisis += share * row[1] * value / length

    def likely(self, notes: Iterable[str] = ()) -> tuple[float, float]:
        """Return the probability of danger, and how likely a danger would be a crisis."""
        weights = _model()["weights"]
        danger, crisis = self._danger, self._crisis
        for note in notes:
            row = weights.get(note)
            if row:
                danger += NOTE * row[0]
                crisis += NOTE * row[1]
        return 1 / (1 + math.exp(-danger)), 1 / (1 + math.exp(-crisis))


def _blocks(plain: str) -> list[tuple[list[str], float]]:
    return [
        (word_features(plain), 1.0),
        (letter_features(plain), 1.0),
        (signs.features(signs.find(plain)), SIGNS_SHARE),
    ]


def _values(block: Sequence[str], idf: dict[str, float], rare: float) -> dict[str, float]:
    return {f: (1 + math.log(n)) * idf.get(f, rare) for f, n in Counter(block).items()}


def learn(path: Path = PATH) -> list[tuple[float, float, float]]:
    """Fit the model on the training sentences and write it; needs scikit-learn.

    Returns threshold, recall and precision as five-fold cross-validation over the sentences gives them, for
    the guard before Rasa and for the guard alone.
    """
    import random

    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    from intents import emergency, sentences
    from intents.normaliser import normalise
    from intents.pipeline.examples import slip

    chance = random.Random(7)
    rows: list[tuple[str, str, float, int]] = []
    for group, sentence in enumerate(sentences.read()):
        for text, weight in ((sentence.text, 1.0), (slip(sentence.text, chance), 0.4)):
            if text:
                rows.append((text, sentence.intent, weight, group))
    labels = np.array([intent in ("emergency", "crisis") for _, intent, _, _ in rows])
    crises = np.array([intent == "crisis" for _, intent, _, _ in rows])
    weights = np.array([weight for _, _, weight, _ in rows])
    groups = np.array([group for _, _, _, group in rows])
    texts = [(normalise(text), emergency.notes(text)) for text, _, _, _ in rows]
    blocks = [_blocks(plain) for plain, _ in texts]
    seen: Counter[str] = Counter()
    for of_text, (_, notes) in zip(blocks, texts, strict=True):
        seen.update({feature for block, _ in of_text for feature in block} | set(notes))
    kept = {f: i for i, f in enumerate(sorted(f for f, n in seen.items() if n >= 3))}
    rare = round(math.log((1 + len(texts)) / 3) + 1, 3)
    idf = {f: round(math.log((1 + len(texts)) / (1 + seen[f])) + 1, 1) for f in kept}
    data, columns, pointers = [], [], [0]
    for of_text, (_, notes) in zip(blocks, texts, strict=True):
        for block, share in of_text:
            values = _values(block, idf, rare)
            length = math.sqrt(sum(v * v for v in values.values())) or 1.0
            found = [(kept[f], share * value / length) for f, value in values.items() if f in kept]
            columns += [column for column, _ in found]
            data += [value for _, value in found]
        known = [kept[note] for note in notes if note in kept]
        columns += known
        data += [NOTE] * len(known)
        pointers.append(len(columns))
    matrix = csr_matrix((data, columns, pointers), shape=(len(texts), len(kept)))
    shares = weights * np.where(labels, 2.0, 1.0)

    def fitted(chosen: Any, truth: Any) -> Any:
        model = LogisticRegression(C=STRENGTH, solver="liblinear", tol=1e-3)
        return model.fit(matrix[chosen], truth[chosen], sample_weight=shares[chosen])

    fold = np.random.default_rng(3).permutation(groups.max() + 1)[groups] % 5
    unseen = np.zeros(len(rows))
    for k in range(5):
        unseen[fold == k] = fitted(fold != k, labels).predict_proba(matrix[fold == k])[:, 1]
    clean = weights == 1.0
    chosen = [choose(unseen[clean].tolist(), labels[clean].tolist(), goal) for goal in (PRECISION, ALONE)]
    heads = fitted(np.ones(len(rows), dtype=bool), labels), fitted(labels, crises)
    strong = {f: i for f, i in kept.items() if max(abs(head.coef_[0, i]) for head in heads) >= SMALLEST}
    document = {
        "alarm": chosen[0][0],
        "alone": chosen[1][0],
        "bias": [round(float(head.intercept_[0]), 3) for head in heads],
        "rare": rare,
        "idf": {feature: idf[feature] for feature in kept if feature in strong},
        "weights": {f: [round(float(head.coef_[0, i]), 2) for head in heads] for f, i in strong.items()},
    }
    path.write_text(
        json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")), encoding="utf-8"
    )
    _model.cache_clear()
    return chosen


def choose(likely: Sequence[float], truth: Sequence[bool], precision: float) -> tuple[float, float, float]:
    """Return the lowest threshold (steps of 0.01) that is right often enough, with recall and precision."""
    best = (0.99, 0.0, 1.0)
    for step in range(99, 4, -1):
        raised = [said for p, said in zip(likely, truth, strict=True) if p >= step / 100]
        if not raised or sum(raised) / len(raised) < precision:
            continue
        best = (step / 100, sum(raised) / sum(truth), sum(raised) / len(raised))
    return best


def learn_kinds() -> float:
    """Fit the model of kinds as well; returns the share named rightly in cross-validation.

    A sentence that names no kind has the one that a pattern sees in it, if any.
    """
    from intents import emergency, kinds, sentences
    from intents.normaliser import normalise

    rows = []
    for sentence in sentences.read():
        if sentence.intent not in ("emergency", "crisis"):
            continue
        notes = emergency.notes(sentence.text)
        seen = [note[2:] for note in notes if note.startswith("v:") and note[2:] in kinds.KINDS]
        kind = sentence.kind or next(iter(seen), None)
        if kind and (kind in kinds.CRISIS) == (sentence.intent == "crisis"):
            rows.append((normalise(sentence.text), notes, kind))
    return kinds.learn(rows)


if __name__ == "__main__":
    for who, found in zip(("guard", "guard alone"), learn(), strict=True):
        line = "from {:.2f}: recall {:.3f}, precision {:.3f} (cross-validation)\n".format(*found)
        sys.stdout.write(f"{who} {line}")
    sys.stdout.write(f"kinds named rightly: {learn_kinds():.3f} (cross-validation)\n")
