"""The signs in a message: groups of words of `data/language/signs.yml`, and which stand together.

A word list knows only what somebody wrote; *a person*, *falls*, *does not*, *move* are understood in any
order, in four languages and with a slip of the keyboard. Standard library and PyYAML only, because the guard
needs neither Rasa nor numpy.
"""

from functools import lru_cache
from itertools import combinations
from pathlib import Path

import yaml

from intents.normaliser import slang

PATH = Path(__file__).resolve().parents[1] / "data" / "language" / "signs.yml"
NOT = frozenset(["tidak", "belum", "bukan", "tanpa", "not", "cannot", "never"])
REACH = 3
# Shorter words are not guessed at: one letter makes another word of them.
FUZZY, LONG, FEWEST_CONSONANTS = 6, 8, 4
_ENDINGS = ("nya", "ku", "mu", "ipun", "pun", "ne", "kan", "an", "in", "lah", "kah", "e", "i")


@lru_cache(maxsize=1)
def _lexicon() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Return words, beginnings and phrases, each with the groups they belong to."""
    document = yaml.load(PATH.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    tables: tuple[dict[str, tuple[str, ...]], ...] = ({}, {}, {})
    for group, listed in document.items():
        for entry in listed.split():
            which = 1 if entry.endswith("*") else 2 if "_" in entry else 0
            key = entry.rstrip("*").replace("_", " ")
            known = tables[which].get(key, ())
            if group not in known:
                tables[which][key] = (*known, group)
    return tables[0], tables[1], tables[2]


@lru_cache(maxsize=1)
def _misspelt() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Return the groups of words with one letter left out, and of words without their vowels."""
    shorter: dict[str, tuple[str, ...]] = {}
    bare: dict[str, tuple[str, ...]] = {}
    for known, of in _lexicon()[0].items():
        if len(known) >= FUZZY and known.isalpha():
            for i in range(1, len(known) - 1):
                shorter.setdefault(known[:i] + known[i + 1 :], of)
        consonants = _consonants(known)
        if len(consonants) >= FEWEST_CONSONANTS:
            bare.setdefault(consonants, of)
    return shorter, bare


@lru_cache(maxsize=1)
def _ordinary() -> frozenset[str]:
    """Return everyday words, which are no misspelling of a sign."""
    text = (PATH.parent / "words.yml").read_text(encoding="utf-8")
    listed = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    return frozenset(word.rstrip("_") for words in listed.values() for word in words.split()) | frozenset(
        slang().values()
    )


def _consonants(word: str) -> str:
    return word[:1] + "".join(letter for letter in word[1:] if letter not in "aiueo")


@lru_cache(maxsize=20_000)
def groups(word: str) -> tuple[str, ...]:
    """Return the groups of one normalised word; endings (-nya, -ku, -e) do not matter, nor does one slip."""
    words, beginnings, _ = _lexicon()
    if word in words:
        return words[word]
    for size in range(len(word), 3, -1):
        if word[:size] in beginnings:
            return beginnings[word[:size]]
    for ending in _ENDINGS:
        stem = word[: -len(ending)]
        if len(stem) > 3 and word.endswith(ending) and stem in words:
            return words[stem]
    return _guess(word) if word.isalpha() else ()


def _guess(word: str) -> tuple[str, ...]:
    """Return the groups of the word that was meant: a letter missing, too many or wrong, or no vowels."""
    words = _lexicon()[0]
    shorter, bare = _misspelt()
    if word in _ordinary():
        return ()
    if len(word) >= FUZZY - 1 and word in shorter:
        return shorter[word]
    for i in range(1, len(word)):
        left_out = word[:i] + word[i + 1 :]
        if len(left_out) >= FUZZY and left_out in words:
            return words[left_out]
        if len(word) >= LONG and left_out in shorter:
            return shorter[left_out]
    vowels = sum(letter in "aiueo" for letter in word)
    return bare.get(_consonants(word), ()) if vowels <= len(word) // 4 else ()


def find(plain: str) -> list[str]:
    """Return the signs in a normalised text, each once, in its order; `-move` is *does not move*."""
    words = plain.replace("-", " ").split()
    phrases = _lexicon()[2]
    found: dict[str, None] = {}
    denied = -REACH
    for i, word in enumerate(words):
        if word in NOT:
            denied = i
        near = i - denied < REACH and i != denied
        for group in groups(word):
            found[f"-{group}" if near else group] = None
        for size in (2, 3):
            for group in phrases.get(" ".join(words[i : i + size]), ()) if i + size <= len(words) else ():
                found[group] = None
    return list(found)


def features(signs: list[str]) -> list[str]:
    """Return the signs and all pairs of them, as the guard's model counts them."""
    single = sorted(signs)
    return [f"s:{sign}" for sign in single] + [f"s:{a}+{b}" for a, b in combinations(single, 2)]
