"""Who holds claims: a name that is free again the moment its process dies.

A worker takes a numbered slot with a file lock, which the kernel releases when the process ends, however it
ends. The next process on the slot reads the former holder's name and frees its claims at once, instead of
waiting for them to expire. Across machines the expiry decides.
"""

import fcntl
import os
import secrets
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

SLOTS = 64


@dataclass(frozen=True, slots=True)
class Holder:
    """This process's name for claims, and the name that held its slot before (dead for certain)."""

    name: str
    former: str | None
    file: TextIOWrapper


def take(folder: Path) -> Holder:
    """Take the first free slot below `folder`; it is held until the process ends.

    Raises:
        RuntimeError: more than SLOTS workers on one machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for slot in range(SLOTS):
        path = folder / f"worker-{slot}.lock"
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        former = file.read().strip() or None
        name = secrets.token_hex(16)
        file.seek(0)
        file.truncate()
        file.write(name)
        file.flush()
        return Holder(name, former, file)
    raise RuntimeError(f"{SLOTS} workers run here already")


def any_held(folder: Path) -> bool:
    """True while some worker of this machine lives."""
    for path in folder.glob("worker-*.lock"):
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return False
