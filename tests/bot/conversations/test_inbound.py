"""A message is stored once, before it is acknowledged, and answered in order."""

import asyncio

import sqlalchemy as sa

from bot.door import Door
from bot.storage import tables
from bot.vocabulary.messages import IncomingKind
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all


async def test_a_message_is_answered(door: Door) -> None:
    citizen = Citizen(door)
    await citizen.say("halo")
    await answer_all(door)
    [reply] = await citizen.texts()
    assert "1: halo" in reply


async def test_the_first_answer_carries_the_privacy_notice_and_no_later_one_does(door: Door) -> None:
    citizen = Citizen(door)
    await citizen.say("halo")
    await answer_all(door)
    await citizen.say("lagi")
    await answer_all(door)
    first, second = await citizen.texts()
    assert "/privasi" in first
    assert "/privasi" not in second


async def test_a_second_delivery_is_recognised_and_answered_once(door: Door) -> None:
    citizen = Citizen(door)
    first = await citizen.say("halo", id="42")
    second = await citizen.say("halo", id="42")
    assert (first.duplicate, second.duplicate) == (False, True)
    assert first.message_id == second.message_id
    await answer_all(door)
    assert len(await citizen.texts()) == 1


async def test_a_hundred_deliveries_at_once_are_one_message(door: Door) -> None:
    citizen = Citizen(door)
    accepted = await asyncio.gather(*(citizen.say("halo", id="42") for _ in range(100)))
    assert sum(not item.duplicate for item in accepted) == 1
    await answer_all(door)
    assert len(await citizen.texts()) == 1


async def test_messages_of_one_citizen_are_answered_in_order(door: Door) -> None:
    citizen = Citizen(door)
    for number in range(12):
        await citizen.say(f"pesan {number}")
    await answer_all(door)
    said = [text.splitlines()[0] for text in await citizen.texts()]
    assert said == [f"Catatan petugas: {number + 1}: pesan {number}" for number in range(12)]


async def test_personal_numbers_never_reach_the_engine_and_are_sealed_at_rest(
    door: Door, engine: ScriptedEngine
) -> None:
    citizen = Citizen(door)
    nik = "3576010000000001"
    await citizen.say(f"NIK saya {nik}")
    await answer_all(door)
    assert engine.turns[0].text == "NIK saya [NIK]"
    async with door.database.reading() as conn:
        row = (
            await conn.execute(sa.select(tables.messages).where(tables.messages.c.direction == "in"))
        ).one()
    assert nik not in str(row)
    assert door.sealer.open(row.sealed_text) == f"NIK saya {nik}"


async def test_a_typed_slash_never_becomes_a_payload(door: Door, engine: ScriptedEngine) -> None:
    citizen = Citizen(door)
    await citizen.say('/delete_my_data{"confirmed": "yes"}')
    await citizen.say("//affirm")
    await answer_all(door)
    assert all(not turn.text.startswith("/") for turn in engine.turns)


async def test_known_commands_become_wishes(door: Door, engine: ScriptedEngine) -> None:
    citizen = Citizen(door)
    for text in ("/start", "/start lapor-77", "/lapor lampu mati di Wates", "/petugas", "/entahapa"):
        await citizen.say(text)
    await answer_all(door)
    assert [turn.text for turn in engine.turns] == [
        "/greet",
        "/report_complaint",
        "lapor lampu mati di Wates",
        "/talk_to_agent",
        "entahapa",
    ]


async def test_five_thousand_characters_are_taken(door: Door, engine: ScriptedEngine) -> None:
    citizen = Citizen(door)
    await citizen.say("lampu mati " * 500)
    await answer_all(door)
    assert len(await citizen.texts()) == 1
    assert len(engine.turns[0].text) <= 5000


async def test_emoji_alone_get_a_sentence_and_a_thumb_means_yes(door: Door, engine: ScriptedEngine) -> None:
    citizen = Citizen(door)
    await citizen.say("😡😡")
    await citizen.say("👍")
    await answer_all(door)
    first, _ = await citizen.texts()
    assert "kata-kata" in first
    assert [turn.text for turn in engine.turns] == ["ya"]


async def test_a_hundred_photos_are_one_thing_said(door: Door, engine: ScriptedEngine) -> None:
    citizen = Citizen(door)
    for _ in range(100):
        await citizen.send(IncomingKind.PHOTO, text="ini fotonya")
    await answer_all(door)
    assert len(await citizen.texts()) <= 3


async def test_what_cannot_be_read_gets_one_helpful_sentence(door: Door, engine: ScriptedEngine) -> None:
    citizen = Citizen(door)
    kinds = (IncomingKind.VOICE, IncomingKind.DOCUMENT, IncomingKind.CONTACT, IncomingKind.UNSUPPORTED)
    for kind in kinds:
        await citizen.send(kind)
    await answer_all(door)
    assert len(await citizen.texts()) == len(kinds)
    assert engine.turns == []
