"""What Rasa answers is a reply or a failure, never a surprise later on."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from bot.dialogue.base import DialogueFailed, DialogueUnavailable
from bot.dialogue.rasa import RasaEngine
from bot.vocabulary.conversations import Turn
from bot.vocabulary.messages import Location

TURN = Turn(
    id="t1",
    conversation_id="c1",
    tenant="kota_mojokerto",
    channel="webchat",
    text="halo 😀",
    now=datetime(2026, 11, 24, 9, tzinfo=UTC),
    location=Location(-7.47, 112.43),
    photos=({"media_id": "m", "url": "http://x"},),
    state={"slots": {"a": 1}},
)
GOOD = {
    "messages": [
        {"text_key": "greet", "values": {"a": 1}, "buttons": [{"title": "Ya", "payload": "/affirm"}],
         "attachments": [], "ask_location": True}
    ],
    "effects": [{"type": "service_shown", "service": "kk"}],
    "state": {"slots": {}},
    "understanding": {"intent": {"name": "greet", "confidence": 0.9}},
}  # fmt: skip


def engine_of(answer: Callable[[httpx.Request], httpx.Response]) -> RasaEngine:
    return RasaEngine("http://rasa", 5, httpx.MockTransport(answer))


async def ask(answer: Any) -> Any:
    engine = engine_of(answer if callable(answer) else lambda request: answer)
    try:
        return await engine.respond(TURN)
    finally:
        await engine.close()


async def test_a_turn_goes_out_whole_and_a_reply_comes_back_whole() -> None:
    sent: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(200, json=GOOD)

    reply = await ask(answer)
    assert sent[0]["turn_id"] == "t1"
    assert sent[0]["text"] == "halo 😀"
    assert sent[0]["metadata"]["now"] == "2026-11-24T09:00:00+00:00"
    assert sent[0]["metadata"]["location"] == {"lat": -7.47, "lon": 112.43}
    assert sent[0]["state"] == {"slots": {"a": 1}}
    [say] = reply.messages
    assert (say.text_key, say.values, say.ask_location) == ("greet", {"a": 1}, True)
    assert say.buttons == ({"title": "Ya", "payload": "/affirm"},)
    assert reply.effects == ({"type": "service_shown", "service": "kk"},)


def message(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "messages": [{"text_key": "greet"} | changes]}


NONSENSE: list[Any] = [
    [],
    None,
    "ok",
    {},
    {**GOOD, "messages": None},
    {**GOOD, "messages": {}, "effects": []},
    {**GOOD, "messages": [], "effects": []},
    {**GOOD, "messages": ["halo"]},
    {**GOOD, "messages": [{"text": "halo"}]},
    {**GOOD, "state": None},
    {**GOOD, "state": []},
    {**GOOD, "effects": ["conquer"]},
    {**GOOD, "effects": [None]},
    {**GOOD, "understanding": [1]},
    message(text_key=5),
    message(values=[1]),
    message(buttons=["Ya"]),
    message(buttons=[{"title": "Ya"}]),
    message(buttons=[{"payload": "/affirm"}]),
    message(buttons=[{"title": "Ya", "payload": {"a": 1}}]),
    message(attachments=["x"]),
]


@pytest.mark.parametrize("data", NONSENSE, ids=[json.dumps(item)[:60] for item in NONSENSE])
async def test_silence_and_nonsense_are_failures(data: Any) -> None:
    with pytest.raises(DialogueFailed):
        await ask(httpx.Response(200, json=data))


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000, b'{"messages": [NaN'], ids=range(5)
)
async def test_what_is_no_json_is_a_failure(body: bytes) -> None:
    with pytest.raises(DialogueFailed):
        await ask(httpx.Response(200, content=body))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, DialogueFailed),
        (404, DialogueFailed),
        (204, DialogueFailed),
        (302, DialogueFailed),
        (502, DialogueUnavailable),
        (503, DialogueUnavailable),
    ],
)
async def test_a_status_says_whether_waiting_helps(status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        await ask(httpx.Response(status))


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (httpx.ConnectError, DialogueUnavailable),
        (httpx.ConnectTimeout, DialogueUnavailable),
        (httpx.ReadError, DialogueUnavailable),
        (httpx.WriteError, DialogueUnavailable),
        (httpx.RemoteProtocolError, DialogueUnavailable),
        (httpx.ReadTimeout, DialogueFailed),
        (httpx.PoolTimeout, DialogueFailed),
    ],
)
async def test_a_broken_line_says_whether_waiting_helps(
    trouble: type[httpx.HTTPError], error: type[Exception]
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise trouble("x")

    with pytest.raises(error):
        await ask(answer)


async def test_it_is_ready_once_the_channel_answers() -> None:
    for status, ready in ((200, True), (404, False), (503, False)):
        engine = engine_of(lambda request, status=status: httpx.Response(status))
        assert await engine.ready() is ready
        await engine.close()


async def test_it_is_not_ready_while_nobody_listens() -> None:
    engine = RasaEngine("http://127.0.0.1:1", 5)
    assert await engine.ready() is False
    with pytest.raises(DialogueUnavailable):
        await engine.respond(TURN)
    await engine.close()
