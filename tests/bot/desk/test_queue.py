"""What citizens are told while they wait: their place, an honest time, and what can be done meanwhile."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.conversations.desk import assignment, claims, handing, queue, waiting, writing
from bot.dialogue.base import DialogueFailed
from bot.door import Door
from bot.storage import agents, handoffs
from bot.vocabulary.agents import Outcome, Stage
from bot.vocabulary.conversations import Owner, Reply, Say
from tests.bot.desk.staff import (
    TENANT,
    ask,
    conversation_of,
    hand_off_on_request,
    hire,
    look,
    open_of,
    set_rule,
)
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
ALWAYS = {day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


@pytest.fixture(autouse=True)
def asking(engine: ScriptedEngine) -> None:
    hand_off_on_request(engine)


def minutes_ago(*minutes: float) -> list[datetime]:
    return [NOW - timedelta(minutes=ago) for ago in minutes]


@pytest.mark.parametrize(
    ("position", "taken", "expected"),
    [
        (1, [], None),
        (1, minutes_ago(1, 2), None),
        (1, minutes_ago(1, 2, 3), 5),
        (6, minutes_ago(4, 8, 12), 25),
        # Nothing taken for an hour: the pace falls by itself.
        (1, minutes_ago(60, 61, 62), 25),
        (10, minutes_ago(30, 60, 90), 300),
    ],
)
def test_the_wait_follows_the_pace_of_late_and_is_unknown_without_one(
    position: int, taken: list[datetime], expected: int | None
) -> None:
    assert queue.expected_minutes(position, taken, NOW) == expected


async def test_each_is_told_their_place_and_that_the_wait_is_unknown(door: Door) -> None:
    for number in (1, 2):
        citizen, _ = await ask(door, f"warga-{number}")
        [text] = await citizen.texts()
        assert f"urutan ke-{number}" in text
        assert "belum bisa kami perkirakan" in text
        assert f"P-{number}" in text


async def test_once_conversations_are_taken_the_wait_is_told(door: Door) -> None:
    sari = await hire(door, "Sari", capacity=10)
    for number in range(3):
        _, found = await ask(door, f"warga-{number}")
        await claims.claim(door, sari, found.id)
    citizen, _ = await ask(door, "warga-9")
    [text] = await citizen.texts()
    assert "sekitar 5 menit" in text


async def test_a_place_is_news_only_when_it_is_halved_and_not_every_minute(door: Door) -> None:
    sari = await hire(door, "Sari", capacity=10)
    asked = [await ask(door, f"warga-{number}") for number in range(5)]
    last, found = asked[-1]
    await last.replies()
    later = datetime.now(UTC) + timedelta(minutes=3)
    assert await waiting.look(door, later) == 0
    for _, other in asked[:3]:
        await claims.claim(door, sari, other.id)
    assert await waiting.look(door, datetime.now(UTC)) == 0
    # The fourth is first now, the fifth second.
    assert await waiting.look(door, later) == 2
    assert "urutan ke-2" in (await last.texts())[0]
    assert await waiting.look(door, later) == 0
    await claims.claim(door, sari, asked[3][1].id)
    assert await waiting.look(door, later + timedelta(minutes=3)) == 1
    assert "urutan ke-1" in (await last.texts())[0]
    assert (await look(door, found.id)).stage is Stage.WAITING


async def test_what_is_written_while_waiting_is_kept_and_said_to_be_kept_once(door: Door) -> None:
    citizen, _ = await ask(door, "warga-1")
    await citizen.replies()
    for text in ("saya mau tanya", "soal pbb", "tahun 2024"):
        await citizen.say(text)
        await answer_all(door)
    texts = await citizen.texts()
    assert len(texts) == 1
    assert "simpan untuk petugas" in texts[0]


async def test_who_leaves_before_an_answer_has_abandoned_the_queue(door: Door) -> None:
    sari = await hire(door, "Sari")
    for address, answered, expected in (
        ("warga-1", False, Outcome.ABANDONED),
        ("warga-2", True, Outcome.TO_BOT),
    ):
        citizen, found = await ask(door, address)
        if answered:
            await claims.claim(door, sari, found.id)
            await writing.reply(door, sari, found.conversation_id, "Selamat pagi", key="1")
        await citizen.say("kembali ke lawang")
        await answer_all(door)
        assert (await look(door, found.id)).outcome is expected
        assert (await conversation_of(door, found)).owner is Owner.BOT


def closed_now(zone: str = "Asia/Jakarta") -> dict[str, list[str]]:
    """A week in which the desk opens tomorrow at eight, and not now."""
    tomorrow = (datetime.now(ZoneInfo(zone)) + timedelta(days=1)).weekday()
    return {("mon", "tue", "wed", "thu", "fri", "sat", "sun")[tomorrow]: ["08:00-12:00", "13:00-15:00"]}


@pytest.fixture
async def closed(door: Door) -> None:
    await set_rule(door, "week", closed_now())
    await set_rule(door, "holidays_closed", False)


async def test_when_the_desk_is_closed_a_time_or_a_message_is_offered_and_the_bot_goes_on(
    door: Door, closed: None, engine: ScriptedEngine
) -> None:
    citizen = Citizen(door)
    accepted = await citizen.say("orang dong")
    await answer_all(door)
    [reply] = await citizen.replies()
    assert "pukul 08.00" in (reply.text or "") or "08.00" in (reply.text or "")
    assert [button["title"][-5:] for button in reply.buttons] == ["08.00", "09.00", "10.00", "pesan"]
    async with door.database.reading() as conn:
        assert await handoffs.open_of(conn, accepted.conversation_id) is None
    await citizen.say("ya sudah")
    await answer_all(door)
    assert len(engine.turns) == 2


async def test_a_call_back_is_kept_and_comes_into_the_queue_at_its_time(door: Door, closed: None) -> None:
    citizen = Citizen(door)
    accepted = await citizen.say("orang dong")
    await answer_all(door)
    [offer] = await citizen.replies()
    await citizen.press(offer.buttons[1]["token"])
    await answer_all(door)
    [noted] = await citizen.texts()
    assert "09.00" in noted
    found = await open_of(door, accepted.conversation_id)
    assert found.stage is Stage.CALLBACK
    assert found.callback_at is not None
    assert found.callback_at.astimezone(ZoneInfo("Asia/Jakarta")).time() == time(9)
    assert (await conversation_of(door, found)).owner is Owner.BOT
    assert await waiting.look(door, found.callback_at - timedelta(minutes=1)) == 0
    assert await waiting.look(door, found.callback_at) == 1
    assert (await look(door, found.id)).stage is Stage.WAITING
    assert (await conversation_of(door, found)).owner is Owner.QUEUE
    assert "Sesuai janji" in (await citizen.texts())[0]
    assert await waiting.look(door, found.callback_at) == 0


async def test_a_message_can_be_left_for_the_morning(door: Door, closed: None) -> None:
    citizen = Citizen(door)
    accepted = await citizen.say("orang dong")
    await answer_all(door)
    [offer] = await citizen.replies()
    await citizen.press(offer.buttons[-1]["token"])
    await answer_all(door)
    assert "08.00" in (await citizen.texts())[0]
    found = await open_of(door, accepted.conversation_id)
    assert (found.stage, found.reason) == (Stage.WAITING, "message")


async def test_despair_is_heard_at_any_hour(door: Door, closed: None) -> None:
    citizen = Citizen(door)
    await citizen.say("saya mau bunuh diri")
    async with door.database.reading() as conn:
        [found] = await handoffs.waiting(conn, TENANT)
    assert found.reason.startswith("crisis")


async def test_who_asks_again_while_the_desk_is_open_need_not_wait_for_the_call_back(
    door: Door, closed: None
) -> None:
    citizen = Citizen(door)
    accepted = await citizen.say("orang dong")
    await answer_all(door)
    [offer] = await citizen.replies()
    await citizen.press(offer.buttons[0]["token"])
    await answer_all(door)
    await set_rule(door, "week", ALWAYS)
    await citizen.say("orang dong")
    await answer_all(door)
    assert (await open_of(door, accepted.conversation_id)).stage is Stage.WAITING


async def test_a_queued_conversation_is_given_as_soon_as_there_is_room(door: Door) -> None:
    sari = await hire(door, "Sari", capacity=1)
    _, first = await ask(door, "warga-1")
    _, second = await ask(door, "warga-2")
    await assignment.assign(door, TENANT, datetime.now(UTC))
    assert (await look(door, second.id)).stage is Stage.WAITING
    await handing.close(door, sari, first.id, Outcome.SOLVED)
    await assignment.assign(door, TENANT, datetime.now(UTC))
    assert (await look(door, second.id)).agent_id == sari.id


async def test_when_the_engine_is_down_a_person_is_still_asked_for(
    door: Door, engine: ScriptedEngine
) -> None:
    citizen = Citizen(door)
    for text in ("halo", "halo?"):
        engine.errors = [DialogueFailed("down")]
        await citizen.say(text)
        await answer_all(door)
    last = (await citizen.replies())[-1]
    assert last.buttons[0]["title"] == "Bicara dengan petugas"
    engine.errors = [DialogueFailed("down")]
    await citizen.press(last.buttons[0]["token"])
    await answer_all(door)
    assert "urutan ke-1" in " ".join(await citizen.texts())
    async with door.database.reading() as conn:
        assert len(await handoffs.waiting(conn, TENANT)) == 1
        assert await agents.tenants(conn) == []


async def test_when_the_city_fails_twice_in_a_row_a_person_is_offered(
    door: Door, engine: ScriptedEngine
) -> None:
    citizen = Citizen(door)
    broken = Reply((Say("error.backend_unreachable"),), (), {})
    engine.answer = lambda turn: Reply((Say("handoff.back"),), (), {}) if turn.text == "menu" else broken
    offered = []
    for text in ("status", "status", "menu", "status"):
        await citizen.say(text)
        await answer_all(door)
        offered.append(any(reply.buttons for reply in await citizen.replies()))
    assert offered == [False, True, False, False]


async def test_when_nobody_comes_the_bot_returns_and_the_request_keeps_its_place(
    door: Door, engine: ScriptedEngine
) -> None:
    citizen, found = await ask(door, "warga-1")
    await citizen.replies()
    later = datetime.now(UTC) + timedelta(minutes=121)
    assert await waiting.look(door, later) == 1
    assert await waiting.look(door, later) == 0
    assert "tetap tercatat" in (await citizen.texts())[0]
    asked = len(engine.turns)
    await citizen.say("syarat ktp")
    await answer_all(door)
    assert len(engine.turns) == asked + 1
    sari = await hire(door, "Sari")
    await claims.claim(door, sari, found.id)
    assert (await conversation_of(door, found)).owner is Owner.AGENT
