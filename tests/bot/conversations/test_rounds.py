"""Rounds go on after a failure, hurry while there is more, and stop without waiting out their pause."""

import asyncio

import pytest

from bot.conversations import rounds


async def test_a_round_that_fails_is_told_and_the_next_one_comes(caplog: pytest.LogCaptureFixture) -> None:
    stop, seen = asyncio.Event(), []

    async def look() -> bool:
        seen.append(len(seen))
        if len(seen) == 1:
            raise RuntimeError("the database is away")
        stop.set()
        return False

    await rounds.go(stop, look, 0.01, "complaints could not be filed")
    assert seen == [0, 1]
    assert "complaints could not be filed; again soon" in caplog.text


async def test_where_there_is_more_the_pause_is_not_waited_for() -> None:
    stop, seen = asyncio.Event(), []

    async def look() -> bool:
        seen.append(len(seen))
        if len(seen) == 3:
            stop.set()
        return True

    async with asyncio.timeout(60):
        await rounds.go(stop, look, 3600, "never")
    assert len(seen) == 3


async def test_stopping_ends_the_pause() -> None:
    stop, looked = asyncio.Event(), asyncio.Event()

    async def look() -> bool:
        looked.set()
        return False

    async with asyncio.timeout(60):
        going = asyncio.create_task(rounds.go(stop, look, 3600, "never"))
        await looked.wait()
        stop.set()
        await going


async def test_nobody_looks_after_the_stop() -> None:
    stop = asyncio.Event()
    stop.set()

    async def look() -> bool:
        raise AssertionError("looked after the stop")

    await rounds.go(stop, look, 3600, "never")
