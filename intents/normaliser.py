"""What a hurried citizen typed, turned into the words the model knows. The raw text is kept by the caller.

Lower case, stretched letters shortened (`tolooong`), `anak2` doubled, slang and dialect words of
`data/language/slang.yml` replaced, clitics (-e, -ne, -ku, -nya, -pung) cut where the rest is a known word.
"""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

import yaml

DATA = Path(__file__).resolve().parents[1] / "data" / "language"

_TOKEN = re.compile(r"\[[A-Z]+\]|[a-z]+(?:[-'’][a-z]+)*2?|\d+(?:[.,:/]\d+)*|[!?]")
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_DOUBLE_END = re.compile(r"([a-z])\1$")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b‌‍⁠﻿­"))
_CLITICS = ("nya", "ne", "ku", "mu", "e", "kah", "lah", "x")


def fold(text: str) -> str:
    """Return `text` in lower case without accents, invisible characters and width variants."""
    text = unicodedata.normalize("NFKC", text.translate(_INVISIBLE))
    text = unicodedata.normalize("NFKD", text)
    return "".join(c for c in text if not unicodedata.combining(c)).lower()


@lru_cache(maxsize=1)
def slang() -> dict[str, str]:
    """Return spelling → standard words, as the data file says."""
    document = yaml.load((DATA / "slang.yml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    words: dict[str, str] = {}
    for standard, spellings in document["chat"].items():
        for spelling in str(spellings).split():
            if not spelling.endswith("_"):
                words.setdefault(spelling.replace("_", " "), standard.replace("_", " "))
    return words


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(word for phrase in slang().values() for word in phrase.split()) | frozenset(slang())


@lru_cache(maxsize=20_000)
def word(token: str) -> str:
    """Return the standard form of one lower-case token; an unknown one comes back as it is."""
    words = slang()
    if token in words:
        return words[token]
    token = _STRETCHED.sub(r"\1", token)
    if token in words:
        return words[token]
    if token.endswith("2") and len(token) > 2 and token[0].isalpha():
        half = word(token[:-1])
        return f"{half} {half}"
    if "-" in token:
        first, _, second = token.partition("-")
        if first == second:
            half = word(first)
            return f"{half} {half}"
        if second in ("e", "ne", "nya", "ku", "mu", "an"):
            return word(first)
    known = _known()
    if token not in known:
        single = _DOUBLE_END.sub(r"\1", token)
        if single != token and single in known:
            return words.get(single, single)
        for clitic in _CLITICS:
            stem = token[: -len(clitic)]
            if token.endswith(clitic) and len(stem) >= 3 and stem in known:
                return words.get(stem, stem)
    return token


def tokens(text: str) -> list[str]:
    """Return the normalised words of `text`; masks such as [NIK] stay whole, ! and ? are words of their
    own."""
    masked = re.sub(r"\[(nik|kk|telepon|email|nop|bpjs)\]", lambda m: f"[{m[1].upper()}]", fold(text))
    found: list[str] = []
    for token in _TOKEN.findall(masked):
        found.extend(word(token).split())
    return found


def normalise(text: str) -> str:
    """Return `text` as the model reads it: normalised words joined by single spaces."""
    return " ".join(tokens(text))
