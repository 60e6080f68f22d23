# ruff: noqa: E501 (patterns and tables read better unbroken)
"""Normaliser, numbers and language: what hurried typing becomes."""

import pytest

from intents import language, numbers
from intents.normaliser import normalise


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("tolooong kobong omahe", "tolong terbakar rumah"),
        ("ktp ku ilang gmn ngurusnya", "ktp saya hilang bagaimana urus"),
        ("anak2 sy blm pny kia", "anak anak saya belum punya kia"),
        ("beta pung ktp su hilang", "saya punya ktp sudah hilang"),
        ("lampune mati wis seminggu", "lampu mati sudah seminggu"),
        ("[NIK] saya", "[NIK] saya"),
        ("112 gak nyambung", "112 tidak nyambung"),
        ("ＫＴＰ\u200b ê", "ktp e"),
        ("", ""),
    ],
)
def test_chat_becomes_standard_words(raw: str, plain: str) -> None:
    assert normalise(raw) == plain


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("laporan MJK-2611-000123 gimana", ["MJK-2611-000123"]),
        ("mjk-2611-000123", ["MJK-2611-000123"]),
        ("mjk 2611 000123", ["MJK-2611-000123"]),
        ("batal MPP-7K3Q ya", ["MPP-7K3Q"]),
        ("PBG-357601-22112026-01", ["PBG-357601-22112026-01"]),
        ("covid-19 dan e-ktp", []),
        ("nik-3576010000000001", []),
        ("rt-03", []),
    ],
)
def test_reference_numbers_are_found(text: str, values: list[str]) -> None:
    assert [mention.value for mention in numbers.references(text)] == values


@pytest.mark.parametrize(
    ("text", "rupiah"),
    [("Rp 50.000", "50000"), ("50 ribu", "50000"), ("1,5 juta", "1500000"), ("rp150rb", "150000")],
)
def test_amounts_are_rupiah(text: str, rupiah: str) -> None:
    assert [mention.value for mention in numbers.amounts(text)] == [rupiah]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("selamat pagi, saya mau mengurus KTP", "id"), ("ktp sy ilang gmn", "id"), ("piye carane ngurus ktp sing ilang", "jv"),
        ("nyuwun sewu, kulo badhe damel akta wonten pundi nggih", "jv"), ("lampune mati wis suwe", "jv"), ("suwun yo rek", "jv"),
        ("I lost my id card, where can I get a new one", "en"), ("thank you very much", "en"), ("beta pung ktp su hilang", "id"),
        ("bpjs", "id"), ("ok", "id"), ("rt 3 rw 2", "id"), ("jalan rusak", "id"),
    ],
)  # fmt: skip
def test_the_language_is_told(text: str, code: str) -> None:
    assert language.detect(text).code == code


def test_kupang_malay_is_a_variety_of_indonesian() -> None:
    assert language.detect("beta pung ktp su hilang, karmana urus lai").variety == "kupang"


def test_the_last_language_decides_where_nothing_else_does() -> None:
    assert language.detect("123", previous="jv").code == "jv"
    assert language.detect("\U0001f44d").code == "id"


def test_the_answer_never_changes() -> None:
    assert len({language.detect("apa kabar rek") for _ in range(20)}) == 1
