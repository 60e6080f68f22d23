"""Writers of several processes take turns on one SQLite file: nobody writes again before who waits has.

SQLite's own waiting is a retry after ever longer sleeps, which a busy process always wins: a front door
beside a worker with much to do waited for seconds. Here who comes next holds the gate until it is their turn,
so two busy processes alternate. It is a courtesy only: SQLite's lock decides, and a process that takes no
part, or is stopped in its turn, holds nobody up longer than PATIENCE_SECONDS. The kernel frees what a dead
process held.
"""

import asyncio
import contextlib
import fcntl
import os
import time
from pathlib import Path

PATIENCE_SECONDS = 5.0
LOOK_SECONDS = 0.001


class Turnstile:
    """The turns of one process at one database file. `async with` it to write."""

    def __init__(self, database: Path) -> None:
        self._mine = asyncio.Lock()
        self._paths = [Path(f"{database}-{name}") for name in ("gate", "turn")]
        # Opened by the first writer: who only reads needs no right to write beside the database.
        self._files: list[int] = []

    async def __aenter__(self) -> None:
        await self._mine.acquire()
        try:
            self._files = self._files or [_opened(path) for path in self._paths]
            until = time.monotonic() + PATIENCE_SECONDS
            for file in self._files:
                await _take(file, until)
        except BaseException:
            self._leave()
            raise
        gate, _ = self._files
        fcntl.flock(gate, fcntl.LOCK_UN)

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def close(self) -> None:
        """Give the files back."""
        for file in self._files:
            os.close(file)
        self._files = []

    def _leave(self) -> None:
        for file in self._files:
            fcntl.flock(file, fcntl.LOCK_UN)
        self._mine.release()


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


async def _take(file: int, until: float) -> None:
    """Wait for a lock, or no longer than `until`."""
    while time.monotonic() < until:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        await asyncio.sleep(LOOK_SECONDS)
