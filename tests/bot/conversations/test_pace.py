"""In no second more calls arrive at a channel than it takes, whoever of us sends them and however late."""

import asyncio
import itertools
import random
import time
import uuid
from dataclasses import replace

import pytest

from bot.channels.base import ChannelUnreachable, OutcomeUnknown
from bot.conversations import pace as pace_module
from bot.conversations.pace import Pace
from bot.door import Door
from bot.storage.keyvalue import KeyValue, MemoryKeyValue, RedisKeyValue, connect
from bot.vocabulary.messages import ChannelName
from tests import engines
from tests.conftest import KEYVALUES
from tests.postman import Postman

from .test_outbound import push, sender, telegram_citizen, until


@pytest.fixture(params=KEYVALUES)
def keyvalues(request: pytest.FixtureRequest) -> tuple[KeyValue, KeyValue]:
    """What two workers share: with Redis each has a connection of its own."""
    if request.param == "memory":
        shared = MemoryKeyValue()
        return shared, shared
    prefix = f"test:{uuid.uuid4().hex}:"
    here, there = (RedisKeyValue(connect(engines.REDIS), prefix) for _ in range(2))
    return here, there


def channel(per_second: float, burst: int = 1) -> Postman:
    postman = Postman()
    postman.limits = replace(postman.limits, per_second=per_second, burst=burst)
    return postman


async def test_workers_share_the_channels_pace(keyvalues: tuple[KeyValue, KeyValue]) -> None:
    channels = {ChannelName.TELEGRAM: channel(0.001)}
    here, there = (Pace(keyvalue, channels) for keyvalue in keyvalues)
    assert (await here.place(ChannelName.TELEGRAM)).wait == 0
    assert (await there.place(ChannelName.TELEGRAM)).wait > 600
    assert there.paused() == [ChannelName.TELEGRAM]


async def test_no_second_sees_more_calls_than_the_limit_however_late_they_arrive(
    keyvalues: tuple[KeyValue, KeyValue],
) -> None:
    limit, arrived = 8, []
    channels = {ChannelName.TELEGRAM: channel(limit, burst=4)}
    paces = [Pace(keyvalue, channels) for keyvalue in keyvalues]

    async def call(pace: Pace) -> None:
        place = await pace.place(ChannelName.TELEGRAM)
        # Held up on the way there, and on the way back.
        await asyncio.sleep(random.choice((0, 0.01, 0.4)))
        arrived.append(time.monotonic())
        await asyncio.sleep(random.choice((0, 0.02)))
        pace.answered(place)

    async with asyncio.timeout(60):
        await asyncio.gather(*(call(pace) for pace, _ in itertools.product(paces, range(2 * limit))))
    arrived.sort()
    assert len(arrived) == 4 * limit
    gaps = [later - earlier for earlier, later in zip(arrived, arrived[limit:], strict=False)]
    assert min(gaps) > 0.999


async def test_a_channel_that_hangs_does_not_keep_its_places(
    keyvalues: tuple[KeyValue, KeyValue], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "ARRIVAL_SECONDS", 0.1)
    here, there = (Pace(keyvalue, {ChannelName.TELEGRAM: channel(2)}) for keyvalue in keyvalues)
    async with asyncio.timeout(30):
        never_answered = [await here.place(ChannelName.TELEGRAM) for _ in range(4)]
        place = await there.place(ChannelName.TELEGRAM)
    assert len({place.ticket, *(one.ticket for one in never_answered)}) == 5
    assert not place.wait


async def test_a_call_gives_its_place_back_however_it_ends(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    postman = Postman()
    errors = (ChannelUnreachable("away"), OutcomeUnknown("cut off"), RuntimeError("a bug"))
    postman.trouble = {str(number): iter([error]) for number, error in enumerate(errors)}
    city = replace(door, channels={ChannelName.TELEGRAM: postman})
    entered, left = [], []
    enter, leave = city.keyvalue.enter, city.keyvalue.leave

    async def seen_entering(window: str, ticket: str, most: int, seconds: float) -> float:
        entered.append(ticket)
        return await enter(window, ticket, most, seconds)

    async def seen_leaving(window: str, ticket: str, seconds: float) -> None:
        left.append(ticket)
        await leave(window, ticket, seconds)

    monkeypatch.setattr(city.keyvalue, "enter", seen_entering)
    monkeypatch.setattr(city.keyvalue, "leave", seen_leaving)
    citizens = [await telegram_citizen(city, str(number)) for number in range(4)]
    async with sender(city):
        for number, citizen in enumerate(citizens):
            await push(city, citizen, f"pesan {number}")
        # Those that failed are tried again meanwhile: at some moment all that came have left, each once.
        await until(lambda: len(postman.tried) >= 4 and sorted(left) == sorted(set(entered)))
