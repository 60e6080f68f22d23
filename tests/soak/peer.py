"""A Bot API under load: counts every call, fails now and then, and knows when it was asked too fast.

Much smaller than tests/channels/botapi.py, which checks every word; here the numbers matter.
"""

import itertools
import json
import random
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

GLOBAL_PER_SECOND = 30
CHAT_BURST, CHAT_SECONDS = 5, 5.0
"""Telegram: about 30 a second to all; one a second to each chat, short bursts allowed (Bots FAQ)."""


@dataclass
class Peer:
    """What arrived, in order, per chat. `fault_share` of the calls are refused in one of three ways."""

    fault_share: float = 0.0
    limits: bool = False
    seed: int = 1
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
            body += event.get("body", b"")
            more = event.get("more_body", False)
        method = scope["path"].rpartition("/")[2]
        status, answer = self._send(body) if method == "sendMessage" else (200, {"ok": True, "result": True})
        head = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _send(self, body: bytes) -> tuple[int, dict[str, Any]]:
        self.calls += 1
        given = parse_qs(body.decode())
        chat, text = int(given["chat_id"][0]), given["text"][0]
        if self._chance.random() < self.fault_share:
            self.faults += 1
            return self._chance.choice((_throttled(1), _failed(500), _failed(502)))
        now = time.monotonic()
        if self.limits and self._too_fast(chat, now):
            self.violations += 1
            return _throttled(1)
        self.took[chat].append(text)
        self.moments.append(now)
        message = {
            "message_id": next(self._numbers),
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private", "first_name": "Warga"},
            "text": text,
        }
        return 200, {"ok": True, "result": message}

    def _too_fast(self, chat: int, now: float) -> bool:
        while self._window and self._window[0] <= now - 1:
            self._window.popleft()
        mine = self._chats[chat]
        while mine and mine[0] <= now - CHAT_SECONDS:
            mine.popleft()
        if len(self._window) >= GLOBAL_PER_SECOND or len(mine) >= CHAT_BURST:
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


def _throttled(seconds: int) -> tuple[int, dict[str, Any]]:
    return 429, {
        "ok": False,
        "error_code": 429,
        "description": f"Too Many Requests: retry after {seconds}",
        "parameters": {"retry_after": seconds},
    }


def _failed(status: int) -> tuple[int, dict[str, Any]]:
    return status, {"ok": False, "error_code": status, "description": "Internal Server Error"}
