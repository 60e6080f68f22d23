"""How fast we write: to everybody on a channel, and to each citizen. All workers share one pace."""

import asyncio
import time
from collections.abc import Mapping

from bot.channels.base import Channel
from bot.storage.keyvalue import KeyValue, Rate
from bot.vocabulary.messages import ChannelName

PATIENCE_SECONDS = 5.0
"""How long a sender stands in the channel's line. Longer lines are left, and joined again later."""
LATE_SECONDS = 0.03
"""A place that is used so much later is another's: a process that was held up would send in a clump."""
MOST_PLACES = 4
"""So often a place may be missed; a machine that is always late still sends."""
SHORT_SECONDS = 0.25
"""A citizen's own pause that is not worth the way back into the outbox."""
TROUBLED_CHATS = 5
"""So many troubled chats in TROUBLED_SECONDS are no matter of theirs: the whole channel pauses."""
TROUBLED_SECONDS = 10.0


class Pace:
    """The pace of every channel. A citizen who must wait never makes others wait."""

    def __init__(self, keyvalue: KeyValue, channels: Mapping[ChannelName, Channel]) -> None:
        self._keyvalue = keyvalue
        self._channels = channels
        self._shut_until: dict[ChannelName, float] = {}

    async def citizen(self, channel: ChannelName, conversation_id: str) -> float:
        """Keep to one citizen's pace; 0 when they may be written to, else the seconds to stay away first."""
        limits = self._channels[channel].limits
        if limits.per_citizen_second <= 0:
            return 0.0
        rate = Rate(limits.per_citizen_second, limits.per_citizen_burst)
        wait = await self._keyvalue.take(f"pace:{channel}:{conversation_id}", rate, SHORT_SECONDS)
        if wait > SHORT_SECONDS:
            return wait
        await _sleep(wait)
        return 0.0

    async def place(self, channel: ChannelName) -> float:
        """Wait for a place in the channel's line; 0 for now, else the seconds to stay away first.

        Called last before the channel is: whatever is done in between takes the place's time, and the next
        ones' too.
        """
        limits = self._channels[channel].limits
        if limits.per_second <= 0:
            return 0.0
        rate = Rate(limits.per_second, limits.burst)
        for _ in range(MOST_PLACES):
            asked = time.monotonic()
            wait = await self._keyvalue.take(f"pace:{channel}", rate, PATIENCE_SECONDS)
            if wait > PATIENCE_SECONDS:
                self._shut_until[channel] = time.monotonic() + wait - PATIENCE_SECONDS / 2
                return wait
            await _sleep(wait)
            if time.monotonic() <= asked + wait + LATE_SECONDS:
                break
        return 0.0

    async def pause_channel(self, channel: ChannelName, seconds: float) -> None:
        """Send nothing on a channel for so long."""
        limits = self._channels[channel].limits
        self._shut_until[channel] = time.monotonic() + seconds
        rate = Rate(limits.per_second or 1_000.0, limits.burst)
        await self._keyvalue.shut(f"pace:{channel}", rate, seconds)

    async def trouble(self, channel: ChannelName, seconds: float) -> None:
        """Note that one chat was throttled or silent; when many are, the whole channel pauses `seconds`."""
        if await self._keyvalue.increment(f"troubled:{channel}", TROUBLED_SECONDS) >= TROUBLED_CHATS:
            await self._keyvalue.delete(f"troubled:{channel}")
            await self.pause_channel(channel, seconds)

    def paused(self) -> list[ChannelName]:
        """The channels on which nothing may be sent now, as far as this process knows."""
        now = time.monotonic()
        return [channel for channel, until in self._shut_until.items() if until > now]


async def _sleep(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)
