"""A webhook call is ours once it is kept; it is opened once, in its order, also after the process died."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.conversations import inbound, intake, opening
from bot.conversations.intake import Intake, IntakeFull
from bot.door import Door
from bot.storage import tables
from bot.storage.webhookcalls import webhook_calls
from bot.vocabulary.messages import ChannelName
from tests.postman import Postman, letter


@pytest.fixture
def postman() -> Postman:
    """The channel that calls."""
    return Postman()


@pytest.fixture
def city(open_doors: Callable[..., Door], postman: Postman) -> Door:
    """A door with that channel."""
    return open_doors(channels={ChannelName.TELEGRAM: postman})


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be stored is tried again at once."""
    monkeypatch.setattr(opening, "PAUSES", (0.0, 0.0))


def said(person: int, number: int, text: str = "") -> bytes:
    return letter({"from": str(person), "id": f"{person}-{number}", "text": text or f"pesan {number}"})


async def take(door: Door, channel: Postman, desk: Intake, body: bytes) -> asyncio.Task[None]:
    """One call, as the webhook hands it on."""
    return await desk.receive(door, channel, body, channel.parse(json.loads(body)))


async def stored(door: Door) -> list[str]:
    async with door.database.reading() as conn:
        query = sa.select(tables.messages.c.text).order_by(tables.messages.c.id)
        return list((await conn.execute(query)).scalars())


async def kept(door: Door) -> list[Any]:
    async with door.database.reading() as conn:
        return list(await conn.execute(sa.select(webhook_calls)))


async def due_now(door: Door) -> None:
    async with door.database.transaction() as conn:
        await conn.execute(webhook_calls.update().values(due_at=datetime.now(UTC) - timedelta(seconds=1)))


