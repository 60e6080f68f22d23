"""What a channel took, written down before the database hears of it: a killed worker's last calls.

Between a channel's answer and our commit lies a moment in which kill -9 would make us send again. A line in
a file survives the process (not the machine's power, nor another machine: then a bubble may come twice).
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

FULL_BYTES = 1_000_000
KEPT_SECONDS = 24 * 3600


class SentBook:
    """One worker's book, begun with its work at `begun`; reads those of all workers of this machine."""

    def __init__(self, folder: Path, holder: str) -> None:
        self.begun = datetime.now(UTC)
        self._folder = folder
        self._path = folder / holder
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if old.stat().st_mtime < time.time() - KEPT_SECONDS:
                old.unlink(missing_ok=True)
        self._file = self._open()

    def note(self, message_id: int, call: int, channel_message_id: str) -> None:
        """Write down that a message was taken, at which call and under which id."""
        os.write(self._file, f"{message_id}/{call} {channel_message_id}\n".encode())
        if os.fstat(self._file).st_size > FULL_BYTES:
            # What the last thousands of lines say has long been committed.
            os.close(self._file)
            self._path.replace(self._path.with_suffix(".old"))
            self._file = self._open()

    def find(self, message_id: int, call: int) -> str | None:
        """The channel's id of a message that some worker noted as taken at this call: an earlier one may have
        failed since.
        """
        start = f"{message_id}/{call} "
        for book in self._folder.iterdir():
            for line in book.read_text("utf-8", "replace").splitlines():
                if line.startswith(start):
                    return line.removeprefix(start)
        return None

    def close(self) -> None:
        """Everything is committed: the book is not needed any more."""
        os.close(self._file)
        self._path.unlink(missing_ok=True)

    def _open(self) -> int:
        return os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
