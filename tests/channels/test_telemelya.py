"""A webhook dialogue against Telemelya, somebody else's Bot API server, over real HTTP.

Telemelya keeps messages in Redis and files in an S3; a few lines stand in for the S3. It sends no secret
header, so the door stands behind the few lines that add it, as Telegram would. With STRICT_EDIT it refuses
edits of messages that it never saw.
"""

import asyncio
import os
import socket
import sys
import uuid
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from PIL import Image
from telemelya.client import TelegramTestClient

from bot.app import create_app
from bot.storage.database import upgrade
from tests import engines
from tests.channels.botapi import judge_call, serving
from tests.channels.running import scripted, with_telegram, working

TOKEN = "123456789:AAtelemelyaTELEMELYAtelemelyaTELEMEL"
SECRET = "rahasia_uji-1"

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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
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


@pytest.fixture
async def stage(door, settings, telemelya):
    """The door behind a webhook that Telemelya calls, a worker, a citizen, and every call of the bot."""
    settings = replace(
        settings,
        telegram_token=TOKEN,
        telegram_api_url=telemelya,
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
