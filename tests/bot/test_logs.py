"""No log line carries a person or a secret, not even in a traceback."""

import io
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot import logs
from bot import settings as settings_module
from bot.settings import Settings

NIK, PHONE, EMAIL = "3576010000000001", "081234567890", "siti@example.com"
TOKEN, SECRET = "123456:AAtokenRahasiaSekali", "kunci-rahasia-yang-panjang-sekali-0001"
HOOK = "rahasia-webhook-42"
DATABASE = "postgresql+asyncpg://lawang:p%40ss-rahasia@127.0.0.1/lawang"


@pytest.fixture
def secretive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings full of secrets."""
    monkeypatch.setenv("LAWANG_VAR", str(tmp_path))
    return replace(
        settings_module.load(),
        secret_key=SECRET,
        telegram_token=TOKEN,
        telegram_webhook_secret=HOOK,
        database_url=DATABASE,
        redis_url="redis://:redis-rahasia@127.0.0.1/0",
    )


@pytest.fixture
def lines(secretive: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the log would show."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    logs.start(secretive)
    yield out
    root.handlers[:], root.level = before, level


def fail_with(words: str) -> None:
    raise RuntimeError(words)


@pytest.mark.parametrize("word", [NIK, PHONE, EMAIL, TOKEN, SECRET, HOOK, "p@ss-rahasia", "p%40ss-rahasia",
                                  "redis-rahasia"])  # fmt: skip
def test_nothing_personal_and_no_secret_is_logged(lines: io.StringIO, word: str) -> None:
    log = logging.getLogger("bot.test")
    log.info("pesan %s", word)
    log.warning(f"pesan {word}")
    log.error("data %s", {"isi": word})
    try:
        fail_with(f"tidak bisa: {word}")
    except RuntimeError as error:
        log.exception("gagal dengan %s", word)
        log.error("gagal", exc_info=error, stack_info=True)
    text = lines.getvalue()
    assert "gagal" in text
    assert "Traceback" in text
    assert word not in text


def test_a_chained_error_is_blotted_out_too(lines: io.StringIO) -> None:
    try:
        try:
            fail_with(NIK)
        except RuntimeError as error:
            raise ValueError(f"karena {PHONE}") from error
    except ValueError:
        logging.getLogger("bot.test").exception("gagal")
    assert NIK not in lines.getvalue()
    assert PHONE not in lines.getvalue()


def test_a_wrong_placeholder_breaks_nobody(lines: io.StringIO) -> None:
    logging.getLogger("bot.test").warning("%d pesan", "banyak")
    template = "%s dan %s"
    logging.getLogger("bot.test").warning(template, NIK)
    assert "do not fit" in lines.getvalue()
    assert NIK not in lines.getvalue()


def test_ids_and_references_stay_readable(lines: io.StringIO) -> None:
    line = "MJK-2611-000123 of conversation 5b1c9f0e4a2d4e7f8a9b0c1d2e3f4a5b took 12.5 s"
    logging.getLogger("bot.test").info(line)
    assert line in lines.getvalue()


def test_the_settings_show_no_secret(secretive: Settings) -> None:
    assert not any(word in repr(secretive) for word in (TOKEN, SECRET, HOOK, "rahasia"))
