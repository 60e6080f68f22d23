# ruff: noqa: E501 (patterns and tables read better unbroken)
"""The report over training data: all mistakes at once, each with its file."""

from pathlib import Path

import pytest

from intents import __main__ as command
from intents import check

NLU = """version: "3.1"
nlu:
- intent: {intent}
  examples:
{examples}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data" / "catalogue").mkdir(parents=True)
    (tmp_path / "data" / "catalogue" / "a.yml").write_text(
        "- {id: ktp_baru, title: KTP baru, owner: dukcapil}\n", "utf-8"
    )
    (tmp_path / "intents" / "family" / "nlu").mkdir(parents=True)
    (tmp_path / "intents" / "family" / "domain.yml").write_text("intents: [greet, thanks]\n", "utf-8")
    (tmp_path / "tests" / "holdout").mkdir(parents=True)
    return tmp_path


def teach(root: Path, intent: str, *examples: str, file: str | None = None, extra: str = "") -> None:
    many = [*examples, *(f"kalimat {intent} nomor {'abcdefghijklm'[i]}" for i in range(check.FEWEST))]
    lines = "\n".join(f"  - text: |\n      {text}{extra if i == 0 else ''}" for i, text in enumerate(many))
    path = root / "intents" / "family" / "nlu" / f"{file or intent}.yml"
    path.write_text(NLU.format(intent=intent, examples=lines), "utf-8")


def said(root: Path) -> str:
    return "\n".join(map(str, check.check(root)))


def test_clean_data_has_no_problems(root: Path) -> None:
    teach(root, "greet", "halo selamat pagi")
    teach(root, "thanks", "terima kasih banyak")
    assert check.check(root) == []


def test_all_mistakes_come_at_once(root: Path) -> None:
    teach(
        root,
        "greet",
        "halo semua",
        "nomor saya 081200000000",
        extra="\n    metadata:\n      service: tidak_ada",
    )
    teach(root, "thanks", "Halo  semua")
    teach(root, "lain", "apa saja", file="nama_lain")
    (root / "intents" / "family" / "nlu" / "rusak.yml").write_text("nlu: [", "utf-8")
    report = said(root)
    assert "also stands in greet" in report
    assert "personal data (phone)" in report
    assert "081200000000" not in report
    assert "service tidak_ada is not in data/catalogue" in report
    assert "one file per intent" in report
    assert "stands in no intents/<family>/domain.yml" in report
    assert "rusak.yml: cannot be read" in report


def test_too_few_sentences_are_named(root: Path) -> None:
    path = root / "intents" / "family" / "nlu" / "greet.yml"
    path.write_text(NLU.format(intent="greet", examples="  - text: |\n      halo"), "utf-8")
    assert "greet has 1 sentences" in said(root)


def test_a_leak_into_the_holdout_is_named(root: Path) -> None:
    teach(root, "greet", "selamat pagi bapak ibu sekalian dari warga")
    (root / "tests" / "holdout" / "messages.tsv").write_text(
        "text\tintent\tservice\ttopic\temergency\tlanguage\nSelamat pagi, bapak ibu sekalian dari wargaa\tgreet\t\t\t\tid\n",
        "utf-8",
    )
    assert "is nearly the training sentence" in said(root)


def test_the_command_ends_with_one_when_there_is_something_to_mend(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teach(root, "greet", "halo")
    assert command.main(["check", "--root", str(root)]) == 0
    teach(root, "thanks", "halo")
    assert command.main(["check", "--root", str(root)]) == 1
    assert "1 problems" in capsys.readouterr().out
