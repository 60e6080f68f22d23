"""One slip of the keyboard is put right; words that were taught and names stay as they are."""

from hypothesis import given
from hypothesis import strategies as st

from intents.pipeline.spelling import OFTEN, Spelling

TAUGHT = ["lampu jalan rusak berat", "syarat kartu keluarga hilang", "puskesmas kranggan libur"] * OFTEN
SPELLING = Spelling.learn(TAUGHT)


def test_a_slip_is_put_right() -> None:
    for typed, meant in {
        "rusk": "rusk",
        "lampuu": "lampu",
        "syrat": "syarat",
        "keluarag": "keluarga",
        "pusksmas": "puskesmas",
        "hilanh": "hilang",
        "kranggn": "kranggan",
    }.items():
        assert SPELLING.right(typed) == meant


def test_what_was_taught_stays() -> None:
    for text in TAUGHT:
        assert SPELLING.right(text) == text


def test_short_words_numbers_and_masks_stay() -> None:
    for text in ("jlan", "[NIK]", "rt 03", "2026", ""):
        assert SPELLING.right(text) == text


def test_a_rare_word_is_no_model_for_others() -> None:
    assert Spelling.learn(["selokan mampet"]).right("selokn") == "selokn"


@given(st.text("abcdefghijklmnop ", max_size=40))
def test_the_number_of_words_never_changes(text: str) -> None:
    assert len(SPELLING.right(text).split()) == len(text.split())


@given(st.sampled_from(["syarat", "kartu", "keluarga", "hilang", "puskesmas", "kranggan"]), st.data())
def test_any_single_missing_letter_finds_the_word_or_another_taught_one(
    word: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(1, len(word) - 1))
    typed = word[:place] + word[place + 1 :]
    assert SPELLING.right(typed) in SPELLING.counts or len(typed) < 5
