"""Reservations the front door settles: an answer that was lost, and numbers only it may open."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.conversations import settling
from bot.door import Door
from bot.storage import reservations, tables
from connectors.capabilities import Capability
from connectors.errors import BackendUnreachable, HoldExpired, NotOffered, PersonUnknown
from connectors.queues import BookingReceipt, BookingRequest, Confirmation
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

APP = "mpp_gajah_mada"
STARTS = datetime.now(UTC) + timedelta(days=2)
QUEUED: dict[str, Any] = {
    "type": "booking_queued",
    "connector": APP,
    "idempotency_key": "key-1",
    "service": "ktp_hilang",
    "slot_id": "slot-1",
    "starts_at": STARTS.isoformat(),
    "name": "Siti",
    "hold": "MPP-7K3Q",
    "priority": "elderly",
}
NIK, CARD = "3576000000000001", "0001234567890"


@dataclass
class Queue:
    """A queue that gives one place per key, and fails as the test says."""

    offers = frozenset({Capability.BOOKING_HOLD})

    troubles: list[Exception] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)
    made: set[str] = field(default_factory=set)
    lost: int = 0

    async def confirm(self, sure: Confirmation) -> BookingReceipt:
        return self._take(sure, sure.idempotency_key)

    async def reserve(self, request: BookingRequest) -> BookingReceipt:
        return self._take(request, request.idempotency_key)

    def _take(self, what: Any, key: str) -> BookingReceipt:
        self.asked.append(what)
        if self.troubles:
            raise self.troubles.pop(0)
        self.made.add(key)
        if self.lost:
            self.lost -= 1
            raise BackendUnreachable(APP, "the line broke", outcome_unknown=True)
        return BookingReceipt("MPP-7K3Q", "A007", "dukcapil", STARTS)


class Directory:
    """A registry with one queue."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue

    def by_id(self, app_id: str) -> Queue:
        """Return the queue. Raises NotOffered."""
        if app_id != APP:
            raise NotOffered(app_id)
        return self.queue


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
async def hall(open_doors: Callable[..., Door], queue: Queue) -> Door:
    """A door to that queue."""
    door = open_doors(registry=Directory(queue))
    await door.wakeups.start()
    return door


async def ask(door: Door, engine: ScriptedEngine, *said: str, effect: dict[str, Any] = QUEUED) -> Citizen:
    """A citizen who wrote some messages and then asked for the place."""
    citizen = Citizen(door)
    for text in said:
        await citizen.say(text)
        await answer_all(door)
    turns = [turn.id for turn in engine.turns]
    engine.effects = lambda turn: [{**effect, "numbers_in": turns}]
    await citizen.say("kirim")
    await answer_all(door)
    engine.effects = lambda turn: []
    await citizen.replies()
    return citizen


async def once(door: Door, after: float = 1) -> None:
    """What the worker does when `after` seconds have passed."""
    async with door.database.transaction() as conn:
        due = await reservations.due(conn, datetime.now(UTC) + timedelta(seconds=after), 10)
    for row in due:
        await settling._try(door, row)


async def stored(door: Door) -> Any:
    async with door.database.reading() as conn:
        return (await conn.execute(sa.select(tables.reservations))).one()


async def test_a_confirmation_whose_answer_was_lost_is_asked_for_again_and_is_one_booking(
    hall: Door, engine: ScriptedEngine, queue: Queue
) -> None:
    queue.lost = 2
    citizen = await ask(hall, engine)
    for after in (1, 100, 200, 300):
        await once(hall, after)
    assert queue.made == {"key-1"}
    assert len(queue.asked) == 3
    told = await citizen.texts()
    assert len(told) == 2, "the ticket and its calendar file, once"
    assert "A007" in told[0]
    assert "lansia" in told[0]
    assert (await stored(hall)).status == "made"


async def test_a_hold_that_ran_out_meanwhile_is_said_with_a_way_on(
    hall: Door, engine: ScriptedEngine, queue: Queue
) -> None:
    queue.troubles = [HoldExpired(APP)]
    citizen = await ask(hall, engine)
    await once(hall)
    (news,) = await citizen.replies()
    assert news.text is not None
    assert "tidak jadi tercatat" in news.text
    assert news.buttons[0]["payload"] == '/book_queue{"service": "ktp_hilang"}'


