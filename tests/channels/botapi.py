"""A strict Bot API for tests, on loopback: keeps updates until they are confirmed, and fails on demand.

Every call is judged by aiogram's typed methods and every object we hand out by aiogram's types, so neither
side is checked by the library that the bot itself uses. Limits are those of core.telegram.org/bots/api.
"""

import asyncio
import io
import itertools
import json
import socket
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiogram.methods
import aiogram.types
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from PIL import Image

TOKEN = "123456789:AAtestTESTtestTESTtestTESTtestTESTtes"
METHODS: dict[str, Any] = {
    method.__api_method__: method
    for method in vars(aiogram.methods).values()
    if isinstance(getattr(method, "__api_method__", None), str)
}
BOT = {"id": 123456789, "is_bot": True, "first_name": "Lawang", "username": "lawang_bot"}


@dataclass
class Call:
    """One call of the bot."""

    method: str
    parameters: dict[str, Any]
    files: dict[str, bytes]
    at: float


@dataclass
class Fault:
    """What goes wrong, for one method and perhaps one chat only, `times` times (-1: always).

    A `page` is what a gateway answers in Telegram's place.
    """

    method: str
    status: int = 500
    description: str = "Internal Server Error"
    parameters: dict[str, Any] = field(default_factory=dict)
    chat_id: int | None = None
    hang: float = 0.0
    times: int = 1
    page: str = ""


def judge_call(method: str, parameters: dict[str, Any], uploads: set[str] = frozenset()) -> list[str]:
    """Return what is wrong with a call, judged by aiogram and by the documented limits."""
    if method not in METHODS:
        return [f"{method}: no such method"]
    model = METHODS[method]
    given = {**parameters, **dict.fromkeys(uploads, "attach://file")}
    known = {info.alias or name for name, info in model.model_fields.items()}
    problems = [f"{method}: unknown parameter {name}" for name in sorted(given.keys() - known)]
    try:
        model.model_validate(given)
    except ValueError as error:
        problems.append(f"{method}: {error}")
    problems += [f"{method}: {problem}" for problem in _judge_limits(given)]
    return problems


def judge_update(update: dict[str, Any]) -> None:
    """Raise ValueError unless this is an update as Telegram sends it."""
    aiogram.types.Update.model_validate(update)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _judge_limits(given: dict[str, Any]) -> list[str]:
    problems = []
    toast = "callback_query_id" in given
    if "text" in given and not toast and not 1 <= _units(given["text"].strip()) <= 4096:
        problems.append("text must have 1-4096 characters")
    if _units(given.get("caption", "")) > 1024:
        problems.append("caption is too long")
    if toast and len(given.get("text", "")) > 200:
        problems.append("toast is too long")
    if "parse_mode" in given:
        problems.append("markup can break on what citizens write")
    markup = given.get("reply_markup") or {}
    rows = markup.get("inline_keyboard", [])
    if any(not 1 <= len(row) <= 8 for row in rows) or sum(map(len, rows)) > 100:
        problems.append("bad keyboard layout")
    for button in itertools.chain.from_iterable(rows):
        if not 1 <= len(button.get("callback_data", "").encode()) <= 64:
            problems.append("callback_data must have 1-64 bytes")
    for command in given.get("commands", []):
        if not 1 <= len(command["description"]) <= 256:
            problems.append("bad description of a command")
    return problems


