"""Telegram's updates into the inbox when no webhook can reach us."""

import asyncio
from functools import partial

from bot.channels.base import Channel
from bot.channels.polling import DeadLetters, Poller
from bot.channels.telegram import TelegramChannel
from bot.conversations import inbound
from bot.door import Door


async def poll(door: Door, channel: Channel, stop: asyncio.Event) -> None:
    """Take updates from Telegram until `stop`; an update is confirmed only once it is stored.

    Raises:
        TypeError: the channel is not Telegram's, the only one that is polled.
    """
    if not isinstance(channel, TelegramChannel):
        raise TypeError(f"{channel.name} is not polled")
    poller = Poller(
        channel,
        door.keyvalue,
        partial(inbound.accept, door),
        partial(inbound.acknowledge, channel),
        DeadLetters(door.settings.var / "dead-letters" / "telegram.jsonl"),
    )
    await poller.run(stop)
