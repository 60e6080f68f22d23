"""One read answers all who asked before it began, and nobody who asked later."""

import asyncio
from collections.abc import Iterator

import pytest

from bot.storage.sharedreads import SharedReads


class Shelf:
    """Something that is read slowly: a read ends when it is let go, and finds what was there as it began."""

    def __init__(self) -> None:
        self.book = "first"
        self.begun = 0
        self.asked_about: list[frozenset[str]] = []
        self.broken = False
        self.gate = asyncio.Event()

    async def read(self, *_given: object) -> str:
        """What lies here now."""
        self.begun += 1
        found, broken = self.book, self.broken
        await self.gate.wait()
        if broken:
            raise OSError("away")
        return found

    async def lookup(self, names: frozenset[str]) -> dict[str, str]:
        """Something about each but the unknown."""
        self.asked_about.append(names)
        await self.gate.wait()
        return {name: name.upper() for name in names if name != "unknown"}


@pytest.fixture
def reads() -> Iterator[SharedReads]:
    shared = SharedReads()
    yield shared
    assert not shared._running, "nothing is kept once it is answered"
    assert not shared._waiting


async def begun(shelf: Shelf, count: int) -> None:
    """Until so many reads have begun."""
    while shelf.begun < count:
        await asyncio.sleep(0)


async def test_a_crowd_is_answered_by_one_read(reads: SharedReads) -> None:
    shelf = Shelf()
    crowd = [asyncio.create_task(reads.ask(shelf.read, "list")) for _ in range(50)]
    await begun(shelf, 1)
    shelf.gate.set()
    assert await asyncio.gather(*crowd) == ["first"] * 50
    assert shelf.begun == 1


async def test_who_asks_while_it_is_read_gets_what_is_newer(reads: SharedReads) -> None:
    shelf = Shelf()
    early = asyncio.create_task(reads.ask(shelf.read, "list"))
    await begun(shelf, 1)
    shelf.book = "second"
    late = [asyncio.create_task(reads.ask(shelf.read, "list")) for _ in range(50)]
    await asyncio.sleep(0)
    shelf.gate.set()
    assert await early == "first"
    assert await asyncio.gather(*late) == ["second"] * 50
    assert shelf.begun == 2


async def test_different_questions_have_answers_of_their_own(reads: SharedReads) -> None:
    one, other = Shelf(), Shelf()
    other.book = "other"
    one.gate.set()
    other.gate.set()
    asked = [reads.ask(one.read, "a"), reads.ask(one.read, "b"), reads.ask(other.read, "a")]
    assert await asyncio.gather(*asked) == ["first", "first", "other"]
    assert (one.begun, other.begun) == (2, 1)


async def test_who_goes_away_takes_nothing_from_the_others(reads: SharedReads) -> None:
    shelf = Shelf()
    gone, stays = (asyncio.create_task(reads.ask(shelf.read, "list")) for _ in range(2))
    await begun(shelf, 1)
    gone.cancel()
    shelf.gate.set()
    assert await stays == "first"
    assert shelf.begun == 1


async def test_a_failure_is_told_to_all_and_the_next_is_read_anew(reads: SharedReads) -> None:
    shelf = Shelf()
    shelf.broken = True
    shelf.gate.set()
    told = await asyncio.gather(*(reads.ask(shelf.read, "list") for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in told] == [OSError] * 3
    shelf.broken = False
    assert await reads.ask(shelf.read, "list") == "first"


async def test_a_read_that_fails_does_not_stop_those_who_wait_for_the_next(reads: SharedReads) -> None:
    shelf = Shelf()
    shelf.broken = True
    early = asyncio.create_task(reads.ask(shelf.read, "list"))
    await begun(shelf, 1)
    late = asyncio.create_task(reads.ask(shelf.read, "list"))
    await asyncio.sleep(0)
    shelf.broken = False
    shelf.gate.set()
    with pytest.raises(OSError, match="away"):
        await early
    assert await late == "first"


async def test_each_hears_only_of_what_they_asked_about(reads: SharedReads) -> None:
    shelf = Shelf()
    shelf.gate.set()
    names = ["sari", "budi", "unknown", "sari"]
    found = await asyncio.gather(*(reads.ask_about(name, shelf.lookup) for name in names))
    assert found == ["SARI", "BUDI", None, "SARI"]
    assert shelf.asked_about == [frozenset({"sari", "budi", "unknown"})]
