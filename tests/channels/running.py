"""A whole front door with a Telegram channel and a scripted dialogue; as a program, a process to kill.

python -m tests.channels.running      settings come from the environment, as in production
"""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot import settings as settings_module
from bot.channels.telegram import TelegramChannel
from bot.conversations.polling import poll
from bot.door import Door, open_door
from bot.settings import Settings
from bot.storage.database import upgrade_async
from bot.vocabulary.conversations import Reply, Say, Turn
from bot.vocabulary.messages import ChannelName
from bot.worker import work
from tests.scripted import ScriptedEngine


def answer(turn: Turn) -> Reply:
    """Say what was understood, numbered; ask back where a citizen would be asked back."""
    count = (turn.state or {}).get("count", 0) + 1
    heard = f"{turn.text} ({len(turn.photos)} foto)" if turn.photos else turn.text
    buttons: tuple[dict[str, str], ...] = ()
    if "lapor" in turn.text:
        buttons = ({"title": "Benar", "payload": "/affirm"}, {"title": "Bukan", "payload": "/deny"})
    say = Say("update.note", {"note": f"{count}: {heard}"}, buttons, ask_location="di mana" in turn.text)
    return Reply((say,), (), {"count": count})


def scripted() -> ScriptedEngine:
    """The engine of these tests."""
    engine = ScriptedEngine()
    engine.answer = answer
    return engine


def with_telegram(door: Door, settings: Settings) -> tuple[Door, TelegramChannel]:
    """The same door with a bot at it."""
    channel = TelegramChannel.from_settings(settings, door.media)
    return replace(door, settings=settings, channels={ChannelName.TELEGRAM: channel}), channel


@asynccontextmanager
async def working(door: Door, channel: TelegramChannel | None = None) -> AsyncIterator[None]:
    """A worker at this door and, with a channel, the poller."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(work(door, stop))]
    if channel is not None:
        tasks.append(asyncio.create_task(poll(door, channel, stop)))
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


def watch(method: str, parameters: dict[str, Any], files: list[str], code: int, body: bytes) -> None:
    """Write one call down."""
    if len(sys.argv) > 1:
        line = {
            "method": method,
            "parameters": parameters,
            "files": files,
            "code": code,
            "body": body.decode(),
        }
        with Path(sys.argv[1]).open("a") as file:
            file.write(json.dumps(line) + "\n")


async def main() -> None:
    """Run until SIGTERM."""
    settings = settings_module.load()
    await upgrade_async(settings.database_url)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with open_door(settings) as opened:
        channel = TelegramChannel.from_settings(settings, opened.media, on_call=watch)
        door = replace(
            opened,
            engine=scripted(),
            settings=replace(settings, telegram_mode="webhook"),
            channels={ChannelName.TELEGRAM: channel},
        )
        async with working(door, channel):
            print("ready", flush=True)
            await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
