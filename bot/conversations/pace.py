"""How fast we write: to everybody on a channel, and to each citizen. All workers share one pace."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from bot.channels.base import Channel
from bot.storage.keyvalue import KeyValue, Rate
from bot.vocabulary.messages import ChannelName

PATIENCE_SECONDS = 5.0
"""How long a sender stands in the channel's line. Longer lines are left, and joined again later."""
ARRIVAL_SECONDS = 1.0
"""A call whose answer takes longer has arrived by then: a channel that hangs does not keep its places."""
SHORT_SECONDS = 0.25
"""A citizen's own pause that is not worth the way back into the outbox."""
TROUBLED_CHATS = 5
"""So many troubled chats in TROUBLED_SECONDS are no matter of theirs: the whole channel pauses."""
TROUBLED_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """A call's place on a channel; none, and the seconds to stay away first, where `wait` is not 0.

    Who has one calls at once, and says so by `Pace.answered` when the channel's answer is there.
    """

    channel: ChannelName
    ticket: str = ""
    wait: float = 0.0


class Pace:
    """The pace of every channel. A citizen who must wait never makes others wait.

    A channel has as many places as it takes calls in a second, and a place is free again a second after the
    channel's answer. So however late a call leaves us or gets there, within ARRIVAL_SECONDS, of any two that
    use a place one after the other the second arrives more than a second after the first: the limit is not
    exceeded, and what is sent steadily is the limit / (1 s + the time an answer takes). A message that
    becomes several calls has one place all the same. See docs/decisions/0012.
    """

    def __init__(self, keyvalue: KeyValue, channels: Mapping[ChannelName, Channel]) -> None:
        self._keyvalue = keyvalue
        self._channels = channels
        self._shut_until: dict[ChannelName, float] = {}
        # Of a process one asks for the next place at a time, in the order they came.
        self._heads: defaultdict[ChannelName, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._leaving: set[asyncio.Task[None]] = set()

    async def citizen(self, channel: ChannelName, conversation_id: str) -> float:
        """Keep to one citizen's pace; 0 when they may be written to, else the seconds to stay away first."""
        limits = self._channels[channel].limits
        if limits.per_citizen_second <= 0:
            return 0.0
        rate = Rate(limits.per_citizen_second, limits.per_citizen_burst)
        wait = await self._keyvalue.take(f"pace:{channel}:{conversation_id}", rate, SHORT_SECONDS)
        if wait > SHORT_SECONDS:
            return wait
        await asyncio.sleep(wait)
        return 0.0

    async def place(self, channel: ChannelName) -> Place:
        """Wait for a place on the channel, first in an even line and then for one that is free.

        Called last before the channel is: whatever is done in between takes the place's time.
        """
        limits = self._channels[channel].limits
        if limits.per_second <= 0:
            return Place(channel)
        rate = Rate(limits.per_second, limits.burst)
        wait = await self._keyvalue.take(f"pace:{channel}", rate, PATIENCE_SECONDS)
        if wait > PATIENCE_SECONDS:
            self._shut_until[channel] = _now() + wait - PATIENCE_SECONDS / 2
            return Place(channel, wait=wait)
        await asyncio.sleep(wait)
        async with self._heads[channel]:
            return await self._free_place(channel, limits.per_second)

    def answered(self, place: Place) -> None:
        """The channel's answer to the call in this place is there, or will never be."""
        if place.ticket:
            task = asyncio.create_task(self._leave(place))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def pause_channel(self, channel: ChannelName, seconds: float) -> None:
        """Send nothing on a channel for so long."""
        limits = self._channels[channel].limits
        self._shut_until[channel] = _now() + seconds
        rate = Rate(limits.per_second or 1_000.0, limits.burst)
        await self._keyvalue.shut(f"pace:{channel}", rate, seconds)

    async def trouble(self, channel: ChannelName, seconds: float) -> None:
        """Note that one chat was throttled or silent; when many are, the whole channel pauses `seconds`."""
        if await self._keyvalue.increment(f"troubled:{channel}", TROUBLED_SECONDS) >= TROUBLED_CHATS:
            await self._keyvalue.delete(f"troubled:{channel}")
            await self.pause_channel(channel, seconds)

    def paused(self) -> list[ChannelName]:
        """The channels on which nothing may be sent now, as far as this process knows."""
        return [channel for channel, until in self._shut_until.items() if until > _now()]

    async def _free_place(self, channel: ChannelName, per_second: float) -> Place:
        ticket, most, rest = uuid.uuid4().hex, _places(per_second), _rest(per_second)
        while True:
            wait = await self._keyvalue.enter(_window(channel), ticket, most, ARRIVAL_SECONDS + rest)
            if not wait:
                return Place(channel, ticket)
            # Where all are under way, an answer now ends the wait after a rest.
            await asyncio.sleep(min(wait, rest))

    async def _leave(self, place: Place) -> None:
        rest = _rest(self._channels[place.channel].limits.per_second)
        await self._keyvalue.leave(_window(place.channel), place.ticket, rest)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _window(channel: ChannelName) -> str:
    return f"pace:{channel}:places"


def _places(per_second: float) -> int:
    return max(1, int(per_second))


def _rest(per_second: float) -> float:
    """Seconds that a place stays empty after an answer: one, where at least one call a second is taken."""
    return _places(per_second) / per_second
