"""What a queue reports becomes words with something to tap: closed days, turns that near, freed places."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.conversations import queuenews, updates
from bot.conversations.updates import Recorded
from bot.door import Door
from bot.storage import tables
from connectors.capabilities import StatusUpdate
from connectors.queues import BookingEvent, Pace
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

QUEUE, CODE, PLACE = "mpp_gajah_mada", "MPP-7K3Q", "W-1"
NOW = datetime.now(UTC)
STARTS = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


def word(status: str, event: BookingEvent | None = None, minute: float = 1, **more: Any) -> StatusUpdate:
    """A queue's report, by default about the booking."""
    values: dict[str, Any] = {
        "connector": QUEUE,
        "subject": "booking",
        "event_id": f"{status}-{event}-{minute}",
        "reference": CODE,
        "status": status,
        "occurred_at": NOW + timedelta(minutes=minute) - timedelta(hours=1),
        "event": event,
    }
    return StatusUpdate(**values | more)


@pytest.fixture
async def citizen(door: Door, engine: ScriptedEngine) -> Citizen:
    """Somebody with a booking and a place on a waiting list, made two hours ago."""
    engine.effects = lambda turn: [
        {"type": "booking_made", "connector": QUEUE, "code": CODE, "number": "A012", "counter": "dukcapil",
         "service": "ktp_hilang", "starts_at": STARTS.isoformat()},
        {"type": "waiting_joined", "connector": QUEUE, "place_id": PLACE, "service": "paspor",
         "day": "2026-12-02", "name": "Siti"},
    ]  # fmt: skip
    made = Citizen(door)
    await made.say("pesan")
    await answer_all(door)
    await made.replies()
    engine.effects = lambda turn: []
    return made


def payloads(message: Any) -> list[str]:
    return [button["payload"] for button in message.buttons]


async def row(door: Door, table: sa.Table) -> Any:
    async with door.database.reading() as conn:
        return (await conn.execute(sa.select(table))).one()


async def test_a_closed_day_with_a_new_time_is_told_and_can_be_changed(door: Door, citizen: Citizen) -> None:
    later = STARTS + timedelta(days=1)
    moved = word("rescheduled", BookingEvent.MOVED, starts_at=later, number="A020", note="Listrik padam.")
    assert await updates.record(door, moved) is Recorded.APPLIED
    (news,) = await citizen.replies()
    assert news.text is not None
    assert "Rabu, 2 Desember 2026 pukul 09.00 WIB" in news.text
    assert "A020" in news.text
    assert "Listrik padam." in news.text
    assert any(payload.startswith("/reschedule_booking") for payload in payloads(news))
    booking = await row(door, tables.bookings)
    assert (booking.number, booking.starts_at, booking.moves) == ("A020", later, 1)


async def test_a_closed_day_without_another_time_offers_days_to_tap(door: Door, citizen: Citizen) -> None:
    await updates.record(door, word("cancelled", BookingEvent.CLOSED, note="Libur mendadak."))
    (news,) = await citizen.replies()
    assert news.text is not None
    assert "Libur mendadak." in news.text
    assert payloads(news) == [
        f'/book_queue{{"service": "ktp_hilang", "day": "2026-12-0{day}"}}' for day in (2, 3, 4)
    ]
    assert news.buttons[0]["title"].startswith("Rabu, 2 Desember")
    async with door.database.reading() as conn:
        assert not list(await conn.execute(sa.select(tables.reminders))), "nothing is left to remind of"


async def test_the_turn_that_nears_is_told_once_with_the_wait_and_its_range(
    door: Door, citizen: Citizen
) -> None:
    pace = Pace(240, 60, 30)
    for minute, ahead in enumerate((9, 4, 3, 2), 1):
        await updates.record(door, word("booked", None, minute, ahead=ahead, pace=pace))
    (news,) = await citizen.replies()
    assert news.text is not None
    assert "4 orang di depan" in news.text, "fifteen minutes before, at four minutes each"
    assert "Perkiraan menunggu" in news.text
    assert payloads(news)[0].startswith("/check_in")


@pytest.mark.parametrize(
    ("pace", "people"), [(None, 3), (Pace(60, 20, 9), 15), (Pace(600, 60, 9), 3), (Pace(10, 2, 9), 20)]
)
def test_how_many_ahead_is_soon_follows_the_measured_pace(pace: Pace | None, people: int) -> None:
    assert queuenews.soon(pace) == people


async def test_the_queues_own_word_that_it_is_soon_is_believed(door: Door, citizen: Citizen) -> None:
    await updates.record(door, word("booked", BookingEvent.ALMOST, ahead=8))
    (news,) = await citizen.replies()
    assert news.text is not None
    assert "belum bisa dihitung" in news.text, "no pace, no estimate"


@pytest.mark.parametrize(
    ("status", "said"),
    [("missed", "Tidak apa-apa"), ("no_show", "tidak hadir"), ("called", "dipanggil sekarang")],
)
async def test_the_rule_for_who_was_not_there_is_told_kindly(
    door: Door, citizen: Citizen, status: str, said: str
) -> None:
    await updates.record(door, word(status))
    (news,) = await citizen.replies()
    assert news.text is not None
    assert said in news.text


async def test_a_freed_place_is_offered_for_a_while(door: Door, citizen: Citizen) -> None:
    offer = word(
        "offered",
        BookingEvent.OFFERED,
        subject="waiting",
        reference=PLACE,
        starts_at=datetime(2026, 12, 2, 3, 0, tzinfo=UTC),
        expires_at=datetime(2026, 12, 1, 4, 15, tzinfo=UTC),
    )
    assert await updates.record(door, offer) is Recorded.APPLIED
    assert await updates.record(door, offer) is Recorded.DUPLICATE
    (news,) = await citizen.replies()
    assert news.text is not None
    assert "Rabu, 2 Desember 2026 pukul 10.00 WIB" in news.text
    assert "sampai pukul 11.15 WIB" in news.text
    assert payloads(news)[0] == f'/waiting_list{{"do": "accept", "place": "{PLACE}"}}'
    await updates.record(door, word("lapsed", BookingEvent.LAPSED, 9, subject="waiting", reference=PLACE))
    (news,) = await citizen.replies()
    assert news.text is not None
    assert "sudah habis" in news.text


async def test_what_the_citizen_did_here_is_not_told_again(
    door: Door, engine: ScriptedEngine, citizen: Citizen
) -> None:
    later = STARTS + timedelta(days=1)
    moved = {"type": "booking_moved", "connector": QUEUE, "code": CODE, "number": "A013"}
    engine.effects = lambda turn: [{**moved, "starts_at": later.isoformat()}]
    await citizen.say("pindah")
    await answer_all(door)
    await citizen.replies()
    echo = word("rescheduled", BookingEvent.CHANGED, 120, starts_at=later, number="A013")
    await updates.record(door, echo)
    assert await citizen.replies() == []


async def test_being_called_is_said_also_to_who_was_not_told_before(door: Door, citizen: Citizen) -> None:
    await updates.record(door, word("called", BookingEvent.CALLED, ahead=0, now_serving="A012"))
    (news,) = await citizen.replies()
    assert news.text is not None
    assert "dipanggil sekarang" in news.text
