"""Messages cut to a channel's measure: nothing lost, nothing too long, nothing torn."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.base import ChannelLimits
from bot.channels.fit import fit, shorten, split, units
from bot.vocabulary.messages import Attachment, Button, OutgoingMessage

LIMITS = ChannelLimits(
    text_units=60, caption_units=30, buttons=3, button_title=20, per_second=1, per_citizen_second=1
)
TELEGRAM = ChannelLimits(
    text_units=4096, caption_units=1024, buttons=100, button_title=64, per_second=1, per_citizen_second=1
)
BUTTONS = tuple(Button(f"Pilihan {n}", f"/choose{n}", f"t{n}") for n in range(1, 6))
EMOJI = [
    "😀",
    "👍🏽",
    "👨‍👩‍👧‍👦",
    "🇮🇩",
    "é",
    "e\u0301",
    "🏴\U000e0067\U000e0062\U000e007f",
    "a",
    " ",
    "\n\n",
    ". ",
]
PICTURE = Attachment("image", media_id="a" * 32)
texts = st.one_of(st.text(max_size=400), st.lists(st.sampled_from(EMOJI), max_size=200).map("".join))

patient = settings(deadline=None)  # other work on the machine is not slowness of ours


def words(text: str) -> str:
    return "".join(text.split())


@patient
@given(texts)
def test_a_long_text_is_split_and_nothing_is_lost(text):
    parts = split(text, 60)
    assert words("".join(parts)) == words(text)
    assert all(0 < units(part) <= 60 for part in parts)


@patient
@given(st.lists(st.sampled_from(EMOJI), max_size=200).map("".join))
def test_no_visible_character_is_torn(text):
    for part in split(text, 60):
        first = part[0]
        assert unicodedata.category(first) not in ("Mn", "Me", "Mc")
        assert first != "\u200d"
        assert not 0x1F3FB <= ord(first) <= 0x1F3FF
        assert not part.endswith("\u200d")
        assert part.count("\U0001f1ee") == part.count("\U0001f1e9")
        part.encode("utf-16-le")


@patient
@given(texts, st.integers(0, 5), st.booleans(), st.integers(0, 3))
def test_every_part_fits_and_buttons_stand_last(text, buttons, ask, pictures):
    message = OutgoingMessage(text, BUTTONS[:buttons], (PICTURE,) * pictures, ask_location=ask)
    parts = fit(message, LIMITS)
    for part in parts:
        assert units(part.text) <= (LIMITS.caption_units if part.attachments else LIMITS.text_units)
        assert len(part.attachments) <= 1
        assert part.text or part.attachments
    assert all(not part.buttons and not part.ask_location for part in parts[:-1])
    assert sum(len(part.attachments) for part in parts) == pictures
    assert words(text) in words("".join(part.text for part in parts))
    if parts and buttons <= LIMITS.buttons:
        assert parts[-1].buttons == BUTTONS[:buttons]
        assert parts[-1].ask_location == ask


@patient
@given(st.text(max_size=60), st.integers(4, 30))
def test_a_shortened_title_fits(title, limit):
    short = shorten(title, limit)
    assert units(short) <= limit
    assert short == title or short.endswith("…")


def test_parts_break_between_paragraphs_then_sentences_then_words():
    assert split("satu dua tiga.\n\nempat lima enam tujuh", 30) == ["satu dua tiga.", "empat lima enam tujuh"]
    assert split("Kalimat pertama. Kalimat kedua yang panjang", 30)[0] == "Kalimat pertama."
    assert split("kata kata kata kata", 11) == ["kata kata", "kata kata"]


def test_a_short_message_stays_itself():
    message = OutgoingMessage("Halo", BUTTONS[:2], ask_location=True, silent=True)
    assert fit(message, LIMITS) == [message]


def test_too_many_buttons_become_a_numbered_list():
    [part] = fit(OutgoingMessage("Pilih:", BUTTONS), TELEGRAM.__class__(4096, 1024, 3, 20, 1, 1))
    assert part.buttons == ()
    assert part.text == "Pilih:\n\n1. Pilihan 1\n2. Pilihan 2\n3. Pilihan 3\n4. Pilihan 4\n5. Pilihan 5"


def test_long_titles_are_shortened_and_stay_distinct():
    titles = ("Penerbitan KTP-el baru", "Penerbitan KTP-el baru karena hilang", "Batal")
    [part] = fit(OutgoingMessage("?", tuple(Button(t, "/x", "t") for t in titles)), LIMITS)
    found = [button.title for button in part.buttons]
    assert found == ["Penerbitan KTP-el… 1", "Penerbitan KTP-el… 2", "Batal"]


@pytest.mark.parametrize(
    ("attachment", "line"),
    [
        (
            Attachment("link", "https://mpp.example/antre", title="Antrean"),
            "Antrean: https://mpp.example/antre",
        ),
        (Attachment("location", "https://maps.example/?q=1,2"), "https://maps.example/?q=1,2"),
    ],
)
def test_links_become_lines(attachment, line):
    [part] = fit(OutgoingMessage("Lihat", attachments=(attachment,)), TELEGRAM)
    assert part.text == f"Lihat\n\n{line}"
    assert part.attachments == ()


def test_a_short_text_is_the_caption_and_a_long_one_follows_the_picture():
    assert fit(OutgoingMessage("Foto", attachments=(PICTURE,)), LIMITS)[0].text == "Foto"
    picture, text = fit(OutgoingMessage("kata " * 10, BUTTONS[:1], (PICTURE,)), LIMITS)
    assert (len(picture.attachments), picture.text, picture.buttons) == (1, "", ())
    assert (len(text.attachments), len(text.buttons)) == (0, 1)


def test_nothing_gives_nothing():
    assert fit(OutgoingMessage("  \n"), LIMITS) == []
