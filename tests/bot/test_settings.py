"""The environment is read once; what cannot be used is refused with a word on how to mend it."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot import settings
from bot.settings import SettingsError


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own."""
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "LAWANG_SECRET_KEY",
        "LAWANG_ENV",
        "PORT",
        "TELEGRAM_BOT_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LAWANG_VAR", str(tmp_path / "var"))
    return tmp_path / "var"


def test_without_any_setting_it_runs_on_sqlite_here(place: Path) -> None:
    loaded = settings.load()
    assert loaded.database_url == f"sqlite+aiosqlite:///{place / 'lawang.db'}"
    assert loaded.port == 8080
    assert not loaded.production


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("PORT", "delapan", "PORT must be a number"),
        ("TELEGRAM_MODE", "pigeon", "TELEGRAM_MODE"),
        ("LAWANG_SECRET_KEY", "short", "at least 32"),
        ("LAWANG_ENV", "production", "LAWANG_SECRET_KEY is missing"),
        ("LAWANG_EMBED_ORIGINS", "javascript:alert(1)", "no origin"),
    ],
)
def test_what_cannot_be_used_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, word: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=word):
        settings.load()


def test_a_telegram_webhook_needs_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "1:a")
    monkeypatch.setenv("TELEGRAM_MODE", "webhook")
    with pytest.raises(SettingsError, match="TELEGRAM_WEBHOOK_SECRET"):
        settings.load()


def test_the_local_key_is_made_once_and_is_nobody_elses_to_read(place: Path) -> None:
    first = settings.load().secret_key
    assert len(first) >= 32
    assert settings.load().secret_key == first
    assert stat.S_IMODE((place / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in place.iterdir()] == ["secret.key"]


def test_an_empty_key_file_is_no_key(place: Path) -> None:
    place.mkdir()
    (place / "secret.key").write_text("")
    with pytest.raises(SettingsError, match="holds no key"):
        settings.load()


def test_processes_that_start_at_once_have_one_key(place: Path) -> None:
    start = [sys.executable, "-c", "from bot import settings; print(settings.load().secret_key)"]
    running = [subprocess.Popen(start, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    keys = {process.communicate(timeout=30)[0] for process in running}
    assert len(keys) == 1
    assert len(keys.pop().strip()) >= 32


@pytest.mark.parametrize(
    ("given", "production", "roles"),
    [
        (None, False, ()),
        (None, True, ("supervisor", "admin")),
        ("off", True, ()),
        ("petugas, supervisor, admin", False, ("petugas", "supervisor", "admin")),
    ],
)
def test_who_needs_a_second_step_is_a_setting(
    monkeypatch: pytest.MonkeyPatch, given: str | None, production: bool, roles: tuple[str, ...]
) -> None:
    if production:
        monkeypatch.setenv("LAWANG_ENV", "production")
        monkeypatch.setenv("LAWANG_SECRET_KEY", "k" * 40)
    if given is not None:
        monkeypatch.setenv("LAWANG_SECOND_STEP", given)
    assert settings.load().second_step == roles


def test_an_unknown_role_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAWANG_SECOND_STEP", "pimpinan")
    with pytest.raises(settings.SettingsError, match="petugas"):
        settings.load()


def test_a_city_sign_in_without_tls_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_ISSUER", "http://masuk.kota.example")
    monkeypatch.setenv("OIDC_CLIENT_ID", "lawang")
    monkeypatch.setenv("OIDC_CLIENT_SECRET", "rahasia")
    assert settings.load().oidc_issuer == "http://masuk.kota.example"
    monkeypatch.setenv("LAWANG_ENV", "production")
    monkeypatch.setenv("LAWANG_SECRET_KEY", "k" * 40)
    with pytest.raises(settings.SettingsError, match="https"):
        settings.load()
