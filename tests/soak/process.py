"""A real front door or worker under soak; only the dialogue is scripted. Settings come from the environment.

python -m tests.soak.process door|worker
python -m tests.soak.process queue COUNT: so many notices to those who wrote before, for a worker to send.
SOAK_PACE in the environment is messages a second to everybody; without it, Telegram's own limits hold.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
import uvicorn
import uvloop

from bot import logs, worker
from bot import settings as settings_module
from bot.app import create_app
from bot.channels.telegram import TelegramChannel
from bot.conversations import outbound
from bot.door import Door, open_door
from bot.storage import conversations, tables
from bot.storage.database import upgrade_async
from bot.vocabulary.messages import ChannelName, OutgoingMessage
from tests.scripted import ScriptedEngine

BATCH = 200


class Counting(ScriptedEngine):
    """Numbers its answers per citizen and keeps nothing else: twenty thousand turns are a lot."""

    async def respond(self, turn: Any) -> Any:
        return self._count(turn)


@asynccontextmanager
async def opened() -> AsyncIterator[Door]:
    """The door of the settings, with the scripted dialogue and the pace of the soak."""
    settings = settings_module.load()
    logs.start(settings)
    await upgrade_async(settings.database_url)
    async with open_door(settings) as door:
        channel = door.channels.get(ChannelName.TELEGRAM)
        pace = float(os.environ.get("SOAK_PACE", 0))
        if pace and isinstance(channel, TelegramChannel):
            # As if the city had paid for broadcasts: a thousand a second (core.telegram.org/bots/faq).
            channel.limits = replace(channel.limits, per_second=pace, per_citizen_second=0)
        yield replace(door, engine=Counting())


async def queue(door: Door, count: int) -> None:
    """Put notices into the outbox, one to each citizen in turn."""
    async with door.database.reading() as conn:
        rows = list(await conn.execute(sa.select(tables.conversations)))
    people = [conversations.stored_conversation(row) for row in rows]
    for first in range(0, count, BATCH):
        now = datetime.now(UTC)
        async with door.database.transaction() as conn:
            for number in range(first, min(first + BATCH, count)):
                person = people[number % len(people)]
                bubble = OutgoingMessage(f"Kabar nomor {number}")
                await outbound.queue(conn, door, person, [bubble], f"kabar:{number}", now)


async def main(part: str, count: int = 0) -> None:
    """Run until SIGTERM, until killed, or until all is queued."""
    stop = asyncio.Event()
    async with opened() as door:
        if part == "queue":
            await queue(door, count)
            return
        if part == "worker":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
            await worker.work(door, stop)
            return
        app = create_app(door.settings, door)
        config = uvicorn.Config(app, port=door.settings.port, log_config=None, access_log=False)
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], *map(int, sys.argv[2:])))
