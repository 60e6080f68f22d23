"""The web chat's HTTP API on every engine: messages, buttons, places, photos, and the stream."""

import asyncio
import uuid

import httpx
from PIL import Image

from bot.door import Door
from bot.web import feed, passes
from bot.web.letters import MAX_TEXT
from tests.bot.web.letters import message, picture
from tests.scripted import ScriptedEngine
from tests.talk import answer_all


async def test_a_message_is_stored_once_and_answered(citizen: httpx.AsyncClient, door: Door) -> None:
    body = message(text="lampu jalan mati")
    first = await citizen.post("/chat/messages", json=body)
    second = await citizen.post("/chat/messages", json=body)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == {"id": first.json()["id"], "duplicate": False}
    assert second.json() == {"id": first.json()["id"], "duplicate": True}
    await answer_all(door)
    history = (await citizen.get("/chat/history")).json()
    assert [item["direction"] for item in history["messages"]] == ["in", "out"]
    assert history["messages"][0]["client_id"] == body["client_id"]
    assert history["progress"] == {"owner": "bot", "waiting": 0, "handled_upto": first.json()["id"]}
    rest = (await citizen.get("/chat/history", params={"after": first.json()["id"]})).json()
    assert [item["direction"] for item in rest["messages"]] == ["out"]


async def test_a_button_is_pressed_by_its_token(
    citizen: httpx.AsyncClient, door: Door, engine: ScriptedEngine
) -> None:
    engine.buttons = ({"title": "Ya", "payload": "/affirm"},)
    await citizen.post("/chat/messages", json=message(text="halo"))
    await answer_all(door)
    button = (await citizen.get("/chat/history")).json()["messages"][-1]["buttons"][0]
    assert (button["title"], button["payload"]) == ("Ya", "/affirm")
    await citizen.post("/chat/messages", json=message(button=button["token"]))
    await answer_all(door)
    assert engine.turns[-1].text == "/affirm"
    history = (await citizen.get("/chat/history")).json()["messages"]
    assert history[-2]["button"] == button["token"]


async def test_a_location_reaches_the_engine(
    citizen: httpx.AsyncClient, door: Door, engine: ScriptedEngine
) -> None:
    answer = await citizen.post("/chat/messages", json=message(location={"lat": -7.4722, "lon": 112.4338}))
    assert answer.status_code == 202
    await answer_all(door)
    location = engine.turns[-1].location
    assert location is not None
    assert (location.latitude, location.longitude) == (-7.4722, 112.4338)


async def test_a_photo_travels_without_its_tags(
    citizen: httpx.AsyncClient, door: Door, engine: ScriptedEngine
) -> None:
    exif = Image.Exif()
    exif[0x010F] = "KameraRahasia"
    upload = await citizen.post(
        "/chat/photos", files={"photo": ("a.jpg", picture(exif=exif.tobytes()), "image/jpeg")}
    )
    assert upload.status_code == 201
    answer = await citizen.post(
        "/chat/messages", json=message(photo=upload.json()["media_id"], text="tiang nomor 12")
    )
    assert answer.status_code == 202
    await answer_all(door)
    assert len(engine.turns[-1].photos) == 1
    assert engine.turns[-1].text == "tiang nomor 12"
    shown = (await citizen.get("/chat/history")).json()["messages"][0]["photos"][0]
    del citizen.headers["Authorization"]
    file = await citizen.get(shown)
    assert file.headers["content-type"] == "image/jpeg"
    assert b"KameraRahasia" not in file.content


async def test_five_thousand_characters_and_lone_surrogates_are_taken(citizen: httpx.AsyncClient) -> None:
    long = await citizen.post("/chat/messages", json=message(text="😀" * MAX_TEXT))
    assert long.status_code == 202
    broken = b'{"client_id": "%s", "text": "\\ud83d halo"}' % str(uuid.uuid4()).encode()
    assert (await citizen.post("/chat/messages", content=broken)).status_code in {202, 422}


async def test_the_stream_carries_history_progress_and_news(citizen: httpx.AsyncClient, door: Door) -> None:
    token = citizen.headers["Authorization"].removeprefix("Bearer ")
    session = passes.read(door.settings.secret_key, token)
    events = feed.follow(door, session, 0)
    assert (await anext(events)).startswith("retry:")
    assert '"waiting":0' in await anext(events)
    waiting = asyncio.ensure_future(anext(events))
    sent = await citizen.post("/chat/messages", json=message(text="halo\n\ndata: palsu"))
    heard = await asyncio.wait_for(waiting, 5)
    assert heard.startswith(f"id: {sent.json()['id']}\nevent: message\ndata: {{")
    assert heard.count("\n\n") == 1
    assert '"waiting":1' in await asyncio.wait_for(anext(events), 5)
    await answer_all(door)
    assert '"direction":"out"' in await asyncio.wait_for(anext(events), 5)
    assert f'"waiting":0,"handled_upto":{sent.json()["id"]}' in await asyncio.wait_for(anext(events), 5)
    await events.aclose()
    resumed = feed.follow(door, session, sent.json()["id"])
    await anext(resumed)
    assert '"direction":"out"' in await anext(resumed)
    await resumed.aclose()
