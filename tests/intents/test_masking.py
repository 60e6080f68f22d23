# ruff: noqa: E501 (patterns and tables read better unbroken)
"""Personal numbers never get past; numbers of cases, hours and money do."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intents.masking import mask

# Not one of these numbers can belong to a person: day and month are 00.
HIDDEN = [
    ("nik saya 3576010000000001", "nik saya [NIK]"),
    ("NIK 3576 0100 0000 0001 ya", "NIK [NIK] ya"),
    ("35.76.01.000000.0001", "[NIK]"),
    ("3576-0100-0000-0001", "[NIK]"),
    ("35 76 01 00 00 00 00 01", "[NIK]"),
    ("NIK-3576010000000001", "NIK-[NIK]"),
    ("no kk: 3576010000000002", "no kk: [KK]"),
    ("kk 3576 0100 0000 0002 ktp 3576010000000001", "kk [KK] ktp [NIK]"),
    ("3576010000000001 3576010000000002", "[NIK] [NIK]"),
    ("salah ketik 357601000000001", "salah ketik [NIK]"),
    ("hp 081200000000", "hp [TELEPON]"),
    ("+62 812-0000-0000", "[TELEPON]"),
    ("0812.0000.0000", "[TELEPON]"),
    ("wa 62 812 0000 0000 jam 9", "wa [TELEPON] jam 9"),
    ("(0321) 000000", "[TELEPON]"),
    ("081200000000 3576010000000001", "[TELEPON] [NIK]"),
    ("email budi.s@contoh.id dong", "email [EMAIL] dong"),
    ("nop 35.76.010.001.001-0123.0", "nop [NOP]"),
    ("bpjs 0001234567890", "bpjs [BPJS]"),
]
LEFT_ALONE = [
    "laporan MJK-2611-000123 gimana", "mjk-2611-000123", "mjk 2611 000123", "antrean MPP-7K3Q", "PBG-357601-22112026-01",
    "buka 08.00-11.30 14.00-18.30", "tgl 03-12-2026 jam 09.00", "3/12/2026", "Rp 1.500.000.000", "telepon 112 atau 119",
    "rt 003 rw 002 no 12", "-7.4722, 112.4338", "antrean 045", "umur 17 tahun", "jam 08.00 s/d 14.00", "kode pos 61321",
]  # fmt: skip


@pytest.mark.parametrize(("raw", "masked"), HIDDEN)
def test_a_personal_number_is_hidden(raw: str, masked: str) -> None:
    assert mask(raw).text == masked


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert mask(text).text == text


def test_what_was_found_says_where_but_never_shows_the_number() -> None:
    masked = mask("nik 3576010000000001")
    (found,) = masked.found
    assert (found.kind, found.start, found.end, found.value) == ("nik", 4, 20, "3576010000000001")
    assert "3576010000000001" not in repr(masked)


@given(st.text(max_size=200))
def test_masking_twice_changes_nothing(text: str) -> None:
    once = mask(text).text
    assert mask(once).text == once


@example(1855249374190000, "-", [8, 9, 10, 14], "{}")
@example(7419000018552493, "-", [1, 2, 6, 8], "{}")
@example(1855249300741900, " ", [10, 11, 12], "nik {}")
@example(6286665261310876, " ", [10, 15], "nik {}")
@example(5216818420489339, "-", [2, 7, 8, 12, 14], "{}")
@given(
    st.integers(10**15, 10**16 - 1),
    st.sampled_from(["", " ", ".", "-"]),
    st.lists(st.integers(1, 15), max_size=5, unique=True),
    st.sampled_from(["{}", "nik {}", "ini {} ya", "kk saya {}, tolong", "a{}"]),
)
def test_no_separator_saves_sixteen_digits(number: int, separator: str, cuts: list[int], form: str) -> None:
    digits = str(number)
    written = "".join((separator if i in cuts else "") + c for i, c in enumerate(digits))
    kept = "".join(c for c in mask(form.format(written)).text if c.isdecimal())
    assert len(kept) < 6


@given(st.text(alphabet="0123456789 .-+()/abcMJK@", max_size=60))
def test_sixteen_digits_in_a_row_never_stay(text: str) -> None:
    import re

    assert not re.search(r"(?<![A-Za-z\d-])\d{16}(?!\d)", mask(text).text)
