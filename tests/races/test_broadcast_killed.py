"""kill -9 of the workers that send a broadcast: everybody who asked has it once."""

import asyncio
import fcntl
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bot.conversations import broadcasting
from bot.door import Door
from bot.settings import ROOT, Settings
from bot.storage import conversations, subscriptions
from bot.storage.keyvalue import MemoryKeyValue
from bot.storage.wakeups import LocalWakeups
from bot.vocabulary.broadcasts import BroadcastStatus, Notice
from bot.vocabulary.messages import ChannelAddress, ChannelName
from tests.postman import Postman

PEOPLE, WORKERS, KILLS = 150, 2, 5
NOTICE = Notice("kota_mojokerto", "air", "Air mati hari ini.", urgent=True)


def start(settings: Settings, ledger: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "DATABASE_URL": settings.database_url,
        "LAWANG_VAR": str(settings.var),
        "LAWANG_QUIET_HOURS": "off",
        "REDIS_URL": "",
        "TELEGRAM_MODE": "webhook",
        "TELEGRAM_BOT_TOKEN": "",
        "WHATSAPP_TOKEN": "",
    }
    command = [sys.executable, "-m", "tests.races.broadcast_worker", str(ledger)]
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def delivered(ledger: Path) -> list[str]:
    return ledger.read_text().splitlines() if ledger.exists() else []


def kill_between_calls(victim: subprocess.Popen[bytes], ledger: Path) -> None:
    """Kill at any moment but the one between a delivery and the note of it, which ends twice or never."""
    with ledger.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        victim.kill()
        victim.wait()


async def test_a_broadcast_survives_the_death_of_its_workers_and_reaches_each_once(
    open_doors: Callable[..., Door], settings: Settings, tmp_path: Path
) -> None:
    door = open_doors(
        keyvalue=MemoryKeyValue(),
        wakeups=LocalWakeups(settings.var),
        channels={ChannelName.TELEGRAM: Postman()},
    )
    await door.wakeups.start()
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        for number in range(PEOPLE):
            address = ChannelAddress(ChannelName.TELEGRAM, str(number), None)
            talk = await conversations.find_or_create(conn, "kota_mojokerto", address, now)
            await subscriptions.add(conn, talk.id, "kota_mojokerto", "air", "", now)
    ledger = tmp_path / "ledger"
    made = await broadcasting.start(door, NOTICE, PEOPLE, "sari", now)
    running = [start(settings, ledger) for _ in range(WORKERS)]
    try:
        async with asyncio.timeout(90):
            for kill in range(KILLS):
                seen = len(delivered(ledger))
                while len(delivered(ledger)) < min(seen + 15, PEOPLE - 1):
                    await asyncio.sleep(0.01)
                await asyncio.sleep(random.uniform(0, 0.1))
                kill_between_calls(running[kill % WORKERS], ledger)
                running[kill % WORKERS] = start(settings, ledger)
            while True:
                found, report = await broadcasting.report(door, made.id)
                if found.status is BroadcastStatus.DONE and report.sent == PEOPLE:
                    break
                await asyncio.sleep(0.05)
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert Counter(delivered(ledger)) == Counter(str(number) for number in range(PEOPLE))
