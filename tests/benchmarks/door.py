"""The whole system over the web chat's HTTP API: messages acknowledged and answered, memory.

Next to it, in the same run: the same turn asked straight of the same Rasa server (what the dialogue alone
costs), and a bare FastAPI route that only stores a row in SQLite (what a promise to keep a message costs at
least).
"""

import asyncio
import os
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from bot.settings import ROOT
from tests import engines
from tests.benchmarks.citizens import Ask, WebCitizen, client, loop
from tests.benchmarks.figures import Result, Rounds, Series, Table, number, raw
from tests.benchmarks.servers import Server, cpu_seconds, memory
from tests.benchmarks.talks import QUESTION, OurTalk
from tests.benchmarks.turns import ROUNDS
from tests.ports import free_port
from tests.system.running import System

ALONE = 60
CITIZENS, EACH = 16, 10
PROCESSES = ("door", "worker", "rasa", "actions", "city", "supervisor")


class Engine:
    """One kind of storage, and what the system did on it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.acknowledged, self.answered, self.together = Rounds(), Rounds(), Rounds()
        self.busy_acknowledged = Rounds()
        self.direct, self.direct_together, self.bare = Rounds(), Rounds(), Rounds()
        self.start_seconds = 0.0
        self.memory: dict[str, dict[str, float]] = {}


def run() -> Result:
    """Measure on SQLite, and on PostgreSQL with Redis where both answer."""
    measured = []
    for name, usable in (
        ("SQLite", True),
        ("PostgreSQL + Redis", engines.postgres_answers() and engines.redis_answers()),
    ):
        if not usable:
            continue
        with (
            TemporaryDirectory(prefix="lawang-bench-") as folder,
            _storage(name, Path(folder)) as environment,
        ):
            system = System(Path(folder), **environment)
            try:
                measured.append(asyncio.run(_measure(name, system, Path(folder))))
            finally:
                system.stop()
    return _result(measured)


@contextmanager
def _storage(name: str, folder: Path) -> Iterator[dict[str, str]]:
    """The settings of a fresh database; PostgreSQL's is dropped afterwards."""
    if name == "SQLite":
        yield {"DATABASE_URL": "", "REDIS_URL": ""}
        return
    redis = engines.REDIS.rpartition("/")[0]
    with engines.fresh_database("postgresql", folder) as url:
        yield {"DATABASE_URL": url, "REDIS_URL": f"{redis}/14"}


async def _measure(name: str, system: System, folder: Path) -> Engine:
    engine = Engine(name)
    engine.start_seconds = system.start()
    port = free_port()
    command = [
        str(ROOT / ".venv" / "bin" / "python"),
        "-m",
        "tests.benchmarks.bare",
        str(port),
        str(folder / "bare.db"),
    ]
    bare = Server("bare", command, ROOT, os.environ, folder / "bare.log")
    try:
        await bare.answered(lambda: _kept(f"http://127.0.0.1:{port}"))
        await _rounds(engine, system, f"http://127.0.0.1:{port}")
        pids = system.pids()
        engine.memory = {
            process: memory(pids[process], children=process != "supervisor") for process in PROCESSES
        }
    finally:
        bare.stop()
    return engine


async def _rounds(engine: Engine, system: System, bare_url: str) -> None:
    rasa_url = f"http://127.0.0.1:{system.ports['RASA_PORT']}"
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(client(system.url))
        rasa = await stack.enter_async_context(client(rasa_url))
        bare = await stack.enter_async_context(client(bare_url))
        citizens = [WebCitizen(session) for _ in range(CITIZENS)]
        for citizen in citizens:
            await citizen.open()
            stack.push_async_callback(citizen.close)
        for citizen in citizens:
            await citizen.ask(QUESTION)
        await loop([_asks(citizens[0])], 20)
        await loop([OurTalk(rasa).ask], 20)
        await loop([lambda: _keep(bare)], 20)
        pids = system.pids()
        for _ in range(ROUNDS):
            engine.bare.series.append(await loop([lambda: _keep(bare)], ALONE))
            engine.direct.series.append(await loop([OurTalk(rasa).ask], ALONE))
            engine.answered.series.append(await _counted([citizens[0]], ALONE, pids))
            engine.acknowledged.series.append(_acknowledged([citizens[0]]))
            engine.direct_together.series.append(
                await loop([OurTalk(rasa).ask for _ in range(CITIZENS)], EACH)
            )
            engine.together.series.append(await _counted(citizens, EACH, pids))
            engine.busy_acknowledged.series.append(_acknowledged(citizens))


