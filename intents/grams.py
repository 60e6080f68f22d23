"""The pieces a text is judged by: words, neighbouring pairs, letter groups. Plain Python, used everywhere
alike."""

import itertools

LETTERS = (2, 5)


def word_features(text: str) -> list[str]:
    """Return the words and neighbouring pairs of a normalised text."""
    words = text.split()
    return [f"w:{word}" for word in words] + [f"w:{a} {b}" for a, b in itertools.pairwise(words)]


def letter_features(text: str) -> list[str]:
    """Return the letter n-grams inside each word, with a blank on both sides."""
    found = []
    for word in text.split():
        padded = f" {word} "
        for size in range(LETTERS[0], LETTERS[1] + 1):
            if size >= len(padded):
                found.append(padded)
                break
            found += [padded[i : i + size] for i in range(len(padded) - size + 1)]
    return found
