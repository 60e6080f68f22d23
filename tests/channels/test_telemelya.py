"""A webhook dialogue against Telemelya, somebody else's Bot API server, over real HTTP.

Telemelya keeps messages in Redis and files in an S3; a few lines stand in for the S3. It sends no secret
header, so the door stands behind the few lines that add it, as Telegram would. With STRICT_EDIT it refuses
edits of messages that it never saw. It says neither 429 nor sends albums: a gateway says the one, the test
posts the other with files that Telemelya keeps.
"""

import asyncio
import os
import sys
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs

import aiogram.types
import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from PIL import Image
from telemelya.client import TelegramTestClient

from bot.app import create_app
from bot.conversations import outbound, quiet
from bot.storage import conversations
from bot.storage.database import upgrade
from bot.vocabulary.messages import ChannelAddress, ChannelName, OutgoingMessage
from tests import engines
from tests.channels.botapi import judge_call, serving
from tests.channels.running import scripted, with_telegram, working
from tests.ports import free_port

TOKEN = "123456789:AAtelemelyaTELEMELYAtelemelyaTELEMEL"
SECRET = "rahasia_uji-1"
# Friday 27 November 2026, 02:30 in Mojokerto.
NIGHT = datetime(2026, 11, 26, 19, 30, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not engines.redis_answers(), reason="Telemelya keeps its state in Redis")


@pytest.fixture
def database_url(tmp_path):
    """One engine is enough here: the peer is what is new."""
    with engines.fresh_database("sqlite", tmp_path) as url:
        upgrade(url)
        yield url


@pytest.fixture
def engine():
    return scripted()


def bucket():
    """The few calls of S3 that Telemelya makes."""
    app, objects = FastAPI(), {}

    @app.api_route("/{key:path}", methods=["HEAD", "GET", "PUT", "POST"])
    async def store(key: str, request: Request) -> Response:
        if request.method == "PUT":
            objects[key] = await request.body()
            return Response(headers={"ETag": '"x"'})
        if request.method == "GET" and key not in objects:
            return Response(status_code=404)
        return Response(objects.get(key, b""), media_type="application/octet-stream")

    return app


class AsTelegram:
    """Adds the secret that the real Telegram sends with each call."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and scope["path"].startswith("/channels/"):
            scope["headers"] = [*scope["headers"], (b"x-telegram-bot-api-secret-token", SECRET.encode())]
        await self.app(scope, receive, send)


@pytest.fixture
async def telemelya(tmp_path):
    """The peer, as a process of its own; gives its address."""
    port = free_port()
    async with serving(bucket()) as s3:
        environment = {
            **os.environ,
            "MOCK_SERVER_HOST": "127.0.0.1",
            "MOCK_SERVER_PORT": str(port),
            "REDIS_URL": engines.REDIS,
            "MINIO_ENDPOINT": s3.removeprefix("http://"),
            "AUTH_KEYS": "kunci",
            "STRICT_EDIT": "true",
        }
        with (tmp_path / "telemelya.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "telemelya.server.app", env=environment, stdout=log, stderr=log
            )
        url = f"http://127.0.0.1:{port}"
        try:
            async with httpx.AsyncClient() as client, asyncio.timeout(60):
                while True:
                    try:
                        await client.get(url)
                        break
                    except httpx.TransportError:
                        await asyncio.sleep(0.1)
            yield url
        finally:
            process.terminate()
            await process.wait()


class Citizen:
    """A person at Telemelya's client."""

    def __init__(self, url):
        self.client = TelegramTestClient(url, "kunci", TOKEN, session_id=uuid.uuid4().hex)
        self.chat = uuid.uuid4().int % 10**9
        self.heard = []

    async def do(self, action, *arguments, **more):
        return await asyncio.to_thread(getattr(self.client, action), self.chat, *arguments, **more)

    async def hear(self, method="sendMessage"):
        """The next call of this method that reached the chat."""
        while True:
            found = await asyncio.to_thread(self.client.wait_for_response, 10)
            assert found, f"no {method} within ten seconds; heard {self.heard}"
            self.heard.append(found["method"])
            if found["method"] == method:
                return found


