"""Messages at the channels' own limits: 200 webhooks a second in; notices out at the full rate.

A real front door and two real workers (one on SQLite, where nothing is shared); the peer has Telegram's
limit (30 a second) or the Cloud API's (80) and counts what came too fast. First citizens write, each once,
200 a second for RATES_IN_SECONDS (20), and everybody is answered; next to it, at the same pace, a bare
FastAPI route that stores a row. Then notices to them are queued, as many as the channel takes in
RATES_OUT_SECONDS (75), and the workers started. Only the dialogue is scripted.
"""

import asyncio
import itertools
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from bot.settings import ROOT
from tests import engines
from tests.benchmarks.figures import Result, Table, number, quantile
from tests.benchmarks.servers import Server
from tests.ports import free_port
from tests.soak.messengers import CHANNELS, Letter
from tests.soak.peer import Peer
from tests.soak.soaking import staged

IN_A_SECOND = 200
IN_SECONDS = int(os.environ.get("RATES_IN_SECONDS", "20"))
OUT_SECONDS = int(os.environ.get("RATES_OUT_SECONDS", "75"))
BARE_SECONDS = 10
FULL = {"Telegram": 30, "WhatsApp": 80}
# All of it for what goes out: nothing comes in meanwhile.
ENVIRONMENT = {"WHATSAPP_PER_SECOND": "80"}


@dataclass
class Side:
    """One channel on one engine, and what it did."""

    channel: str
    engine: str
    acknowledged: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    held: float = 0.0
    busiest: int = 0
    violations: int = 0
    too_fast: int = 0
    people: int = 0
    answered: int = 0
    answered_in: float = 0.0
    notices: int = 0
    arrived: int = 0


def run() -> Result:
    """Measure both channels on SQLite, and on PostgreSQL with Redis where both answer."""
    sides = []
    for engine, channel in itertools.product(engines.available(), FULL):
        redis = engine == "postgresql" and engines.redis_answers()
        side = Side(channel, f"{engine} + Redis" if redis else engine)
        with (
            TemporaryDirectory(prefix="lawang-rates-") as folder,
            engines.fresh_database(engine, Path(folder)) as url,
        ):
            settings = {"REDIS_URL": engines.REDIS if redis else "", "DATABASE_URL": url}
            asyncio.run(_measure(side, Path(folder), settings))
        sides.append(side)
    return _result(sides)


async def _measure(side: Side, folder: Path, settings: dict[str, str]) -> None:
    messenger = CHANNELS[side.channel.casefold()]
    peer = messenger.peer(limits=True)
    side.people = IN_A_SECOND * IN_SECONDS
    side.notices = FULL[side.channel] * OUT_SECONDS
    async with aiohttp.ClientSession() as client:
        await _bare(client, side, folder)
        workers = 2 if settings["REDIS_URL"] else 1
        async with staged(folder, messenger, peer, ENVIRONMENT | settings, workers) as stage:

            def written(one: int) -> Letter:
                path, body, headers = messenger.letter(one + 1, one + 1, "pesan 1")
                return stage.url + path, body, headers

            began = time.monotonic()
            side.acknowledged = await _at_pace(client, side.people, written)
            await _taken(peer, side.people)
            side.answered, side.answered_in = len(peer.moments), time.monotonic() - began
            side.violations = peer.violations
            stage.stop()
            await asyncio.to_thread(stage.run, "queue", str(side.notices))
            peer.moments.clear()
            await stage.started()
            await _taken(peer, side.notices)
    side.arrived, side.too_fast = len(peer.moments), peer.violations - side.violations
    side.held, side.busiest = peer.fullest_minute(), peer.busiest_second()


async def _bare(client: aiohttp.ClientSession, side: Side, folder: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/messages"
    command = [str(ROOT / ".venv" / "bin" / "python"), "-m", "tests.benchmarks.bare"]
    files = [str(port), str(folder / "bare.db")]
    server = Server("bare", [*command, *files], ROOT, os.environ, folder / "bare.log")

    def letter(one: int) -> Letter:
        body = json.dumps({"client_id": str(one), "text": "pesan 1"}).encode()
        return url, body, {"Content-Type": "application/json"}

    async def answers() -> bool:
        try:
            async with client.post(url, data=letter(0)[1]) as answer:
                return answer.status == 202
        except aiohttp.ClientError:
            return False

    try:
        await server.answered(answers)
        side.bare = await _at_pace(client, IN_A_SECOND * min(BARE_SECONDS, IN_SECONDS), letter)
    finally:
        server.stop()


async def _at_pace(client: aiohttp.ClientSession, count: int, letter: Callable[[int], Letter]) -> list[float]:
    """Post at IN_A_SECOND, whatever the answers do; seconds from the moment each was due to its answer."""
    began = time.perf_counter()

    async def one(place: int) -> float:
        due = began + place / IN_A_SECOND
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        url, body, headers = letter(place)
        async with client.post(url, data=body, headers=headers) as answer:
            await answer.read()
            if answer.status not in (200, 202):
                raise RuntimeError(f"HTTP {answer.status}")
        return time.perf_counter() - due

    return list(await asyncio.gather(*(one(place) for place in range(count))))


async def _taken(peer: Peer, count: int) -> None:
    """Wait until the peer has taken so many; gives up when nothing moves for a minute."""
    moved, seen = time.monotonic(), -1
    while len(peer.moments) < count and time.monotonic() - moved < 60:
        if len(peer.moments) != seen:
            moved, seen = time.monotonic(), len(peer.moments)
        await asyncio.sleep(0.2)


def _result(sides: list[Side]) -> Result:
    def row(what: str, cells: Callable[[Side], str]) -> list[str]:
        return [what, *(cells(side) for side in sides)]

    def ms(values: list[float], share: float) -> str:
        return number(1000 * quantile(values, share))

    rows = [
        row("citizens who wrote, 200 a second", lambda side: str(side.people)),
        row("acknowledged p50, ms", lambda side: ms(side.acknowledged, 0.5)),
        row("acknowledged p99, ms", lambda side: ms(side.acknowledged, 0.99)),
        row("a bare route, p50, ms", lambda side: ms(side.bare, 0.5)),
        row("a bare route, p99, ms", lambda side: ms(side.bare, 0.99)),
        row("answered", lambda side: str(side.answered)),
        row("all answered after, s", lambda side: number(side.answered_in)),
        row("answers sent too fast (counted by the peer)", lambda side: str(side.violations)),
        row("notices queued", lambda side: str(side.notices)),
        row("notices that arrived", lambda side: str(side.arrived)),
        row("the channel's limit, a second", lambda side: str(FULL[side.channel])),
        row("notices a second, fullest minute", lambda side: number(side.held)),
        row("notices in the fullest second", lambda side: str(side.busiest)),
        row("notices sent too fast (counted by the peer)", lambda side: str(side.too_fast)),
    ]
    columns = ["", *(f"{side.channel}, {side.engine}" for side in sides)]
    note = (
        "Two workers, one on SQLite. Acknowledged: from when a call was due to its 200; the workers answer"
        " meanwhile."
    )
    raw = {f"{side.channel}, {side.engine}": vars(side) for side in sides}
    return Result("rates", [Table("Messages at the channels' limits", columns, rows, note)], raw)
