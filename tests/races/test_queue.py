"""Many citizens, many clerks, one queue: on SQLite and PostgreSQL, with two processes on one store."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from connectors.client import Client
from connectors.errors import BackendUnreachable, HoldExpired, LimitReached, SlotTaken
from connectors.queues import (
    BookingReceipt,
    BookingRequest,
    BookingStatus,
    Confirmation,
    Hold,
    HoldRequest,
    SlotQuery,
    WaitingStatus,
    WaitingWish,
)
from connectors.sandbox import line
from connectors.sandbox.tables import bookings, places
from tests.engines import available, fresh_database
from tests.races.queue_city import Process, Queue, queue, together, with_places

SLOT = "dukcapil-20261124-0900"
SERVICE = "ktp_hilang"
TUESDAY = date(2026, 11, 24)


@pytest.fixture(params=available())
def store(request: Any, tmp_path: Path) -> Iterator[Path | str]:
    if request.param == "sqlite":
        yield tmp_path / "kota.db"
        return
    with fresh_database("postgresql", tmp_path) as url:
        yield url


@pytest.fixture
async def small(store: Path | str) -> AsyncIterator[Queue]:
    """One place in every slot of the counter."""
    async with queue(store, with_places(1)) as opened:
        yield opened


async def sold_twice(opened: Queue) -> int:
    """How many places have more than one living ticket, counted in the tickets, not in the places."""
    dead = ("batal", "kedaluwarsa")
    async with opened.hall.database.reading() as conn:
        tickets = select(bookings.c.slot_id, bookings.c.number).where(bookings.c.status.not_in(dead))
        found = Counter((await conn.execute(tickets)).all())
        held = select(func.count()).select_from(places).where(places.c.code.is_not(None))
        assert (await conn.execute(held)).scalar_one() == sum(found.values())
    return sum(count - 1 for count in found.values())


async def test_one_place_of_200_clients_goes_to_one_and_199_hear_of_others(small: Queue):
    wishes = await together(200, lambda n: small[n].hold(HoldRequest(f"k-{n}", SLOT, SERVICE, f"warga-{n}")))
    won = [one for one in wishes if isinstance(one, Hold)]
    lost = [one for one in wishes if isinstance(one, SlotTaken)]
    assert (len(won), len(lost)) == (1, 199), Counter(type(one) for one in wishes)
    assert {len(one.alternatives) for one in lost} == {3}
    assert SLOT not in {slot.id for one in lost for slot in one.alternatives}
    receipt = await small[1].confirm(Confirmation("c", won[0].code, "Warga"))
    assert receipt.status is BookingStatus.BOOKED
    assert await sold_twice(small) == 0


async def test_chat_web_and_walk_in_share_one_quota(store: Path | str):
    async with queue(store, with_places(2)) as opened:

        async def come(number: int) -> Any:
            if number % 3:
                name = f"warga-{number}"
                return await opened[number].reserve(
                    BookingRequest(name, "dukcapil-20261123-0800", SERVICE, name, person=name)
                )
            hall = opened.halls[number % 2]
            async with hall.writing() as conn:
                return await line.walk_in(conn, hall.city, hall.city.counters["dukcapil"], None, hall.clock())

        came = await together(60, come)
        booked = [one for one in came if isinstance(one, BookingReceipt)]
        refused = [one for one in came if isinstance(one, SlotTaken)]
        walked = [one for one in came if not isinstance(one, BaseException | BookingReceipt)]
        assert len(booked) + len(refused) == 40
        assert len(walked) == 20
        in_the_first = [one for one in walked if one.slot_id == "dukcapil-20261123-0800"]
        assert len(booked) + len(in_the_first) == 2
        assert await sold_twice(opened) == 0


async def test_five_taps_of_one_person_on_two_devices_hold_one_place(store: Path | str):
    async with queue(store) as opened:
        taps = await together(10, lambda n: opened[n].hold(HoldRequest(f"k-{n}", SLOT, SERVICE, "siti")))
        assert {type(tap) for tap in taps} == {Hold}
        day = await opened[0].slots(SlotQuery(SERVICE, TUESDAY))
        assert {slot.left for slot in day.slots if slot.id == SLOT} == {5}
        again = await together(5, lambda n: opened[n].hold(HoldRequest("same", SLOT, SERVICE, "budi")))
        assert len({hold.code for hold in again}) == 1
        sure = await together(5, lambda n: opened[n].confirm(Confirmation("yes", again[0].code, "Budi")))
        assert len({receipt.number for receipt in sure}) == 1


async def test_one_person_gets_no_more_than_the_limit_whatever_is_asked_at_once(store: Path | str):
    async with queue(store) as opened:

        async def want(number: int) -> Any:
            slot = f"dukcapil-202611{24 + number % 4}-0{8 + number % 2}00"
            return await opened[number].reserve(
                BookingRequest(f"k-{number}", slot, SERVICE, "Siti", person="siti")
            )

        got = await together(20, want)
        kinds = Counter(type(one) for one in got)
        assert kinds == {BookingReceipt: 2, LimitReached: 18}


async def test_fifty_clerks_never_call_one_number_and_skip_none(store: Path | str):
    async with queue(store) as opened:
        for slot in ("0800", "0830", "0900", "0930", "1000"):
            for n in range(6):
                await opened[n].reserve(
                    BookingRequest(f"{slot}-{n}", f"dukcapil-20261123-{slot}", SERVICE, "W")
                )

        async def call(number: int) -> Any:
            hall = opened.halls[number % 2]
            async with hall.writing() as conn:
                desk = hall.city.counters["dukcapil"]
                return await line.call_next(conn, hall.city, desk, f"clerk-{number}", None, hall.clock())

        calls = await together(50, call)
        assert not [one for one in calls if isinstance(one, BaseException)]
        numbers = [row.number for row in calls if row is not None]
        assert len(numbers) == len(set(numbers))
        while (row := await call(99)) is not None:
            numbers.append(row.number)
        assert sorted(numbers) == list(range(1, 31))


async def test_a_hold_that_ends_while_it_is_confirmed_is_the_one_or_the_other(small: Queue):
    """At the very end of a hold: its owner confirms, others want the place. One of them has it afterwards."""
    for minute in range(5):
        slot = f"dukcapil-2026112{4 + minute % 4}-0{8 + minute // 4}30"
        hold = await small[0].hold(HoldRequest(f"h-{minute}", slot, SERVICE, f"siti-{minute}"))
        small.clock.turn(minutes=10, seconds=random.choice([-1, 0]))

        async def act(number: int, hold: Hold = hold, slot: str = slot) -> Any:
            if number == 3:
                small.clock.turn(seconds=1)
            if number % 2:
                return await small[number].confirm(Confirmation(f"c-{slot}", hold.code, "Siti"))
            return await small[number].reserve(BookingRequest(f"r-{slot}-{number}", slot, SERVICE, "Budi"))

        outcomes = await together(12, act)
        assert {type(one) for one in outcomes} <= {BookingReceipt, HoldExpired, SlotTaken}
        codes = {one.code for one in outcomes if isinstance(one, BookingReceipt)}
        assert len(codes) == 1, outcomes
        assert await sold_twice(small) == 0


async def test_a_freed_place_is_offered_to_one_of_those_who_wait_and_to_nobody_beside(small: Queue):
    first = [f"dukcapil-20261124-{8 + half // 2:02}{30 * (half % 2):02}" for half in range(12)]
    tickets = [
        await small[n].reserve(BookingRequest(slot, slot, SERVICE, "Warga")) for n, slot in enumerate(first)
    ]
    waiting = [
        await small[n].join_waiting_list(WaitingWish(f"w-{n}", SERVICE, TUESDAY, "Warga", f"warga-{n}"))
        for n in range(10)
    ]
    assert [place.ahead for place in waiting] == list(range(10))

    async def act(number: int) -> Any:
        if number < 4:
            await small[number].cancel_booking(tickets[number].code, f"c-{number}")
            return None
        slot = first[number % 4]
        return await small[number].reserve(BookingRequest(f"r-{number}", slot, SERVICE, "Calo"))

    traders = [one for one in await together(60, act) if one is not None]
    assert {type(one) for one in traders} == {SlotTaken}
    found = [await small[0].waiting_place(place.id) for place in waiting]
    assert [place.status for place in found[:4]] == [WaitingStatus.OFFERED] * 4
    assert [place.status for place in found[4:]] == [WaitingStatus.WAITING] * 6
    taken = await together(20, lambda n: small[n].accept_offer(found[n % 4].id, f"a-{n}"))
    assert {type(receipt) for receipt in taken} == {BookingReceipt}, taken
    assert len({receipt.code for receipt in taken}) == 4
    assert await sold_twice(small) == 0


@pytest.mark.parametrize(
    ("plan", "booked"),
    [
        pytest.param({"mode": "hang", "seconds": 60, "after": True}, True, id="after it was done"),
        pytest.param({"mode": "slow", "seconds": 60}, False, id="before it was done"),
    ],
)
async def test_a_confirmation_killed_in_the_middle_is_settled_by_its_key(
    store: Path | str, tmp_path: Path, plan: dict[str, Any], booked: bool
):
    process, client = Process(store, tmp_path / "log"), Client()
    try:
        await process.start()
        app = process.connector(client)
        hold = await app.hold(HoldRequest("h", SLOT, SERVICE, "siti"))
        await process.fault(**plan)
        wish = Confirmation("turn-7", hold.code, "Siti")
        asked = asyncio.create_task(process.connector(client, seconds=2).confirm(wish))
        with pytest.raises(BackendUnreachable) as raised:
            await asked
        assert raised.value.outcome_unknown
        process.kill()
        await process.start()
        state = (await app.booking_status(hold.code)).status
        assert state is (BookingStatus.BOOKED if booked else BookingStatus.HELD)
        receipts = [await app.confirm(wish) for _ in range(3)]
        assert {(one.code, one.number) for one in receipts} == {(hold.code, receipts[0].number)}
    finally:
        process.kill()
        await client.close()


async def test_confirmations_through_three_kills_are_each_done_once(store: Path | str, tmp_path: Path):
    process, client = Process(store, tmp_path / "log"), Client()
    try:
        await process.start()
        app = process.connector(client)
        slots = [slot.id for slot in (await app.slots(SlotQuery(SERVICE, TUESDAY))).slots]
        holds = [
            await app.hold(HoldRequest(f"h-{n}", slots[n % 6], SERVICE, f"warga-{n}")) for n in range(24)
        ]

        async def persist(hold: Hold) -> BookingReceipt:
            while True:
                try:
                    return await app.confirm(Confirmation(f"c-{hold.code}", hold.code, "Warga"))
                except BackendUnreachable:
                    await asyncio.sleep(0.05)

        work = [asyncio.create_task(persist(hold)) for hold in holds]
        for _ in range(3):
            await asyncio.sleep(random.uniform(0.0, 0.1))
            process.kill()
            await process.start()
        receipts = await asyncio.gather(*work)
        assert [receipt.code for receipt in receipts] == [hold.code for hold in holds]
        assert len({(receipt.starts_at, receipt.number) for receipt in receipts}) == 24
        states = {(await app.booking_status(hold.code)).status for hold in holds}
        assert states == {BookingStatus.BOOKED}
    finally:
        process.kill()
        await client.close()
