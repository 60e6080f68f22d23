"""A city system's word is recorded once, moves a state only forward, and is told to all who follow."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.conversations import updates
from bot.conversations.updates import Recorded
from bot.door import Door
from bot.storage import cases, conversations, tables
from connectors.capabilities import BookingStatus, CaseStatus, StatusUpdate
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

APP, REFERENCE = "curhat_ning_ita", "MJK-2611-000123"
QUEUE, CODE = "mpp_gajah_mada", "MPP-7K3Q"
NOW = datetime.now(UTC)


def word(status: str = CaseStatus.IN_PROGRESS, minute: float = 0, **changes: Any) -> StatusUpdate:
    """An update `minute` minutes after an hour ago."""
    values: dict[str, Any] = {
        "connector": APP,
        "subject": "case",
        "event_id": f"{status}-{minute}",
        "reference": REFERENCE,
        "status": status,
        "occurred_at": NOW - timedelta(hours=1) + timedelta(minutes=minute),
        "backend_status": "diproses",
    }
    return StatusUpdate(**values | changes)


def call(status: str = BookingStatus.CALLED, minute: float = 0, **changes: Any) -> StatusUpdate:
    """An update of a booking."""
    return word(status, minute, connector=QUEUE, subject="booking", reference=CODE, **changes)


async def follow(door: Door, engine: ScriptedEngine, address: str = "warga-1") -> Citizen:
    """A citizen who filed the complaint and booked the place."""
    engine.effects = lambda turn: [
        {"type": "case_opened", "connector": APP, "reference": REFERENCE, "kind": "complaint",
         "status": "received", "topic": "lampu_jalan"},
        {"type": "booking_made", "connector": QUEUE, "code": CODE, "number": "A12", "counter": "3",
         "service": "ktp_el", "starts_at": (NOW + timedelta(hours=2)).isoformat()},
    ]  # fmt: skip
    citizen = Citizen(door, address)
    await citizen.say("lampu mati")
    await answer_all(door)
    await citizen.replies()
    engine.effects = lambda turn: []
    return citizen


async def status(door: Door, table: sa.Table = tables.cases) -> str:
    async with door.database.reading() as conn:
        return str((await conn.execute(sa.select(table.c.status))).scalars().first())


async def test_a_change_is_told_to_the_citizen_by_itself(door: Door, engine: ScriptedEngine) -> None:
    citizen = await follow(door, engine)
    assert await updates.record(door, word(note="Tukang berangkat besok.")) is Recorded.APPLIED
    [told] = await citizen.texts()
    assert REFERENCE in told
    assert "sedang dikerjakan" in told
    assert "Tukang berangkat besok." in told


# Each row: what came before, what comes now, what becomes of it, the state after, how many bubbles.
RULES = [
    ("an event seen before does nothing", [word()], word(), Recorded.DUPLICATE, "in_progress", 0),
    ("an older word moves no state", [word("done", 9)], word("in_progress", 3), Recorded.STALE, "done", 0),
    ("but its note is still told", [word("done", 9)], word("in_progress", 3, note="x"),
     Recorded.STALE, "done", 1),
    ("nothing changed tells nobody", [word()], word(minute=5), Recorded.UNCHANGED, "in_progress", 0),
    ("a note alone is told", [word()], word(minute=5, note="x"), Recorded.APPLIED, "in_progress", 1),
    ("the same again makes what was between old", [word(minute=1), word(minute=9)],
     word("waiting_for_citizen", 5), Recorded.STALE, "in_progress", 0),
    ("an unknown status moves nothing", [word()], word("unknown", 5), Recorded.UNKNOWN_STATUS,
     "in_progress", 0),
    ("but its note is told", [word()], word("unknown", 5, note="x"), Recorded.UNKNOWN_STATUS,
     "in_progress", 1),
    ("and it makes no later word old", [word("unknown", 9, note="x")], word(minute=5), Recorded.APPLIED,
     "in_progress", 1),
    ("a first word may be older than the case", [], word(minute=-9000), Recorded.APPLIED, "in_progress", 1),
    ("what is done may be taken up again", [word("done", 1)], word(minute=5), Recorded.APPLIED,
     "in_progress", 1),
    ("two words of one second count as they come", [word("verified", 5)], word("assigned", 5),
     Recorded.APPLIED, "assigned", 1),
    ("history loads silently", [], word("done", 5, silent=True, note="x"), Recorded.APPLIED, "done", 0),
    ("another topic alone is told", [word()], word(minute=5, topic="pohon"), Recorded.APPLIED,
     "in_progress", 1),
    ("a topic nobody knows changes nothing", [word()], word(minute=5, topic="naga"), Recorded.UNCHANGED,
     "in_progress", 0),
    ("another desk alone is told", [word()], word(minute=5, agency="DLH"), Recorded.APPLIED,
     "in_progress", 1),
    ("an older word moves no case to another desk", [word("done", 9)], word("done", 3, agency="DLH"),
     Recorded.STALE, "done", 0),
]  # fmt: skip


@pytest.mark.parametrize(("before", "now", "outcome", "after", "told"), [row[1:] for row in RULES],
                         ids=[row[0] for row in RULES])  # fmt: skip
async def test_the_rules_for_an_update(
    door: Door, engine: ScriptedEngine, before: list[StatusUpdate], now: StatusUpdate, outcome: Recorded,
    after: str, told: int,
) -> None:  # fmt: skip
    citizen = await follow(door, engine)
    for earlier in before:
        await updates.record(door, earlier)
    await citizen.replies()
    assert await updates.record(door, now) is outcome
    assert await status(door) == after
    assert len(await citizen.replies()) == told


async def test_what_was_hidden_stays_hidden(door: Door, engine: ScriptedEngine) -> None:
    citizen = await follow(door, engine)
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(tables.cases).values(hidden_at=NOW))
    assert await updates.record(door, word("done", note="x", topic="pohon")) is Recorded.HIDDEN
    assert await status(door) == "received"
    assert await citizen.replies() == []


# Each row: the state before, the update, what the sentence must say.
WORDINGS = [
    ("by the new state", word("in_progress"), "sedang dikerjakan"),
    ("by the old one as well", word("in_progress", backend_status="x"), "dibuka kembali dan"),
    ("by the backend's own code before both", word("in_progress", backend_status="Menunggu Suku-Cadang"),
     "menunggu suku cadang"),
]  # fmt: skip


@pytest.mark.parametrize(("update", "told"), [row[1:] for row in WORDINGS], ids=[row[0] for row in WORDINGS])
async def test_the_most_exact_wording_is_chosen(
    open_doors, all_texts, engine: ScriptedEngine, update: StatusUpdate, told: str
) -> None:
    own = {"update.code.curhat_ning_ita.menunggu_suku_cadang": "{title}: menunggu suku cadang."}
    common = {**all_texts._common, **own}
    door = open_doors(texts=type(all_texts)(common, all_texts._tenants))
    await door.wakeups.start()
    citizen = await follow(door, engine)
    if "dibuka" in told:
        await updates.record(door, word("done", -5))
        await citizen.replies()
    await updates.record(door, update)
    [text] = await citizen.texts()
    assert told in text


async def test_another_topic_moves_no_promise(door: Door, engine: ScriptedEngine) -> None:
    await follow(door, engine)
    promised = NOW + timedelta(days=3)
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(tables.cases).values(promised_at=promised))
    await updates.record(door, word(topic="pencemaran", agency="Dinas Lingkungan Hidup"))
    async with door.database.reading() as conn:
        [row] = await conn.execute(sa.select(tables.cases))
    assert (row.topic, row.agency) == ("pencemaran", "Dinas Lingkungan Hidup")
    assert row.promised_at == promised


async def test_what_is_done_is_asked_about(door: Door, engine: ScriptedEngine) -> None:
    citizen = await follow(door, engine)
    await updates.record(door, word("done"))
    [reply] = await citizen.replies()
    assert "Sudah beres?" in (reply.text or "")
    assert [button["title"] for button in reply.buttons] == ["Sudah beres", "Belum beres"]


async def test_a_time_in_the_future_counts_as_now(door: Door, engine: ScriptedEngine) -> None:
    await follow(door, engine)
    assert await updates.record(door, word("verified", 60 * 24 * 30)) is Recorded.APPLIED
    # A clamped word must not make every later one old.
    assert (
        await updates.record(door, word("assigned", occurred_at=datetime.now(UTC), event_id="later"))
        is Recorded.APPLIED
    )
    async with door.database.reading() as conn:
        [seen] = await conn.execute(
            sa.select(tables.updates.c.occurred_at).where(tables.updates.c.status == "verified")
        )
    assert seen.occurred_at <= datetime.now(UTC)


async def test_a_hundred_copies_of_one_report_at_once_are_one(door: Door, engine: ScriptedEngine) -> None:
    citizen = await follow(door, engine)
    outcomes = await asyncio.gather(*(updates.record(door, word()) for _ in range(100)))
    assert outcomes.count(Recorded.APPLIED) == 1
    assert outcomes.count(Recorded.DUPLICATE) == 99
    assert len(await citizen.replies()) == 1


async def test_two_words_out_of_order_from_two_workers_end_with_the_later_one(
    door: Door, open_doors, engine: ScriptedEngine
) -> None:
    await follow(door, engine)
    other = open_doors()
    for number in range(8):
        early, late = word("in_progress", number), word("done", number + 0.5)
        both = await asyncio.gather(updates.record(door, late), updates.record(other, early))
        assert both[0] in (Recorded.APPLIED, Recorded.UNCHANGED)
        assert both[1] in (Recorded.APPLIED, Recorded.STALE)
        assert await status(door) == "done"


async def test_an_unknown_reference_is_accepted_once_somebody_follows_it(
    door: Door, engine: ScriptedEngine
) -> None:
    assert await updates.record(door, word()) is Recorded.UNKNOWN_REFERENCE
    citizen = await follow(door, engine)
    assert await updates.record(door, word()) is Recorded.APPLIED
    assert len(await citizen.replies()) == 1


async def test_everybody_who_follows_is_told(door: Door, engine: ScriptedEngine) -> None:
    first = await follow(door, engine)
    second = await follow(door, engine, "warga-2")
    assert await updates.record(door, word()) is Recorded.APPLIED
    assert len(await first.replies()) == len(await second.replies()) == 1


async def test_followers_of_many_cases_never_wait_for_each_other(door: Door, engine: ScriptedEngine) -> None:
    """Two cases with the same two followers, reported at the same time, again and again."""
    citizens = [await follow(door, engine, f"warga-{number}") for number in range(2)]
    ids = []
    async with door.database.transaction() as conn:
        for citizen in citizens:
            found = await conversations.find_by_address(conn, "kota_mojokerto", citizen.address)
            assert found is not None
            ids.append(found.id)
        for number, order in enumerate((ids, ids[::-1])):
            for row_id, conversation_id in enumerate(order):
                # The ids of the rows say in which order they are locked: opposite in the two cases.
                values = {"tenant": "kota_mojokerto", "conversation_id": conversation_id, "connector": APP,
                          "reference": f"R-{number}", "kind": "complaint", "status": "received",
                          "id": f"{number}{row_id}"}  # fmt: skip
                await cases.follow(conn, values, NOW)
    for minute in range(12):
        both = (
            updates.record(door, word(("in_progress", "assigned")[minute % 2], minute,
                                      reference=f"R-{number}", event_id=f"{number}-{minute}"))
            for number in range(2)
        )  # fmt: skip
        async with asyncio.timeout(20):
            assert await asyncio.gather(*both) == [Recorded.APPLIED, Recorded.APPLIED]


async def test_a_turn_and_an_update_of_the_same_booking_never_wait_for_each_other(
    door: Door, engine: ScriptedEngine
) -> None:
    citizen = await follow(door, engine)
    engine.effects = lambda turn: [
        {"type": "booking_moved", "connector": QUEUE, "code": CODE, "number": "A13",
         "starts_at": (NOW + timedelta(hours=3)).isoformat()},
    ]  # fmt: skip
    for minute in range(12):
        await citizen.say("ganti jadwal")
        async with asyncio.timeout(20):
            _, outcome = await asyncio.gather(
                answer_all(door),
                updates.record(door, call(("called", "checked_in")[minute % 2], 90, event_id=f"e{minute}")),
            )
        assert outcome in (Recorded.APPLIED, Recorded.STALE, Recorded.UNCHANGED)


BOOKING = [
    ("being called is told", [], call(), Recorded.APPLIED, "called", "dipanggil"),
    ("a place near the front is told", [], call("booked", 1, ahead=2), Recorded.APPLIED, "booked", "2 orang"),
    ("a place far back is not", [], call("booked", 1, ahead=12), Recorded.UNCHANGED, "booked", None),
    ("who was called is not told to wait", [call()], call(minute=1, ahead=0), Recorded.UNCHANGED,
     "called", None),
    ("a note is told", [], call("booked", 1, note="Bawa KTP asli."), Recorded.APPLIED, "booked", "KTP asli"),
    ("an unknown word moves nothing", [], call("unknown", 1), Recorded.UNKNOWN_STATUS, "booked", None),
    ("an older word moves nothing", [call("served", 9)], call("called", 3), Recorded.STALE, "served", None),
]  # fmt: skip


@pytest.mark.parametrize(("before", "now", "outcome", "after", "told"), [row[1:] for row in BOOKING],
                         ids=[row[0] for row in BOOKING])  # fmt: skip
async def test_the_rules_for_a_booking(
    door: Door, engine: ScriptedEngine, before: list[StatusUpdate], now: StatusUpdate, outcome: Recorded,
    after: str, told: str | None,
) -> None:  # fmt: skip
    citizen = await follow(door, engine)
    for earlier in before:
        await updates.record(door, earlier)
    await citizen.replies()
    assert await updates.record(door, now) is outcome
    assert await status(door, tables.bookings) == after
    texts = await citizen.texts()
    assert [told in text for text in texts] == ([True] if told else [])


async def test_a_word_from_before_the_citizen_cancelled_comes_too_late(
    door: Door, engine: ScriptedEngine
) -> None:
    citizen = await follow(door, engine)
    engine.effects = lambda turn: [{"type": "booking_cancelled", "connector": QUEUE, "code": CODE}]
    await citizen.say("batalkan antrean")
    await answer_all(door)
    assert await updates.record(door, call()) is Recorded.STALE
    assert await status(door, tables.bookings) == "cancelled"


async def test_a_booking_of_somebody_else_is_not_moved_by_a_turn(door: Door, engine: ScriptedEngine) -> None:
    await follow(door, engine)
    engine.effects = lambda turn: [{"type": "booking_cancelled", "connector": QUEUE, "code": CODE}]
    stranger = Citizen(door, "orang-lain")
    await stranger.say("batalkan MPP-7K3Q")
    await answer_all(door)
    assert await status(door, tables.bookings) == "booked"


@pytest.mark.parametrize("wanted", [status for status in CaseStatus if status != CaseStatus.UNKNOWN])
def test_every_state_of_a_case_has_its_sentence(all_texts, wanted: CaseStatus) -> None:
    assert all_texts.has(f"update.case.{wanted}")


@pytest.mark.parametrize("wanted", [status for status in BookingStatus if status != BookingStatus.UNKNOWN])
def test_every_state_of_a_booking_has_its_sentence(all_texts, wanted: BookingStatus) -> None:
    assert all_texts.has(f"update.booking.{wanted}")


async def test_the_longest_words_an_app_may_send_are_stored(door: Door, engine: ScriptedEngine) -> None:
    citizen = await follow(door, engine)
    longest = word(event_id="e" * 200, backend_status="s" * 100, note="catatan {tidak} 😀 " * 100)
    assert await updates.record(door, longest) is Recorded.APPLIED
    assert "{tidak}" in (await citizen.texts())[0]
