"""Albums are one thing said; voice notes and documents are kept for a person, and it is said so."""

import asyncio
import io
import uuid
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from PIL import Image

from bot.channels.base import ChannelUnreachable
from bot.conversations import enclosures, inbound
from bot.door import Door
from bot.storage import tables
from bot.vocabulary.messages import ChannelName, IncomingKind, IncomingMedia, IncomingMessage
from tests.postman import Postman
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (32, 24), "teal").save(out, "JPEG")
    return out.getvalue()


def archive(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return out.getvalue()


class WithFiles(Postman):
    """A channel whose files can be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}

    async def download(self, media: IncomingMedia) -> tuple[bytes, str]:
        if media.remote_id not in self.files:
            raise ChannelUnreachable("gone")
        return self.files[media.remote_id], media.content_type or "application/octet-stream"


@pytest.fixture
def postman() -> WithFiles:
    return WithFiles()


@pytest.fixture
async def city(open_doors: Callable[..., Door], postman: WithFiles) -> Door:
    door = open_doors(channels={ChannelName.TELEGRAM: postman})
    await door.wakeups.start()
    return door


async def send(
    door: Door,
    postman: WithFiles,
    kind: IncomingKind,
    data: bytes | None,
    *,
    album: str | None = None,
    text: str | None = None,
    size: int | None = None,
) -> None:
    name = uuid.uuid4().hex
    if data is not None:
        postman.files[name] = data
    message = IncomingMessage(
        tenant="kota_mojokerto",
        sender=Citizen(door, "1", ChannelName.TELEGRAM).address,
        channel_message_id=name,
        kind=kind,
        sent_at=datetime.now(UTC),
        text=text,
        media=(IncomingMedia(name, size=size),),
        extra={"album": album} if album else {},
    )
    await inbound.accept(door, message)


async def answers(door: Door) -> list[str]:
    query = sa.select(tables.messages.c.text).where(tables.messages.c.direction == "out")
    async with door.database.reading() as conn:
        return list((await conn.execute(query.order_by(tables.messages.c.id))).scalars())


async def test_an_album_of_ten_with_one_slow_part_is_one_turn(
    city: Door, postman: WithFiles, engine: ScriptedEngine
) -> None:
    for number in range(9):
        caption = "jalan rusak di Wates" if number == 0 else None
        await send(city, postman, IncomingKind.PHOTO, picture(), album="a", text=caption)
    answering = asyncio.create_task(answer_all(city))
    await asyncio.sleep(0.7)
    await send(city, postman, IncomingKind.PHOTO, picture(), album="a")
    await answering
    [turn] = engine.turns
    assert turn.text == "jalan rusak di Wates"
    assert len(await answers(city)) == 1


async def test_a_late_part_of_an_album_is_taken_with_the_photos_and_repeats_no_word(
    city: Door, postman: WithFiles, engine: ScriptedEngine
) -> None:
    await send(city, postman, IncomingKind.PHOTO, picture(), album="a", text="jalan rusak")
    await answer_all(city)
    await send(city, postman, IncomingKind.PHOTO, picture(), album="a")
    await answer_all(city)
    assert [(turn.text, len(turn.photos)) for turn in engine.turns] == [("jalan rusak", 1), ("", 1)]


def test_an_album_waits_from_the_arrival_of_its_parts_and_not_for_ever() -> None:
    now = datetime.now(UTC)

    def batch(*ages: float) -> list:
        return [
            type("Part", (), {"extra": {"album": "a"}, "created_at": now - timedelta(seconds=age)})()
            for age in ages
        ]

    assert enclosures.unsettled(batch(5.0, 0.5), now) == pytest.approx(1.0)
    assert enclosures.unsettled(batch(7.8, 0.0), now) == pytest.approx(0.2)
    assert enclosures.unsettled(batch(3.0, 2.0), now) == 0
    assert enclosures.unsettled([], now) == 0


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        (IncomingKind.VOICE, b"OggS" + bytes(50), "belum bisa mendengarkannya"),
        (IncomingKind.DOCUMENT, b"%PDF-1.7 surat", "belum bisa membacanya"),
        (IncomingKind.DOCUMENT, archive("[Content_Types].xml", "word/document.xml"), "belum bisa membacanya"),
    ],
    ids=["voice", "pdf", "docx"],
)
async def test_a_voice_note_or_document_is_kept_for_a_person_and_said_so(
    city: Door, postman: WithFiles, engine: ScriptedEngine, kind: IncomingKind, data: bytes, words: str
) -> None:
    await send(city, postman, kind, data)
    await answer_all(city)
    [answer] = await answers(city)
    assert words in answer
    assert engine.turns == []
    async with city.database.reading() as conn:
        [kept] = await conn.execute(sa.select(tables.media))
        [row] = await conn.execute(sa.select(tables.messages).where(tables.messages.c.direction == "in"))
    assert row.content["media"][0]["media_id"] == kept.id, "an agent finds it at the message"
    assert kept.owner == row.conversation_id


@pytest.mark.parametrize(
    ("data", "size", "words"),
    [
        (b"MZ\x90\x00 a program", None, "tidak kami terima"),
        (archive("setup.exe"), None, "tidak kami terima"),
        (archive("word/document.xml", "word/vbaProject.bin"), None, "tidak kami terima"),
        (b"PK\x03\x04 broken", None, "tidak kami terima"),
        (b"%PDF-", 21 * 1024 * 1024, "lebih besar dari 20 MB"),
        (None, None, "tidak berhasil kami ambil"),
    ],
    ids=["program", "zip", "macros", "broken", "too big", "gone"],
)
async def test_a_file_that_is_not_kept_is_refused_with_the_reason(
    city: Door, postman: WithFiles, data: bytes | None, size: int | None, words: str
) -> None:
    await send(city, postman, IncomingKind.DOCUMENT, data, size=size)
    await answer_all(city)
    [answer] = await answers(city)
    assert words in answer
    async with city.database.reading() as conn:
        assert list(await conn.execute(sa.select(tables.media))) == []
