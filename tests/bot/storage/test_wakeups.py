"""A wake-up reaches every process at once, and losing one costs a moment only."""

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.storage.keyvalue import connect
from bot.storage.wakeups import LocalWakeups, RedisWakeups, Wakeups
from tests import engines
from tests.conftest import HAS_REDIS

CARRIERS = ["local", *(["redis"] if HAS_REDIS else [])]

# Another process: says when it listens, and when it was woken.
LISTENER = """
import asyncio, sys
from pathlib import Path
from bot.storage.keyvalue import connect
from bot.storage.wakeups import LocalWakeups, RedisWakeups

async def main(kind, place):
    wakeups = LocalWakeups(Path(place)) if kind == "local" else RedisWakeups(connect(place))
    await wakeups.start()
    async with wakeups.listen("test") as bell:
        await asyncio.sleep(0.5)
        print("listening", flush=True)
        print("woken" if await bell.wait(15) else "slept", flush=True)
    await wakeups.close()

asyncio.run(main(*sys.argv[1:]))
"""


def build(kind: str, folder: Path) -> tuple[Wakeups, str]:
    if kind == "local":
        return LocalWakeups(folder), str(folder)
    return RedisWakeups(connect(engines.REDIS)), engines.REDIS


@pytest.fixture(params=CARRIERS)
async def carrier(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[str, Wakeups, str]]:
    """Wake-ups of each kind, started, and where another process finds them."""
    wakeups, place = build(request.param, tmp_path)
    await wakeups.start()
    yield request.param, wakeups, place
    await wakeups.close()
    if isinstance(wakeups, RedisWakeups):
        await wakeups._redis.aclose()


async def test_another_process_is_woken(carrier: tuple[str, Wakeups, str]) -> None:
    kind, wakeups, place = carrier
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LISTENER, kind, place, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        assert (await process.stdout.readline()).strip() == b"listening"
        await wakeups.wake("test")
        assert (await process.stdout.readline()).strip() == b"woken"
        assert await process.wait() == 0


async def test_a_topic_wakes_only_its_own_listeners(carrier: tuple[str, Wakeups, str]) -> None:
    _, wakeups, _ = carrier
    async with wakeups.listen("a") as first, wakeups.listen("b") as second:
        await wakeups.wake("a")
        assert await first.wait(2) is True
        assert await second.wait(0.1) is False


async def test_a_ring_before_the_wait_is_not_lost_and_counts_once() -> None:
    wakeups = Wakeups()
    async with wakeups.listen("a") as bell:
        await wakeups.wake("a")
        await wakeups.wake("a")
        assert await bell.wait(1) is True
        assert await bell.wait(0.05) is False


async def test_who_stopped_listening_is_forgotten() -> None:
    wakeups = Wakeups()
    async with wakeups.listen("a"):
        pass
    assert not wakeups._bells


async def test_the_socket_of_a_killed_process_is_cleared_away(tmp_path: Path) -> None:
    dead, alive = LocalWakeups(tmp_path), LocalWakeups(tmp_path)
    await dead.start()
    await alive.start()
    assert dead._socket is not None
    asyncio.get_running_loop().remove_reader(dead._socket)
    dead._socket.close()  # as kill -9 would: the file stays
    assert dead._path.exists()
    await alive.wake("a")
    assert not dead._path.exists()
    await alive.close()


async def test_a_tidied_temporary_folder_breaks_nobody(tmp_path: Path) -> None:
    wakeups = LocalWakeups(tmp_path)
    await wakeups.start()
    shutil.rmtree(wakeups._folder)
    async with wakeups.listen("a") as bell:
        await wakeups.wake("a")
        assert await bell.wait(1) is True
    await wakeups.close()


async def test_a_place_with_a_very_long_name_will_do(tmp_path: Path) -> None:
    place = tmp_path / ("x" * 120) / ("y" * 120)
    wakeups = LocalWakeups(place)
    await wakeups.start()
    await wakeups.close()


async def test_while_redis_is_away_waking_neither_fails_nor_waits() -> None:
    wakeups = RedisWakeups(connect("redis://127.0.0.1:1/0"))
    await wakeups.start()
    began = time.monotonic()
    async with wakeups.listen("a") as bell:
        await wakeups.wake("a")
        assert await bell.wait(1) is True
    assert time.monotonic() - began < 10
    await wakeups.close()
    await wakeups._redis.aclose()