class Gateway:
    """Stands before Telemelya, which never says "slow down", and says it for some chats, some times."""

    def __init__(self, telemelya):
        self.url = telemelya
        self.busy = {}

    def app(self):
        app = FastAPI()

        @app.api_route("/{path:path}", methods=["GET", "POST"])
        async def forward(path: str, request: Request) -> Response:
            body = await request.body()
            chat = int(parse_qs(body.decode("utf-8", "ignore")).get("chat_id", ["0"])[0])
            if path.endswith("/sendMessage") and self.busy.get(chat, 0):
                self.busy[chat] -= 1
                said = {
                    "ok": False,
                    "error_code": 429,
                    "description": "Too Many Requests: retry after 1",
                    "parameters": {"retry_after": 1},
                }
                aiogram.types.ResponseParameters.model_validate(said["parameters"])
                return JSONResponse(said, 429)
            headers = {"content-type": request.headers.get("content-type", "")}
            async with httpx.AsyncClient() as client:
                answer = await client.request(
                    request.method, f"{self.url}/{path}", content=body, headers=headers
                )
            return Response(answer.content, answer.status_code, media_type=answer.headers["content-type"])

        return app


@pytest.fixture
async def gateway(telemelya):
    """The way from the bot to Telemelya."""
    made = Gateway(telemelya)
    async with serving(made.app()) as made.address:
        yield made


@pytest.fixture
async def stage(door, settings, telemelya, gateway):
    """The door behind a webhook that Telemelya calls, a worker, a citizen, and every call of the bot."""
    settings = replace(
        settings,
        telegram_token=TOKEN,
        telegram_api_url=gateway.address,
        telegram_mode="webhook",
        telegram_webhook_secret=SECRET,
    )
    door, channel = with_telegram(door, settings)
    calls = []
    channel._calls._on_call = lambda *call: calls.append(call)
    citizen = Citizen(telemelya)
    async with serving(AsTelegram(create_app(settings, door)), lifespan="on") as url:
        assert await channel.register_webhook(replace(settings, public_url=url))
        async with working(door):
            yield door, citizen, url, calls
    citizen.client.close()
    await channel.close()


async def test_a_dialogue_with_a_photo_buttons_and_edits(stage, engine, tmp_path):
    door, citizen, url, calls = stage

    await citizen.do("send_command", "/start")
    assert "/privasi" in (await citizen.hear())["text"]

    await citizen.do("send_message", "lapor lampu mati")
    question = await citizen.hear()
    [[yes, no]] = question["reply_markup"]["inline_keyboard"]
    assert (yes["text"], no["text"]) == ("Benar", "Bukan")

    await citizen.do("send_callback_query", yes["callback_data"], question["message_id"])
    assert not (await citizen.hear("answerCallbackQuery"))["text"]
    assert "/affirm" in (await citizen.hear())["text"]
    await citizen.do("send_callback_query", yes["callback_data"], question["message_id"])
    await citizen.hear()

    photo = tmp_path / "lubang.png"
    Image.new("RGB", (800, 600), "teal").save(photo)
    await citizen.do("send_photo", str(photo), caption="lubang di Jalan Majapahit")
    assert "lubang di Jalan Majapahit (1 foto)" in (await citizen.hear())["text"]
    [kept] = engine.turns[-1].photos
    with Image.open(door.media.path(kept["media_id"])) as picture:
        assert (picture.format, picture.size) == ("JPEG", (800, 600))

    # Telemelya echoes the big keyboard as the real Telegram never does, and the library cannot read that.
    await citizen.do("send_message", "di mana?")
    asked = await citizen.hear()
    assert asked["reply_markup"]["keyboard"][0][0]["request_location"] is True

    sent = await citizen.do("send_message", "lapor jalan rusak")
    await citizen.hear()
    amended = {**sent["update"]["message"], "text": "lapor jalan berlubang"}
    amended["edit_date"] = amended["date"] + 5
    async with httpx.AsyncClient() as telegram:
        for number in (1, 2):
            update = {"update_id": number, "edited_message": amended}
            assert (await telegram.post(f"{url}/channels/telegram", json=update)).status_code == 200
    await citizen.hear()

    assert [turn.text for turn in engine.turns][:3] == ["/greet", "lapor lampu mati", "/affirm"]
    assert citizen.heard.count("sendMessage") == 8
    judged = [problem for name, given, files, *_ in calls for problem in judge_call(name, given, set(files))]
    assert judged == []
    assert len(calls) >= 12


