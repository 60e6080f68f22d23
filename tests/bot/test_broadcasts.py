"""`lawang broadcast`: counted, confirmed, stopped and reported from the command line."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.broadcasts import broadcast
from bot.conversations import quiet
from bot.storage import conversations, subscriptions
from bot.storage.database import Database, upgrade
from bot.vocabulary.messages import ChannelAddress, ChannelName

WORDS = "Air mati hari ini pukul 09.00-15.00 WIB."
TO = ("--topic", "air", "--place", "Wates", WORDS)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Run the command on an installation of its own, where three people asked and one of them stopped."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'lawang.db'}"
    monkeypatch.setenv("LAWANG_VAR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "")
    monkeypatch.setenv("WHATSAPP_TOKEN", "")
    upgrade(url)

    async def ask() -> None:
        database, now = Database(url), datetime.now(UTC)
        async with database.transaction() as conn:
            for name in ("a", "b", "c"):
                address = ChannelAddress(ChannelName.WEBCHAT, name, None)
                talk = await conversations.find_or_create(conn, "kota_mojokerto", address, now)
                await subscriptions.add(conn, talk.id, "kota_mojokerto", "air", "", now)
            await subscriptions.end(conn, talk.id, None, "stopped", now)
        await database.close()

    asyncio.run(ask())
    return lambda *words, **more: CliRunner().invoke(broadcast, list(words), **more)


def test_a_preview_and_a_dry_run_count_and_send_nothing(run) -> None:  # type: ignore[no-untyped-def]
    seen = run("preview", *TO)
    assert seen.exit_code == 0, seen.output
    assert "Kabar gangguan air bersih" in seen.output
    assert "(Wates)" in seen.output
    assert "2 people get it" in seen.output
    assert "1 (asked once and stopped)" in seen.output
    dry = run("send", "--dry-run", *TO)
    assert "nothing was sent" in dry.output
    assert run("status").output == ""


def test_it_is_confirmed_by_the_number_then_stopped_resumed_and_reported(run) -> None:  # type: ignore[no-untyped-def]
    sent = run("send", "--by", "sari", *TO, input="2\n")
    assert sent.exit_code == 0, sent.output
    number = sent.output.splitlines()[-2].split(":")[0]
    assert "2 people: 2 planned" in run("stop", number).output
    assert "sending" in run("resume", number).output
    [line] = run("status", number, "--json").output.splitlines()
    found = json.loads(line)
    assert (found["status"], found["receivers"], found["planned"]) == ("sending", 2, 2)
    assert found["created_by"] == "sari"
    assert "by sari" in run("status").output


REFUSALS = [
    ("another number", ("send", "--receivers", "3", *TO), "2 people would get it now"),
    ("no such topic", ("preview", "--topic", "gempa", WORDS), "choose air"),
    ("no such place", ("preview", "--topic", "air", "--place", "Atlantis", WORDS), "no kelurahan"),
    (
        "a place of another government",
        ("preview", "--topic", "air", "--place", "Oesapa", WORDS),
        "no kelurahan",
    ),
    ("no such broadcast", ("stop", "abc"), "lawang broadcast status"),
    ("nothing to approve", ("approve", "abc", "--receivers", "1", "--by", "budi"), "lawang broadcast status"),
]


@pytest.mark.parametrize(("words", "remedy"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_what_cannot_be_done_names_the_remedy(run, words: tuple[str, ...], remedy: str) -> None:  # type: ignore[no-untyped-def]
    answer = run(*words)
    assert answer.exit_code == 1, answer.output
    assert remedy in answer.output


def test_the_same_words_twice_need_again(run) -> None:  # type: ignore[no-untyped-def]
    run("send", "--receivers", "2", *TO)
    assert "--again" in run("send", "--receivers", "2", *TO).output
    assert run("send", "--receivers", "2", "--again", *TO).exit_code == 0


def test_words_may_come_from_a_file(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "kabar.txt").write_text("Air mati di Wates.\nMaaf.\n")
    seen = run("preview", "--topic", "air", f"@{tmp_path / 'kabar.txt'}")
    assert "Air mati di Wates.\nMaaf.\n\nKetik STOP" in seen.output


@pytest.mark.parametrize(("urgent", "how"), [((), "in the morning"), (("--urgent",), "without a sound")])
def test_at_night_the_count_says_when_it_goes_out(  # type: ignore[no-untyped-def]
    run, monkeypatch: pytest.MonkeyPatch, urgent: tuple[str, ...], how: str
) -> None:
    assert "it is night" not in run("send", "--dry-run", *TO).output
    monkeypatch.setattr(quiet, "night_until", lambda door, tenant, channel, now: now)
    assert how in run("send", "--dry-run", *urgent, *TO).output
