"""Both twins do the same, and a Redis that is away or hangs keeps nobody waiting."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.storage.keyvalue import KeyValue, MemoryKeyValue, Rate, RedisKeyValue, connect
from bot.storage.wakeups import RedisWakeups
from tests import engines
from tests.conftest import KEYVALUES


@pytest.fixture(params=KEYVALUES)
async def keyvalue(request: pytest.FixtureRequest) -> AsyncIterator[KeyValue]:
    """Each twin."""
    opened: KeyValue = (
        MemoryKeyValue() if request.param == "memory" else RedisKeyValue(connect(engines.REDIS))
    )
    yield opened
    await opened.close()


@pytest.fixture
def name() -> str:
    """A key nobody else uses."""
    return f"test:{uuid.uuid4().hex}"


async def test_a_value_is_kept_until_it_is_deleted(keyvalue: KeyValue, name: str) -> None:
    assert await keyvalue.get(name) is None
    await keyvalue.set(name, "nilai 😀")
    assert await keyvalue.get(name) == "nilai 😀"
    await keyvalue.delete(name)
    await keyvalue.delete(name)
    assert await keyvalue.get(name) is None


async def test_a_value_goes_when_its_time_is_up(keyvalue: KeyValue, name: str) -> None:
    await keyvalue.set(name, "x", 0.05)
    await asyncio.sleep(0.1)
    assert await keyvalue.get(name) is None


async def test_add_stores_only_where_there_is_nothing(keyvalue: KeyValue, name: str) -> None:
    assert await keyvalue.add(name, "a", 60) is True
    assert await keyvalue.add(name, "b", 60) is False
    assert await keyvalue.get(name) == "a"


async def test_of_many_who_add_at_once_one_wins(keyvalue: KeyValue, name: str) -> None:
    assert sum(await asyncio.gather(*(keyvalue.add(name, str(n), 60) for n in range(50)))) == 1


async def test_counts_go_up_in_a_window_that_ends(keyvalue: KeyValue, name: str) -> None:
    counts = await asyncio.gather(*(keyvalue.increment(name, 0.3) for _ in range(20)))
    assert sorted(counts) == list(range(1, 21))
    await asyncio.sleep(0.4)
    assert await keyvalue.increment(name, 60) == 1


async def test_a_lease_is_held_by_one_and_kept_by_asking_again(keyvalue: KeyValue, name: str) -> None:
    assert await keyvalue.lease(name, "a", 60) is True
    assert await keyvalue.lease(name, "b", 60) is False
    assert await keyvalue.lease(name, "a", 0.05) is True
    await asyncio.sleep(0.1)
    assert await keyvalue.lease(name, "b", 60) is True


async def test_of_many_who_want_a_lease_one_gets_it(keyvalue: KeyValue, name: str) -> None:
    assert sum(await asyncio.gather(*(keyvalue.lease(name, str(n), 60) for n in range(50)))) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["lease", "delete"])), max_size=20))
def test_two_never_hold_one_lease(steps: list[tuple[str, str]]) -> None:
    async def run() -> None:
        keyvalue = MemoryKeyValue()
        holder: str | None = None
        for who, what in steps:
            if what == "delete" and who == holder:
                await keyvalue.delete("lease")
                holder = None
            elif what == "lease":
                got = await keyvalue.lease("lease", who, 60)
                assert got is (holder in (None, who))
                holder = who if got else holder

    asyncio.run(run())


async def test_a_million_marks_do_not_slow_every_next_one_down() -> None:
    keyvalue = MemoryKeyValue()
    for number in range(100_050):
        keyvalue._values[str(number)] = ("1", float("inf"))
    begun = keyvalue._values
    await keyvalue.set("a", "1", 60)
    tidied = keyvalue._values
    assert tidied is not begun
    for number in range(50):
        await keyvalue.set(f"b{number}", "1", 60)
    assert keyvalue._values is tidied, "most still live: tidying again at once would find nothing"


async def test_while_redis_is_away_limits_let_through_and_nobody_leads() -> None:
    keyvalue = RedisKeyValue(connect("redis://127.0.0.1:1/0"))
    assert await keyvalue.increment("n", 60) == 1
    assert await keyvalue.add("n", "x", 60) is True
    assert await keyvalue.get("n") is None
    assert await keyvalue.lease("n", "a", 60) is False
    await keyvalue.set("n", "x")
    await keyvalue.delete("n")
    await keyvalue.close()


async def test_a_redis_that_hangs_is_given_up_quickly() -> None:
    async def silence(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)
        writer.close()

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    keyvalue = RedisKeyValue(connect(f"redis://127.0.0.1:{port}/0"))
    wakeups = RedisWakeups(connect(f"redis://127.0.0.1:{port}/0"))
    began = time.monotonic()
    async with asyncio.timeout(20):
        assert await keyvalue.increment("n", 60) == 1
        await wakeups.wake("inbound")
    assert time.monotonic() - began < 15
    server.close()
    await keyvalue.close()
    await wakeups._redis.aclose()


async def test_places_in_a_bucket_follow_at_the_rate_after_a_burst(keyvalue: KeyValue, name: str) -> None:
    waits = [await keyvalue.take(name, Rate(0.1, burst=3), 600) for _ in range(6)]
    assert waits[:3] == [0, 0, 0]
    for place, wait in enumerate(waits[3:], start=1):
        assert 10 * place - 5 < wait <= 10 * place


async def test_a_place_too_far_off_is_not_taken(keyvalue: KeyValue, name: str) -> None:
    assert await keyvalue.take(name, Rate(0.01), 0) == 0
    waits = [await keyvalue.take(name, Rate(0.01), 1) for _ in range(5)]
    assert all(90 < wait <= 100 for wait in waits), "refusals do not lengthen the line"


async def test_a_shut_bucket_lets_nobody_through_and_no_burst_after_it(keyvalue: KeyValue, name: str) -> None:
    rate = Rate(0.1, burst=5)
    await keyvalue.shut(name, rate, 300)
    await keyvalue.shut(name, rate, 1)
    assert 290 < await keyvalue.take(name, rate, 0) <= 300
    first, second = [await keyvalue.take(name, rate, 600) for _ in range(2)]
    assert 5 < second - first < 15


async def test_while_redis_is_away_each_process_keeps_to_a_pace_by_itself(name: str) -> None:
    away = RedisKeyValue(connect("redis://127.0.0.1:9/0"))
    assert await away.take(name, Rate(0.1), 1) == 0
    assert await away.take(name, Rate(0.1), 1) > 5
    await away.shut(name, Rate(0.1), 60)
    assert await away.take(name, Rate(0.1), 1) > 50
    await away.close()


async def test_a_window_has_room_for_so_many_and_no_more(keyvalue: KeyValue, name: str) -> None:
    waits = await asyncio.gather(*(keyvalue.enter(name, str(n), 3, 60) for n in range(8)))
    assert sorted(waits)[:3] == [0, 0, 0]
    assert all(55 < wait <= 60 for wait in sorted(waits)[3:])


async def test_who_leaves_a_window_makes_room_and_who_stays_does_not(keyvalue: KeyValue, name: str) -> None:
    await keyvalue.enter(name, "a", 1, 60)
    await keyvalue.leave(name, "stranger", 0)
    assert await keyvalue.enter(name, "b", 1, 60) > 50
    await keyvalue.leave(name, "a", 20)
    await keyvalue.leave(name, "a", 40)
    assert 15 < await keyvalue.enter(name, "b", 1, 60) <= 20, "later than said at first is not heard"
    await keyvalue.leave(name, "a", 0.05)
    await asyncio.sleep(0.1)
    assert await keyvalue.enter(name, "b", 1, 60) == 0


async def test_who_never_leaves_a_window_is_out_when_the_time_is_up(keyvalue: KeyValue, name: str) -> None:
    await keyvalue.enter(name, "a", 1, 0.05)
    await asyncio.sleep(0.1)
    assert await keyvalue.enter(name, "b", 1, 60) == 0


async def test_while_redis_is_away_each_process_has_a_window_of_its_own(name: str) -> None:
    away = RedisKeyValue(connect("redis://127.0.0.1:9/0"))
    assert await away.enter(name, "a", 1, 60) == 0
    assert await away.enter(name, "b", 1, 60) > 50
    await away.leave(name, "a", 0)
    assert await away.enter(name, "b", 1, 60) == 0
    await away.close()
