"""Many citizens write at once while processes die: what went in, what came out."""

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from bot.settings import ROOT
from bot.storage import holders, tables
from bot.storage.database import Database
from bot.storage.webhookcalls import webhook_calls
from tests.channels.botapi import serving
from tests.ports import free_port
from tests.soak import messengers
from tests.soak.messengers import Letter, Messenger
from tests.soak.peer import CloudPeer, Peer

FAST = {"SOAK_PACE": "1000", "WHATSAPP_PER_SECOND": "1000"}
"""As if the city had paid for broadcasts, and Meta had raised its number's limit."""
ANSWER = re.compile(r"Catatan petugas: (\d+): pesan (\d+)")


@dataclass
class Plan:
    """How much is said, and what goes wrong meanwhile."""

    citizens: int
    each: int
    kills: int = 2
    duplicates: float = 0.1
    faults: float = 0.02
    workers: int = 2
    at_once: int = 48
    seed: int = 1
    messenger: Messenger = field(default_factory=messengers.Telegram)

    @property
    def messages(self) -> int:
        """Different ones; duplicates come on top."""
        return self.citizens * self.each


@dataclass
class Outcome:
    """What came of it. `doubled` are bubbles that arrived again, `in_flight` those sent more than once."""

    messages: int
    deliveries: int = 0
    reports: int = 0
    redelivered: int = 0
    kills: int = 0
    faults: int = 0
    answered: int = 0
    lost: int = 0
    doubled: int = 0
    in_flight: int = 0
    disordered: int = 0
    unknown: int = 0
    delivered: int = 0
    left: int = 0
    seconds: float = 0.0
    acknowledged: list[float] = field(default_factory=list)


class Stage:
    """The processes and the peer of one soak."""

    def __init__(self, folder: Path, peer: Peer, environment: dict[str, str], workers: int) -> None:
        self.folder, self.peer = folder, peer
        self.port = free_port()
        self.environment = os.environ | {
            "LAWANG_VAR": str(folder),
            "PORT": str(self.port),
            "LAWANG_QUIET_HOURS": "off",
            "LOG_LEVEL": "WARNING",
            **environment,
        }
        self.names = ["door", *(f"worker-{number}" for number in range(workers))]
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        """Where the front door is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, name: str) -> None:
        """Start a process, or the one that takes a dead one's place."""
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-m", "tests.soak.process", name.partition("-")[0]]
            self.running[name] = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )

    async def started(self) -> None:
        """Start everything, and wait until it works."""
        self.start("door")
        async with httpx.AsyncClient() as client, asyncio.timeout(120):
            while True:
                try:
                    await client.get(f"{self.url}/healthz")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        for name in self.names[1:]:
            self.start(name)
        async with asyncio.timeout(120):
            while holders.held(self.folder / "run") < len(self.names) - 1:
                await asyncio.sleep(0.1)

    def run(self, *part: str) -> None:
        """Run a process that ends by itself. Raises CalledProcessError."""
        command = [sys.executable, "-m", "tests.soak.process", *part]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True)

    def kill(self, name: str) -> None:
        """kill -9, and start another at once."""
        self.running[name].send_signal(signal.SIGKILL)
        self.running[name].wait()
        self.start(name)

    def stop(self) -> None:
        """End every process politely."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@asynccontextmanager
async def staged(
    folder: Path, messenger: Messenger, peer: Peer, environment: dict[str, str], workers: int = 2
) -> AsyncIterator[Stage]:
    """Everything running and reachable."""
    async with serving(peer) as url:
        stage = Stage(folder, peer, messenger.settings(url) | environment, workers)
        try:
            await stage.started()
            yield stage
        finally:
            stage.stop()


async def deliver(client: httpx.AsyncClient, stage: Stage, letter: Letter, outcome: Outcome) -> None:
    """Deliver until it is taken, as the channels do."""
    path, body, headers = letter
    while True:
        started = time.perf_counter()
        try:
            answer = await client.post(stage.url + path, content=body, headers=headers)
            outcome.deliveries += 1
            if answer.status_code == 200:
                outcome.acknowledged.append(time.perf_counter() - started)
                return
        except httpx.TransportError:
            outcome.redelivered += 1
        await asyncio.sleep(0.2)


async def soak(folder: Path, plan: Plan, environment: dict[str, str], database_url: str) -> Outcome:
    """Let everybody talk, kill now and then, wait until all is answered, and count."""
    outcome, peer = Outcome(plan.messages), plan.messenger.peer(plan.faults, seed=plan.seed)
    chance = random.Random(plan.seed)
    environment = FAST | {"DATABASE_URL": database_url} | environment
    started = time.monotonic()
    async with staged(folder, plan.messenger, peer, environment, plan.workers) as stage:
        limits = httpx.Limits(max_connections=plan.at_once)
        async with httpx.AsyncClient(timeout=30, limits=limits) as client:
            room = asyncio.Semaphore(plan.at_once)
            everybody = range(plan.citizens)
            talks = [_talk(client, stage, number, plan, outcome, room, chance) for number in everybody]
            chance.shuffle(talks)
            killing = asyncio.create_task(_kill(stage, plan, outcome))
            all_said = asyncio.Event()
            telling = asyncio.create_task(_tell(client, stage, chance, all_said, outcome))
            await asyncio.gather(*talks)
            await killing
            await _quiet(database_url, peer, plan.messages)
            outcome.seconds = time.monotonic() - started
            all_said.set()
            await telling
            await _opened(database_url)
    outcome.faults = peer.faults
    await _count(outcome, plan, peer, database_url)
    return outcome


async def _tell(
    client: httpx.AsyncClient, stage: Stage, chance: random.Random, stop: asyncio.Event, outcome: Outcome
) -> None:
    """Bring the channel's reports, where it makes any; their calls are counted apart."""
    apart = Outcome(0)
    if isinstance(stage.peer, CloudPeer):
        await messengers.report(stage.peer, lambda one: deliver(client, stage, one, apart), chance, stop)
    outcome.reports = apart.deliveries


