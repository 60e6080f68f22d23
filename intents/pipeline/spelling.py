"""A word nobody taught, put right where it is one slip of the keyboard away from one that was.

The words are those of the training sentences; a dictionary would turn names of places and people into words.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache

# Shorter words are not guessed at: one letter makes another word of them. Rare ones may be slips themselves.
SHORTEST, OFTEN = 5, 4


class Spelling:
    """The words that were taught, found by what is left of them when one letter goes."""

    def __init__(self, counts: dict[str, int]) -> None:
        self._counts = counts
        self._near: dict[str, list[str]] = {}
        for word, count in counts.items():
            if count >= OFTEN and len(word) >= SHORTEST and word.isalpha():
                for rest in _shorter(word):
                    self._near.setdefault(rest, []).append(word)
        self.word = lru_cache(maxsize=20_000)(self._word)

    @classmethod
    def learn(cls, texts: Iterable[str]) -> "Spelling":
        """Learn from normalised texts that were not misspelt on purpose."""
        return cls(dict(Counter(word for text in texts for word in set(text.split()))))

    @property
    def counts(self) -> dict[str, int]:
        """In how many sentences each word stands."""
        return self._counts

    def right(self, text: str) -> str:
        """Return a normalised text with unknown words put right."""
        return " ".join(self.word(word) for word in text.split())

    def _word(self, word: str) -> str:
        if word in self._counts or len(word) < SHORTEST or not word.isalpha():
            return word
        rests = [word, *_shorter(word)]
        found = {near for rest in rests for near in self._near.get(rest, ())}
        found.update(rest for rest in rests if rest in self._counts and len(rest) >= SHORTEST)
        close = [near for near in found if self._counts[near] >= OFTEN and _one_slip(near, word)]
        return max(close, key=lambda near: (self._counts[near], near)) if close else word


def _shorter(word: str) -> Iterator[str]:
    """Yield what is left of a word without one of its letters, the first excepted."""
    return (word[:i] + word[i + 1 :] for i in range(1, len(word)))


def _one_slip(known: str, word: str) -> bool:
    """Say whether one letter is missing, too many, another, or two neighbours have changed places."""
    if len(known) == len(word):
        differ = [i for i, (a, b) in enumerate(zip(known, word, strict=True)) if a != b]
        if len(differ) == 1:
            return True
        swapped = [word[i] for i in reversed(differ)] == [known[i] for i in differ]
        return len(differ) == 2 and differ[1] == differ[0] + 1 and swapped
    long, short = (known, word) if len(known) > len(word) else (word, known)
    return len(long) == len(short) + 1 and any(long[:i] + long[i + 1 :] == short for i in range(len(long)))
