"""A Bot API and a Cloud API under load: they count, fail now and then, and know what came too fast.

Much smaller than tests/channels/botapi.py and whatsapp/graphapi.py, which check every word; here the numbers
matter.
"""

import itertools
import json
import random
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tests.channels.whatsapp import graphapi

GLOBAL_PER_SECOND = 30
CHAT_BURST, CHAT_SECONDS = 5, 5.0
"""Telegram: about 30 a second to all; one a second to each chat, short bursts allowed (Bots FAQ)."""


@dataclass
class Peer:
    """What arrived, in order, per chat. `fault_share` of the calls are refused in one of three ways."""

    fault_share: float = 0.0
    limits: bool = False
    seed: int = 1
    per_second: int = GLOBAL_PER_SECOND
    to_one: tuple[int, float] = (CHAT_BURST, CHAT_SECONDS)
    took: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    moments: list[float] = field(default_factory=list)
    calls: int = 0
    faults: int = 0
    violations: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._numbers = itertools.count(1)
        self._window: deque[float] = deque()
        self._chats: dict[int, deque[float]] = defaultdict(deque)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """ASGI."""
        body, more = b"", True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                return  # killed in mid-call: nothing was taken
            body += event.get("body", b"")
            more = event.get("more_body", False)
        status, answer = self._answer(scope["path"].rpartition("/")[2], body)
        head = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _answer(self, method: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if method != "sendMessage":
            return 200, {"ok": True, "result": True}
        given = parse_qs(body.decode())
        chat, text = int(given["chat_id"][0]), given["text"][0]
        if self._fails():
            return self._chance.choice((_throttled(1), _failed(500), _failed(502)))
        number = self._take(chat, text)
        if number is None:
            return _throttled(1)
        message = {
            "message_id": number,
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private", "first_name": "Warga"},
            "text": text,
        }
        return 200, {"ok": True, "result": message}

    def _fails(self) -> bool:
        self.calls += 1
        failed = self._chance.random() < self.fault_share
        self.faults += failed
        return failed

    def _take(self, person: int, text: str) -> int | None:
        """Keep a message under a number; None when it came too fast."""
        now = time.monotonic()
        if self.limits and self._too_fast(person, now):
            self.violations += 1
            return None
        self.took[person].append(text)
        self.moments.append(now)
        return next(self._numbers)

    def _too_fast(self, chat: int, now: float) -> bool:
        while self._window and self._window[0] <= now - 1:
            self._window.popleft()
        mine = self._chats[chat]
        burst, seconds = self.to_one
        while mine and mine[0] <= now - seconds:
            mine.popleft()
        if len(self._window) >= self.per_second or len(mine) >= burst:
            return True
        self._window.append(now)
        mine.append(now)
        return False

    def busiest_second(self) -> int:
        """The most messages taken in any span of one second."""
        most, first = 0, 0
        for place, moment in enumerate(self.moments):
            while self.moments[first] <= moment - 1:
                first += 1
            most = max(most, place - first + 1)
        return most

    def fullest_minute(self) -> float:
        """Messages a second over the fullest minute, or over all there was if that was shorter."""
        most, first = 0, 0
        for place, moment in enumerate(self.moments):
            while self.moments[first] <= moment - 60:
                first += 1
            most = max(most, place - first + 1)
        whole = self.moments[-1] - self.moments[0] if self.moments else 0.0
        return most / min(60.0, max(whole, 1.0))


@dataclass
class CloudPeer(Peer):
    """The Cloud API: 80 messages a second, and one person takes 45 at once and one each six seconds.

    Of the calls that fail, one in three is refused; the others are taken, and only the answer is lost.
    `reports` are statuses that nobody has told us yet.
    """

    per_second: int = 80
    to_one: tuple[int, float] = (45, 270.0)
    reports: list[dict[str, Any]] = field(default_factory=list)

    def _answer(self, method: str, body: bytes) -> tuple[int, dict[str, Any]]:
        given = json.loads(body)
        if method != "messages" or given.get("status") == "read":
            return 200, {"success": True}
        failed = self._fails()
        lost = self._chance.choice((0, 500, 502)) if failed else 0
        if failed and not lost:
            return _limited()
        person = graphapi.whom(given)
        number = self._take(int("".join(filter(str.isdigit, person))), graphapi.words(given))
        if number is None:
            return _limited()
        track = given.get("biz_opaque_callback_data")
        for said in ("sent", "delivered"):
            self.reports.append(graphapi.status(f"wamid.{number}", person, said, track=track))
        if lost:
            return lost, {}
        known = [{"input": person, "wa_id": person}]
        message = [{"id": f"wamid.{number}"}]
        return 200, {"messaging_product": "whatsapp", "contacts": known, "messages": message}


def _limited() -> tuple[int, dict[str, Any]]:
    details = {"messaging_product": "whatsapp", "details": "Cloud API message throughput has been reached."}
    error = {"message": "(#130429) Rate limit hit", "code": 130429, "error_data": details}
    return 429, {"error": error}


def _throttled(seconds: int) -> tuple[int, dict[str, Any]]:
    return 429, {
        "ok": False,
        "error_code": 429,
        "description": f"Too Many Requests: retry after {seconds}",
        "parameters": {"retry_after": seconds},
    }


def _failed(status: int) -> tuple[int, dict[str, Any]]:
    return status, {"ok": False, "error_code": status, "description": "Internal Server Error"}
