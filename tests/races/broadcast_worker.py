"""A worker for races: sends broadcasts to a ledger, one line a delivery.

Started as `python -m tests.races.broadcast_worker LEDGER`, with DATABASE_URL and LAWANG_VAR in the
environment.
"""

import asyncio
import fcntl
import os
import sys
from dataclasses import replace

from bot import settings as settings_module
from bot.channels.base import Sent
from bot.door import open_door
from bot.vocabulary.messages import ChannelName, QueuedMessage
from bot.worker import work
from tests.postman import Postman


class Ledger(Postman):
    """Takes its time, as a network does, and writes down whom it delivered to."""

    # Of which a broadcast gets a quarter: sixty people take a second and a half.
    limits = replace(Postman.limits, per_second=160)

    def __init__(self, path: str) -> None:
        super().__init__()
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    async def send(self, queued: QueuedMessage) -> Sent:
        """Deliver: one line, written whole.

        Until this step of the loop is over, and with it the worker's own note of the delivery, the file is
        locked: a worker that dies between the two leaves what no channel could tell it either.
        """
        await asyncio.sleep(0.02)
        fcntl.flock(self._file, fcntl.LOCK_SH)
        asyncio.get_running_loop().call_soon(fcntl.flock, self._file, fcntl.LOCK_UN)
        os.write(self._file, f"{queued.recipient.address}\n".encode())
        return Sent(f"ledger-{queued.id}")


async def main() -> None:
    """Work until killed."""
    async with open_door(settings_module.load()) as opened:
        door = replace(opened, channels={ChannelName.TELEGRAM: Ledger(sys.argv[1])})
        await work(door, asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main())
