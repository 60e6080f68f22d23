"""One dialogue turn: our Rasa server next to stock `rasa run`.

The data, the machine and the run are the same. The turn is a citizen's question for the papers of a service,
answered by the same action of the same action server. Ours gets the state of the dialogue with every turn;
stock Rasa keeps a tracker. They are measured by turns, so that whatever else the machine does disturbs both.
"""

import asyncio
import os
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from bot.settings import ROOT
from tests.benchmarks import stock
from tests.benchmarks.citizens import Ask, client, loop
from tests.benchmarks.figures import Result, Rounds, Series, Table, number, quantile, raw
from tests.benchmarks.servers import Server, cpu_seconds, memory
from tests.benchmarks.talks import OurTalk, StockTalk, WrongAnswer
from tests.ports import free_port

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
ALONE = 60
CITIZENS, EACH = 16, 10
LONG, SAMPLES = 200, 30


class Side:
    """One of the two: its server, its talks, its figures."""

    def __init__(self, name: str, url: str, talk: type[OurTalk] | type[StockTalk]) -> None:
        self.name, self.url, self.talk = name, url, talk
        self.server: Server | None = None
        self.start_seconds = 0.0
        self.first: dict[str, float] = {}
        self.later: dict[str, float] = {}
        self.alone, self.together = Rounds(), Rounds()
        self.begins: list[float] = []
        self.goes_on: list[float] = []

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self.server is not None
        return self.server.pid

    async def asked_once(self) -> bool:
        """Try one turn; False while the server loads."""
        try:
            async with client(self.url) as session:
                await self.talk(session).ask()
        except (WrongAnswer, aiohttp.ContentTypeError, KeyError, TypeError) as error:
            if isinstance(error, WrongAnswer) and "HTTP 200" in str(error):
                raise
            return False
        except aiohttp.ClientError:
            return False
        return True


def run() -> Result:
    """Measure both sides."""
    with TemporaryDirectory(prefix="lawang-bench-") as folder:
        return asyncio.run(_run(Path(folder)))


async def _run(folder: Path) -> Result:
    actions_port, our_port, stock_port = free_port(), free_port(), free_port()
    actions_url = f"http://127.0.0.1:{actions_port}/webhook"
    stock.generate(folder, actions_url)
    model, training = stock.trained(folder, ROOT / "var" / "benchmarks")
    ours = Side("Lawang", f"http://127.0.0.1:{our_port}", OurTalk)
    theirs = Side("stock Rasa", f"http://127.0.0.1:{stock_port}", StockTalk)
    environment = {**os.environ, "ACTIONS_URL": actions_url, "LAWANG_VAR": str(folder / "var")}
    with _started() as start:
        command = [sys.executable, "-m", "actions.server", "--port", str(actions_port)]
        actions = start(Server("actions", command, ROOT, environment, folder / "actions.log"))
        await actions.answered(lambda: _healthy(actions_port))
        command = [
            str(ROOT / ".venv-rasa" / "bin" / "python"),
            "-m",
            "intents.server",
            "--port",
            str(our_port),
        ]
        ours.server = start(Server("our Rasa", command, ROOT, environment, folder / "ours.log"))
        ours.start_seconds = await ours.server.answered(ours.asked_once)
        command = stock.command(model, stock_port)
        theirs.server = start(
            Server("stock Rasa", command, folder, stock.environment(), folder / "stock.log")
        )
        theirs.start_seconds = await theirs.server.answered(theirs.asked_once)
        for side in (ours, theirs):
            side.first = memory(side.pid)
        async with client(ours.url) as our_session, client(theirs.url) as stock_session:
            sides = ((ours, our_session), (theirs, stock_session))
            for side, session in sides:
                await loop([side.talk(session).ask], 30)
            for _ in range(ROUNDS):
                for side, session in sides:
                    asks: list[Ask] = [_short_talks(side, session)]
                    side.alone.series.append(await _measured(asks, ALONE, side, actions.pid))
                for side, session in sides:
                    asks = [side.talk(session).ask for _ in range(CITIZENS)]
                    side.together.series.append(await _measured(asks, EACH, side, actions.pid))
            await _long(sides)
        for side in (ours, theirs):
            side.later = memory(side.pid)
    return _result(ours, theirs, training)


@contextmanager
def _started() -> Iterator[Any]:
    running: list[Server] = []

    def start(server: Server) -> Server:
        running.append(server)
        return server

    try:
        yield start
    finally:
        for server in reversed(running):
            server.stop()


async def _healthy(port: int) -> bool:
    async with client(f"http://127.0.0.1:{port}") as session:
        try:
            async with session.get("/health") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


