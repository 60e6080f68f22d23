"""An emergency is answered at once: inside `accept`, whoever owns the talk, with nothing else running."""

import uuid
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from bot.conversations import emergency, inbound
from bot.dialogue.base import DialogueFailed
from bot.door import Door
from bot.storage import conversations, messages, tables
from bot.vocabulary.conversations import Owner
from bot.vocabulary.messages import ChannelAddress, ChannelName, IncomingKind, IncomingMessage
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

FIRE = "tolong rumah saya kebakaran"
RISING = "kabel listrik jatuh ke jalan masih nyetrum"


async def test_the_number_is_there_before_any_worker_has_looked(door: Door, engine: ScriptedEngine) -> None:
    engine.errors = [DialogueFailed("down")] * 9
    citizen = Citizen(door)
    await citizen.say(FIRE)
    [reply] = await citizen.texts()
    assert "112" in reply or "113" in reply
    assert engine.turns == []


@pytest.mark.parametrize("owner", list(Owner))
async def test_it_is_answered_whoever_owns_the_talk(door: Door, owner: Owner) -> None:
    citizen = Citizen(door)
    await citizen.say("halo")
    await answer_all(door)
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(tables.conversations).values(owner=owner))
    await citizen.replies()
    await citizen.say(FIRE)
    assert len(await citizen.texts()) == 1


@pytest.mark.parametrize(
    "kind", [IncomingKind.TEXT, IncomingKind.PHOTO, IncomingKind.EDIT, IncomingKind.COMMAND]
)
async def test_it_is_seen_in_every_kind_of_text(door: Door, kind: IncomingKind) -> None:
    citizen = Citizen(door)
    await citizen.send(kind, text=FIRE)
    assert len(await citizen.texts()) == 1


async def test_a_mild_wording_is_left_to_the_engine(door: Door, engine: ScriptedEngine) -> None:
    citizen = Citizen(door)
    await citizen.say(RISING)
    assert await citizen.texts() == []
    await answer_all(door)
    assert [turn.text for turn in engine.turns] == [RISING]


async def test_a_mild_wording_gets_the_number_when_the_engine_is_down(
    door: Door, engine: ScriptedEngine
) -> None:
    engine.errors = [DialogueFailed("down")]
    citizen = Citizen(door)
    await citizen.say(RISING)
    await answer_all(door)
    [reply] = await citizen.texts()
    assert "Telepon 112" in reply


@pytest.mark.parametrize("owner", [Owner.QUEUE, Owner.AGENT])
async def test_a_mild_wording_gets_the_number_where_a_person_has_the_talk(door: Door, owner: Owner) -> None:
    citizen = Citizen(door)
    await citizen.say("halo")
    await answer_all(door)
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(tables.conversations).values(owner=owner))
    await citizen.replies()
    await citizen.say(RISING)
    [reply] = await citizen.texts()
    assert "112" in reply


async def test_a_slash_does_not_hide_it(door: Door) -> None:
    citizen = Citizen(door)
    await citizen.say("/lapor rumah saya kebakaran tolong")
    assert "Telepon" in (await citizen.texts())[0]


async def test_the_draft_is_kept(door: Door, engine: ScriptedEngine) -> None:
    citizen = Citizen(door)
    await citizen.say("satu")
    await answer_all(door)
    await citizen.say(FIRE)
    await answer_all(door)
    await citizen.say("dua")
    await answer_all(door)
    assert [turn.text for turn in engine.turns] == ["satu", "dua"]
    assert "2: dua" in (await citizen.texts())[-1]


async def test_a_second_delivery_is_not_answered_again(door: Door) -> None:
    citizen = Citizen(door)
    await citizen.say(FIRE, id="7")
    await citizen.say(FIRE, id="7")
    assert len(await citizen.texts()) == 1


async def test_it_passes_a_flood(door: Door, engine: ScriptedEngine) -> None:
    # Redis is shared by the suites: this flood is somebody nobody else is.
    citizen = Citizen(door, f"flood-{uuid.uuid4().hex}")
    await door.keyvalue.set(f"flood:webchat:{citizen.address.address}", "999999", 60)
    await citizen.say("halo")
    await citizen.say(FIRE)
    await answer_all(door)
    assert len(await citizen.texts()) == 1
    assert engine.turns == []


async def test_a_government_without_a_number_of_its_own_names_the_national_ones(door: Door) -> None:
    message = IncomingMessage(
        tenant="entah_di_mana",
        sender=ChannelAddress(ChannelName.WEBCHAT, "warga-1"),
        channel_message_id="1",
        kind=IncomingKind.TEXT,
        sent_at=datetime.now(UTC),
        text=FIRE,
    )

    accepted = await inbound.accept(door, message)
    async with door.database.reading() as conn:
        _, reply = await messages.stream(conn, accepted.conversation_id, 0)
    assert "112" in (reply.text or "")
    assert "113" in (reply.text or "")


@pytest.mark.parametrize("tenant", ["kota_mojokerto", "kab_mojokerto", "kota_kupang"])
@pytest.mark.parametrize(
    "text",
    [FIRE, "ada kecelakaan korban berdarah", "bapak saya pingsan tidak bernapas", "saya mau bunuh diri"],
)
async def test_every_government_answers_every_kind_with_a_number(door: Door, tenant: str, text: str) -> None:

    found = emergency.check(text)
    assert found is not None
    answer = emergency.answer(door, tenant, found)
    assert any(character.isdigit() for character in answer.text)
    assert "None" not in answer.text


async def test_what_waited_before_is_still_answered(door: Door, engine: ScriptedEngine) -> None:
    citizen = Citizen(door)
    await citizen.say("satu")
    await citizen.say(FIRE)
    await answer_all(door)
    assert [turn.text for turn in engine.turns] == ["satu"]
    async with door.database.reading() as conn:
        found = await conversations.find_by_address(conn, "kota_mojokerto", citizen.address)
        assert found is not None
        assert (await messages.progress(conn, found.id)).waiting == 0
