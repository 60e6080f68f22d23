"""Who holds claims: a name that is free again the moment its process dies.

A worker takes a numbered slot with a file lock, which the kernel releases when the process ends, however it
ends. The next worker that starts reads the names left on free slots and frees their claims at once, instead
of waiting for them to expire. Across machines the expiry decides.
"""

import fcntl
import os
import secrets
import time
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

SLOTS = 64
_PATIENCE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Holder:
    """This process's name for claims, and the names that held free slots before (dead for certain)."""

    name: str
    former: tuple[str, ...]
    file: TextIOWrapper

    def release(self) -> None:
        """Give the slot back."""
        self.file.close()


def take(folder: Path) -> Holder:
    """Take the first free slot below `folder`; it is held until the process ends.

    Raises:
        RuntimeError: more than SLOTS workers on one machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    former: list[str] = []
    mine: TextIOWrapper | None = None
    name = secrets.token_hex(16)
    for slot in range(SLOTS):
        path = folder / f"worker-{slot}.lock"
        if mine is not None and not path.exists():
            continue
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        if not _lock(file):
            file.close()
            continue
        former += file.read().split()
        file.seek(0)
        file.truncate()
        if mine is None:
            file.write(name)
            file.flush()
            mine = file
        else:
            file.close()
    if mine is None:
        raise RuntimeError(f"{SLOTS} workers run here already")
    return Holder(name, tuple(former), mine)


def _lock(file: TextIOWrapper) -> bool:
    """Lock a slot, with a little patience: `any_held` holds it for an instant while it looks."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        else:
            return True


def any_held(folder: Path) -> bool:
    """True while some worker of this machine lives."""
    return held(folder) > 0


def held(folder: Path) -> int:
    """How many workers of this machine live."""
    count = 0
    for path in folder.glob("worker-*.lock"):
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                count += 1
    return count
