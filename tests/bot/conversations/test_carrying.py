"""Lanjutkan di sini: a form and a request for a person go on on the other channel, and stay in one place."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image

from bot.conversations.desk import claims, writing
from bot.door import Door
from bot.storage import conversations, handoffs, tables
from bot.vocabulary.conversations import Owner, Reply, Say, Turn
from tests.bot.conversations.two_channels import city as city
from tests.bot.conversations.two_channels import link, press, say
from tests.bot.conversations.two_channels import telegram as telegram
from tests.bot.conversations.two_channels import whatsapp as whatsapp
from tests.bot.desk.staff import hire
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

DRAFT = {"slots": {"complaint_description": "Lampu mati"}, "form": "complaint_form", "question": "place"}


@pytest.fixture
def forms(engine: ScriptedEngine) -> ScriptedEngine:
    """An engine that begins a form at *lapor*, and sends it at the button."""

    def answer(turn: Turn) -> Reply:
        if turn.text.startswith("lapor"):
            buttons = ({"title": "Kirim", "payload": "/affirm"},)
            photos = [dict(one) for one in turn.photos]
            state = {**DRAFT, "slots": {**DRAFT["slots"], "photos": photos}}
            return Reply((Say("update.note", {"note": "Di mana?"}, buttons),), (), state)
        sent = turn.text == "/affirm" and (turn.state or {}).get("form")
        note = "Terkirim" if sent else f"tanpa isian: {turn.text}"
        return Reply((Say("update.note", {"note": note}),), (), {"slots": {}})

    engine.answer = answer
    return engine


async def state_of(citizen: Citizen) -> dict[str, object]:
    async with citizen.door.database.reading() as conn:
        found = await conversations.find_by_address(conn, "kota_mojokerto", citizen.address)
    assert found is not None
    return {"owner": found.owner, "form": (found.state or {}).get("form"), "id": found.id}


async def test_a_form_goes_on_on_the_other_channel_with_its_last_question_and_working_buttons(
    city: Door, telegram: Citizen, whatsapp: Citizen, forms: ScriptedEngine
) -> None:
    await link(telegram, whatsapp)
    await say(telegram, "lapor lampu mati")
    said = await say(whatsapp, "lanjutkan di sini")
    assert "yang dimulai di Telegram" in said
    assert "Di mana?" in said
    assert (await state_of(telegram))["form"] is None
    assert "dilanjutkan di WhatsApp" in "".join(await telegram.texts())
    assert "Terkirim" in await press(whatsapp, "Kirim")


async def test_what_was_carried_away_cannot_be_sent_from_where_it_began(
    city: Door, telegram: Citizen, whatsapp: Citizen, forms: ScriptedEngine
) -> None:
    await link(telegram, whatsapp)
    await say(telegram, "lapor lampu mati")
    await say(whatsapp, "lanjutkan di sini")
    assert "Terkirim" not in await press(telegram, "Kirim")


async def test_linking_offers_to_go_on_with_what_was_begun(
    telegram: Citizen, whatsapp: Citizen, forms: ScriptedEngine
) -> None:
    await say(telegram, "lapor lampu mati")
    await link(telegram, whatsapp)
    assert "Di mana?" in await press(whatsapp, "Lanjutkan di sini")


async def test_a_talk_that_is_being_answered_is_not_taken_away(
    city: Door, telegram: Citizen, whatsapp: Citizen, forms: ScriptedEngine
) -> None:
    await link(telegram, whatsapp)
    await say(telegram, "lapor lampu mati")
    await telegram.say("di Wates")
    await whatsapp.say("lanjutkan di sini")
    async with city.database.transaction() as conn:
        # Another worker has the talk on Telegram.
        await conn.execute(
            sa.update(tables.conversations)
            .where(tables.conversations.c.address == "111")
            .values(claimed_by="worker-2", claimed_until=datetime.now(UTC).replace(year=2099))
        )
    await answer_all(city)
    assert "masih diproses" in "".join(await whatsapp.texts())
    assert (await state_of(telegram))["form"] == "complaint_form"


async def test_a_form_of_ones_own_is_not_overwritten(
    telegram: Citizen, whatsapp: Citizen, forms: ScriptedEngine
) -> None:
    await link(telegram, whatsapp)
    await say(telegram, "lapor lampu mati")
    await say(whatsapp, "lapor jalan rusak")
    assert "masih ada yang berjalan" in await say(whatsapp, "/lanjut")


async def test_nothing_begun_is_said(telegram: Citizen, whatsapp: Citizen, forms: ScriptedEngine) -> None:
    await link(telegram, whatsapp)
    assert "tidak ada isian" in await say(whatsapp, "lanjutkan di sini")


async def test_photos_go_where_their_form_goes(
    city: Door, telegram: Citizen, whatsapp: Citizen, forms: ScriptedEngine, tmp_path: Path
) -> None:
    await link(telegram, whatsapp)
    await say(telegram, "lapor lampu mati")
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, "PNG")
    here = await state_of(telegram)
    media_id = await city.media.save(out.getvalue(), "image/png", str(here["id"]))
    async with city.database.transaction() as conn:
        state = {**DRAFT, "slots": {"photos": [{"media_id": media_id}]}}
        await conversations.set_state(conn, str(here["id"]), state)
    await say(whatsapp, "lanjutkan di sini")
    found = await city.media.find(media_id)
    assert found is not None
    assert found[2] == (await state_of(whatsapp))["id"]


async def test_a_person_goes_on_with_the_citizen_on_the_other_channel(
    city: Door, telegram: Citizen, whatsapp: Citizen, engine: ScriptedEngine
) -> None:
    budi = await hire(city, "Budi")
    await link(telegram, whatsapp)
    async with city.database.transaction() as conn:
        found = await conversations.find_by_address(conn, "kota_mojokerto", telegram.address)
        assert found is not None
        asked, _ = await handoffs.open(conn, found.id, found.tenant, "citizen", {}, datetime.now(UTC))
        await conversations.change_owner(conn, found.id, Owner.BOT, Owner.QUEUE)
    await claims.claim(city, budi, asked.id)
    await telegram.replies()
    said = await say(whatsapp, "lanjut di sini")
    assert "dengan petugas dari Telegram dilanjutkan di sini" in said
    assert (await state_of(telegram))["owner"] is Owner.BOT
    assert (await state_of(whatsapp))["owner"] is Owner.AGENT
    there = str((await state_of(whatsapp))["id"])
    await writing.reply(city, budi, there, "Selamat siang", key="1")
    assert (await whatsapp.texts()) == ["Selamat siang"]
    assert "Selamat siang" not in "".join(await telegram.texts())
    await say(telegram, "halo")
    assert [turn.text for turn in engine.turns] == ["halo"]
