"""What agents write goes out once, through the outbox, and leaves no number for others to read."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.conversations import outcomes, sending
from bot.conversations.desk import claims, errors, events, writing
from bot.door import Door
from bot.storage import consoleevents, messages, transcripts
from bot.vocabulary.agents import EventKind
from bot.vocabulary.messages import ChannelName, DeliveryReceipt, MessageStatus
from bot.web.feed import as_json
from tests.bot.desk.staff import TENANT, ask, hand_off_on_request, hire, look
from tests.postman import Postman
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

NIK = "3516012509870003"


@pytest.fixture(autouse=True)
def asking(engine: ScriptedEngine) -> None:
    hand_off_on_request(engine)


async def test_sent_twice_it_is_stored_once(door: Door) -> None:
    sari = await hire(door, "Sari")
    citizen, found = await ask(door, "warga-1")
    await claims.claim(door, sari, found.id)
    await citizen.replies()
    sent = await asyncio.gather(
        *(writing.reply(door, sari, found.conversation_id, "Selamat pagi", key="a") for _ in range(5))
    )
    assert len(set(sent)) == 1
    assert await citizen.texts() == ["Selamat pagi"]
    assert (await look(door, found.id)).first_reply_at is not None


@pytest.mark.parametrize("text", ["", "   ", "\x00", "x" * 4001])
async def test_what_cannot_be_sent_is_said(door: Door, text: str) -> None:
    sari = await hire(door, "Sari")
    _, found = await ask(door, "warga-1")
    await claims.claim(door, sari, found.id)
    with pytest.raises(errors.Unusable):
        await writing.reply(door, sari, found.conversation_id, text, key="a")


async def test_a_number_an_agent_writes_reaches_the_citizen_and_nobody_else(door: Door) -> None:
    sari = await hire(door, "Sari")
    _, found = await ask(door, "warga-1")
    await claims.claim(door, sari, found.id)
    message = await writing.reply(door, sari, found.conversation_id, f"NIK Anda {NIK} benar?", key="a")
    async with door.database.reading() as conn:
        line = await transcripts.line(conn, message)
    assert NIK not in (line.message.text or "")
    assert line.agent_name == "Sari"
    assert NIK in as_json(door, line.message)["text"]


async def test_a_file_goes_along_and_only_one_of_this_talk(door: Door) -> None:
    sari = await hire(door, "Sari")
    citizen, found = await ask(door, "warga-1")
    _, other = await ask(door, "warga-2")
    for request in (found, other):
        await claims.claim(door, sari, request.id)
    await citizen.replies()
    file = await writing.attach(door, sari, found.conversation_id, b"%PDF-1.4 syarat", "application/pdf")
    with pytest.raises(errors.Unusable):
        await writing.reply(door, sari, other.conversation_id, "ini", key="a", attachments=[file])
    with pytest.raises(errors.Unusable):
        await writing.attach(door, sari, found.conversation_id, b"<script>", "text/html")
    await writing.reply(door, sari, found.conversation_id, "", key="a", attachments=[file])
    [reply] = await citizen.replies()
    assert reply.attachments[0]["media_id"] == file


async def test_what_failed_is_sent_again_on_request_and_its_ticks_are_seen(
    open_doors, engine: ScriptedEngine
) -> None:
    postman = Postman()
    door = open_doors(channels={ChannelName.TELEGRAM: postman})
    sari = await hire(door, "Sari")
    citizen = Citizen(door, "551", ChannelName.TELEGRAM)
    accepted = await citizen.say("orang dong")
    await answer_all(door)
    await claims.take_over(door, sari, accepted.conversation_id)
    message = await writing.reply(door, sari, accepted.conversation_id, "Selamat pagi", key="a")
    start = await events.start(door, TENANT)
    with pytest.raises(errors.Unusable):
        await writing.resend(door, sari, message)
    async with door.database.transaction() as conn:
        await messages.set_status(
            conn, message, MessageStatus.FAILED, datetime.now(UTC), reason="FAILED_REFUSED"
        )
    await writing.resend(door, sari, message)
    stop = asyncio.Event()
    sender = asyncio.create_task(sending.deliver(door, "w", stop))
    for _ in range(100):
        async with door.database.reading() as conn:
            status = (await messages.get(conn, message)).status
        if status == MessageStatus.SENT:
            break
        await asyncio.sleep(0.05)
    stop.set()
    await sender
    assert status == MessageStatus.SENT
    receipt = DeliveryReceipt(ChannelName.TELEGRAM, "m-1", MessageStatus.READ, datetime.now(UTC))
    async with door.database.reading() as conn:
        sent = await messages.get(conn, message)
    assert await outcomes.record(door, replace(receipt, channel_message_id=sent.channel_message_id or ""))
    async with door.database.reading() as conn:
        heard = await consoleevents.after(conn, TENANT, sari.id, start)
    ticks = [event.data["status"] for event in heard if event.kind is EventKind.MESSAGE_STATUS]
    assert ticks == ["queued", "sent", "read"]
