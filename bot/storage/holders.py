"""Who holds claims: a name that is free again the moment its process dies.

A process takes a numbered slot with a file lock, which the kernel releases when the process ends, however it
ends. The next one of its kind that starts reads the names left on free slots and frees their claims at once,
instead of waiting for them to expire. Across machines the expiry decides.
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

    def forget_former(self) -> None:
        """The claims of the former names are free: the next worker need not free them again."""
        _write(self.file, [self.name])

    def release(self) -> None:
        """Give the slot back."""
        self.file.close()


def take(folder: Path, name: str | None = None) -> Holder:
    """Take the first free slot below `folder`, under a new name if none is given, until the process ends.

    The former names stay on the disk until `forget_former`, so a process killed before it has freed their
    claims leaves them to the next one.

    Raises:
        RuntimeError: more than SLOTS processes of one kind on one machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    free: list[TextIOWrapper] = []
    for slot in range(SLOTS):
        path = folder / f"worker-{slot}.lock"
        if free and not path.exists():
            continue
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        if _lock(file):
            names += file.read().split()
            free.append(file)
        else:
            file.close()
    if not free:
        raise RuntimeError(f"{SLOTS} processes hold a slot in {folder} already")
    mine, *others = free
    name = name or secrets.token_hex(16)
    _write(mine, [name, *names])
    for file in others:
        _write(file, [])
        file.close()
    return Holder(name, tuple(names), mine)


def _write(file: TextIOWrapper, names: list[str]) -> None:
    file.seek(0)
    file.write("\n".join(names))
    file.truncate()
    file.flush()


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
