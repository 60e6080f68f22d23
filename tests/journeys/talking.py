"""A citizen in a journey: speaks to the running system over the web chat's HTTP API."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx

from bot.chatclient import Talk
from tests.system.running import System


class Journey:
    """One conversation; `say` and `press` return what the bot answered, as one text."""

    def __init__(self, system: System, talk: Talk) -> None:
        self.system = system
        self.talk = talk
        self.replies: list[dict[str, Any]] = []

    async def send(self, line: dict[str, Any]) -> str:
        """Send one line as `lawang chat --jsonl` takes it."""
        self.replies, _ = await self.talk.send(line)
        return "\n".join(reply["text"] for reply in self.replies)

    async def say(self, text: str) -> str:
        """Write something."""
        return await self.send({"text": text})

    async def press(self, title: str) -> str:
        """Press a button by its title."""
        return await self.send({"button": title})

    @property
    def titles(self) -> list[str]:
        """The buttons under the last answer."""
        return [button["title"] for reply in self.replies for button in reply["buttons"]]

    async def settled(self, message_id: int, seconds: float = 30) -> None:
        """Wait until everything up to a message is answered, and forget those answers."""
        async with asyncio.timeout(seconds):
            while self.talk.waiting or self.talk.handled < message_id:
                await asyncio.sleep(0.05)
        self.talk.inbox.clear()

    async def pushed(self, pattern: str, seconds: float = 10) -> str:
        """Wait for a message that comes by itself."""
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            for message in self.talk.inbox:
                if re.search(pattern, message["text"]):
                    self.talk.inbox.clear()
                    return str(message["text"])
            await asyncio.sleep(0.05)
        raise AssertionError(f"nothing like {pattern!r} came: {self.talk.inbox}")


@asynccontextmanager
async def journey(system: System) -> AsyncIterator[Journey]:
    """Open a conversation of a new citizen."""
    async with httpx.AsyncClient(base_url=system.url, trust_env=False, timeout=30) as client:
        talk = Talk(client)
        await talk.open()
        reading = asyncio.create_task(talk.follow())
        try:
            yield Journey(system, talk)
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading


def number(text: str, pattern: str = r"MJK-\d{4}-\d{6}") -> str:
    """The number in an answer."""
    found = re.search(pattern, text)
    assert found, text
    return found.group(0)
