"""Two wishes in one message are told apart; one wish in many words stays whole."""

import pytest

from intents import wishes
from intents.wishes import Wish

# What the model would say of a part, by a word that stands in it.
KNOWN = {
    "syarat ktp": ("ask_requirements", "ktp_hilang", None),
    "urus ktp": ("find_service", "ktp_hilang", None),
    "akta": ("ask_requirements", "akta_kelahiran", None),
    "lampu": ("report_complaint", None, "lampu_jalan"),
    "gelap": ("report_complaint", None, "lampu_jalan"),
    "jalan berlubang": ("report_complaint", None, "jalan_rusak"),
    "batal": ("cancel_booking", None, None),
    "antre": ("book_queue", None, None),
    "MJK-": ("check_status", None, None),
    "kapan diperbaiki": ("check_status", None, None),
    "suwun": ("thanks", None, None),
}


def read(text: str) -> Wish:
    for word, (intent, service, topic) in KNOWN.items():
        if word in text:
            return Wish(text, intent, 0.95, service, topic)
    return Wish(text, "find_service", 0.3)


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        (
            "mau urus ktp ilang, sekalian lapor lampu mati di Wates",
            "mau urus ktp ilang",
            "lapor lampu mati di Wates",
        ),
        ("mau urus ktp ilang trus lapor lampu mati", "mau urus ktp ilang", "lapor lampu mati"),
        ("syarat ktp apa aja sama akta anak saya", "syarat ktp apa aja", "akta anak saya"),
        ("lampu mati di wates dan jalan berlubang di meri", "lampu mati di wates", "jalan berlubang di meri"),
        (
            "batal antrean saya terus mau lapor lampu mati",
            "batal antrean saya",
            "mau lapor lampu mati",
        ),
        ("cek laporan MJK-2611-000123 sekalian syarat ktp hilang", "cek laporan MJK-2611-000123", None),
        ("lampu jalan mati. oh ya syarat ktp hilang apa", "lampu jalan mati", "syarat ktp hilang apa"),
    ],
)
def test_both_wishes_are_found(text: str, first: str, second: str | None) -> None:
    found = wishes.two(text, read, 0.7)
    assert found is not None
    assert found[0].text == first
    if second:
        assert found[1].text == second


@pytest.mark.parametrize(
    "text",
    [
        "mau urus ktp saya yang hilang",
        "lampu depan rumah mati terus gelap sekali",
        "syarat ktp apa aja sama urus ktp di mana",
        "lapor lampu mati terus kapan diperbaiki",
        "lampu mati sekalian suwun ya min",
        "suami saya sama anak saya mau urus ktp",
        "mau antre dan syarat ktp",
        "sekalian",
        "",
        "lampu mati " * 60 + "sekalian syarat ktp hilang",
    ],
    ids=lambda text: text[:30],
)
def test_one_wish_stays_whole(text: str) -> None:
    assert wishes.two(text, read, 0.7) is None


def test_a_doubtful_part_is_no_wish() -> None:
    assert wishes.two("mau urus ktp ilang sekalian lampu mati", read, 0.96) is None
