"""Sentences get their values, times get their weekday and zone, and a broken one is known by name."""

from pathlib import Path

import pytest

from bot import texts
from bot.texts import TenantVoice, TextBroken, TextMissing, Texts


@pytest.fixture
def voices() -> Texts:
    """A few sentences, and a tenant in the east with a wording of its own."""
    common = {
        "greet": "Halo dari {tenant_short_name}.",
        "when": "Besok: {when}",
        "nested": "Isi: {what}",
        "plain": "Biasa",
    }
    east = TenantVoice(
        "Asia/Makassar", "WITA", {"tenant_short_name": "Kota Kupang"}, {"plain": "Beta pung kata"}
    )
    return Texts(common, {"east": east})


@pytest.mark.parametrize(
    ("value", "west", "east"),
    [
        ({"$date": "2026-11-24"}, "Selasa, 24 November 2026", "Selasa, 24 November 2026"),
        ({"$date": "2026-11-24T20:30:00+00:00"}, "Rabu, 25 November 2026", "Rabu, 25 November 2026"),
        ({"$date": "2026-11-24T16:30:00+00:00"}, "Selasa, 24 November 2026", "Rabu, 25 November 2026"),
        ({"$datetime": "2026-11-24T09:00:00+07:00"}, "Selasa, 24 November 2026 pukul 09.00 WIB",
         "Selasa, 24 November 2026 pukul 10.00 WITA"),
        ({"$datetime": "2026-11-24T09:00:00"}, "Selasa, 24 November 2026 pukul 09.00 WIB",
         "Selasa, 24 November 2026 pukul 09.00 WITA"),
        ({"$time": "09:05"}, "09.05 WIB", "09.05 WITA"),
        ({"$time": "2026-11-24T09:05:00+07:00"}, "09.05 WIB", "10.05 WITA"),
        ({"$list": ["a", {"$date": "2026-01-01"}]}, "• a\n• Kamis, 1 Januari 2026",
         "• a\n• Kamis, 1 Januari 2026"),
        ({"$text": "plain"}, "Biasa", "Beta pung kata"),
        (None, "-", "-"),
        (0, "0", "0"),
        ("{tenant_short_name} {0} {{", "{tenant_short_name} {0} {{", "{tenant_short_name} {0} {{"),
        ("😀 Ngoro‑Jabon", "😀 Ngoro‑Jabon", "😀 Ngoro‑Jabon"),
    ],
)  # fmt: skip
def test_a_value_is_written_as_people_write_it(voices: Texts, value: object, west: str, east: str) -> None:
    assert voices.render("nested", "west", {"what": value}) == f"Isi: {west}"
    assert voices.render("nested", "east", {"what": value}) == f"Isi: {east}"


@pytest.mark.parametrize(
    "value",
    [
        {"$date": None},
        {"$date": "besok"},
        {"$datetime": 5},
        {"$datetime": ""},
        {"$time": "25:99"},
        {"$text": "tidak.ada"},
        {"$text": "nested"},
        {"$list": None},
        {"$list": 3},
        {"$colour": "red"},
        {},
        {"$datetime": "0001-01-01T00:00:00+07:00"},
    ],
)
def test_a_value_nobody_can_write_is_a_broken_text(voices: Texts, value: object) -> None:
    with pytest.raises(TextBroken, match="nested"):
        voices.render("nested", "west", {"what": value})


def test_a_missing_value_names_the_text_and_the_value(voices: Texts) -> None:
    with pytest.raises(TextBroken, match="nested: 'what'"):
        voices.render("nested", "west", {})


def test_a_missing_text_is_named(voices: Texts) -> None:
    with pytest.raises(TextMissing, match=r"tidak\.ada"):
        voices.render("tidak.ada", "west")


def test_the_tenants_facts_need_not_be_given(voices: Texts) -> None:
    assert voices.render("greet", "east") == "Halo dari Kota Kupang."


def write(root: Path, **files: str) -> Path:
    folder = root / "data" / "texts" / "id"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text)
    return root


def test_nested_keys_are_joined_with_dots(tmp_path: Path) -> None:
    loaded = texts.load(write(tmp_path, a="a:\n  b:\n    c: Halo\n"))
    assert loaded.keys() == ["a.b.c"]


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({"a": "x: satu\n", "b": "x: dua\n"}, "defined twice"),
        ({"a": "x: 5\n"}, "must be a sentence"),
        ({"a": "x: [a, b]\n"}, "must be a sentence"),
    ],
)
def test_files_that_cannot_be_meant_are_refused(tmp_path: Path, files: dict[str, str], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        texts.load(write(tmp_path, **files))


def test_every_sentence_of_ours_can_be_parsed(all_texts: Texts) -> None:
    broken: list[str] = []
    for key in all_texts.keys():  # noqa: SIM118
        try:
            all_texts.render(key, "kota_mojokerto")
        except TextBroken as error:
            # Values are missing here; a brace that closes nothing is another matter.
            if not isinstance(error.__cause__, KeyError):
                broken.append(str(error))
    assert broken == []
