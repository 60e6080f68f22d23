"""One conversation over the web chat's HTTP API, as the terminal holds it."""

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

PATIENCE_SECONDS = 120.0
MIME_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".heic": "image/heic",
}


class ChatError(Exception):
    """A line cannot be sent or was refused; the message is one sentence for the person at the terminal."""


@dataclass
class Talk:
    """One conversation over the HTTP API. `open` first; `send` returns once the message is answered."""

    client: httpx.AsyncClient
    tenant: str | None = None
    owner: str = "bot"
    headers: dict[str, str] = field(default_factory=dict)
    last: int = 0
    handled: int = 0
    waiting: int = 0
    inbox: list[dict[str, Any]] = field(default_factory=list)
    offered: list[dict[str, Any]] = field(default_factory=list)
    newest: list[dict[str, Any]] = field(default_factory=list)
    busy: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self) -> None:
        """Get a session pass. Raises ChatError when nobody answers or the tenant is unknown."""
        answer = await self._post("/chat/sessions", json={"tenant": self.tenant} if self.tenant else {})
        self.headers["Authorization"] = f"Bearer {answer['token']}"

    async def follow(self) -> None:
        """Read the stream for ever, from the last message on after every break."""
        while True:
            with contextlib.suppress(httpx.HTTPError):
                async for event, data in self._events():
                    if event == "message":
                        self._take(data)
                    elif event == "progress":
                        self.owner = data["owner"]
                        self.waiting, self.handled = data["waiting"], data["handled_upto"]
                    self.changed.set()
            await asyncio.sleep(0.3)

    async def _events(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        timeout = httpx.Timeout(10, read=30)
        url = f"/chat/stream?after={self.last}"
        async with self.client.stream("GET", url, headers=self.headers, timeout=timeout) as response:
            if response.status_code != 200:
                await asyncio.sleep(1)
                return
            event = ""
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "data":
                    yield event, json.loads(value)

    def _take(self, message: dict[str, Any]) -> None:
        if message["id"] <= self.last:
            return
        self.last = message["id"]
        if message["direction"] == "out":
            self.inbox.append(message)
            self.newest = message["buttons"]
            self.offered = [*self.newest, *self.offered][:200]

    async def send(self, line: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
        """Send one line of the protocol; the replies and the milliseconds they took.

        Raises:
            ChatError: not a line of the protocol, refused, or no answer within PATIENCE_SECONDS.
        """
        self.busy = True
        try:
            return await self._send(line)
        finally:
            self.busy = False

    async def _send(self, line: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
        body = await self._body(line)
        started = time.perf_counter()
        receipt = await self._post("/chat/messages", json={"client_id": str(uuid.uuid4()), **body})
        deadline = started + PATIENCE_SECONDS
        while self.waiting or self.handled < receipt["id"]:
            left = deadline - time.perf_counter()
            self.changed.clear()
            try:
                await asyncio.wait_for(self.changed.wait(), left)
            except TimeoutError:
                raise ChatError(f"no answer within {PATIENCE_SECONDS:g} s") from None
        took = round((time.perf_counter() - started) * 1000)
        replies = [message for message in self.inbox if message["id"] > receipt["id"]]
        self.inbox = [message for message in self.inbox if message["id"] < receipt["id"]]
        return replies, took

    def take(self) -> list[dict[str, Any]]:
        """Return and forget what the city said by itself."""
        arrived, self.inbox = self.inbox, []
        return arrived

    async def _body(self, line: dict[str, Any]) -> dict[str, Any]:
        kinds = sorted(line.keys() & {"text", "button", "location", "photo"})
        if kinds in (["photo"], ["photo", "text"]):
            handle = await self._upload(Path(str(line["photo"])).expanduser())
            return {"photo": handle, **({"text": str(line["text"])} if line.get("text") else {})}
        if len(kinds) != 1:
            raise ChatError('a line holds one of "text", "button", "location" or "photo"')
        if kinds == ["text"]:
            return {"text": str(line["text"]).encode(errors="replace").decode()}
        if kinds == ["button"]:
            return {"button": self.token_of(str(line["button"]))}
        return {"location": line["location"]}

    def token_of(self, wanted: str) -> str:
        """Return the token of the newest button with this payload or title. Raises ChatError."""
        tests: tuple[Callable[[dict[str, Any]], bool], ...] = (
            lambda button: _canonical(button["payload"]) == _canonical(wanted),
            lambda button: button["title"].casefold().strip() == wanted.casefold().strip(),
        )
        for fits in tests:
            for button in self.offered:
                if fits(button):
                    return str(button["token"])
        raise ChatError(f"no button {wanted!r} was offered")

    async def _upload(self, path: Path) -> str:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ChatError(f"{path}: {error.strerror}") from None
        kind = MIME_TYPES.get(path.suffix.lower(), "application/octet-stream")
        answer = await self._post("/chat/photos", files={"photo": (path.name, data, kind)})
        return str(answer["media_id"])

    async def _post(self, path: str, **content: Any) -> dict[str, Any]:
        """Post, again while the server is away or asks for patience; a client_id makes twice count once."""
        deadline = time.monotonic() + 30
        while True:
            pause = 0.5
            try:
                response = await self.client.post(path, headers=self.headers, **content)
            except httpx.TransportError as error:
                if not self.headers or time.monotonic() > deadline:
                    where = str(self.client.base_url).rstrip("/")
                    raise ChatError(f"{where} does not answer ({error}); is `make run` running?") from None
            else:
                if response.is_success:
                    answer: dict[str, Any] = response.json()
                    return answer
                lasting = response.status_code < 500 and response.status_code != 429
                if lasting or time.monotonic() > deadline:
                    raise ChatError(_detail(response))
                pause = min(float(response.headers.get("Retry-After", pause)), 20)
            await asyncio.sleep(pause)


def _canonical(payload: str) -> str:
    """A payload with its JSON in one spelling, so that spaces and key order do not matter."""
    name, brace, rest = payload.partition("{")
    try:
        return name + json.dumps(json.loads(brace + rest), sort_keys=True) if brace else payload
    except ValueError:
        return payload


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}"