def _short_talks(side: Side, session: aiohttp.ClientSession) -> Ask:
    """One citizen after the other, EACH turns in a row: a long talk is measured apart."""
    turns = count()
    talk = side.talk(session)

    async def ask() -> None:
        nonlocal talk
        if next(turns) % EACH == 0:
            talk = side.talk(session)
        await talk.ask()

    return ask


async def _measured(asks: list[Ask], times: int, side: Side, actions: int) -> Series:
    before = cpu_seconds(side.pid), cpu_seconds(actions)
    series = await loop(asks, times)
    series.cpu = {"rasa": cpu_seconds(side.pid) - before[0], "actions": cpu_seconds(actions) - before[1]}
    return series


async def _long(sides: Any) -> None:
    """Turn 200 next to turn 1, one after the other, so that both meet the same machine."""
    talks = []
    for side, session in sides:
        talk = side.talk(session)
        await loop([talk.ask], LONG - 1)
        talks.append((side, session, talk))
    for sample in range(SAMPLES):
        for side, session, talk in talks:
            await side.talk(session).ask()
            # Whoever comes second finds warmer caches: each goes first half of the time.
            for first in (True, False) if sample % 2 else (False, True):
                if first:
                    side.begins += (await loop([side.talk(session).ask], 1)).milliseconds
                else:
                    side.goes_on += (await loop([talk.ask], 1)).milliseconds


def _result(ours: Side, theirs: Side, training: dict[str, float]) -> Result:
    def row(what: str, left: str, right: str, ratio: str = "") -> list[str]:
        return [what, left, right, ratio]

    def compared(what: str, mine: float, other: float, unit: str, more_is_better: bool = False) -> list[str]:
        ratio = mine / other if more_is_better else other / mine
        return row(f"{what}, {unit}", number(mine), number(other), f"{number(ratio)}×")

    def rounds(what: str, kind: str, figure: str, unit: str, more: bool = False) -> list[str]:
        mine, other = getattr(ours, kind), getattr(theirs, kind)
        left, right = mine.middle(figure), other.middle(figure)
        ratio = left / right if more else right / left
        return row(f"{what}, {unit}", mine.both(figure), other.both(figure), f"{number(ratio)}×")

    growth = [statistics.median(side.goes_on) / statistics.median(side.begins) for side in (ours, theirs)]
    table = Table(
        "Turns: our Rasa server next to stock Rasa",
        ["", ours.name, theirs.name, "better by"],
        [
            rounds("1 citizen, p50", "alone", "p50", "ms"),
            rounds("1 citizen, p95", "alone", "p95", "ms"),
            rounds("1 citizen", "alone", "per_second", "turns/s", more=True),
            rounds(f"{CITIZENS} citizens", "together", "per_second", "turns/s", more=True),
            rounds(f"{CITIZENS} citizens, p50", "together", "p50", "ms"),
            compared("processor time of Rasa a turn", *_cpu(ours, theirs, "rasa"), "ms"),
            compared("processor time of the actions a turn", *_cpu(ours, theirs, "actions"), "ms"),
            compared("turn 1 of a talk, p50", quantile(ours.begins, 0.5), quantile(theirs.begins, 0.5), "ms"),
            compared(
                f"turn {LONG} of a talk, p50",
                quantile(ours.goes_on, 0.5),
                quantile(theirs.goes_on, 0.5),
                "ms",
            ),
            row(f"turn {LONG} costs, turn 1 = 1", number(growth[0]), number(growth[1])),
            compared("start-up to the first answer", ours.start_seconds, theirs.start_seconds, "s"),
            compared("resident memory after the first answer", ours.first["rss"], theirs.first["rss"], "MB"),
            compared("resident memory at the end", ours.later["rss"], theirs.later["rss"], "MB"),
        ],
        f"{ROUNDS} rounds, ours and stock alternating: median of the rounds (best round). A round is {ALONE} "
        f"turns at 1 citizen and {CITIZENS} × {EACH} at {CITIZENS}, in talks of {EACH}. Stock Rasa had "
        f"{training['epochs']:.0f} epochs of DIET.",
    )
    return Result(
        "turns", [table], {"training": training, **{side.name: _raw(side) for side in (ours, theirs)}}
    )


def _cpu(ours: Side, theirs: Side, name: str) -> tuple[float, float]:
    return ours.alone.cpu_each(name), theirs.alone.cpu_each(name)


def _raw(side: Side) -> dict[str, Any]:
    return {
        "alone": raw(side.alone),
        "together": raw(side.together),
        "turn_1_ms": side.begins,
        f"turn_{LONG}_ms": side.goes_on,
        "start_seconds": side.start_seconds,
        "memory_first_mb": side.first,
        "memory_later_mb": side.later,
    }