def _asks(citizen: WebCitizen) -> Ask:
    return lambda: citizen.ask(QUESTION)


async def _counted(citizens: list[WebCitizen], times: int, pids: dict[str, int]) -> Series:
    for citizen in citizens:
        citizen.acknowledged.clear()
    watched = ("door", "worker", "rasa", "actions")
    before = {name: cpu_seconds(pids[name]) for name in watched}
    series = await loop([_asks(citizen) for citizen in citizens], times)
    series.cpu = {name: cpu_seconds(pids[name]) - before[name] for name in watched}
    return series


def _acknowledged(citizens: list[WebCitizen]) -> Series:
    took = [each for citizen in citizens for each in citizen.acknowledged]
    return Series(took, sum(took) / 1000)


async def _keep(session: aiohttp.ClientSession) -> None:
    async with session.post("/messages", json={"client_id": uuid.uuid4().hex, "text": QUESTION}) as answer:
        await answer.json()


async def _kept(url: str) -> bool:
    async with client(url) as session:
        try:
            await _keep(session)
        except aiohttp.ClientError:
            return False
        return True


def _result(measured: list[Engine]) -> Result:
    def row(what: str, kind: str, figure: str) -> list[str]:
        return [what, *(getattr(engine, kind).both(figure) for engine in measured)]

    names = [engine.name for engine in measured]
    speed = Table(
        "The front door: one message over the web chat",
        ["", *names],
        [
            row("acknowledged, 1 citizen, p50, ms", "acknowledged", "p50"),
            row("acknowledged, 1 citizen, p95, ms", "acknowledged", "p95"),
            row("— bare FastAPI + SQLite insert, p50, ms", "bare", "p50"),
            row("— bare FastAPI + SQLite insert, p95, ms", "bare", "p95"),
            row("answered, 1 citizen, p50, ms", "answered", "p50"),
            row("answered, 1 citizen, p95, ms", "answered", "p95"),
            row("— straight to Rasa, 1 citizen, p50, ms", "direct", "p50"),
            row("— straight to Rasa, 1 citizen, p95, ms", "direct", "p95"),
            row("answers/s, 1 citizen", "answered", "per_second"),
            row(f"answers/s, {CITIZENS} citizens", "together", "per_second"),
            row(f"— straight to Rasa, {CITIZENS} citizens, turns/s", "direct_together", "per_second"),
            row(f"answered, {CITIZENS} citizens, p50, ms", "together", "p50"),
            row(f"answered, {CITIZENS} citizens, p95, ms", "together", "p95"),
            row(f"acknowledged, {CITIZENS} citizens, p50, ms", "busy_acknowledged", "p50"),
            row(f"acknowledged, {CITIZENS} citizens, p95, ms", "busy_acknowledged", "p95"),
            *(
                [
                    f"processor time of {name} an answer, ms",
                    *(number(e.together.cpu_each(name)) for e in measured),
                ]
                for name in ("door", "worker", "rasa", "actions")
            ),
            ["start of everything, model trained, s", *(number(engine.start_seconds) for engine in measured)],
        ],
        f"{ROUNDS} rounds, everything alternating: median of the rounds (best round). A round is {ALONE} "
        f"messages of one citizen and {CITIZENS} × {EACH} of {CITIZENS}; processor time with {CITIZENS}.",
    )
    weights = Table(
        "Memory of each process, MB resident (proportional)",
        ["", *names],
        [
            *([process, *(_weight(engine.memory[process]) for engine in measured)] for process in PROCESSES),
            [
                "together, proportional",
                *(number(sum(one["pss"] for one in e.memory.values())) for e in measured),
            ],
        ],
        "After the rounds above.",
    )
    return Result("door", [speed, weights], {engine.name: _raw(engine) for engine in measured})


def _weight(memory: dict[str, float]) -> str:
    return f"{number(memory['rss'])} ({number(memory['pss'])})"


def _raw(engine: Engine) -> dict[str, Any]:
    kinds = ("acknowledged", "answered", "together", "busy_acknowledged", "direct", "direct_together", "bare")
    rounds = {kind: raw(getattr(engine, kind)) for kind in kinds}
    return {**rounds, "start_seconds": engine.start_seconds, "memory_mb": engine.memory}
