"""Which danger a message tells of: fire, medical, violence … decides which number is shown.

A small linear model in plain Python over words, signs and what the patterns saw; it needs neither Rasa nor
numpy. `data/language/kinds.json` is written by `python -m intents.danger` from the training sentences.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from intents import signs
from intents.grams import letter_features, word_features

PATH = Path(__file__).resolve().parents[1] / "data" / "language" / "kinds.json"
KINDS = ("fire", "accident", "disaster", "crime", "medical", "self_harm", "violence", "child", "general")
CRISIS = frozenset(["self_harm", "violence", "child"])
# Weights below this change nothing and are not stored.
SMALLEST = 0.15
LONGEST_GRAM, FEWEST = 4, 3


@lru_cache(maxsize=1)
def _model() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return loaded


def _features(plain: str, notes: Iterable[str]) -> dict[str, float]:
    """Return what is weighed; each group has length 1: long messages count no more than short ones."""
    groups = (
        [word for word in word_features(plain) if " " not in word[2:]],
        [gram for gram in letter_features(plain) if len(gram) == LONGEST_GRAM],
        [f"s:{sign}" for sign in signs.find(plain)],
        [note for note in notes if note[:2] in ("k:", "v:")],
    )
    values: dict[str, float] = {}
    for group in groups:
        length = math.sqrt(len(set(group))) or 1.0
        values.update(dict.fromkeys(group, 1 / length))
    return values


def likely(plain: str, notes: Iterable[str]) -> dict[str, float]:
    """Return kind → probability of a normalised text that tells of danger."""
    model = _model()
    scores = list(model["bias"])
    for feature, value in _features(plain, notes).items():
        for i, weight in enumerate(model["weights"].get(feature, ())):
            scores[i] += weight * value
    top = max(scores)
    shares = [math.exp(score - top) for score in scores]
    return {kind: share / sum(shares) for kind, share in zip(KINDS, shares, strict=True)}


def learn(rows: Sequence[tuple[str, Sequence[str], str]], path: Path = PATH) -> float:
    """Fit the model on (normalised text, notes, kind) and write it; needs scikit-learn.

    Returns the share of kinds named rightly in five-fold cross-validation.
    """
    import numpy as np
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    found = [_features(plain, notes) for plain, notes, _ in rows]
    seen = Counter(feature for values in found for feature in values)
    kept = [{f: v for f, v in values.items() if seen[f] >= FEWEST} for values in found]
    vectors = DictVectorizer()
    matrix, truth = vectors.fit_transform(kept), np.array([KINDS.index(kind) for _, _, kind in rows])

    def fitted(chosen: Any) -> Any:
        model = LogisticRegression(C=3, max_iter=300, class_weight="balanced")
        return model.fit(matrix[chosen], truth[chosen])

    fold = np.random.default_rng(3).permutation(len(rows)) % 5
    right = sum((fitted(fold != k).predict(matrix[fold == k]) == truth[fold == k]).sum() for k in range(5))
    whole = fitted(np.ones(len(rows), dtype=bool))
    weights = {
        feature: [round(float(weight), 2) for weight in whole.coef_[:, i]]
        for i, feature in enumerate(vectors.feature_names_)
        if abs(whole.coef_[:, i]).max() >= SMALLEST
    }
    document = {"bias": [round(float(b), 3) for b in whole.intercept_], "weights": weights}
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    path.write_text(text, encoding="utf-8")
    _model.cache_clear()
    return float(right / len(rows))
