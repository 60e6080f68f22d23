"""Reminders of bookings: the evening before and an hour before, each once, whoever is killed when."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from bot.conversations import outbound, reminders
from bot.door import Door
from bot.storage import tables
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

WIB = ZoneInfo("Asia/Jakarta")
NOON = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
STARTS = datetime(2026, 11, 24, 9, 0, tzinfo=WIB)
EVENING = datetime(2026, 11, 23, 17, 0, tzinfo=WIB)
MADE: dict[str, Any] = {
    "type": "booking_made",
    "connector": "mpp_gajah_mada",
    "code": "MPP-7K3Q",
    "number": "A007",
    "counter": "dukcapil",
    "service": "ktp_hilang",
    "starts_at": STARTS.isoformat(),
    "name": "Siti",
}


def test_a_booking_is_reminded_of_the_evening_before_and_an_hour_before() -> None:
    assert reminders.moments(STARTS, WIB, NOON) == [
        ("day_before", EVENING.astimezone(UTC)),
        ("hour_before", STARTS.astimezone(UTC) - timedelta(hours=1)),
    ]


def test_what_is_over_is_not_planned() -> None:
    late = EVENING + timedelta(minutes=1)
    assert [kind for kind, _ in reminders.moments(STARTS, WIB, late)] == ["hour_before"]
    assert reminders.moments(STARTS, WIB, STARTS) == []


@pytest.mark.parametrize("day", [datetime(2026, 3, 29), datetime(2026, 10, 25)])
def test_where_clocks_change_the_evening_is_the_clocks_and_the_hour_is_real(day: datetime) -> None:
    zone = ZoneInfo("Europe/Berlin")
    starts = day.replace(hour=8, tzinfo=zone)
    evening, hour = (due for _, due in reminders.moments(starts, zone, NOON - timedelta(days=300)))
    assert evening.astimezone(zone).strftime("%H:%M") == "17:00"
    assert starts.astimezone(UTC) - hour == timedelta(hours=1)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    st.sampled_from(["Asia/Jakarta", "Asia/Makassar"]),
)
def test_no_reminder_comes_after_its_booking(moment: datetime, zone: str) -> None:
    starts = moment.replace(tzinfo=ZoneInfo(zone))
    for _, due in reminders.moments(starts, ZoneInfo(zone), NOON - timedelta(days=600)):
        assert due < starts


async def booked(door: Door, engine: ScriptedEngine, effect: dict[str, Any] = MADE) -> Citizen:
    """A citizen whose turn just made a booking."""
    citizen = Citizen(door)
    engine.effects = lambda turn: [effect]
    await citizen.say("pesan")
    await answer_all(door)
    engine.effects = lambda turn: []
    return citizen


async def rows(door: Door) -> list[Any]:
    async with door.database.reading() as conn:
        return list(await conn.execute(sa.select(tables.reminders).order_by(tables.reminders.c.due_at)))


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bookings of these tests are made on 22 November 2026, whatever day it is."""
    real = reminders.plan

    async def plan(conn: Any, door: Door, booking: Any, now: datetime) -> None:
        await real(conn, door, booking, NOON)

    monkeypatch.setattr(reminders, "plan", plan)


@pytest.mark.usefixtures("at_noon")
async def test_each_reminder_comes_once_with_what_to_bring(door: Door, engine: ScriptedEngine) -> None:
    citizen = await booked(door, engine)
    await citizen.replies()
    assert await reminders.send_due(door, EVENING - timedelta(minutes=1)) == 0
    for moment in (EVENING, EVENING + timedelta(minutes=1)):
        await reminders.send_due(door, moment)
    (news,) = await citizen.replies()
    assert news.text is not None
    assert news.text.startswith("Besok: Selasa, 24 November 2026 pukul 09.00 WIB")
    assert "Surat keterangan kehilangan" in news.text
    assert "Jl. Gajah Mada" in news.text
    await reminders.send_due(door, STARTS - timedelta(minutes=59))
    (news,) = await citizen.replies()
    assert news.text is not None
    assert "A007" in news.text
    assert news.buttons[0]["title"] == "Saya sudah tiba"
    assert [row.outcome for row in await rows(door)] == ["sent", "sent"]


