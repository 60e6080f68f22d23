"""Writers of several processes take turns on one SQLite file: nobody writes again before who waits has.

SQLite's own waiting is a retry after ever longer sleeps, which a busy process always wins: a front door
beside a worker with much to do waited for seconds. Here who comes next holds the gate until it is their turn,
so two busy processes alternate, and of more each gets in after a few. It is a courtesy only: SQLite's lock
decides. The kernel frees what a dead process held; where the turns do not work, or a process is stopped in
its own, the others go on without.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import time
from pathlib import Path
from typing import BinaryIO

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 5.0
LOOK_SECONDS = 0.001


class Turnstile:
    """The turns of one process at one database file. `async with` it to write."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._mine = asyncio.Lock()
        # Opened by the first writer: who only reads needs no right to write beside the database.
        self._files: tuple[BinaryIO, BinaryIO] | None = None
        # Who waited in vain does not wait again before it has been their turn once.
        self._patient = True
        self._complained = False

    async def __aenter__(self) -> None:
        await self._mine.acquire()
        try:
            self._files = gate, turn = self._files or self._opened()
            until = time.monotonic() + (PATIENCE_SECONDS if self._patient else 0)
            self._patient = await _take(gate, until) and await _take(turn, until)
            fcntl.flock(gate, fcntl.LOCK_UN)
        except (OSError, ValueError) as error:
            # No right to the files, no such locks on this disk, or closed meanwhile.
            if not self._complained:
                log.warning("writers take no turns at %s: %s", self._database.name, error)
            self._complained = True
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def close(self) -> None:
        """Give the files back; who still waits goes on without a turn."""
        for file in self._files or ():
            file.close()
        self._files = None

    def _leave(self) -> None:
        for file in self._files or ():
            with contextlib.suppress(OSError, ValueError):
                fcntl.flock(file, fcntl.LOCK_UN)
        self._mine.release()

    def _opened(self) -> tuple[BinaryIO, BinaryIO]:
        gate = _beside(self._database, "gate")
        try:
            return gate, _beside(self._database, "turn")
        except OSError:
            gate.close()
            raise


def _beside(database: Path, name: str) -> BinaryIO:
    """A file next to the database, for whom the database is for: an operator's command may run as root."""
    path = Path(f"{database}-{name}")
    owner = database.stat() if database.exists() else None
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
    if owner is not None and os.fstat(file.fileno()).st_uid == os.geteuid():
        os.fchmod(file.fileno(), owner.st_mode & 0o666)
        if os.geteuid() == 0:
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
    return file


async def _take(file: BinaryIO, until: float) -> bool:
    """Wait for a lock, or no longer than `until`; False without it."""
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() >= until:
            return False
        await asyncio.sleep(LOOK_SECONDS)
