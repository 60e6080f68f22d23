"""kill -9 of workers at random moments: every message is answered once, in order, with one effect."""

import asyncio
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import sqlalchemy as sa

from bot.door import Door
from bot.settings import ROOT, Settings
from bot.storage import tables
from bot.storage.keyvalue import MemoryKeyValue
from bot.storage.wakeups import LocalWakeups
from tests.talk import Citizen

CITIZENS, MESSAGES, WORKERS, KILLS = 20, 10, 2, 5


def start(settings: Settings) -> subprocess.Popen[bytes]:
    environment = os.environ | {"DATABASE_URL": settings.database_url, "LAWANG_VAR": str(settings.var)}
    return subprocess.Popen([sys.executable, "-m", "tests.races.slow_worker"], cwd=ROOT, env=environment)


async def handled(door: Door) -> int:
    query = sa.select(sa.func.count()).where(tables.messages.c.status == "handled")
    async with door.database.reading() as conn:
        return int((await conn.execute(query)).scalar_one())


async def kill_now_and_then(door: Door, running: list[subprocess.Popen[bytes]]) -> int:
    """Kill a worker whenever work went on since the last kill; a new one takes its place at once."""
    seen = 0
    for kill in range(KILLS):
        while await handled(door) < seen + 10:
            await asyncio.sleep(0.02)
        await asyncio.sleep(random.uniform(0, 0.15))
        victim = running[kill % len(running)]
        victim.kill()
        victim.wait()
        seen = await handled(door)
        running[kill % len(running)] = start(door.settings)
    return seen


async def test_two_hundred_messages_survive_the_death_of_their_workers(
    open_doors: Callable[..., Door], settings: Settings
) -> None:
    door = open_doors(keyvalue=MemoryKeyValue(), wakeups=LocalWakeups(settings.var))
    await door.wakeups.start()
    citizens = [Citizen(door, f"warga-{number}") for number in range(CITIZENS)]
    running = [start(settings) for _ in range(WORKERS)]
    try:
        async with asyncio.timeout(60):
            killing = asyncio.create_task(kill_now_and_then(door, running))
            for number in range(MESSAGES):
                for citizen in citizens:
                    await citizen.say(f"pesan {number}")
                    await asyncio.sleep(0.005)
            when_last_killed = await killing
            while await handled(door) < CITIZENS * MESSAGES:
                await asyncio.sleep(0.05)
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert when_last_killed < CITIZENS * MESSAGES, "the workers must be killed while there is work"
    for citizen in citizens:
        said = [text.splitlines()[0] for text in await citizen.texts()]
        assert said == [f"Catatan petugas: {number + 1}: pesan {number}" for number in range(MESSAGES)]
    async with door.database.reading() as conn:
        opened = Counter((await conn.execute(sa.select(tables.cases.c.conversation_id))).scalars())
        left = await conn.execute(
            sa.select(tables.conversations.c.pending_since, tables.conversations.c.claimed_by)
        )
        turns = (await conn.execute(sa.select(sa.func.count()).select_from(tables.turns))).scalar_one()
    assert set(opened.values()) == {MESSAGES}
    assert sum(opened.values()) == turns == CITIZENS * MESSAGES
    assert {tuple(row) for row in left} == {(None, None)}