@pytest.mark.usefixtures("at_noon")
async def test_many_workers_send_one_reminder(
    open_doors: Callable[..., Door], engine: ScriptedEngine
) -> None:
    doors = [open_doors() for _ in range(4)]
    citizen = await booked(doors[0], engine)
    await citizen.replies()
    await asyncio.gather(*(reminders.send_due(door, EVENING) for door in doors for _ in range(3)))
    assert len(await citizen.replies()) == 1


@pytest.mark.usefixtures("at_noon")
async def test_a_worker_that_dies_while_sending_leaves_the_reminder_due(
    door: Door, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen = await booked(door, engine)
    await citizen.replies()

    async def killed(*_: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as broken:
        broken.setattr(outbound, "queue", killed)
        with pytest.raises(asyncio.CancelledError):
            await reminders.send_due(door, EVENING)
    assert await citizen.replies() == []
    await reminders.send_due(door, EVENING)
    assert len(await citizen.replies()) == 1


@pytest.mark.usefixtures("at_noon")
async def test_after_a_night_without_system_the_words_are_still_true(
    door: Door, engine: ScriptedEngine
) -> None:
    citizen = await booked(door, engine)
    await citizen.replies()
    await reminders.send_due(door, STARTS.replace(hour=6))
    (news,) = await citizen.replies()
    assert news.text is not None
    assert news.text.startswith("Hari ini: Selasa")
    await reminders.send_due(door, STARTS + timedelta(hours=1))
    assert await citizen.replies() == [], "an hour before cannot be said afterwards"
    assert [row.outcome for row in await rows(door)] == ["sent", "late"]


@pytest.mark.usefixtures("at_noon")
async def test_a_moved_booking_is_reminded_of_at_its_new_time(door: Door, engine: ScriptedEngine) -> None:
    citizen = await booked(door, engine)
    later = STARTS + timedelta(days=2)
    moved = {"type": "booking_moved", "connector": "mpp_gajah_mada", "code": "MPP-7K3Q", "number": "A012"}
    engine.effects = lambda turn: [{**moved, "starts_at": later.isoformat()}]
    await citizen.say("pindah")
    await answer_all(door)
    await citizen.replies()
    await reminders.send_due(door, EVENING)
    assert await citizen.replies() == []
    await reminders.send_due(door, EVENING + timedelta(days=2))
    (news,) = await citizen.replies()
    assert news.text is not None
    assert "A012" in news.text


@pytest.mark.usefixtures("at_noon")
async def test_a_booking_given_back_is_not_reminded_of(door: Door, engine: ScriptedEngine) -> None:
    citizen = await booked(door, engine)
    engine.effects = lambda turn: [
        {"type": "booking_cancelled", "connector": "mpp_gajah_mada", "code": "MPP-7K3Q"}
    ]
    await citizen.say("batal")
    await answer_all(door)
    await citizen.replies()
    await reminders.send_due(door, EVENING)
    assert await citizen.replies() == []
    assert await rows(door) == []


@pytest.mark.usefixtures("at_noon")
async def test_whoever_is_forgotten_is_not_reminded(door: Door, engine: ScriptedEngine) -> None:
    citizen = await booked(door, engine)
    engine.effects = lambda turn: [{"type": "data_erasure_requested"}]
    await citizen.say("hapus data saya")
    await answer_all(door)
    assert await rows(door) == []


@pytest.mark.usefixtures("at_noon")
async def test_the_ticket_comes_with_picture_and_calendar_file(door: Door, engine: ScriptedEngine) -> None:
    citizen = await booked(door, engine)
    said = await citizen.replies()
    words, calendar = said[-2:]
    assert words.text is not None
    assert "A007" in words.text
    assert "MPP-7K3Q" in words.text
    assert words.attachments[0]["content_type"] == "image/png"
    assert calendar.attachments[0]["content_type"] == "text/calendar"
    for message in (words, calendar):
        found = await door.media.find(message.attachments[0]["media_id"])
        assert found is not None
        assert found[2] == message.conversation_id, "nobody else may fetch it"