class Shut:
    """Nothing is opened until it is let; then as ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.let = asyncio.Event()
        self._accept = inbound.accept
        monkeypatch.setattr(inbound, "accept", self)

    async def __call__(self, *given: Any) -> Any:
        await self.let.wait()
        return await self._accept(*given)


async def test_a_crowd_is_said_yes_to_before_anybody_is_answered(
    city: Door, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut, desk = Shut(monkeypatch), Intake()
    calls = [said(person, number) for number in range(5) for person in range(40)]
    tasks = await asyncio.gather(*(take(city, postman, desk, body) for body in calls))
    assert await stored(city) == []
    assert len(await kept(city)) == 200
    shut.let.set()
    await asyncio.gather(*tasks)
    assert len(await stored(city)) == 200
    assert await kept(city) == []


async def test_what_one_citizen_says_stays_in_its_order_however_many_are_opened_at_once(
    city: Door, postman: Postman
) -> None:
    desk = Intake()
    calls = [said(person, number) for number in range(10) for person in range(6)]
    tasks = await asyncio.gather(*(take(city, postman, desk, body) for body in calls))
    await asyncio.gather(*tasks)
    async with city.database.reading() as conn:
        query = sa.select(tables.messages.c.conversation_id, tables.messages.c.text).order_by(
            tables.messages.c.id
        )
        found: dict[str, list[str]] = {}
        for conversation, text in await conn.execute(query):
            found.setdefault(conversation, []).append(text)
    assert list(found.values()) == [[f"pesan {number}" for number in range(10)]] * 6


async def test_one_citizens_trouble_holds_up_nobody_else(
    city: Door, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept, desk = inbound.accept, Intake()
    let = asyncio.Event()

    async def slow(door: Door, message: Any, settles: str | None = None) -> Any:
        if message.sender.address == "1":
            await let.wait()
        return await accept(door, message, settles)

    monkeypatch.setattr(inbound, "accept", slow)
    stuck = await take(city, postman, desk, said(1, 1))
    others = [await take(city, postman, desk, said(person, 1)) for person in range(2, 9)]
    await asyncio.gather(*others)
    assert len(await stored(city)) == 7
    let.set()
    await stuck
    assert len(await stored(city)) == 8


async def test_an_emergency_passes_a_crowd(
    city: Door, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Intake()
    monkeypatch.setattr(desk, "_room", asyncio.Semaphore(0))
    monkeypatch.setattr(intake, "ROOM", 1)
    await take(city, postman, desk, said(1, 1))
    await (await take(city, postman, desk, said(2, 1, "tolong kebakaran rumah tetangga saya sekarang")))
    async with city.database.reading() as conn:
        query = sa.select(tables.messages.c.effect_key).where(tables.messages.c.direction == "out")
        keys = list((await conn.execute(query)).scalars())
    assert [key.partition(":")[0] for key in keys] == ["emergency"]


async def test_a_kept_call_shows_nothing_of_what_was_said(
    city: Door, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut, desk = Shut(monkeypatch), Intake()
    task = await take(city, postman, desk, said(1, 1, "rahasia saya"))
    (row,) = await kept(city)
    assert "rahasia" not in str(row)
    shut.let.set()
    await task


async def test_what_a_dead_process_said_yes_to_is_opened_by_the_next_before_anything_newer(
    city: Door, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut, dead = Shut(monkeypatch), Intake()
    held = dead.working(city)
    await held.__aenter__()
    tasks = [await take(city, postman, dead, said(1, number)) for number in range(3)]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    monkeypatch.setattr(intake, "PATIENCE_SECONDS", 0.0)
    await held.__aexit__(None, None, None)
    # Whoever is killed leaves the name on the slot.
    slot = city.settings.var / "run" / "doors" / "worker-0.lock"
    slot.write_text(dead._holder)
    shut.let.set()
    following = Intake()
    async with following.working(city):
        await (await take(city, postman, following, said(1, 3)))
    assert await stored(city) == [f"pesan {number}" for number in range(4)]
    assert await kept(city) == []


async def test_a_call_of_a_living_process_is_left_to_it(
    city: Door, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut, first, second = Shut(monkeypatch), Intake(), Intake()
    async with first.working(city), second.working(city):
        task = await take(city, postman, first, said(1, 1))
        assert await second.sweep(city) == []
        shut.let.set()
        await task
    assert await stored(city) == ["pesan 1"]


async def test_a_call_opened_twice_is_stored_once(
    city: Door, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut, first, second = Shut(monkeypatch), Intake(), Intake()
    mine = await take(city, postman, first, said(1, 1))
    await due_now(city)
    theirs = await second.sweep(city)
    shut.let.set()
    await asyncio.gather(mine, *theirs)
    assert await stored(city) == ["pesan 1"]
    assert await kept(city) == []


@pytest.mark.usefixtures("impatient")
async def test_what_cannot_be_stored_now_is_kept_and_opened_later_and_the_rest_of_its_call_at_once(
    city: Door, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept, desk = inbound.accept, Intake()

    async def broken(door: Door, message: Any, settles: str | None = None) -> Any:
        if message.text == "satu":
            raise ConnectionError("the database is away")
        return await accept(door, message, settles)

    monkeypatch.setattr(inbound, "accept", broken)
    batch = letter({"from": "1", "id": "1", "text": "satu"}, {"from": "2", "id": "2", "text": "dua"})
    await (await take(city, postman, desk, batch))
    assert await stored(city) == ["dua"]
    (row,) = await kept(city)
    assert (row.attempts, row.due_at > datetime.now(UTC) + timedelta(seconds=30)) == (1, True)
    assert await desk.sweep(city) == []
    monkeypatch.setattr(inbound, "accept", accept)
    await due_now(city)
    await asyncio.gather(*await desk.sweep(city))
    assert await stored(city) == ["dua", "satu"]
    assert await kept(city) == []


async def test_a_call_that_met_a_mistake_of_ours_is_read_when_the_mistake_is_mended(
    city: Door, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Intake()
    await desk.set_aside(city, postman, b'"bug"')
    await due_now(city)
    assert await desk.sweep(city) == []
    (row,) = await kept(city)
    assert row.attempts == 2
    monkeypatch.setattr(
        postman, "parse", lambda _: Postman().parse([{"from": "1", "id": "1", "text": "ada"}])
    )
    await due_now(city)
    await asyncio.gather(*await desk.sweep(city))
    assert await stored(city) == ["ada"]


async def test_a_call_that_nobody_can_read_for_a_week_is_given_up(city: Door, postman: Postman) -> None:
    desk = Intake()
    await desk.set_aside(city, postman, b'"bug"')
    async with city.database.transaction() as conn:
        await conn.execute(webhook_calls.update().values(received_at=datetime.now(UTC) - timedelta(days=8)))
    await due_now(city)
    await desk.sweep(city)
    assert await kept(city) == []


@pytest.mark.usefixtures("impatient")
async def test_a_call_that_nobody_can_store_for_a_week_is_given_up(
    city: Door, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Intake()

    async def broken(*_: Any) -> None:
        raise ConnectionError("the database is away")

    monkeypatch.setattr(inbound, "accept", broken)
    await (await take(city, postman, desk, said(1, 1)))
    for age, left in ((timedelta(days=6), 1), (timedelta(days=8), 0)):
        async with city.database.transaction() as conn:
            await conn.execute(webhook_calls.update().values(received_at=datetime.now(UTC) - age))
        await due_now(city)
        await asyncio.gather(*await desk.sweep(city))
        assert len(await kept(city)) == left


@pytest.mark.parametrize("status", ["read", "handled"])
async def test_a_word_on_nothing_of_ours_is_opened_once_and_forgotten(
    city: Door, postman: Postman, status: str
) -> None:
    desk = Intake()
    await (await take(city, postman, desk, letter({"receipt": "unknown", "status": status})))
    assert await kept(city) == []


async def test_more_than_a_process_should_hold_is_told_to_come_again(
    city: Door, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut, desk = Shut(monkeypatch), Intake()
    monkeypatch.setattr(intake, "MOST_OPEN", 3)
    tasks = [await take(city, postman, desk, said(person, 1)) for person in range(3)]
    with pytest.raises(IntakeFull):
        await take(city, postman, desk, said(4, 1))
    shut.let.set()
    await asyncio.gather(*tasks)
    await (await take(city, postman, desk, said(4, 1)))
    assert len(await stored(city)) == 4


async def test_a_call_that_could_not_be_kept_is_not_said_yes_to(
    city: Door, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Intake()

    async def broken(*_: Any) -> None:
        raise ConnectionError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(intake.webhookcalls, "keep", broken)
        tries = [take(city, postman, desk, said(1, number)) for number in range(3)]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert all(isinstance(outcome, ConnectionError) for outcome in outcomes)
    # The channel delivers again; nothing stands in the way.
    for number in range(3):
        await (await take(city, postman, desk, said(1, number)))
    assert await stored(city) == ["pesan 0", "pesan 1", "pesan 2"]
