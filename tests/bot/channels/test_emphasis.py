"""Bold words reach a channel as bold words, and a lone asterisk stays a sign."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels import emphasis
from bot.channels.emphasis import Emphasis


@pytest.mark.parametrize(
    ("text", "plain", "found"),
    [
        ("*Jenis*: lampu", "Jenis: lampu", [Emphasis(0, 5)]),
        ("tulis *batal* atau *ulang*.", "tulis batal atau ulang.", [Emphasis(6, 5), Emphasis(17, 5)]),
        ("😀 *ya*", "😀 ya", [Emphasis(3, 2)]),
        ("2*3*4", "2*3*4", []),
        ("* bukan *", "* bukan *", []),
        ("*a\nb*", "*a\nb*", []),
        ("harga Rp5.000*", "harga Rp5.000*", []),
    ],
)
def test_bold_is_read(text: str, plain: str, found: list[Emphasis]) -> None:
    read = emphasis.read(text)
    assert read == (plain, found)


@given(st.text())
def test_every_stretch_lies_inside_the_plain_text(text: str) -> None:
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    plain, found = emphasis.read(text)
    units = len(plain.encode("utf-16-le")) // 2
    for item in found:
        assert item.length > 0
        assert item.offset in range(units)
        assert item.offset + item.length <= units
    assert len(plain) == len(text) - 2 * len(found)
