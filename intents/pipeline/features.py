"""Words, word pairs, letter n-grams and signs of a normalised text as one sparse TF-IDF row.

Written for single messages: a dictionary look-up per feature and no sparse-matrix objects. The three kinds
are normalised to unit length apart, so that none drowns the others; signs (groups of words, see
intents.signs) count less.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from intents import signs
from intents.grams import letter_features, word_features

SIGNS_SHARE = 0.7


def blocks(text: str) -> tuple[tuple[list[str], float], ...]:
    """Return the features of a normalised text by kind, with how much the kind counts."""
    found = signs.features(signs.find(text))
    return (word_features(text), 1.0), (letter_features(text), 1.0), (found, SIGNS_SHARE)


@dataclass
class Features:
    """A fitted vocabulary: feature → column, and the inverse document frequency of each column."""

    columns: dict[str, int]
    idf: np.ndarray

    @classmethod
    def fit(cls, texts: Sequence[str], rarest: int = 2) -> "Features":
        """Learn the vocabulary; letters and pairs seen in fewer than `rarest` texts are left out."""
        seen: Counter[str] = Counter()
        for text in texts:
            seen.update({feature for block, _ in blocks(text) for feature in block})
        kept = sorted(f for f, n in seen.items() if n >= rarest or (f.startswith("w:") and " " not in f))
        count = len(texts)
        idf = np.array([math.log((1 + count) / (1 + seen[f])) + 1 for f in kept], dtype=np.float32)
        return cls({feature: i for i, feature in enumerate(kept)}, idf)

    def row(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Return (columns, values) of one normalised text; unknown features are left out."""
        parts = [self._block(block, share) for block, share in blocks(text)]
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def _block(self, features: Iterable[str], share: float) -> tuple[np.ndarray, np.ndarray]:
        columns = self.columns
        counted: dict[int, int] = {}
        for feature in features:
            column = columns.get(feature)
            if column is not None:
                counted[column] = counted.get(column, 0) + 1
        index = np.fromiter(counted.keys(), dtype=np.int32, count=len(counted))
        values = np.fromiter(counted.values(), dtype=np.float32, count=len(counted))
        values = (1 + np.log(values, out=values)) * self.idf[index] if len(counted) else values
        length = float(np.sqrt(values @ values)) if len(counted) else 0.0
        return index, values * (share / length) if length else values

    def matrix(self, texts: Sequence[str]):  # type: ignore[no-untyped-def]
        """Return a scipy CSR matrix of many texts, for training."""
        from scipy.sparse import csr_matrix

        rows = [self.row(text) for text in texts]
        pointers = np.cumsum([0, *(len(columns) for columns, _ in rows)])
        columns = np.concatenate([columns for columns, _ in rows])
        values = np.concatenate([values for _, values in rows])
        return csr_matrix(
            (values, columns, pointers), shape=(len(texts), len(self.columns)), dtype=np.float32
        )
