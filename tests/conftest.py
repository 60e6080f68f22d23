"""Fixtures that every suite shares: databases of each engine, an open door with a scripted dialogue."""

import os
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from bot import settings as settings_module
from bot import texts
from bot.door import Door
from bot.sealing import Sealer
from bot.settings import Settings
from bot.storage.database import Database, upgrade
from bot.storage.keyvalue import KeyValue, MemoryKeyValue, RedisKeyValue, connect
from bot.storage.media import MediaStore
from bot.storage.wakeups import LocalWakeups, RedisWakeups, Wakeups
from connectors.registry import Registry
from intents import catalog
from tests import engines
from tests.scripted import ScriptedEngine
from tests.system.running import ROOT, System

HAS_POSTGRES = engines.postgres_answers()
HAS_REDIS = engines.redis_answers()
DATABASES = engines.available()
KEYVALUES = ["memory", *(["redis"] if HAS_REDIS else [])]


MISSING = [
    name
    for name, there in (
        ("PostgreSQL", HAS_POSTGRES),
        ("Redis", HAS_REDIS),
        ("Chromium", shutil.which("chromium") is not None),
    )
    if not there
]


def pytest_configure() -> None:
    """Where everything must run, a missing engine is an error, not a shorter report."""
    if MISSING and os.environ.get("LAWANG_TEST_EVERYTHING"):
        raise pytest.UsageError(f"CI must run every suite, and these are missing: {', '.join(MISSING)}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say clearly which suites ran on which engine."""
    for line in (
        f"storage suites ran on: {', '.join(DATABASES)}",
        f"key-value suites ran on: {', '.join(KEYVALUES)}",
        f"not reachable here, their suites were left out: {', '.join(MISSING) or 'nothing'}",
    ):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """The URL of a migrated database of one engine, made once for all tests."""
    with ExitStack() as stack:
        made: dict[str, str] = {}

        def get(engine: str) -> str:
            if engine not in made:
                folder = tmp_path_factory.mktemp("migrated")
                made[engine] = stack.enter_context(engines.fresh_database(engine, folder))
                upgrade(made[engine])
            return made[engine]

        yield get


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path, migrated: Callable[[str], str]) -> str:
    """An empty, migrated database of each engine."""
    return engines.emptied(migrated(request.param), tmp_path)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database of each engine."""
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def all_texts() -> texts.Texts:
    """The real sentences."""
    return texts.load(settings_module.ROOT)


@pytest.fixture(scope="session")
def whole_catalog() -> catalog.Catalog:
    """The real catalogue."""
    return catalog.load(settings_module.ROOT)


@pytest.fixture
def settings(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a throw-away installation."""
    monkeypatch.setenv("LAWANG_VAR", str(tmp_path / "var"))
    loaded = settings_module.load()
    return replace(
        loaded,
        database_url=database_url,
        rasa_patience_seconds=0.2,
        rasa_timeout_seconds=2,
        quiet_hours=False,
    )


@pytest.fixture
def engine() -> ScriptedEngine:
    """A dialogue engine that does what the test says."""
    return ScriptedEngine()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The real apps, pointed at a stand-in city that is not there unless the test starts one."""
    monkeypatch.setenv("SANDBOX_WEBHOOK_SECRET", "rahasia-untuk-uji")
    return Registry.load()


@pytest.fixture
async def open_doors(
    settings: Settings,
    engine: ScriptedEngine,
    all_texts: texts.Texts,
    whole_catalog: catalog.Catalog,
    registry: Registry,
) -> AsyncIterator[Callable[..., Door]]:
    """Make any number of doors on one database, as several processes would have."""
    opened: list[Door] = []
    # What one test shares through Redis is nothing to another: above all, a channel that pauses.
    prefix = f"test:{uuid.uuid4().hex}:"

    def make(**changes: object) -> Door:
        database = Database(settings.database_url)
        keyvalue: KeyValue = MemoryKeyValue()
        wakeups: Wakeups = LocalWakeups(settings.var)
        if not database.is_sqlite and HAS_REDIS:
            redis = connect(engines.REDIS)
            keyvalue, wakeups = RedisKeyValue(redis, prefix), RedisWakeups(redis)
        door = Door(
            settings=settings,
            database=database,
            keyvalue=keyvalue,
            wakeups=wakeups,
            texts=all_texts,
            catalog=whole_catalog,
            media=MediaStore(settings.var / "media", database),
            engine=engine,
            sealer=Sealer(settings.secret_key),
            registry=registry,
        )
        door = replace(door, **changes)  # type: ignore[arg-type]
        opened.append(door)
        return door

    yield make
    for door in opened:
        await door.wakeups.close()
        await door.keyvalue.close()
        await door.database.close()
    await registry.close()


@pytest.fixture
async def door(open_doors: Callable[..., Door]) -> Door:
    """One open door."""
    made = open_doors()
    await made.wakeups.start()
    return made


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system with the real Rasa model, started once for all journeys."""
    folder = tmp_path_factory.mktemp("system")
    # A city that offers freed places at any hour: journeys are taken at night too.
    awake = (ROOT / "connectors" / "sandbox" / "city.yml").read_text("utf-8")
    assert 'offer_hours: "06:00-21:00"' in awake
    (folder / "city.yml").write_text(awake.replace("06:00-21:00", "00:00-23:59"), "utf-8")
    running = System(folder, SANDBOX_CITY=str(folder / "city.yml"))
    running.start()
    yield running
    assert running.stop() == 0, running.log.read_text()[-3000:]
