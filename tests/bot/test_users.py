"""`lawang users`: people are added, listed, reset and disabled from the command line."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.storage.database import upgrade
from bot.users import users


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Run the command on an installation of its own."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'lawang.db'}"
    monkeypatch.setenv("LAWANG_VAR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", url)
    upgrade(url)

    def run(*words: str):  # type: ignore[no-untyped-def]
        return CliRunner().invoke(users, list(words))

    return run


def test_a_person_is_added_listed_reset_and_disabled(run) -> None:  # type: ignore[no-untyped-def]
    added = run("add", "Sari", "--name", "Sari Dewi", "--role", "supervisor")
    assert added.exit_code == 0, added.output
    assert "first password: " in added.output
    assert "supervisor" in run("list").output
    first = added.output.split("first password: ")[1].split()[0]
    assert "good for 7 days" in added.output
    assert run("role", "sari", "admin").exit_code == 0
    assert "admin" in run("list").output
    assert run("second-step", "sari").exit_code == 0
    again = run("reset", "sari")
    assert first not in again.output
    assert run("disable", "sari").exit_code == 0
    assert "disabled" in run("list").output


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("add", "sari", "--name", "Sari", "--tenant", "kota_x"), "data/tenants"),
        (("add", "sari", "--name", "Sari", "--oidc", "abc"), "OIDC_ISSUER"),
        (("reset", "siapa"), "lawang users list"),
        (("role", "siapa", "admin"), "lawang users list"),
        (("second-step", "siapa"), "lawang users list"),
    ],
)
def test_what_cannot_be_done_names_the_remedy(run, words: tuple[str, ...], remedy: str) -> None:  # type: ignore[no-untyped-def]
    answer = run(*words)
    assert answer.exit_code == 1
    assert remedy in answer.output


def test_a_name_is_given_once(run) -> None:  # type: ignore[no-untyped-def]
    run("add", "sari", "--name", "Sari")
    assert "taken" in run("add", "SARI", "--name", "Sari Lain").output
