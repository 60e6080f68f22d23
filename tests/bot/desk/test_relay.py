"""Chatwoot instead of our own desk: handed over once, words both ways once, one end on both sides."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bot.app import create_app
from bot.conversations.desk import relay
from bot.door import Door
from bot.helpdesk.chatwoot import Chatwoot
from bot.storage.keyvalue import MemoryKeyValue
from bot.vocabulary.agents import Handoff, Outcome, Stage
from bot.vocabulary.conversations import Owner
from tests.bot.desk.chatwoot_stage import INBOX, SECRET, ChatwootStage, signed, written
from tests.bot.desk.staff import TENANT, ask, conversation_of, hand_off_on_request, look
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all


@pytest.fixture
def stage() -> ChatwootStage:
    return ChatwootStage()


@pytest.fixture
def door(open_doors: Callable[..., Door], stage: ChatwootStage, engine: ScriptedEngine) -> Door:
    hand_off_on_request(engine)
    desk = Chatwoot("http://chatwoot.test", INBOX, SECRET, TENANT, stage.transport)
    # A lease in Redis would be shared with the tests beside this one.
    return open_doors(helpdesk=desk, keyvalue=MemoryKeyValue())


async def relayed(door: Door) -> None:
    assert door.helpdesk is not None
    await relay.look(door, door.helpdesk)


async def call(door: Door, payload: object, **how: Any) -> int:
    headers, body = signed(payload, **how)
    app = create_app(door.settings, door)
    app.state.door = door
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://kota.test") as client:
        return (await client.post("/helpdesk/chatwoot", content=body, headers=headers)).status_code


async def handed_over(door: Door, stage: ChatwootStage) -> tuple[Citizen, Handoff, int]:
    citizen, found = await ask(door, "warga-1")
    await citizen.replies()
    await relayed(door)
    [thread] = stage.threads
    return citizen, found, thread


async def test_a_request_is_handed_over_with_what_is_known_and_what_was_said(
    door: Door, stage: ChatwootStage
) -> None:
    _, found, _ = await handed_over(door, stage)
    await relayed(door)
    summary, first = stage.said()
    assert f"P-{found.number}" in summary
    assert first == "orang dong"
    [contact] = stage.contacts.values()
    assert contact["name"] == "Warga"
    assert len(contact["identifier"]) == 32


async def test_words_go_both_ways_and_a_second_delivery_is_ignored(door: Door, stage: ChatwootStage) -> None:
    citizen, found, thread = await handed_over(door, stage)
    for _ in range(2):
        assert await call(door, written(thread, "Selamat pagi, ada yang bisa dibantu?")) == 200
    joined, hello = await citizen.texts()
    assert "Dewi" in joined
    assert hello.startswith("Selamat pagi")
    assert (await look(door, found.id)).stage is Stage.ASSIGNED
    assert (await conversation_of(door, found)).owner is Owner.AGENT
    await citizen.say("NIK saya 3516012509870003")
    await answer_all(door)
    await relayed(door)
    assert stage.said()[-1].startswith("NIK saya")
    assert "3516012509870003" not in stage.said()[-1]


async def test_when_it_is_resolved_there_it_ends_here_with_a_rating(door: Door, stage: ChatwootStage) -> None:
    citizen, found, thread = await handed_over(door, stage)
    await call(door, written(thread, "Sudah beres"))
    await citizen.replies()
    ended = {"event": "conversation_status_changed", "id": thread, "status": "resolved"}
    for _ in range(2):
        assert await call(door, ended) == 200
    [goodbye] = await citizen.replies()
    assert len(goodbye.buttons) == 5
    now = await look(door, found.id)
    assert (now.stage, now.outcome) == (Stage.CLOSED, Outcome.SOLVED)


async def test_when_the_citizen_goes_back_to_the_bot_it_ends_there(door: Door, stage: ChatwootStage) -> None:
    citizen, _, thread = await handed_over(door, stage)
    await citizen.say("kembali ke lawang")
    await answer_all(door)
    for _ in range(2):
        await relayed(door)
    assert stage.threads[thread]["status"] == "resolved"
    assert stage.calls.count("toggle_status") == 1
    await citizen.replies()
    await call(door, written(thread, "masih di sana?"))
    assert await citizen.replies() == []


@pytest.mark.parametrize("trouble", ["down", "lost"])
@pytest.mark.parametrize("where", ["contacts", "conversations", "messages"])
async def test_whatever_answer_is_lost_nothing_is_lost_and_nothing_is_there_twice(
    door: Door, stage: ChatwootStage, where: str, trouble: str
) -> None:
    stage.troubles[where] = [trouble, "", trouble]
    await ask(door, "warga-1")
    for _ in range(6):
        await relayed(door)
    assert len(stage.threads) == 1
    summary, first = stage.said()
    assert "P-1" in summary
    assert first == "orang dong"


async def test_private_notes_and_the_citizens_own_words_stay_there(door: Door, stage: ChatwootStage) -> None:
    citizen, _, thread = await handed_over(door, stage)
    for payload in (
        written(thread, "catatan", private=True),
        written(thread, "orang dong", message_type="incoming"),
        written(12345, "salah sambung"),
        {"event": "conversation_typing_on", "conversation": {"id": thread}},
        {"event": "message_created", "message_type": "outgoing", "content": "tanpa nomor"},
        ["bukan objek"],
        "teks",
    ):
        assert await call(door, payload) == 200
    assert await citizen.replies() == []


async def test_who_cannot_sign_is_not_heard(door: Door, stage: ChatwootStage) -> None:
    citizen, _, thread = await handed_over(door, stage)
    assert await call(door, written(thread, "halo"), secret="salah") == 401
    assert await call(door, written(thread, "halo"), at=1_000_000) == 401
    assert await citizen.replies() == []


async def test_another_agent_over_there_goes_on_under_their_own_name(
    door: Door, stage: ChatwootStage
) -> None:
    citizen, found, thread = await handed_over(door, stage)
    await call(door, written(thread, "Saya Dewi"))
    await call(door, written(thread, "Saya Bayu", 901, sender={"id": 8, "name": "Bayu"}))
    texts = await citizen.texts()
    assert [text for text in texts if "terhubung" in text][1].count("Bayu") == 1
    assert (await look(door, found.id)).transfers == 1
