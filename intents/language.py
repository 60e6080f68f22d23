"""Which language a citizen writes: Indonesian, Javanese or English; Kupang Malay is a variety of
Indonesian here.

langdetect's n-grams with profiles of our own (see data/language/profiles/ATTRIBUTION.md), a word list for
short
messages, and the citizen's last language as a prior. A hint for courtesy lines, never a gate.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml
from langdetect.detector_factory import DetectorFactory

from intents.normaliser import fold, slang

DATA = Path(__file__).resolve().parents[1] / "data" / "language"
CODES = ("id", "jv", "en")
# How much one telling word weighs against the letters, in nats; and how much the last language does.
WORD_WEIGHT = 1.6
PRIOR_WEIGHT = 0.8
HOME_WEIGHT = 1.0
# Smoothing of an n-gram's probability as in langdetect; overlapping n-grams are worth a part of their sum.
SMOOTHING = 0.5 / 10_000
LETTER_WEIGHT = 0.8
FLOOR = 0.02
_WORD = re.compile(r"[a-z]+(?:['’-][a-z]+)*")
_MASKED = re.compile(r"\[[A-Z]+\]|https?://\S+|\S+@\S+|\d+")
_STRETCHED = re.compile(r"([a-z])\1{2,}")


@dataclass(frozen=True, slots=True)
class Language:
    """A language code with its confidence (0 to 1). `variety` is kupang for Kupang Malay, else None."""

    code: str
    confidence: float
    variety: str | None = None


@lru_cache(maxsize=1)
def _factory() -> DetectorFactory:
    factory = DetectorFactory()
    factory.load_json_profile(
        [(DATA / "profiles" / f"{code}.json").read_text(encoding="utf-8") for code in CODES]
    )
    return factory


@lru_cache(maxsize=1)
def _words() -> dict[str, frozenset[str]]:
    lists = yaml.load((DATA / "words.yml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    known = {
        name: frozenset(w for w in words.split() if not w.endswith("_")) for name, words in lists.items()
    }
    # Chat spellings that are neither Javanese nor Kupang Malay are Indonesian, and so are their standard
    # words.
    chat = {word for pair in slang().items() for phrase in pair for word in phrase.split()}
    chat -= known["jv"] | known["kupang"] | known["en"]
    chat -= {word for word in chat if _javanese_form(word, chat)}
    return known | {"id": known["id"] | chat | frozenset(lists["local"].split())}


def _javanese_form(word: str, known: frozenset[str] | set[str]) -> bool:
    """Say whether `word` is an Indonesian word with a Javanese ending: *syarate*, *lampune*, *laporanku*
    is not."""
    return (word.endswith("ne") and len(word) > 5 and word[:-2] in known) or (
        word.endswith("e") and len(word) > 4 and word[:-1] in known
    )


def detect(text: str, previous: str | None = None) -> Language:
    """Return the language of `text`; without any letters, the previous one at low confidence."""
    words = [_STRETCHED.sub(r"\1", word) for word in _WORD.findall(fold(_MASKED.sub(" ", text)))]
    scores = dict.fromkeys(CODES, 0.0)
    scores["id"] += HOME_WEIGHT
    if previous in scores:
        scores[previous] += PRIOR_WEIGHT
    if not words:
        return Language(previous if previous in scores else "id", 0.5)
    lists = _words()
    kupang = sum(word in lists["kupang"] for word in words)
    for code in CODES:
        scores[code] += WORD_WEIGHT * sum(word in lists[code] for word in words)
    scores["jv"] += (
        0.6
        * WORD_WEIGHT
        * sum(_javanese_form(word, lists["id"]) for word in words if word not in lists["id"])
    )
    scores["id"] += WORD_WEIGHT * kupang
    for code, probability in _letters(" ".join(words)).items():
        scores[code] += min(1.0, len(words) / 4) * math.log(probability)
    top = max(scores.values())
    weights = {code: math.exp(score - top) for code, score in scores.items()}
    code = max(weights, key=lambda c: weights[c])
    variety = "kupang" if code == "id" and kupang and kupang >= len(words) / 12 else None
    return Language(code, round(weights[code] / sum(weights.values()), 4), variety)


def _letters(text: str) -> dict[str, float]:
    """Return how likely the letters are in each language, never quite 0 nor 1: they must not outvote words.

    langdetect draws n-grams at random until it is sure, which is slow and changes its mind on short texts;
    this is
    the expectation of the same walk, all n-grams counted once.
    """
    factory = _factory()
    detector = factory.create()
    detector.append(text)
    sums = [0.0] * len(CODES)
    for gram in detector._extract_ngrams():
        for i, probability in enumerate(factory.word_lang_prob_map[gram]):
            sums[i] += math.log(SMOOTHING + probability)
    top = max(sums)
    shares = [math.exp(LETTER_WEIGHT * (value - top)) for value in sums]
    order = factory.langlist
    return {order[i]: max(FLOOR, share / sum(shares)) for i, share in enumerate(shares)}
