"""A stand-in queue for races: several processes' worth of it on one store, or a real process to be killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from connectors.client import Client
from connectors.conformance import kit
from connectors.dialects.mpp_queue import MppQueue
from connectors.sandbox.app import create_app
from connectors.sandbox.city import City, load_city
from connectors.sandbox.hall import CityHall
from connectors.sandbox.settings import SandboxSettings
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
KEY = "kunci-untuk-uji"
# A Monday, 07.00 WIB.
MONDAY = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)


@dataclass
class Clock:
    """Stands still until turned."""

    now: datetime = MONDAY

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **step: float) -> None:
        self.now += timedelta(**step)


@dataclass
class Queue:
    """Our connector to two processes' worth of one queue, used in turn; `hall` is the inside of the first."""

    apps: list[MppQueue]
    halls: list[CityHall]
    clock: Clock

    def __getitem__(self, number: int) -> MppQueue:
        return self.apps[number % len(self.apps)]

    @property
    def hall(self) -> CityHall:
        return self.halls[0]


def with_places(places: int, counter: str = "dukcapil") -> City:
    """The shipped city with another number of places a slot at one counter."""
    city = load_city()
    desk = replace(city.counters[counter], places_per_slot=places)
    return replace(city, counters=city.counters | {counter: desk})


@asynccontextmanager
async def queue(store: Path | str, city: City | None = None, processes: int = 2) -> AsyncIterator[Queue]:
    """Open the queue on a store, as `processes` processes would."""
    clock = Clock()
    found = Queue([], [], clock)
    async with AsyncExitStack() as stack:
        for _ in range(processes):
            app = create_app(SandboxSettings(database=store, api_key=KEY), city, clock)
            await stack.enter_async_context(app.router.lifespan_context(app))
            client = Client(httpx.ASGITransport(app))
            stack.push_async_callback(client.close)
            connector = kit.queue_app("http://kota.test/mpp/v1", KEY, client)
            connector.endpoint = replace(connector.endpoint, timeout_seconds=60.0, rate_per_minute=1_000_000)
            found.apps.append(connector)
            found.halls.append(app.state.hall)
        yield found


@dataclass
class Process:
    """A queue in a process of its own, which can be killed and started again on its store."""

    store: Path | str
    log: Path
    port: int = 0
    running: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        if not self.port:
            self.port = free_port()
        environment = {
            "SANDBOX_DATABASE": str(self.store),
            "SANDBOX_PORT": str(self.port),
            "SANDBOX_FAULTS": "1",
        }
        environment |= {"SANDBOX_API_KEY": KEY, "PATH": os.environ["PATH"]}
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "tests.races.queue_process"]
            self.running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as client:
            while True:
                try:
                    await client.get(f"http://127.0.0.1:{self.port}/healthz")
                    return
                except httpx.TransportError:
                    await asyncio.sleep(0.05)

    def kill(self) -> None:
        if self.running is not None:
            self.running.send_signal(signal.SIGKILL)
            self.running.wait()
            self.running = None

    async def fault(self, **plan: Any) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.post(f"http://127.0.0.1:{self.port}/_faults", json={"mpp": plan} if plan else {})

    def connector(self, client: Client, seconds: float = 30.0) -> MppQueue:
        app = kit.queue_app(f"http://127.0.0.1:{self.port}/mpp/v1", KEY, client)
        app.endpoint = replace(app.endpoint, timeout_seconds=seconds, rate_per_minute=1_000_000)
        return app


Wish = Callable[[int], Any]


async def together(count: int, wish: Wish) -> list[Any]:
    """Do something `count` times at once; errors are outcomes too."""
    return await asyncio.gather(*(wish(number) for number in range(count)), return_exceptions=True)
