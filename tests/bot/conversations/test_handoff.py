"""A person is asked for under a number of one's own, and the talk comes back to the bot."""

import asyncio
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from bot.conversations import handoff
from bot.door import Door
from bot.storage import conversations, desk_tables, handoffs
from bot.vocabulary.conversations import Owner
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

NOW = datetime.now(UTC)


@pytest.fixture
def asking(engine: ScriptedEngine) -> ScriptedEngine:
    """An engine that hands off whoever says *orang*."""
    engine.effects = lambda turn: (
        [{"type": "handoff_requested", "reason": "asked", "summary": {"a": 1}}]
        if "orang" in turn.text
        else []
    )
    return engine


async def owner(door: Door, citizen: Citizen) -> Owner:
    async with door.database.reading() as conn:
        found = await conversations.find_by_address(conn, "kota_mojokerto", citizen.address)
    assert found is not None
    return found.owner


async def test_each_request_has_a_number_of_its_own_even_all_at_once(
    door: Door, open_doors, asking: ScriptedEngine
) -> None:
    asking.delay = 0.05
    citizens = [Citizen(door, f"warga-{number}") for number in range(12)]
    for citizen in citizens:
        await citizen.say("orang dong")
    other = open_doors()
    await asyncio.gather(answer_all(door, "worker-1"), answer_all(other, "worker-2"))
    async with door.database.reading() as conn:
        numbers = list((await conn.execute(sa.select(desk_tables.handoffs.c.number))).scalars())
    assert sorted(numbers) == list(range(1, 13))


async def test_numbers_never_double_while_both_transactions_are_open(door: Door, open_doors) -> None:
    citizens = [Citizen(door, f"warga-{number}") for number in range(2)]
    ids = [(await citizen.say("halo")).conversation_id for citizen in citizens]
    if door.database.is_sqlite:
        pytest.skip("SQLite has one writer")
    inside = asyncio.Event()

    async def first() -> int:
        async with door.database.transaction() as conn:
            found, _ = await handoffs.open(conn, ids[0], "kota_mojokerto", "asked", {}, NOW)
            inside.set()
            await asyncio.sleep(0.3)
            return found.number

    async def second() -> int:
        await inside.wait()
        async with open_doors().database.transaction() as conn:
            return (await handoffs.open(conn, ids[1], "kota_mojokerto", "asked", {}, NOW))[0].number

    assert await asyncio.gather(first(), second()) == [1, 2]


async def test_who_asks_twice_keeps_the_number(door: Door, asking: ScriptedEngine) -> None:
    citizen = Citizen(door)
    accepted = await citizen.say("orang dong")
    await answer_all(door)
    async with door.database.transaction() as conn:
        found, new = await handoffs.open(conn, accepted.conversation_id, "kota_mojokerto", "asked", {}, NOW)
    assert (found.number, new) == (1, False)


async def test_whoever_goes_back_and_asks_again_gets_a_new_number(door: Door, asking: ScriptedEngine) -> None:
    citizen = Citizen(door)
    for text in ("orang dong", "batal", "orang dong"):
        await citizen.say(text)
        await answer_all(door)
    texts = " ".join(await citizen.texts())
    assert "P-1" in texts
    assert "P-2" in texts
    assert await owner(door, citizen) is Owner.QUEUE


async def test_an_agent_who_takes_the_talk_meanwhile_keeps_it_and_the_request_stays_open(
    door: Door, asking: ScriptedEngine
) -> None:
    citizen = Citizen(door)
    accepted = await citizen.say("orang dong")
    await answer_all(door)
    async with door.database.transaction() as conn:
        found = await conversations.get(conn, accepted.conversation_id)
        await conversations.change_owner(conn, found.id, Owner.QUEUE, Owner.AGENT)
        await handoff.end(conn, found, "citizen", NOW)
    async with door.database.reading() as conn:
        [request] = await conn.execute(sa.select(desk_tables.handoffs))
    assert request.closed_at is None
    assert await owner(door, citizen) is Owner.AGENT


async def test_the_owner_is_taken_by_one_agent_only(door: Door, asking: ScriptedEngine) -> None:
    citizen = Citizen(door)
    accepted = await citizen.say("orang dong")
    await answer_all(door)

    async def take() -> bool:
        async with door.database.transaction() as conn:
            return await conversations.change_owner(conn, accepted.conversation_id, Owner.QUEUE, Owner.AGENT)

    assert sum(await asyncio.gather(*(take() for _ in range(10)))) == 1


async def test_while_an_agent_answers_the_bot_says_nothing(door: Door, asking: ScriptedEngine) -> None:
    citizen = Citizen(door)
    accepted = await citizen.say("orang dong")
    await answer_all(door)
    async with door.database.transaction() as conn:
        await conversations.change_owner(conn, accepted.conversation_id, Owner.QUEUE, Owner.AGENT)
    await citizen.replies()
    await citizen.say("halo?")
    await answer_all(door)
    assert await citizen.replies() == []


async def test_a_closed_talk_is_opened_by_the_next_message(door: Door, engine: ScriptedEngine) -> None:
    citizen = Citizen(door)
    accepted = await citizen.say("satu")
    await answer_all(door)
    async with door.database.transaction() as conn:
        await conversations.change_owner(conn, accepted.conversation_id, Owner.BOT, Owner.CLOSED)
    await citizen.replies()
    await citizen.say("dua")
    await answer_all(door)
    assert len(await citizen.replies()) == 1
    assert await owner(door, citizen) is Owner.BOT
