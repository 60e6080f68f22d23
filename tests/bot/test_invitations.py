"""`lawang telegram link` prints addresses for posters, and draws them."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from bot.storage.database import upgrade


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Run the command on an installation of its own, with no channel connected."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'lawang.db'}"
    monkeypatch.setenv("LAWANG_VAR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", url)
    for name in ("TELEGRAM_BOT_TOKEN", "WHATSAPP_TOKEN", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    upgrade(url)
    return lambda *words: CliRunner().invoke(main, list(words))


@pytest.mark.parametrize("what", [("--service", "ktp_baru"), ("--counter", "dukcapil"), ("--case", "MJK-1")])
def test_a_link_is_printed_and_is_the_same_each_time(run, what) -> None:  # type: ignore[no-untyped-def]
    first, again = (run("telegram", "link", *what, "--bot", "@kota_bot") for _ in range(2))
    assert first.exit_code == 0, first.output
    assert re.fullmatch(r"https://t\.me/kota_bot\?start=[A-Za-z0-9_-]{1,64}\n", first.stdout)
    assert first.stdout == again.stdout


def test_whatsapp_gets_the_same_words_written_already(run) -> None:  # type: ignore[no-untyped-def]
    done = run("whatsapp", "link", "--service", "ktp_baru", "--number", "+62 812-0000-0000")
    assert re.fullmatch(r"https://wa\.me/6281200000000\?text=%2Fmulai%20k-[A-Za-z0-9_-]+\n", done.stdout)


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml")])
def test_a_code_is_drawn(run, tmp_path: Path, name: str, begins: bytes) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / name
    done = run("telegram", "link", "--counter", "dukcapil", "--bot", "kota_bot", "--qr", str(file))
    assert done.exit_code == 0, done.output
    assert file.read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "name one of"),
        (("--service", "ktp_baru", "--case", "MJK-1"), "name one of"),
        (("--service", "jual_pulsa", "--bot", "b"), "no service"),
        (("--service", "ktp_baru", "--bot", "b", "--qr", "a.gif"), ".png or .svg"),
        (("--service", "ktp_baru"), "name --bot"),
    ],
)
def test_a_wrong_wish_is_refused_with_the_remedy(run, words, why) -> None:  # type: ignore[no-untyped-def]
    done = run("telegram", "link", *words)
    assert done.exit_code != 0
    assert why in done.output