async def test_what_is_not_from_telegram_is_refused(stage):
    door, _, url, _ = stage
    app = create_app(door.settings, door)
    async with serving(app, lifespan="on") as bare, httpx.AsyncClient() as client:
        update = {"update_id": 1}
        assert (await client.post(f"{bare}/channels/telegram", json=update)).status_code == 401
        wrong = {"x-telegram-bot-api-secret-token": "tebakan"}
        assert (await client.post(f"{bare}/channels/telegram", json=update, headers=wrong)).status_code == 401
    async with httpx.AsyncClient() as client:
        for body in (b"{", b"[]", b'{"update_id": 5, "message": 3}', b"\xff"):
            response = await client.post(f"{url}/channels/telegram", content=body)
            assert response.status_code == 200


async def answered(calls, count):
    """The chat and the outcome of each message, once `count` of them have one: the peer sees them earlier."""
    async with asyncio.timeout(10):
        while True:
            sent = [(given["chat_id"], code) for name, given, _, code, _ in calls if name == "sendMessage"]
            if len(sent) >= count:
                return sent
            await asyncio.sleep(0.02)


def judged(calls):
    return [problem for name, given, files, *_ in calls for problem in judge_call(name, given, set(files))]


async def test_an_album_is_one_thing_said_and_every_photo_is_kept(stage, engine, tmp_path):
    _, citizen, url, calls = stage
    await citizen.do("send_command", "/start")
    await citizen.hear()
    parts = []
    for number, colour in enumerate(("teal", "navy", "olive", "maroon")):
        photo = tmp_path / f"{number}.png"
        Image.new("RGB", (400, 300), colour).save(photo)
        file_id = await asyncio.to_thread(citizen.client.upload_media, str(photo))
        size = {"file_id": file_id, "file_unique_id": file_id[:16], "width": 400, "height": 300}
        message = {
            "message_id": 900 + number,
            "date": int(time.time()),
            "chat": {"id": citizen.chat, "type": "private", "first_name": "Siti"},
            "from": {"id": citizen.chat, "is_bot": False, "first_name": "Siti"},
            "media_group_id": "album-1",
            "photo": [size],
        }
        if number == 2:
            message["caption"] = "jalan rusak di Wates"
        parts.append({"update_id": 5000 + number, "message": message})
        aiogram.types.Update.model_validate(parts[-1])
    async with httpx.AsyncClient() as telegram:
        # As Telegram does: each part by itself, in no order, one of them twice.
        for part in (parts[1], parts[0], parts[3], parts[0], parts[2]):
            assert (await telegram.post(f"{url}/channels/telegram", json=part)).status_code == 200
    assert "jalan rusak di Wates (4 foto)" in (await citizen.hear())["text"]
    assert len(engine.turns) == 2
    assert len({photo["media_id"] for photo in engine.turns[-1].photos}) == 4
    assert judged(calls) == []


async def test_429_on_one_chat_is_obeyed_and_stalls_nobody(stage, gateway, telemelya):
    _, citizen, _, calls = stage
    other = Citizen(telemelya)
    gateway.busy[citizen.chat] = 2
    await citizen.do("send_message", "lapor lampu mati")
    await other.do("send_message", "antri KTP")
    assert "antri KTP" in (await other.hear())["text"]
    assert "lapor lampu mati" in (await citizen.hear())["text"]
    other.client.close()
    sent = await answered(calls, 4)
    assert [code for chat, code in sent if int(chat) == citizen.chat] == [429, 429, 200]
    assert sent.index((other.chat, 200)) < sent.index((citizen.chat, 200))
    assert judged(calls) == []


async def test_news_of_the_night_makes_no_sound(stage):
    door, citizen, _, calls = stage
    await citizen.do("send_command", "/start")
    await citizen.hear()
    async with door.database.transaction() as conn:
        address = ChannelAddress(ChannelName.TELEGRAM, str(citizen.chat))
        talk = await conversations.find_by_address(conn, "kota_mojokerto", address)
        await conversations.lock(conn, talk.id, NIGHT)
        awake = replace(door, settings=replace(door.settings, quiet_hours=True))
        await quiet.tell(conn, awake, talk, OutgoingMessage("Tanggul jebol."), "update:1", NIGHT, urgent=True)
    await outbound.announce(door, talk)
    assert (await citizen.hear())["text"] == "Tanggul jebol."
    await answered(calls, 2)
    rings = {
        given["text"]: given.get("disable_notification", False)
        for name, given, *_ in calls
        if name == "sendMessage"
    }
    assert rings.pop("Tanggul jebol.") is True
    assert set(rings.values()) == {False}
    assert judged(calls) == []
