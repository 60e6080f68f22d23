"""Training files are written the one way they are kept in git."""

from pathlib import Path

import pytest

from intents import sentences, writer
from intents.sentences import Sentence


@pytest.mark.parametrize("path", sentences.files(), ids=lambda path: path.stem)
def test_every_file_comes_back_as_it_was(path: Path) -> None:
    assert writer.render(path.stem, sentences.read_file(path)) == path.read_text(encoding="utf-8")


def test_what_is_there_already_is_not_added(tmp_path: Path) -> None:
    path = tmp_path / "check_bill.yml"
    first = Sentence("cek pbb", "check_bill", "pbb_cek", None, path)
    assert writer.add(path, [first, Sentence("Cek  PBB", "check_bill", "pbb_cek", None, path)]) == 1
    again = Sentence("tagihan: piro?", "check_bill", None, None, path)
    assert writer.add(path, [first, again]) == 1
    assert list(sentences.read_file(path)) == [first, again]


@pytest.mark.parametrize("text", ["", "two\nlines"])
def test_a_sentence_is_one_line_of_its_intent(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one line"):
        writer.render("greet", [Sentence(text, "greet", None, None, tmp_path)])
    with pytest.raises(ValueError, match="belongs to greet"):
        writer.render("thanks", [Sentence("halo", "greet", None, None, tmp_path)])
