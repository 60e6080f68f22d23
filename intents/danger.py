"""How likely a message tells of danger: a small linear model in plain Python, for the guard that works
without Rasa.

`data/language/danger.json` is written by `python -m intents.danger` (in Rasa's environment, from the training
sentences) and belongs into git, so that the guard is the same in every process and needs no training to
start.
"""

import json
import math
import sys
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

from intents.grams import letter_features, word_features

PATH = Path(__file__).resolve().parents[1] / "data" / "language" / "danger.json"
CLASSES = ("none", "emergency", "crisis")
# Weights below this change nothing and are not stored.
SMALLEST = 0.2


@lru_cache(maxsize=1)
def _model() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return loaded


def likely(plain: str) -> tuple[float, float]:
    """Return the probabilities of (emergency, crisis) for a normalised text."""
    model = _model()
    weights = model["weights"]
    scores = list(model["bias"])
    for block in (word_features(plain), letter_features(plain)):
        counted = Counter(block)
        values = {f: (1 + math.log(n)) * model["idf"].get(f, model["rare"]) for f, n in counted.items()}
        length = math.sqrt(sum(v * v for v in values.values())) or 1.0
        for feature, value in values.items():
            row = weights.get(feature)
            if row:
                for i in range(3):
                    scores[i] += row[i] * value / length
    top = max(scores)
    shares = [math.exp(score - top) for score in scores]
    return shares[1] / sum(shares), shares[2] / sum(shares)


def learn(path: Path = PATH) -> None:
    """Fit the model on the training sentences and write it; needs scikit-learn."""
    import random

    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    from intents import sentences
    from intents.normaliser import normalise
    from intents.pipeline.examples import slip

    chance = random.Random(7)
    texts, labels, shares = [], [], []
    for sentence in sentences.read():
        label = CLASSES.index(sentence.intent) if sentence.intent in CLASSES else 0
        for text, weight in ((sentence.text, 1.0), (slip(sentence.text, chance), 0.4)):
            if text:
                texts.append(normalise(text))
                labels.append(label)
                shares.append(weight * (3.0 if label else 1.0))
    blocks = [(Counter(word_features(text)), Counter(letter_features(text))) for text in texts]
    seen: Counter[str] = Counter()
    for words, letters in blocks:
        seen.update({*words, *letters})
    kept = {f: i for i, f in enumerate(sorted(f for f, n in seen.items() if n >= 3))}
    rare = round(math.log((1 + len(texts)) / 3) + 1, 3)
    idf = {f: round(math.log((1 + len(texts)) / (1 + seen[f])) + 1, 3) for f in kept}
    data, columns, pointers = [], [], [0]
    for pair in blocks:
        for block in pair:
            values = {f: (1 + math.log(n)) * idf.get(f, rare) for f, n in block.items()}
            length = math.sqrt(sum(v * v for v in values.values())) or 1.0
            for feature, value in values.items():
                if feature in kept:
                    columns.append(kept[feature])
                    data.append(value / length)
        pointers.append(len(columns))
    matrix = csr_matrix((data, columns, pointers), shape=(len(texts), len(kept)))
    model = LogisticRegression(C=12, max_iter=200, tol=1e-3).fit(
        matrix, labels, sample_weight=np.array(shares)
    )
    weights = {
        feature: [round(float(w), 1) for w in model.coef_[:, i]]
        for feature, i in kept.items()
        if np.abs(model.coef_[:, i]).max() >= SMALLEST
    }
    document = {
        "bias": [round(float(b), 3) for b in model.intercept_],
        "rare": rare,
        "idf": {feature: round(idf[feature], 1) for feature in weights},
        "weights": weights,
    }
    path.write_text(
        json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")), encoding="utf-8"
    )


if __name__ == "__main__":
    learn()
    sys.exit(0)