class BotApi:
    """The server's memory, what citizens do, and what shall go wrong."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.problems: list[str] = []
        self.updates: list[dict[str, Any]] = []
        self.confirmed: list[int] = []
        self.deliveries: dict[int, int] = defaultdict(int)
        self.faults: list[Fault] = []
        self.files: dict[str, bytes] = {}
        self.webhook: str = ""
        self.open_callbacks: set[str] = set()
        self.on_delivery = asyncio.Event()
        self._numbers = itertools.count(1)
        self._update_ids = itertools.count(700_000_001)
        self._arrived = asyncio.Condition()
        self._poller: asyncio.Event | None = None

    # What citizens do

    async def put(self, *, check: bool = True, **content: Any) -> dict[str, Any]:
        """Queue one update."""
        update = {"update_id": next(self._update_ids), **content}
        if check:
            judge_update(update)
        async with self._arrived:
            self.updates.append(update)
            self._arrived.notify_all()
        return update

    def message(self, chat: int = 55, **content: Any) -> dict[str, Any]:
        """Write a message of a citizen."""
        return {
            "message_id": next(self._numbers),
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private", "first_name": "Siti"},
            "from": {"id": chat, "is_bot": False, "first_name": "Siti", "language_code": "id"},
            **content,
        }

    async def say(self, text: str, chat: int = 55) -> dict[str, Any]:
        """A citizen writes."""
        return await self.put(message=self.message(chat, text=text))

    async def send_picture(self, data: bytes, caption: str | None = None, chat: int = 55) -> dict[str, Any]:
        """A citizen sends a photo; Telegram offers it in two sizes."""
        number = str(next(self._numbers))
        sizes = [
            {
                "file_id": f"{size}{number}",
                "file_unique_id": f"u{size}{number}",
                "width": side,
                "height": side,
            }
            for size, side in (("small", 90), ("large", 1280))
        ]
        self.files[f"large{number}"] = data
        content: dict[str, Any] = {"photo": sizes}
        if caption:
            content["caption"] = caption
        return await self.put(message=self.message(chat, **content))

    async def press(self, data: str, message_id: int, chat: int = 55) -> dict[str, Any]:
        """A citizen presses a button."""
        identity = str(next(self._numbers) + 4_000_000)
        self.open_callbacks.add(identity)
        sender = {"id": chat, "is_bot": False, "first_name": "Siti"}
        message = {
            "message_id": message_id,
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private", "first_name": "Siti"},
            "from": BOT,
            "text": "?",
        }
        query = {"id": identity, "from": sender, "chat_instance": "1", "data": data, "message": message}
        return await self.put(callback_query=query)

    def sent(self, chat: int | None = None, method: str = "sendMessage") -> list[dict[str, Any]]:
        """Parameters of the bot's calls of one method."""
        return [
            call.parameters
            for call in self.calls
            if call.method == method and chat in (None, int(call.parameters.get("chat_id", 0)))
        ]

    async def wait_for(self, count: int, chat: int | None = None, method: str = "sendMessage") -> list[Any]:
        """Wait until the bot made `count` calls; TimeoutError after ten seconds."""
        async with asyncio.timeout(10):
            while len(found := self.sent(chat, method)) < count:
                await asyncio.sleep(0.02)
        return found

    # What the bot does

    async def answer(self, method: str, parameters: dict[str, Any], files: dict[str, bytes]) -> Response:
        """Answer one call as Telegram would."""
        if method != "getUpdates":
            self.calls.append(Call(method, parameters, files, time.monotonic()))
        problems = judge_call(method, parameters, set(files))
        self.problems += problems
        chat = int(parameters.get("chat_id", 0))
        for fault in self.faults:
            if fault.method == method and fault.times and fault.chat_id in (None, chat):
                fault.times -= 1
                await asyncio.sleep(fault.hang)
                if fault.page:
                    return Response(fault.page, fault.status, media_type="text/html")
                return _failure(fault.status, fault.description, fault.parameters)
        if problems:
            return _failure(400, f"Bad Request: {problems[0]}")
        handler = getattr(self, f"_on_{method}", None)
        if handler is None:
            return JSONResponse({"ok": True, "result": True})
        found = handler(parameters, files)
        return await found if asyncio.iscoroutine(found) else found

    async def _on_getUpdates(self, parameters: dict[str, Any], _: dict[str, bytes]) -> Response:
        if self.webhook:
            return _failure(409, "Conflict: can't use getUpdates method while webhook is active")
        if self._poller is not None:
            self._poller.set()
        me = self._poller = asyncio.Event()
        offset = int(parameters.get("offset", 0))
        self.confirmed += [item["update_id"] for item in self.updates if item["update_id"] < offset]
        self.updates = [item for item in self.updates if item["update_id"] >= offset]
        until = time.monotonic() + int(parameters.get("timeout", 0))
        while not self.updates and time.monotonic() < until and not me.is_set():
            async with self._arrived:
                try:
                    await asyncio.wait_for(self._arrived.wait(), 0.05)
                except TimeoutError:
                    continue
        if me.is_set():
            return _failure(409, "Conflict: terminated by other getUpdates request")
        self._poller = None
        batch = self.updates[: int(parameters.get("limit", 100))]
        for item in batch:
            self.deliveries[item["update_id"]] += 1
        if batch:
            self.on_delivery.set()
        return JSONResponse({"ok": True, "result": batch})

    def _on_getMe(self, *_: Any) -> Response:
        return JSONResponse({"ok": True, "result": BOT})

    def _on_setWebhook(self, parameters: dict[str, Any], _: Any) -> Response:
        self.webhook = parameters["url"]
        return JSONResponse({"ok": True, "result": True})

    def _on_deleteWebhook(self, *_: Any) -> Response:
        self.webhook = ""
        return JSONResponse({"ok": True, "result": True})

    def _on_answerCallbackQuery(self, parameters: dict[str, Any], _: Any) -> Response:
        if parameters["callback_query_id"] not in self.open_callbacks:
            return _failure(400, "Bad Request: query is too old and response timeout expired")
        self.open_callbacks.discard(parameters["callback_query_id"])
        return JSONResponse({"ok": True, "result": True})

    def _on_sendMessage(self, parameters: dict[str, Any], _: Any) -> Response:
        return self._message(parameters, text=parameters["text"])

    def _on_sendPhoto(self, parameters: dict[str, Any], files: dict[str, bytes]) -> Response:
        if "photo" in files:
            with Image.open(io.BytesIO(files["photo"])) as picture:
                picture.load()
        elif "127.0.0.1" in parameters["photo"]:
            return _failure(400, "Bad Request: wrong type of the web page content")
        size = {"file_id": "p", "file_unique_id": "p", "width": 90, "height": 90}
        return self._message(parameters, photo=[size], caption=parameters.get("caption"))

    def _on_sendDocument(self, parameters: dict[str, Any], _: Any) -> Response:
        return self._message(parameters, document={"file_id": "d", "file_unique_id": "d"})

    def _on_sendLocation(self, parameters: dict[str, Any], _: Any) -> Response:
        place = {"latitude": float(parameters["latitude"]), "longitude": float(parameters["longitude"])}
        return self._message(parameters, location=place)

    def _on_getFile(self, parameters: dict[str, Any], _: Any) -> Response:
        file_id = parameters["file_id"]
        if file_id not in self.files:
            return _failure(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        size = len(self.files[file_id])
        result = {
            "file_id": file_id,
            "file_unique_id": "u",
            "file_size": size,
            "file_path": f"photos/{file_id}",
        }
        return JSONResponse({"ok": True, "result": result})

    def _message(self, parameters: dict[str, Any], **content: Any) -> Response:
        """Echo a message as Telegram does: inline keyboards come back, the big ones do not."""
        message: dict[str, Any] = {
            "message_id": next(self._numbers),
            "date": int(time.time()),
            "chat": {"id": int(parameters["chat_id"]), "type": "private", "first_name": "Siti"},
            "from": BOT,
            **{name: value for name, value in content.items() if value is not None},
        }
        if "inline_keyboard" in (parameters.get("reply_markup") or {}):
            message["reply_markup"] = parameters["reply_markup"]
        aiogram.types.Message.model_validate(message)
        return JSONResponse({"ok": True, "result": message})

    def app(self) -> FastAPI:
        """The server."""
        app = FastAPI()

        @app.api_route("/bot{token}/{method}", methods=["GET", "POST"])
        async def call(token: str, method: str, request: Request) -> Response:
            if token != TOKEN:
                return _failure(401, "Unauthorized")
            form = await request.form()
            parameters: dict[str, Any] = dict(request.query_params)
            files = {}
            for name, value in form.items():
                if isinstance(value, str):
                    parameters[name] = _value(name, value)
                else:
                    files[name] = await value.read()
            return await self.answer(method, parameters, files)

        @app.get("/file/bot{token}/photos/{file_id}")
        async def file(token: str, file_id: str) -> Response:
            if token != TOKEN or file_id not in self.files:
                return _failure(404, "Not Found")
            return Response(self.files[file_id], media_type="application/octet-stream")

        return app


def _value(name: str, value: str) -> Any:
    """Form fields that are no plain text come as JSON."""
    if name in ("text", "caption") or value[:1] not in ("{", "["):
        return value
    return json.loads(value)


def _failure(status: int, description: str, parameters: dict[str, Any] | None = None) -> Response:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if parameters:
        body["parameters"] = parameters
    return JSONResponse(body, status_code=status)


@asynccontextmanager
async def serving(app: Any, lifespan: str = "off") -> AsyncIterator[str]:
    """Serve an ASGI app on a free loopback port; gives its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_level="warning", lifespan=lifespan, access_log=False, timeout_keep_alive=75
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        server.force_exit = lifespan == "off"  # nobody waits for a long poll to end
        await task
        listener.close()