async def _talk(
    client: httpx.AsyncClient,
    stage: Stage,
    citizen: int,
    plan: Plan,
    outcome: Outcome,
    room: asyncio.Semaphore,
    chance: random.Random,
) -> None:
    """One citizen writes; some of it is delivered again, at once or long after."""
    said: list[Letter] = []
    for place in range(plan.each):
        async with room:
            body = plan.messenger.letter(citizen * plan.each + place + 1, citizen + 1, f"pesan {place + 1}")
            said.append(body)
            again = [chance.choice(said)] if chance.random() < plan.duplicates else []
            await asyncio.gather(*(deliver(client, stage, one, outcome) for one in (body, *again)))
        await asyncio.sleep(chance.uniform(0, 0.02))


async def _kill(stage: Stage, plan: Plan, outcome: Outcome) -> None:
    """Kill the door and workers in turn, each when another share of the work is done."""
    victims = [stage.names[1], "door", *stage.names[2:]]
    for number in range(plan.kills):
        share = plan.messages * (number + 1) / (plan.kills + 1)
        while len(stage.peer.moments) < share:
            await asyncio.sleep(0.02)
        stage.kill(victims[number % len(victims)])
        outcome.kills += 1


async def _quiet(database_url: str, peer: Peer, messages: int, patience: float = 120) -> None:
    """Wait until nothing waits any more; gives up when nothing moves for so long."""
    database = Database(database_url)
    moved, seen = time.monotonic(), -1
    query = sa.select(sa.func.count()).where(tables.messages.c.status.in_(["received", "queued", "sending"]))
    try:
        while time.monotonic() - moved < patience:
            async with database.reading() as conn:
                left = int((await conn.execute(query)).scalar_one())
            if left == 0 and len(peer.moments) >= messages:
                return
            if left + len(peer.moments) != seen:
                moved, seen = time.monotonic(), left + len(peer.moments)
            await asyncio.sleep(0.3)
    finally:
        await database.close()


async def _opened(database_url: str, patience: float = 60) -> None:
    """Wait until every call that was said yes to is opened: the last reports."""
    database = Database(database_url)
    query = sa.select(sa.func.count()).select_from(webhook_calls)
    until = time.monotonic() + patience
    try:
        while time.monotonic() < until:
            async with database.reading() as conn:
                if (await conn.execute(query)).scalar_one() == 0:
                    return
            await asyncio.sleep(0.1)
    finally:
        await database.close()


async def _count(outcome: Outcome, plan: Plan, peer: Peer, database_url: str) -> None:
    for citizen in range(1, plan.citizens + 1):
        pairs = [
            tuple(map(int, match.groups()))
            for text in peer.took[plan.messenger.key(citizen)]
            for match in ANSWER.finditer(text)
        ]
        seen = Counter(pairs)
        wanted = [(place, place) for place in range(1, plan.each + 1)]
        outcome.answered += sum(pair in seen for pair in wanted)
        outcome.lost += sum(pair not in seen for pair in wanted)
        outcome.doubled += sum(count - 1 for count in seen.values()) + sum(
            pair not in wanted for pair in seen
        )
        firsts = list(dict.fromkeys(pairs))
        outcome.disordered += sum(later < earlier for earlier, later in pairwise(firsts))
    database = Database(database_url)
    try:
        async with database.reading() as conn:
            outcome.left = await _number(
                conn, tables.messages.c.status.in_(["received", "queued", "sending"])
            )
            outcome.unknown = await _number(conn, tables.messages.c.status == "unknown")
            outcome.delivered = await _number(conn, tables.messages.c.status == "delivered")
            again = sa.and_(tables.messages.c.direction == "out", tables.messages.c.attempts > 1)
            outcome.in_flight = await _number(conn, again)
    finally:
        await database.close()


async def _number(conn: Any, condition: Any) -> int:
    return int((await conn.execute(sa.select(sa.func.count()).where(condition))).scalar_one())
