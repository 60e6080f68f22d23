"""A turn commits everything or nothing, and is harmless when it is done again."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.conversations import commitment, turns
from bot.dialogue.base import DialogueFailed, DialogueUnavailable
from bot.door import Door
from bot.storage import conversations, tables
from bot.storage.conversations import Claim, ClaimLost
from bot.vocabulary.conversations import Owner
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

NOW = datetime.now(UTC)


async def _claim(door: Door, holder: str, now: datetime | None = None):
    async with door.database.transaction() as conn:
        return await conversations.claim(conn, holder, now or datetime.now(UTC), 30, 10)


async def test_a_conversation_is_claimed_by_one_worker_only(door: Door) -> None:
    for number in range(8):
        await Citizen(door, f"warga-{number}").say("halo")
    claims = await asyncio.gather(*(_claim(door, f"worker-{number}") for number in range(6)))
    taken = [conversation.id for found in claims for conversation in found]
    assert len(taken) == len(set(taken)) == 8


async def test_the_work_of_a_dead_worker_is_done_again_without_doubling(
    door: Door, engine: ScriptedEngine
) -> None:
    citizen = Citizen(door)
    await citizen.say("halo")
    [conversation] = await _claim(door, "dead", NOW - timedelta(seconds=60))
    await answer_all(door, "alive")
    # The dead one wakes up after all: what it worked out must leave no trace.
    await citizen.say("satu pesan lagi")
    with pytest.raises(ClaimLost):
        await turns.handle(door, conversation, Claim(conversation.id, "dead", NOW))
    await answer_all(door, "alive")
    assert [text.splitlines()[0] for text in await citizen.texts()] == [
        "Catatan petugas: 1: halo",
        "Catatan petugas: 2: satu pesan lagi",
    ]


async def test_claims_of_a_known_dead_holder_are_freed_at_once(door: Door) -> None:
    citizen = Citizen(door)
    await citizen.say("halo")
    assert len(await _claim(door, "dead")) == 1
    assert await _claim(door, "alive") == []
    async with door.database.transaction() as conn:
        assert await conversations.free_claims_of(conn, ["dead"]) == 1
    assert len(await _claim(door, "alive")) == 1


async def test_an_effect_is_applied_once_however_often_the_turn_is_done(
    door: Door, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.effects = lambda turn: [
        {
            "type": "case_opened",
            "connector": "curhat_ning_ita",
            "reference": f"MJK-{turn.id[:6]}",
            "kind": "complaint",
            "status": "received",
        }
    ]
    citizen = Citizen(door)
    await citizen.say("lampu mati")
    commit, crashes = commitment.commit, iter([True, True, False])

    async def crash_first(*arguments):
        if next(crashes):
            raise KeyboardInterrupt
        return await commit(*arguments)

    monkeypatch.setattr(commitment, "commit", crash_first)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            await answer_all(door, "dying")
        async with door.database.transaction() as conn:
            await conversations.free_claims_of(conn, ["dying"])
    await answer_all(door)
    async with door.database.reading() as conn:
        rows = list(await conn.execute(sa.select(tables.cases)))
    assert len(rows) == 1
    assert len({turn.id for turn in engine.turns}) == 1
    assert len(await citizen.texts()) == 1


async def test_an_engine_that_restarts_is_waited_for(door: Door, engine: ScriptedEngine) -> None:
    engine.errors = [DialogueUnavailable("starting")]
    citizen = Citizen(door)
    await citizen.say("halo")
    door_patient = door
    await answer_all(door_patient)
    [reply] = await citizen.texts()
    assert "1: halo" in reply


async def test_silence_is_a_failure_and_the_second_one_offers_a_person(
    door: Door, engine: ScriptedEngine
) -> None:
    citizen = Citizen(door)
    await citizen.say("satu")
    await answer_all(door)
    engine.errors = [DialogueFailed("silence"), DialogueFailed("timeout")]
    await citizen.say("dua")
    await citizen.say("tiga")
    await answer_all(door)
    _, second, third = await citizen.replies()
    assert "terganggu" in (second.text or "")
    assert second.buttons == []
    assert [button["payload"] for button in third.buttons] == ["/talk_to_agent"]
    await citizen.say("empat")
    await answer_all(door)
    [fourth] = await citizen.texts()
    assert "2: empat" in fourth, "the draft was kept through the failures"


async def test_a_person_can_be_asked_for_while_the_engine_is_down(door: Door, engine: ScriptedEngine) -> None:
    engine.errors = [DialogueFailed("down")] * 9
    citizen = Citizen(door)
    await citizen.say("petugas")
    await answer_all(door)
    texts = await citizen.texts()
    assert any("P-1" in text for text in texts)
    async with door.database.reading() as conn:
        found = await conversations.find_by_address(conn, "kota_mojokerto", citizen.address)
    assert found is not None
    assert found.owner is Owner.QUEUE


async def test_while_a_person_is_awaited_the_bot_keeps_still_and_gives_the_talk_back_on_request(
    door: Door, engine: ScriptedEngine
) -> None:
    engine.effects = lambda turn: (
        [{"type": "handoff_requested", "reason": "asked"}] if turn.text == "orang dong" else []
    )
    citizen = Citizen(door)
    await citizen.say("orang dong")
    await answer_all(door)
    await citizen.replies()
    asked = len(engine.turns)
    await citizen.say("halo?")
    await answer_all(door)
    [kept] = await citizen.replies()
    assert len(engine.turns) == asked
    await citizen.press(kept.buttons[0]["token"])
    await answer_all(door)
    await citizen.say("lanjut")
    await answer_all(door)
    assert "2: lanjut" in (await citizen.texts())[-1]


async def test_a_reply_that_names_an_unknown_text_is_still_a_sentence(
    door: Door, engine: ScriptedEngine
) -> None:
    from bot.vocabulary.conversations import Reply, Say

    engine.answer = lambda turn: Reply((Say("tidak.ada"), Say("update.note")), (), {})
    citizen = Citizen(door)
    await citizen.say("halo")
    await answer_all(door)
    texts = await citizen.texts()
    assert len(texts) == 2
    assert all("petugas" in text for text in texts)


async def test_an_effect_nobody_knows_is_left_out_and_the_rest_happens(
    door: Door, engine: ScriptedEngine
) -> None:
    engine.effects = lambda turn: [
        {"type": "conquer_the_world"},
        {"type": "language_chosen", "language": "jv"},
    ]
    citizen = Citizen(door)
    await citizen.say("halo")
    await answer_all(door)
    async with door.database.reading() as conn:
        found = await conversations.find_by_address(conn, "kota_mojokerto", citizen.address)
    assert found is not None
    assert found.language == "jv"
