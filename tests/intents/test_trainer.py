"""When a model is out of date, and when it is not."""

from pathlib import Path

import pytest

from intents import trainer


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {
        "config.yml": "language: id\n",
        "domain.yml": 'version: "3.1"\n',
        "intents/general/domain.yml": "intents: [greet]\n",
        "intents/general/nlu/greet.yml": "nlu: []\n",
        "data/rules/general.yml": "rules: []\n",
        "data/texts/id/general.yml": "utter_thanks: Sama-sama\ngreeting:\n  morning: Pagi\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", ["config.yml", "intents/general/nlu/greet.yml", "data/rules/general.yml"])
def test_changed_data_needs_training(project: Path, name: str) -> None:
    before = trainer.fingerprint(project)
    path = project / name
    path.write_text(path.read_text() + "# more\n")
    assert trainer.fingerprint(project) != before


def test_an_edited_sentence_needs_none_but_a_new_response_does(project: Path) -> None:
    before = trainer.fingerprint(project)
    texts = project / "data/texts/id/general.yml"
    texts.write_text("utter_thanks: Terima kasih kembali\ngreeting:\n  morning: Selamat pagi\n")
    assert trainer.fingerprint(project) == before
    texts.write_text("utter_thanks: Sama-sama\nutter_spam: Tidak\n")
    assert trainer.fingerprint(project) != before


def test_a_model_is_current_when_it_is_there(project: Path) -> None:
    assert not trainer.is_current(project)
    path = trainer.model_path(project)
    path.parent.mkdir()
    path.write_bytes(b"")
    assert trainer.is_current(project)
