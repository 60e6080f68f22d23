"""A citizen sees all we keep, and nothing of it is left once they say so."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image

from bot.conversations import turns, updates
from bot.conversations.updates import Recorded
from bot.door import Door
from bot.sealing import Sealer
from bot.storage import conversations, media, tables
from bot.vocabulary.messages import IncomingKind, IncomingMedia
from connectors.capabilities import StatusUpdate
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

NIK, NAME, PLACE = "3576010000000001", "Siti Rahayu", "Jalan Majapahit 12"


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def filing(engine: ScriptedEngine) -> ScriptedEngine:
    """An engine whose every wish is written in the text itself."""

    def effects(turn):
        match turn.text.split()[0]:
            case "lapor":
                return [
                    {"type": "case_opened", "connector": "curhat_ning_ita", "reference": "MJK-1",
                     "kind": "complaint", "status": "received", "description": "Lampu mati", "place": PLACE},
                    {"type": "booking_made", "connector": "mpp_gajah_mada", "code": "MPP-1", "number": "A1",
                     "counter": "3", "service": "ktp_el", "name": NAME,
                     "starts_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()},
                ]  # fmt: skip
            case "unduh":
                return [{"type": "data_export_requested"}]
            case "hapus":
                return [{"type": "data_erasure_requested"}]
        return []

    engine.effects = effects
    return engine


async def say(door: Door, citizen: Citizen, *texts: str) -> None:
    for text in texts:
        await citizen.say(text)
        await answer_all(door)


async def everything(door: Door) -> str:
    """Every row of every table, as text."""
    found: list[str] = []
    async with door.database.reading() as conn:
        for table in tables.metadata.sorted_tables:
            found += [str(tuple(row)) for row in await conn.execute(sa.select(table))]
    return "\n".join(found)


def files(door: Door) -> list[Path]:
    return list((door.settings.var / "media").iterdir())


async def test_the_copy_holds_what_the_citizen_really_wrote(door: Door, filing: ScriptedEngine) -> None:
    citizen = Citizen(door)
    await say(door, citizen, f"lapor lampu mati, NIK {NIK}", "unduh data saya")
    reply = (await citizen.replies())[-1]
    [attachment] = reply.attachments
    found = await door.media.find(attachment["media_id"])
    assert found is not None
    path, content_type, owner = found
    document = json.loads(path.read_text())
    assert content_type == "application/json"
    assert any(NIK in (item["isi"] or "") for item in document["pesan"])
    assert document["laporan"][0]["reference"] == "MJK-1"
    assert document["antrean"][0]["name"] == NAME
    assert document["persetujuan"]["kalimat"]
    async with door.database.reading() as conn:
        mine = await conversations.find_by_address(conn, "kota_mojokerto", citizen.address)
    assert mine is not None
    assert owner == mine.id


async def test_the_copy_holds_nothing_of_anybody_else(door: Door, filing: ScriptedEngine) -> None:
    other, citizen = Citizen(door, "orang-lain"), Citizen(door)
    await say(door, other, "lapor rahasia orang lain")
    await say(door, citizen, "unduh data saya")
    [attachment] = (await citizen.replies())[-1].attachments
    text = door.media.path(attachment["media_id"]).read_text()
    assert "orang lain" not in text
    assert "MJK-1" not in text


async def test_a_copy_made_twice_by_a_killed_worker_is_one_file(
    door: Door, filing: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen = Citizen(door)
    await citizen.say("unduh data saya")
    release, crashes = conversations.release, iter([True, False])

    async def crash_once(*arguments):
        if next(crashes):
            raise KeyboardInterrupt
        return await release(*arguments)

    monkeypatch.setattr(turns.conversations, "release", crash_once)
    with pytest.raises(KeyboardInterrupt):
        await answer_all(door, "dying")
    async with door.database.transaction() as conn:
        await conversations.free_claims_of(conn, ["dying"])
    await answer_all(door)
    assert len(files(door)) == 1


async def test_words_sealed_with_another_key_do_not_keep_the_copy_back(
    door: Door, filing: ScriptedEngine
) -> None:
    citizen = Citizen(door)
    await say(door, citizen, "halo")
    async with door.database.transaction() as conn:
        sealed = Sealer("another key " * 4).seal(NIK)
        await conn.execute(sa.update(tables.messages).values(sealed_text=sealed))
    await say(door, citizen, "unduh data saya")
    assert (await citizen.replies())[-1].attachments


async def test_nothing_is_left_of_a_citizen_who_asks_to_be_forgotten(
    door: Door, filing: ScriptedEngine
) -> None:
    citizen = Citizen(door)
    media_id = await door.media.save(picture(), "image/png")
    await citizen.send(IncomingKind.PHOTO, text="ini", media=[IncomingMedia(media_id=media_id)])
    await say(door, citizen, f"lapor lampu mati di depan rumah, NIK {NIK}", "unduh", "rahasia sekali")
    await say(door, citizen, "hapus data saya")
    left = await everything(door)
    for word in (NIK, NAME, PLACE, "MJK-1", "MPP-1", "Lampu mati", "rahasia sekali", "Warga"):
        assert word not in left
    assert files(door) == []
    assert await door.media.find(media_id) is None


async def test_what_happens_to_a_case_afterwards_is_not_told_in_this_talk(
    door: Door, filing: ScriptedEngine
) -> None:
    """As the citizen was promised: the report stays with the city, without a connection to this talk."""
    citizen = Citizen(door)
    await say(door, citizen, "lapor lampu mati", "hapus data saya")
    news = StatusUpdate("curhat_ning_ita", "case", "e1", "MJK-1", "done", datetime.now(UTC))
    assert await updates.record(door, news) is Recorded.UNKNOWN_REFERENCE


async def test_files_of_the_forgotten_are_deleted_even_if_the_process_dies_right_after(
    door: Door, filing: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen = Citizen(door)
    await say(door, citizen, "unduh data saya")
    [attachment] = (await citizen.replies())[-1].attachments

    async def die(self) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(media.MediaStore, "sweep", die)
        await citizen.say("hapus data saya")
        with pytest.raises(KeyboardInterrupt):
            await answer_all(door)
    assert len(files(door)) == 1
    assert await door.media.find(attachment["media_id"]) is None, "nobody gets it meanwhile"
    assert await door.media.sweep() == 1
    assert files(door) == []


async def test_what_was_sent_after_the_request_is_still_answered(
    door: Door, filing: ScriptedEngine, engine: ScriptedEngine
) -> None:
    citizen = Citizen(door)
    await say(door, citizen, "halo")
    await citizen.replies()
    media_id = await door.media.save(picture(), "image/png")
    await citizen.say("hapus data saya")
    await citizen.send(IncomingKind.PHOTO, text="ini", media=[IncomingMedia(media_id=media_id)])
    await answer_all(door)
    assert [turn.text for turn in engine.turns] == ["halo", "hapus data saya", "ini"]
    assert len(engine.turns[-1].photos) == 1
    assert door.media.path(media_id).exists()


async def test_the_notice_is_given_again_and_the_dialogue_has_forgotten(
    door: Door, filing: ScriptedEngine
) -> None:
    citizen = Citizen(door)
    await say(door, citizen, "halo", "hapus data saya")
    await citizen.replies()
    await say(door, citizen, "halo")
    [text] = await citizen.texts()
    assert "1: halo" in text
    assert "/privasi" in text


async def test_others_keep_everything(door: Door, filing: ScriptedEngine) -> None:
    other, citizen = Citizen(door, "orang-lain"), Citizen(door)
    await say(door, other, "lapor lampu mati")
    await say(door, citizen, "halo", "hapus data saya")
    assert "MJK-1" in await everything(door)
    assert len(await other.replies()) == 3, "the answer, the ticket, and its calendar file"


async def test_a_photo_of_somebody_else_is_never_handed_to_a_city_system(
    door: Door, engine: ScriptedEngine
) -> None:
    owner, thief = Citizen(door, "pemilik"), Citizen(door, "pencuri")
    media_id = await door.media.save(picture(), "image/png")
    for citizen in (owner, thief):
        await citizen.send(IncomingKind.PHOTO, text="foto ini", media=[IncomingMedia(media_id=media_id)])
        await answer_all(door)
    assert [len(turn.photos) for turn in engine.turns] == [1, 0]
