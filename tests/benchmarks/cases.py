"""Complaints from the first message to *sudah beres*, on empty tables and on a million cases.

One life cycle is what a citizen's complaint costs us beside the dialogue and the city's own system: a message
is accepted, a turn opens the case, three reports of the city move it and are told, a second message and turn
confirm it. Everything is the real code in one process; the dialogue is scripted and the city is silent. For
the way of an update to the messenger the front door that takes it is a second process, as in a city.
BENCH_CASES says how many rows the full tables hold (1000000), BENCH_LIVES how many life cycles a round has.
"""

import asyncio
import json
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from bot import settings as settings_module
from bot import worker
from bot.conversations import updates
from bot.door import Door, open_door
from bot.storage import conversations, tables
from bot.storage.database import upgrade
from bot.vocabulary.messages import ChannelName
from connectors.capabilities import CaseStatus, StatusUpdate
from tests import engines
from tests.benchmarks import filled
from tests.benchmarks.city import APP, SECRET
from tests.benchmarks.figures import Result, Rounds, Series, Table, number, quantile, raw
from tests.postman import Postman
from tests.scripted import ScriptedEngine
from tests.talk import Citizen

ROWS = int(os.environ.get("BENCH_CASES", "1000000"))
LIVES = int(os.environ.get("BENCH_LIVES", "200"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
AT_ONCE = 16
EVENTS_A_SECOND, SECONDS = 50, int(os.environ.get("BENCH_SECONDS", "20"))
BURST = int(os.environ.get("BENCH_BURST", "10000"))
STEPS = (CaseStatus.VERIFIED, CaseStatus.IN_PROGRESS, CaseStatus.DONE)


class Side:
    """One engine with one filling, and what it did."""

    def __init__(self, engine: str, rows: int) -> None:
        self.engine, self.rows = engine, rows
        self.lives = Rounds()
        self.reached: list[float] = []
        self.burst_seconds = 0.0
        self.filling_seconds = 0.0

    @property
    def name(self) -> str:
        """The column's heading."""
        return f"{self.engine}, {'empty' if not self.rows else f'{self.rows:,} cases'}"


def run() -> Result:
    """Measure SQLite and PostgreSQL, empty and full."""
    sides = []
    for engine in engines.available():
        for rows in (0, ROWS):
            with TemporaryDirectory(prefix="lawang-bench-") as folder:
                side = Side(engine, rows)
                with engines.fresh_database(engine, Path(folder)) as url:
                    upgrade(url)
                    asyncio.run(_measure(side, url, Path(folder)))
                sides.append(side)
    return _result(sides)


async def _measure(side: Side, url: str, folder: Path) -> None:
    async with _door(url, folder) as (door, postman):
        started = time.perf_counter()
        await filled.fill(door.database, side.rows)
        side.filling_seconds = time.perf_counter() - started
        stop = asyncio.Event()
        working = asyncio.create_task(worker.work(door, stop))
        try:
            await _lives(door, AT_ONCE)  # warm
            for _ in range(ROUNDS):
                side.lives.series.append(await _lives(door, LIVES))
            await _reach(door, postman, side)
            await _burst(door, side)
        finally:
            stop.set()
            await working


@asynccontextmanager
async def _door(url: str, folder: Path) -> AsyncIterator[tuple[Door, Postman]]:
    os.environ["LAWANG_VAR"] = str(folder / "var")
    os.environ["SANDBOX_WEBHOOK_SECRET"] = SECRET
    given = settings_module.load()
    settings = replace(
        given, database_url=url, telegram_token=None, telegram_mode="webhook", quiet_hours=False
    )
    if engines.redis_answers() and not url.startswith("sqlite"):
        settings = replace(settings, redis_url=engines.REDIS)
    async with open_door(settings) as door:
        postman = Postman()
        yield replace(door, engine=Scripted(), channels={ChannelName.TELEGRAM: postman}), postman


class Scripted(ScriptedEngine):
    """Opens a case for *lapor <number>*, confirms it for *beres <number>*."""

    def __init__(self) -> None:
        super().__init__()
        self.effects = self._effects

    def _effects(self, turn: Any) -> list[dict[str, Any]]:
        self.turns.clear()
        word, _, reference = turn.text.partition(" ")
        named = {"connector": APP, "reference": reference.upper()}
        if word == "beres":
            return [{"type": "case_confirmed", **named}]
        promised = (datetime.now(UTC) + timedelta(days=7)).isoformat()
        return [
            {
                "type": "case_opened",
                **named,
                "kind": "complaint",
                "status": "received",
                "topic": "lampu_jalan",
                "description": "lampu jalan mati sejak Senin",
                "place": "depan SDN Wates RT 3 RW 1",
                "region": "35.76.02.1010",
                "verify_by": promised,
                "promised_at": promised,
            }
        ]


async def _lives(door: Door, count: int) -> Series:
    """Live `count` complaints, AT_ONCE at a time."""
    left = iter(range(count))
    took: list[float] = []

    async def citizens() -> None:
        for _ in left:
            started = time.perf_counter()
            await _live(door)
            took.append(1000 * (time.perf_counter() - started))

    started = time.perf_counter()
    await asyncio.gather(*(citizens() for _ in range(AT_ONCE)))
    return Series(took, time.perf_counter() - started)


async def _live(door: Door) -> None:
    name = uuid.uuid4().hex
    reference = _reference()
    citizen = Citizen(door, name)
    await _says(door, citizen, f"lapor {reference}")
    for number_, step in enumerate(STEPS):
        moment = datetime.now(UTC)
        outcome = await updates.record(
            door, StatusUpdate(APP, "case", f"{reference}-{number_}", reference, step, moment)
        )
        if outcome is not updates.Recorded.APPLIED:
            raise RuntimeError(f"an update of a life cycle was {outcome}")
    await _says(door, citizen, f"beres {reference}")


def _reference() -> str:
    """A number that no one would mask as a telephone's or a person's."""
    return "BM-" + uuid.uuid4().hex[:20].translate(str.maketrans("0123456789", "ghijklmnop")).upper()


async def _says(door: Door, citizen: Citizen, text: str) -> None:
    """Say something and wait until the worker has answered it."""
    async with door.database.reading() as conn:
        known = await conversations.find_by_address(conn, "kota_mojokerto", citizen.address)
    accepted = None if known else await citizen.say(text)
    conversation = known.id if known else accepted.conversation_id  # type: ignore[union-attr]
    async with door.wakeups.listen(f"conversation:{conversation}") as bell:
        if known:
            await citizen.say(text)
        while await _waits(door, conversation):
            await bell.wait(0.5)


async def _waits(door: Door, conversation: str) -> bool:
    query = sa.select(tables.messages.c.id).where(
        tables.messages.c.conversation_id == conversation,
        tables.messages.c.status == "received",
        tables.messages.c.direction == "in",
    )
    async with door.database.reading() as conn:
        return (await conn.execute(query.limit(1))).first() is not None


async def _reach(door: Door, postman: Postman, side: Side) -> None:
    """Signed webhooks at a steady pace, whatever the answers do; how long each takes to the messenger."""
    total = EVENTS_A_SECOND * SECONDS
    followers = [await _followed(door, f"t{number_}") for number_ in range(50)]
    postman.delivered.clear()
    reported = await _reports(door, "r", followers, total, EVENTS_A_SECOND)
    await _delivered(postman, total)
    sent = reported["sent"]
    side.reached = [moment - sent[note] for note, moment in postman.arrived.items() if note in sent]


async def _burst(door: Door, side: Side) -> None:
    """10,000 events as fast as they are taken: the bad minute of a city system."""
    followers = [await _followed(door, f"b{number_}", ChannelName.WEBCHAT) for number_ in range(50)]
    side.burst_seconds = (await _reports(door, "b", followers, BURST, 0))["seconds"]
    kept = sa.select(sa.func.count()).where(tables.updates.c.event_id.like("b%-BM-%"))
    async with door.database.reading() as conn:
        stored = (await conn.execute(kept)).scalar_one()
    if stored != BURST:
        raise RuntimeError(f"of {BURST} events {stored} were kept")


async def _reports(
    door: Door, name: str, references: list[str], events: int, per_second: int
) -> dict[str, Any]:
    """Let a city with a front door of its own process report; what it says about it."""
    environment = {
        **os.environ,
        "DATABASE_URL": door.settings.database_url,
        "REDIS_URL": door.settings.redis_url or "",
        "LAWANG_QUIET_HOURS": "off",
        "TELEGRAM_BOT_TOKEN": "",
    }
    wanted = {"name": name, "references": references, "events": events, "per_second": per_second}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.city",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
        cwd=settings_module.ROOT,
    )
    out, _ = await process.communicate(json.dumps({**wanted, "at_once": AT_ONCE}).encode())
    if process.returncode:
        raise RuntimeError("the reporting city failed")
    found: dict[str, Any] = json.loads(out)
    return found


async def _followed(door: Door, name: str, channel: ChannelName = ChannelName.TELEGRAM) -> str:
    reference = _reference()
    await _says(door, Citizen(door, f"{name}-{reference}", channel), f"lapor {reference}")
    return reference


async def _delivered(postman: Postman, count: int) -> None:
    async with asyncio.timeout(300):
        while len([text for _, text in postman.delivered if "catatan-" in text]) < count:
            await asyncio.sleep(0.05)


def _result(sides: list[Side]) -> Result:
    def row(what: str, cells: list[str]) -> list[str]:
        return [what, *cells]

    ratios = {
        engine: full.lives.middle("per_second") / empty.lives.middle("per_second")
        for engine in {side.engine for side in sides}
        for empty, full in [[side for side in sides if side.engine == engine]]
    }
    lives = Table(
        "Complaint life cycles: created, three updates, confirmed",
        ["", *(side.name for side in sides)],
        [
            row("life cycles/s", [side.lives.both("per_second") for side in sides]),
            row("one life cycle, p50, ms", [side.lives.both("p50") for side in sides]),
            row("one life cycle, p95, ms", [side.lives.both("p95") for side in sides]),
            row("full / empty", [number(ratios[s.engine]) if s.rows else "" for s in sides]),
            row(
                f"update to messenger at {EVENTS_A_SECOND}/s, p50, ms",
                [number(1000 * quantile(side.reached, 0.5)) for side in sides],
            ),
            row(
                f"update to messenger at {EVENTS_A_SECOND}/s, p95, ms",
                [number(1000 * quantile(side.reached, 0.95)) for side in sides],
            ),
            row(f"{BURST:,} signed events, s", [number(side.burst_seconds) for side in sides]),
            row("filling the tables, s", [number(side.filling_seconds) for side in sides]),
        ],
        f"{ROUNDS} rounds of {LIVES} life cycles, {AT_ONCE} at a time: median (best). One process does all "
        "of a life cycle; reports come in through a second one.",
    )
    found = {
        side.name: {"lives": raw(side.lives), "reached_ms": [round(1000 * one, 1) for one in side.reached]}
        for side in sides
    }
    return Result("cases", [lives], found)
