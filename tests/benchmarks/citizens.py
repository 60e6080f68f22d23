"""Citizens in closed loops: each asks, waits for the whole answer, asks again; a bounded number of times."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

from tests.benchmarks.figures import Series

PATIENCE_SECONDS = 120.0

Ask = Callable[[], Awaitable[Any]]


@asynccontextmanager
async def client(url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A light HTTP client with kept connections; it never asks a proxy."""
    # Shorter than the five seconds after which the servers close an idle connection.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=3)
    timeout = aiohttp.ClientTimeout(total=None, sock_read=PATIENCE_SECONDS)
    async with aiohttp.ClientSession(url, connector=connector, timeout=timeout) as session:
        yield session


async def loop(asks: Sequence[Ask], times: int) -> Series:
    """Let every citizen ask `times` times, all of them at once."""
    milliseconds: list[float] = []

    async def one(ask: Ask) -> None:
        for _ in range(times):
            begun = time.perf_counter()
            await ask()
            milliseconds.append(1000 * (time.perf_counter() - begun))

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for ask in asks:
            group.create_task(one(ask))
    return Series(milliseconds, time.perf_counter() - started)


class WebCitizen:
    """One web chat. `acknowledged` collects how long each POST took, ms."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._headers: dict[str, str] = {}
        self._progress = asyncio.Event()
        self._handled = 0
        self._waiting = 0
        self._reading: asyncio.Task[None] | None = None
        self.acknowledged: list[float] = []
        self.last: dict[str, Any] = {}

    async def open(self) -> None:
        """Get a pass and follow the conversation."""
        async with self._session.post("/chat/sessions", json={}) as answer:
            self._headers["Authorization"] = f"Bearer {(await answer.json())['token']}"
        self._reading = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Leave."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    async def _follow(self) -> None:
        async with self._session.get("/chat/stream?after=0", headers=self._headers) as answer:
            event = b""
            async for line in answer.content:
                name, _, value = line.rstrip(b"\n").partition(b": ")
                if name == b"event":
                    event = value
                elif name == b"data" and event == b"progress":
                    told = json.loads(value)
                    self._handled, self._waiting = told["handled_upto"], told["waiting"]
                    self._progress.set()
                elif name == b"data" and event == b"message":
                    message = json.loads(value)
                    if message["direction"] == "out":
                        self.last = message

    async def ask(self, text: str) -> None:
        """Send a text; returns once its answer is there.

        Raises:
            RuntimeError: refused.
            TimeoutError: no answer.
        """
        begun = time.perf_counter()
        body = {"client_id": str(uuid.uuid4()), "text": text}
        async with self._session.post("/chat/messages", json=body, headers=self._headers) as answer:
            receipt = await answer.json(content_type=None)
            if answer.status != 202:
                raise RuntimeError(f"HTTP {answer.status}: {receipt}")
        self.acknowledged.append(1000 * (time.perf_counter() - begun))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self._waiting or self._handled < receipt["id"]:
                self._progress.clear()
                await self._progress.wait()
