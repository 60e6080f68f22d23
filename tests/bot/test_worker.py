"""The worker's loops survive what happens to them, and lose no conversation that they claimed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot import worker
from bot.conversations import outbound
from bot.door import Door
from bot.storage import conversations, holders, tables
from bot.storage.conversations import Claim
from tests.scripted import ScriptedEngine
from tests.talk import Citizen


@asynccontextmanager
async def working(door: Door) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(worker.work(door, stop))
    try:
        yield
    finally:
        stop.set()
        await door.wakeups.wake("inbound")
        await door.wakeups.wake("outbound")
        await task


async def until_said(citizen: Citizen, count: int, seconds: float = 15) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(seconds):
        while len(found) < count:
            found += await citizen.texts()
            await asyncio.sleep(0.02)
    return found


async def test_what_is_said_while_a_turn_ends_is_answered_without_delay(
    door: Door, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn has given its claim back and is still busy: the next claim must not be forgotten."""
    announce = outbound.announce

    async def slowly(*arguments) -> None:
        await announce(*arguments)
        await asyncio.sleep(0.5)

    monkeypatch.setattr(outbound, "announce", slowly)
    citizen = Citizen(door)
    async with working(door):
        await citizen.say("satu")
        await until_said(citizen, 1)
        await citizen.say("dua")
        [text] = await until_said(citizen, 1, seconds=10)
    assert "2: dua" in text


async def test_a_database_that_is_away_for_a_moment_ends_no_worker(
    door: Door, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, troubles = conversations.claim, iter([OSError("gone"), OSError("gone")])

    async def claim_with_trouble(*arguments):
        error = next(troubles, None)
        if error is not None:
            raise error
        return await claim(*arguments)

    monkeypatch.setattr(conversations, "claim", claim_with_trouble)
    citizen = Citizen(door)
    async with working(door):
        await citizen.say("satu")
        assert len(await until_said(citizen, 1)) == 1


async def test_a_long_turn_keeps_its_claim(
    door: Door, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "CLAIM_SECONDS", 0.6)
    monkeypatch.setattr(worker, "KEEP_EVERY_SECONDS", 0.1)
    engine.delay = 1.5
    citizen = Citizen(door)
    await citizen.say("satu")
    async with working(door), working(door):
        assert len(await until_said(citizen, 1)) == 1
    assert len(engine.turns) == 1


async def test_a_process_that_slept_does_not_answer_what_was_answered_meanwhile(
    door: Door, engine: ScriptedEngine
) -> None:
    """Its own claim ran out, was taken by itself once more, and both turns end."""
    citizen = Citizen(door)
    await citizen.say("satu")
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    async with door.database.transaction() as conn:
        [found] = await conversations.claim(conn, "w", long_ago, 30, 1)
    engine.delay = 0.2
    first = asyncio.create_task(worker._converse(door, found, "w"))
    async with door.database.transaction() as conn:
        [again] = await conversations.claim(conn, "w", datetime.now(UTC), 30, 1)
    second = asyncio.create_task(worker._converse(door, again, "w"))
    await asyncio.gather(first, second)
    assert len(await citizen.texts()) == 1
    async with door.database.reading() as conn:
        assert len(list(await conn.execute(sa.select(tables.turns)))) == 1


async def test_claims_and_rights_to_send_of_the_dead_are_free_when_a_worker_starts(
    door: Door, engine: ScriptedEngine
) -> None:
    dead = holders.take(door.settings.var / "run")
    citizen = Citizen(door)
    accepted = await citizen.say("satu")
    async with door.database.transaction() as conn:
        await conversations.claim(conn, dead.name, datetime.now(UTC), 3600, 1)
        await conversations.keep(conn, Claim(accepted.conversation_id, dead.name, datetime.now(UTC)),
                                 datetime.now(UTC), 3600)  # fmt: skip
        await conn.execute(
            sa.update(tables.conversations).values(
                sender=dead.name, sender_until=datetime.now(UTC) + timedelta(hours=1)
            )
        )
    dead.release()
    async with working(door):
        assert len(await until_said(citizen, 1)) == 1
    async with door.database.reading() as conn:
        [row] = await conn.execute(sa.select(tables.conversations.c.sender))
    assert row.sender is None
