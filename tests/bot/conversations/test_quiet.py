"""At night only what is urgent rings; the rest comes in the morning, in one message, once."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.conversations import quiet
from bot.door import Door
from bot.storage import conversations, tables
from bot.vocabulary.conversations import Conversation
from bot.vocabulary.messages import ChannelName, OutgoingMessage
from tests.talk import Citizen

# Friday 27 November 2026, 02:30 in Mojokerto.
NIGHT = datetime(2026, 11, 26, 19, 30, tzinfo=UTC)
MORNING = datetime(2026, 11, 26, 23, 0, tzinfo=UTC)


@pytest.fixture
async def night(open_doors: Callable[..., Door]) -> Door:
    """A door whose quiet hours are on."""
    plain = open_doors()
    door = open_doors(settings=replace(plain.settings, quiet_hours=True))
    await door.wakeups.start()
    return door


async def someone(door: Door, channel: ChannelName = ChannelName.TELEGRAM) -> Conversation:
    citizen = Citizen(door, "warga-1", channel)
    accepted = await citizen.say("halo")
    async with door.database.reading() as conn:
        return await conversations.get(conn, accepted.conversation_id)


async def tell(door: Door, to: Conversation, text: str, at: datetime, urgent: bool = False) -> bool:
    async with door.database.transaction() as conn:
        return await quiet.tell(conn, door, to, OutgoingMessage(text), f"key:{text}", at, urgent=urgent)


async def sent(door: Door) -> list[str]:
    async with door.database.reading() as conn:
        query = sa.select(tables.messages.c.text).where(tables.messages.c.direction == "out")
        return [row.text for row in await conn.execute(query.order_by(tables.messages.c.id))]


HOURS = [
    ("a quarter to nine in the evening", NIGHT.replace(hour=13, minute=45), None),
    ("nine in the evening", NIGHT.replace(hour=14, minute=0), MORNING),
    ("before midnight", NIGHT.replace(hour=16, minute=59), MORNING),
    ("deep in the night", NIGHT, MORNING),
    ("six in the morning", MORNING, None),
]


@pytest.mark.parametrize(("at", "until"), [row[1:] for row in HOURS], ids=[row[0] for row in HOURS])
async def test_when_it_is_quiet(night: Door, at: datetime, until: datetime | None) -> None:
    assert quiet.quiet_until(night, await someone(night), at) == until


async def test_urgent_news_and_the_web_page_know_no_night(night: Door) -> None:
    assert await tell(night, await someone(night), "banjir", NIGHT, urgent=True)
    assert await tell(night, await someone(night, ChannelName.WEBCHAT), "lampu", NIGHT)


async def test_what_rings_by_day_is_silent_by_night(night: Door) -> None:
    citizen = await someone(night)
    await tell(night, citizen, "banjir", NIGHT, urgent=True)
    await tell(night, citizen, "giliran", MORNING, urgent=True)
    async with night.database.reading() as conn:
        query = sa.select(tables.messages.c.content).where(tables.messages.c.direction == "out")
        kept = [row.content.get("silent", False) for row in await conn.execute(query)]
    assert kept == [True, False]


async def test_several_news_of_the_night_are_one_message_in_the_morning(night: Door) -> None:
    citizen = await someone(night)
    for number in range(3):
        assert not await tell(night, citizen, f"kabar {number}", NIGHT + timedelta(minutes=number))
        assert not await tell(night, citizen, f"kabar {number}", NIGHT + timedelta(minutes=number))
    assert await quiet.wake(night, NIGHT + timedelta(hours=1)) == 0
    assert await sent(night) == []
    assert await quiet.wake(night, MORNING) == 1
    [text] = await sent(night)
    assert "3 kabar" in text
    assert text.splitlines()[1:] == [f"• kabar {number}" for number in range(3)]


async def test_a_single_one_comes_as_it_was(night: Door) -> None:
    await tell(night, await someone(night), "kabar", NIGHT)
    await quiet.wake(night, MORNING)
    assert await sent(night) == ["kabar"]


async def test_many_workers_wake_nobody_twice(night: Door, open_doors: Any) -> None:
    citizen = await someone(night)
    await tell(night, citizen, "kabar 1", NIGHT)
    await tell(night, citizen, "kabar 2", NIGHT)
    doors = [night, *(open_doors(settings=night.settings) for _ in range(2))]
    woken = await asyncio.gather(*(quiet.wake(door, MORNING) for door in doors for _ in range(3)))
    assert sum(woken) == 1
    assert len(await sent(night)) == 1
