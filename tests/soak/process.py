"""A real front door or worker under soak; only the dialogue is scripted. Settings come from the environment.

python -m tests.soak.process door|worker
SOAK_PACE in the environment is messages a second to everybody; without it, Telegram's own limits hold.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import uvicorn

from bot import logs, worker
from bot import settings as settings_module
from bot.app import create_app
from bot.channels.telegram import TelegramChannel
from bot.door import Door, open_door
from bot.storage.database import upgrade_async
from bot.vocabulary.messages import ChannelName
from tests.scripted import ScriptedEngine


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


async def main(part: str) -> None:
    """Run until SIGTERM, or until killed."""
    stop = asyncio.Event()
    async with opened() as door:
        if part == "worker":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
            await worker.work(door, stop)
            return
        app = create_app(door.settings, door)
        config = uvicorn.Config(app, port=door.settings.port, log_config=None, access_log=False)
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
