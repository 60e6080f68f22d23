"""What a citizen really wrote opens with the right key only."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sealing import Sealer

KEY = "kunci-uji-yang-cukup-panjang-sekali"


@given(st.text())
def test_what_was_sealed_opens_again(text: str) -> None:
    if text.encode("utf-8", "ignore").decode() == text:
        assert Sealer(KEY).open(Sealer(KEY).seal(text)) == text


def test_the_same_words_never_look_the_same() -> None:
    sealer = Sealer(KEY)
    assert sealer.seal("NIK 3576010000000001") != sealer.seal("NIK 3576010000000001")


def test_another_key_opens_nothing() -> None:
    with pytest.raises(ValueError, match="another key"):
        Sealer(KEY + "x").open(Sealer(KEY).seal("rahasia"))


@pytest.mark.parametrize("at", [0, 10, 30, 60, -5])
def test_one_changed_bit_is_noticed(at: int) -> None:
    sealed = bytearray(base64.urlsafe_b64decode(Sealer(KEY).seal("rahasia")))
    sealed[at] ^= 1
    with pytest.raises(ValueError, match="another key"):
        Sealer(KEY).open(base64.urlsafe_b64encode(sealed).decode())


@pytest.mark.parametrize("broken", ["", "x", "rahasia", "😀", "A" * 200])
def test_what_was_never_sealed_is_a_value_error(broken: str) -> None:
    with pytest.raises(ValueError, match="another key"):
        Sealer(KEY).open(broken)
