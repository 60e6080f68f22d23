"""The doctor on installations that are well, ill in one way each, or not there at all."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bot import doctor, texts
from bot import settings as settings_module
from bot.sealing import Sealer
from bot.settings import ROOT, Settings
from bot.storage import holders, webhookcalls
from bot.storage.database import Database
from bot.storage.webhookcalls import KeptCall
from bot.symptoms import content, installation, running, stores
from bot.symptoms.finding import Finding, Level, ok
from bot.symptoms.telegram import telegram
from tests import engines
from tests.ports import free_port

TOKEN = "123456789:AArahasia-sekali-jangan-tampil"


@contextmanager
def serving(answers: dict[str, Any], status: int = 200) -> Iterator[int]:
    """A server on loopback that answers paths with texts or JSON; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path)
            body = answer if isinstance(answer, str) else json.dumps(answer)
            self.send_response(404 if answer is None else status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation where nothing runs and nothing is set up."""
    for name in ("REDIS_URL", "TELEGRAM_BOT_TOKEN", "DATABASE_URL", "LAWANG_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LAWANG_VAR", str(tmp_path / "var"))
    ports = {name: free_port() for name in ("port", "rasa_port", "actions_port", "sandbox_port")}
    return replace(settings_module.load(), **ports)


def a_copy(tmp_path: Path, *folders: str) -> Path:
    """A root with copies of some of our folders."""
    root = tmp_path / "root"
    for folder in folders:
        shutil.copytree(ROOT / folder, root / folder)
    return root


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1
    return findings[0]


async def told(settings: Settings, *checks: doctor.Check) -> tuple[int, list[str]]:
    lines: list[str] = []
    code = await doctor.examine(settings, lines.append, checks or doctor.CHECKS)
    return code, "\n".join(lines).splitlines()


async def test_everything_that_is_not_well_has_a_remedy_on_the_next_line(quiet: Settings) -> None:
    started = time.monotonic()
    code, lines = await told(quiet)
    assert time.monotonic() - started < 8
    assert code == 1
    assert lines[0] == "Lawang 0.1.0, kota_mojokerto, development"
    for number, line in enumerate(lines):
        if line.startswith(("  warn", "  FAIL")):
            assert lines[number + 1].strip().startswith("→ "), line
        assert "Traceback" not in line
        assert "could not be examined" not in line
    assert len(lines) < 45


async def test_a_check_that_breaks_is_a_line_and_not_a_stack_trace(quiet: Settings) -> None:
    def broken_check(settings: Settings) -> list[Finding]:
        raise RuntimeError("rahasia")

    code, lines = await told(quiet, broken_check)
    assert code == 1
    assert "  FAIL  broken check   could not be examined (RuntimeError)" in lines
    assert "rahasia" not in "\n".join(lines)


async def test_a_check_that_hangs_is_left(quiet: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PATIENCE_SECONDS", 0.05)

    async def slow_check(settings: Settings) -> list[Finding]:
        raise TimeoutError

    code, lines = await told(quiet, slow_check)
    assert code == 1
    assert "no answer within" in "\n".join(lines)


async def test_a_healthy_house_ends_with_one_good_word(quiet: Settings) -> None:
    code, lines = await told(quiet, lambda settings: [ok("door", "open")])
    assert code == 0
    assert lines[-1] == "Everything is well."


def test_an_interpreter_or_environment_that_is_not_there(quiet: Settings, tmp_path: Path) -> None:
    assert only(installation.python(quiet)).level is Level.OK
    empty = replace(quiet, root=tmp_path)
    assert "`rm -rf .venv-rasa && make setup`" in str(only(installation.rasa(empty)).remedy)
    python = tmp_path / ".venv-rasa" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert "not installed" in only(installation.rasa(empty)).detail
    (tmp_path / ".venv-rasa" / "lib" / "python3.11" / "site-packages" / "rasa-3.6.20.dist-info").mkdir(
        parents=True
    )
    assert only(installation.rasa(empty)).detail == "3.6.20 in .venv-rasa, 3.6.21 is needed"


def test_a_model_that_is_missing_or_older_than_its_data(quiet: Settings, tmp_path: Path) -> None:
    assert only(installation.model(replace(quiet, root=tmp_path))).level is Level.FAIL
    root = a_copy(tmp_path, "intents")
    shutil.copytree(ROOT / "data" / "texts", root / "data" / "texts")
    (root / "models").mkdir()
    (root / "models" / "lawang-0000.tar.gz").touch()
    assert "older than its data" in only(installation.model(replace(quiet, root=root))).detail
    code = "from intents.trainer import model_path; model_path().touch()"
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
    assert only(installation.model(replace(quiet, root=root))).level is Level.OK


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(quiet: Settings, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert only(installation.folder(replace(quiet, var=closed))).level is Level.FAIL


@pytest.mark.parametrize(
    ("free", "level"), [(50_000_000, Level.FAIL), (500_000_000, Level.WARN), (5_000_000_000, Level.OK)]
)
def test_the_disk(quiet: Settings, monkeypatch: pytest.MonkeyPatch, free: int, level: Level) -> None:
    usage = shutil._ntuple_diskusage(10**12, 10**12 - free, free)  # type: ignore[attr-defined]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert only(installation.folder(quiet)).level is level


def test_the_secrets_of_production(quiet: Settings) -> None:
    live = replace(quiet, production=True, public_url="https://lawang.example.go.id")
    assert only(installation.secrets(replace(live, secret_key="a" * 40))).level is Level.FAIL
    good = installation.secrets(live)
    assert [finding.level for finding in good] == [Level.OK]
    assert live.secret_key not in good[0].detail
    bare = installation.secrets(replace(live, public_url="http://127.0.0.1:8080"))
    assert [finding.level for finding in bare] == [Level.OK, Level.WARN]


async def test_a_database_that_is_missing_old_or_away(quiet: Settings, tmp_path: Path) -> None:
    missing = only(await stores.database(quiet))
    assert (missing.level, missing.remedy) == (Level.FAIL, "`lawang db upgrade` (part of `make setup`)")
    assert not (tmp_path / "var" / "lawang.db").exists()
    Path(tmp_path / "empty.db").touch()
    empty = replace(quiet, database_url=f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}")
    assert "is at no migration" in only(await stores.database(empty)).detail
    (tmp_path / "broken.db").write_text("no database at all, however long this is" * 40)
    broken = replace(quiet, database_url=f"sqlite+aiosqlite:///{tmp_path / 'broken.db'}")
    assert only(await stores.database(broken)).detail.endswith("DatabaseError")
    away = f"postgresql+asyncpg://lawang:sandi-rahasia@127.0.0.1:{free_port()}/lawang"
    found = only(await stores.database(replace(quiet, database_url=away)))
    assert found.level is Level.FAIL
    assert "rahasia" not in found.detail


async def test_a_migrated_database_is_well_on_every_engine(quiet: Settings, database_url: str) -> None:
    found = only(await stores.database(replace(quiet, database_url=database_url)))
    assert found.level is Level.OK, found


async def test_personal_data_sealed_with_another_key_is_noticed(
    quiet: Settings, database_url: str, database: Database
) -> None:
    here = replace(quiet, database_url=database_url)
    for key, levels in (("an older key", [Level.OK, Level.FAIL]), (here.secret_key, [Level.OK])):
        await _keep_sealed(database, Sealer(key).seal("NIK saya 3576…"))
        assert [finding.level for finding in await stores.database(here)] == levels


async def test_webhook_calls_that_nobody_could_open_are_noticed(
    quiet: Settings, database_url: str, database: Database
) -> None:
    here = replace(quiet, database_url=database_url)
    now = datetime.now(UTC)
    for attempts, levels in ((0, [Level.OK]), (1, [Level.OK, Level.WARN])):
        row = KeptCall(webhookcalls.new_id(), "whatsapp", "sealed", "holder", now, now, attempts)
        async with database.transaction() as conn:
            await webhookcalls.keep(conn, [row])
        assert [finding.level for finding in await stores.database(here)] == levels


async def _keep_sealed(database: Database, sealed: str) -> None:
    from bot.storage import conversations, messages
    from bot.vocabulary.messages import ChannelAddress, ChannelName

    now = datetime.now(UTC)
    async with database.transaction() as conn:
        address = ChannelAddress(ChannelName.WEBCHAT, "warga")
        conversation = await conversations.find_or_create(conn, "kota_mojokerto", address, now)
        row = {
            "uid": messages.new_uid(),
            "conversation_id": conversation.id,
            "channel": "webchat",
            "direction": "in",
            "kind": "text",
            "text": "[NIK]",
            "sealed_text": sealed,
            "content": {},
            "status": "received",
            "channel_message_id": messages.new_uid(),
            "attempts": 0,
            "created_at": now,
            "updated_at": now,
        }
        await messages.add_inbound(conn, row)


async def test_redis_away_and_redis_missed(quiet: Settings, tmp_path: Path) -> None:
    assert only(await stores.redis(quiet)).level is Level.OK
    away = replace(quiet, redis_url=f"redis://:sandi-rahasia@127.0.0.1:{free_port()}/1")
    found = only(await stores.redis(away))
    assert found.level is Level.FAIL
    assert "rahasia" not in found.detail
    large = replace(quiet, database_url="postgresql+asyncpg://lawang@127.0.0.1/lawang")
    assert only(await stores.redis(large)).detail == "none, with PostgreSQL"
    taken = [holders.take(quiet.var / "run") for _ in range(2)]
    assert only(await stores.redis(quiet)).detail == "none, with 2 workers"
    for holder in taken:
        holder.file.close()


@pytest.mark.skipif(not engines.redis_answers(), reason="no Redis here")
async def test_redis_that_answers(quiet: Settings) -> None:
    assert only(await stores.redis(replace(quiet, redis_url=engines.REDIS))).level is Level.OK


def test_processes_by_their_ids(quiet: Settings) -> None:
    assert only(running.processes(quiet)).level is Level.OK
    register = quiet.var / "run" / "processes.json"
    register.parent.mkdir(parents=True)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    running_now = {name: os.getpid() for name in ("supervisor", "rasa", "city", "actions", "door", "worker")}
    register.write_text(json.dumps(running_now))
    assert only(running.processes(quiet)).detail == "runs rasa, city, actions, door, worker"
    register.write_text(json.dumps({**running_now, "rasa": ended.pid}))
    assert only(running.processes(quiet)).detail == "runs, but rasa ended"
    del running_now["worker"]
    register.write_text(json.dumps(running_now))
    assert only(running.processes(quiet)).detail == "runs, but worker ended"
    register.write_text(json.dumps({"supervisor": ended.pid, "door": os.getpid()}))
    assert only(running.processes(quiet)).level is Level.OK
    register.write_text("half a li")
    assert only(running.processes(quiet)).level is Level.OK


async def test_free_ports_are_well_unless_something_should_run(quiet: Settings) -> None:
    assert {finding.level for finding in await running.ports(quiet)} == {Level.OK}
    register = quiet.var / "run" / "processes.json"
    register.parent.mkdir(parents=True)
    register.write_text(json.dumps({"supervisor": os.getpid()}))
    assert {finding.level for finding in await running.ports(quiet)} == {Level.FAIL}


async def test_ports_of_ours_and_of_others(quiet: Settings) -> None:
    ready = {"database": True, "rasa": True, "actions": True, "worker": False}
    with (
        serving({"/healthz": "ok", "/readyz": ready}) as door,
        serving({"/webhooks/lawang/": {"status": "loading"}}, 503) as rasa,
        serving({"/": "nginx"}) as other,
        socket.socket() as deaf,
    ):
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        ports = {
            "port": door,
            "rasa_port": rasa,
            "actions_port": other,
            "sandbox_port": deaf.getsockname()[1],
        }
        found = {finding.subject: finding for finding in await running.ports(replace(quiet, **ports))}
    assert found["front door"].level is Level.OK
    assert found["Rasa"].detail == f"port {rasa}: still starting"
    assert found["actions"].detail == f"another program has port {other}"
    assert found["actions"].remedy == "stop what listens there, or set ACTIONS_PORT"
    assert "does not answer" in found["stand-in city"].detail
    assert found["answers"].detail == "messages wait, because this is missing: worker"


async def test_an_old_model_in_a_running_rasa(quiet: Settings, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "lawang-new.tar.gz").touch()
    loaded = {"status": "ok", "model": "lawang-old.tar.gz"}
    with serving({"/healthz": "ok", "/readyz": {}}) as door, serving({"/webhooks/lawang/": loaded}) as rasa:
        here = replace(quiet, root=tmp_path, port=door, rasa_port=rasa)
        found = {finding.subject: finding for finding in await running.ports(here)}
    assert found["answers"].detail == "Rasa runs lawang-old.tar.gz, the newest is lawang-new.tar.gz"


HOOK = "https://lawang.example.go.id/channels/telegram"
LATE = {"url": HOOK, "pending_update_count": 7, "last_error_message": "Connection refused"}


@pytest.mark.parametrize(
    ("mode", "hook", "level", "words"),
    [
        ("polling", {"url": ""}, Level.OK, "@kotabot, by long polling"),
        ("polling", {"url": "https://x.example/"}, Level.WARN, "a webhook is set"),
        ("webhook", {"url": ""}, Level.FAIL, f"the webhook is not {HOOK}"),
        ("webhook", {"url": HOOK}, Level.OK, "@kotabot, by webhook"),
        ("webhook", {"url": HOOK, "pending_update_count": 500}, Level.WARN, "500 messages wait"),
        ("webhook", LATE, Level.FAIL, "7 wait, Telegram says: Connection refused"),
    ],
)
async def test_telegram(quiet: Settings, mode: str, hook: dict[str, Any], level: Level, words: str) -> None:
    answers = {
        f"/bot{TOKEN}/getMe": {"ok": True, "result": {"username": "kotabot"}},
        f"/bot{TOKEN}/getWebhookInfo": {"ok": True, "result": hook},
    }
    with serving(answers) as port:
        here = replace(
            quiet,
            telegram_token=TOKEN,
            telegram_mode=mode,
            telegram_api_url=f"http://127.0.0.1:{port}",
            public_url="https://lawang.example.go.id",
        )
        found = only(await telegram(here))
    assert (found.level, words in found.detail) == (level, True), found


async def test_a_bad_token_and_a_telegram_that_is_away_never_show_the_token(quiet: Settings) -> None:
    here = replace(quiet, telegram_token=TOKEN)
    with serving({"/nothing": {}}) as port:
        _, lines = await told(replace(here, telegram_api_url=f"http://127.0.0.1:{port}"), telegram)
    assert "the token is not valid" in "\n".join(lines)
    _, away = await told(replace(here, telegram_api_url=f"http://127.0.0.1:{free_port()}"), telegram)
    assert "cannot be reached: ConnectError" in "\n".join(away)
    assert TOKEN not in "\n".join(lines + away)


def test_a_catalogue_that_is_broken_or_without_the_tenant(quiet: Settings, tmp_path: Path) -> None:
    assert "set LAWANG_TENANT" in str(only(content.catalogue(replace(quiet, tenant="kota_hilang"))).remedy)
    root = a_copy(tmp_path, "data")
    (root / "data" / "catalogue" / "baru.yml").write_text("- {id: tanpa_judul}\n")
    assert "tanpa_judul: no title" in only(content.catalogue(replace(quiet, root=root))).detail


def test_every_text_key_in_use_has_a_sentence(quiet: Settings) -> None:
    found = only(content.sentences(quiet))
    assert found.level is Level.OK, found.detail


def test_a_text_key_without_a_sentence_is_named(quiet: Settings, tmp_path: Path) -> None:
    root = a_copy(tmp_path, "data")
    (root / "bot").mkdir()
    (root / "bot" / "new.py").write_text('KEYS = ["button.not_there", f"button.{1}", "telegram.jsonl"]\n')
    (root / "data" / "rules" / "new.yml").write_text("- action: utter_nothing_at_all\n")
    missing = content.named_keys(root, texts.load(root)) - set(texts.load(root).keys())
    assert {"button.not_there", "utter_nothing_at_all"} == missing
    assert "without a text: button.not_there" in only(content.sentences(replace(quiet, root=root))).detail
    (root / "data" / "texts" / "id" / "broken.yml").write_text("a: [")
    assert only(content.sentences(replace(quiet, root=root))).level is Level.FAIL


def test_apps_that_lack_a_key_and_apps_that_only_pretend(
    quiet: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [finding.level for finding in content.apps(quiet)] == [Level.OK]
    monkeypatch.setenv("LAWANG_ENV", "production")
    for name in ("SANDBOX_URL", "SANDBOX_API_KEY", "PERIZINAN_URL"):
        monkeypatch.delenv(name, raising=False)
    found = content.apps(replace(quiet, production=True))
    assert found[0].detail.startswith("0 of 5 ready")
    assert "gayatri: set GAYATRI_URL" in found[1].detail
    assert (
        found[2].detail == "only simulated: curhat_ning_ita, damar_mojo, gayatri, mpp_gajah_mada, perizinan"
    )


def test_a_broken_manifest(quiet: Settings, tmp_path: Path) -> None:
    root = a_copy(tmp_path, "connectors/apps")
    (root / "connectors" / "apps" / "perizinan" / "manifest.yml").write_text("id: perizinan\n")
    found = only(content.apps(replace(quiet, root=root)))
    assert (found.level, found.remedy) == (Level.FAIL, "`lawang connectors check` names each")


@pytest.mark.parametrize(
    ("today", "level"),
    [(date(2026, 3, 1), Level.OK), (date(2026, 11, 22), Level.WARN), (date(2027, 1, 1), Level.FAIL)],
)
def test_the_calendar(
    quiet: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, today: date, level: Level
) -> None:
    folder = tmp_path / "data" / "calendar"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "data" / "calendar" / "2026.yml", folder)
    monkeypatch.setattr(content, "_today", lambda settings: today)
    found = only(content.calendar(replace(quiet, root=tmp_path)))
    assert found.level is level
    assert level is Level.OK or "data/calendar/2027.yml" in str(found.remedy)


def test_facts_that_nobody_looked_at_for_half_a_year(
    quiet: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = a_copy(tmp_path, "data")
    later = date(2027, 11, 22)
    monkeypatch.setattr(content, "_today", lambda settings: later)
    found = only(content.facts(replace(quiet, root=root)))
    assert found.level is Level.WARN
    assert "are older than 180 days" in found.detail
