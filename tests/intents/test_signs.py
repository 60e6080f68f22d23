"""The groups of words the guard and the intents are judged by."""

import pytest

from intents import signs
from intents.normaliser import normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pak lek ambruk mboten obah", {"fall", "-move"}),
        ("kebkaran di blkg rmh", {"fire", "building"}),
        ("kbkrn", {"fire"}),
        ("tetangganya jatuh dari genteng", {"person", "fall"}),
        ("ari ari belum keluar", {"birth"}),
        ("bawa apa saja dan bayar berapa", {"requirement", "cost"}),
    ],
)
def test_finds_the_groups(text: str, expected: set[str]) -> None:
    assert expected <= set(signs.find(normalise(text)))


@pytest.mark.parametrize("word", ["sampai", "lewat", "datang", "kupang", "tepi", "xyz", ""])
def test_does_not_guess_at_ordinary_words(word: str) -> None:
    assert signs.groups(word) == ()


def test_pairs_do_not_depend_on_the_order() -> None:
    assert signs.features(["fire", "child"]) == signs.features(["child", "fire"])
    assert "s:child+fire" in signs.features(["fire", "child"])
