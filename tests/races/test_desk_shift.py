"""A whole shift at the desk: twenty chats, three agents, breaks, a crash, kill -9; nobody is left behind."""

import asyncio
import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bot.conversations.desk import errors, handing, presence, writing
from bot.door import Door
from bot.settings import Settings
from bot.storage import agents, conversations, desk_tables, handoffs, inbox
from bot.storage.inbox import Box
from bot.storage.keyvalue import MemoryKeyValue
from bot.storage.wakeups import LocalWakeups
from bot.vocabulary.agents import Agent, Outcome, PresenceState
from bot.vocabulary.conversations import Owner
from tests.bot.desk.staff import TENANT, hire
from tests.races.test_worker_killed import start
from tests.talk import Citizen

CITIZENS, WORKERS = 20, 2


class Shift:
    """One agent at work: answers what they have, ends it, takes breaks; `crash` stops their console."""

    def __init__(self, door: Door, agent: Agent) -> None:
        self.door = door
        self.agent = agent
        self.crashed = asyncio.Event()
        self.answered: set[str] = set()

    async def work(self) -> None:
        """Go on until cancelled or crashed."""
        while not self.crashed.is_set():
            await presence.beat(self.door, self.agent)
            async with self.door.database.reading() as conn:
                mine = (await inbox.page(conn, TENANT, Box.MINE, agent_id=self.agent.id)).rows
            for row in mine:
                if self.crashed.is_set():
                    return
                await self._serve(row.handoff.id, row.handoff.conversation_id)
            if random.random() < 0.05:
                await presence.change(self.door, self.agent, PresenceState.AWAY, "salat")
                await asyncio.sleep(0.05)
                await presence.change(self.door, self.agent, PresenceState.AVAILABLE)
            await asyncio.sleep(0.02)

    async def _serve(self, handoff_id: str, conversation_id: str) -> None:
        try:
            await writing.reply(self.door, self.agent, conversation_id, "Baik, saya bantu.", key=handoff_id)
            await asyncio.sleep(random.uniform(0.02, 0.08))
            if self.crashed.is_set():
                return
            await handing.close(self.door, self.agent, handoff_id, Outcome.SOLVED)
            self.answered.add(conversation_id)
        except (errors.NotYours, errors.Ended):
            # Released meanwhile: somebody else has it.
            return


async def open_left(door: Door) -> int:
    query = (
        sa.select(sa.func.count())
        .select_from(desk_tables.handoffs)
        .where(desk_tables.handoffs.c.closed_at.is_(None))
    )
    async with door.database.reading() as conn:
        return int((await conn.execute(query)).scalar_one())


async def closed(door: Door) -> int:
    query = (
        sa.select(sa.func.count())
        .select_from(desk_tables.handoffs)
        .where(desk_tables.handoffs.c.closed_at.is_not(None))
    )
    async with door.database.reading() as conn:
        return int((await conn.execute(query)).scalar_one())


async def test_after_a_shift_with_a_crash_and_killed_workers_nobody_is_orphaned(
    open_doors: Callable[..., Door], settings: Settings
) -> None:
    door = open_doors(keyvalue=MemoryKeyValue(), wakeups=LocalWakeups(settings.var))
    await door.wakeups.start()
    shifts = [Shift(door, await hire(door, name, capacity=4)) for name in ("Sari", "Budi", "Rina")]
    running = [start(settings) for _ in range(WORKERS)]
    working = [asyncio.create_task(shift.work()) for shift in shifts]
    citizens = [Citizen(door, f"warga-{number}") for number in range(CITIZENS)]
    try:
        async with asyncio.timeout(240):
            for citizen in citizens:
                await citizen.say("orang dong")
                await asyncio.sleep(0.02)
            while await closed(door) < 5:
                await asyncio.sleep(0.02)
            # Rina's console dies with what she has; a worker dies with whatever it was doing.
            shifts[2].crashed.set()
            running[0].kill()
            running[0].wait()
            async with door.database.transaction() as conn:
                long_ago = datetime.now(UTC) - timedelta(minutes=5)
                await agents.beat(conn, shifts[2].agent.id, long_ago)
                await conn.execute(
                    desk_tables.handoffs.update()
                    .where(desk_tables.handoffs.c.agent_id == shifts[2].agent.id)
                    .where(desk_tables.handoffs.c.closed_at.is_(None))
                    .values(claimed_at=long_ago)
                )
            running[0] = start(settings)
            while await closed(door) < CITIZENS:
                await asyncio.sleep(0.05)
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        for process in running:
            process.kill()
            process.wait()
    assert await open_left(door) == 0
    async with door.database.reading() as conn:
        assert await handoffs.waiting(conn, TENANT) == []
        for citizen in citizens:
            found = await conversations.find_by_address(conn, TENANT, citizen.address)
            assert found is not None
            assert found.owner is Owner.CLOSED
        owners = list(await conn.execute(sa.select(desk_tables.assignments)))
    # One person at a time: what one had had ended before the next one began.
    by_handoff: dict[str, list[object]] = {}
    for row in sorted(owners, key=lambda row: row.started_at):
        by_handoff.setdefault(row.handoff_id, []).append(row)
    for rows in by_handoff.values():
        for before, after in itertools.pairwise(rows):
            assert before.ended_at <= after.started_at  # type: ignore[attr-defined]
    # Each citizen was told who came, was answered, and heard the end; nothing twice.
    for citizen in citizens:
        texts = await citizen.texts()
        assert texts.count("Baik, saya bantu.") >= 1
        assert sum("selesai" in text for text in texts) == 1