async def test_many_workers_settle_it_once(
    open_doors: Callable[..., Door], engine: ScriptedEngine, queue: Queue
) -> None:
    doors = [open_doors(registry=Directory(queue)) for _ in range(4)]
    await doors[0].wakeups.start()
    citizen = await ask(doors[0], engine)
    await asyncio.gather(*(once(door) for door in doors))
    assert len(await citizen.texts()) == 2


async def test_a_worker_that_dies_after_asking_asks_again_under_the_same_key(
    hall: Door, engine: ScriptedEngine, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen = await ask(hall, engine)

    async def killed(*_: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as broken:
        broken.setattr(settling, "_made", killed)
        with pytest.raises(asyncio.CancelledError):
            await once(hall)
    assert await citizen.texts() == []
    await once(hall, 120)
    assert queue.made == {"key-1"}
    assert len(await citizen.texts()) == 2


async def test_a_puskesmas_gets_the_numbers_and_nobody_else_sees_them(
    hall: Door, engine: ScriptedEngine, queue: Queue
) -> None:
    clinic = {**QUEUED, "hold": None, "service": "antrean_puskesmas", "complaint": "demam"}
    await ask(hall, engine, f"nik saya {NIK}", f"kartu bpjs {CARD}", effect=clinic)
    assert all(NIK not in turn.text and CARD not in turn.text for turn in engine.turns)
    row = await stored(hall)
    assert NIK not in json.dumps([row.wish, row.sealed_numbers])
    await once(hall)
    (request,) = queue.asked
    assert (request.numbers.nik, request.numbers.card) == (NIK, CARD)
    assert request.complaint == "demam"
    assert NIK not in repr(request)
    row = await stored(hall)
    assert (row.sealed_numbers, row.wish) == (None, {}), "not kept once it is done"


async def test_a_corrected_number_is_the_one_that_counts(
    hall: Door, engine: ScriptedEngine, queue: Queue
) -> None:
    clinic = {**QUEUED, "hold": None, "service": "antrean_puskesmas", "complaint": "demam"}
    await ask(hall, engine, "nik 3576000000000009", f"eh salah, nik {NIK}", effect=clinic)
    await once(hall)
    assert queue.asked[0].numbers.nik == NIK


async def test_another_citizens_turns_open_nothing(hall: Door, engine: ScriptedEngine, queue: Queue) -> None:
    stranger = Citizen(hall, "warga-2")
    await stranger.say(f"nik saya {NIK}")
    await answer_all(hall)
    await ask(hall, engine, effect={**QUEUED, "hold": None})
    await once(hall)
    assert queue.asked[0].numbers.nik is None


async def test_a_patient_who_is_not_known_hears_where_to_register(
    hall: Door, engine: ScriptedEngine, queue: Queue
) -> None:
    queue.troubles = [PersonUnknown(APP)]
    citizen = await ask(hall, engine)
    await once(hall)
    (news,) = await citizen.texts()
    assert "loket pendaftaran" in news


async def test_a_queue_that_never_answers_is_owned_up_to_when_the_time_is_over(
    hall: Door, engine: ScriptedEngine, queue: Queue
) -> None:
    queue.troubles = [BackendUnreachable(APP, outcome_unknown=True)]
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    citizen = await ask(hall, engine, effect={**QUEUED, "starts_at": past})
    await once(hall)
    (news,) = await citizen.texts()
    assert "tidak bisa dipastikan" in news


async def test_whoever_was_forgotten_is_not_written_to(
    hall: Door, engine: ScriptedEngine, queue: Queue
) -> None:
    citizen = await ask(hall, engine)
    async with hall.database.transaction() as conn:
        due = await reservations.due(conn, datetime.now(UTC) + timedelta(seconds=1), 10)
    engine.effects = lambda turn: [{"type": "data_erasure_requested"}]
    await citizen.say("hapus data saya")
    await answer_all(hall)
    await citizen.replies()
    await settling.settle(hall, due[0])
    assert await citizen.texts() == []
