"""The turn that is measured, asked of our server and of stock Rasa; every answer is checked."""

import uuid
from typing import Any

import aiohttp

QUESTION = "syarat mengurus KTP hilang"
ANSWER = "service.requirements"
METADATA: dict[str, Any] = {
    "tenant": "kota_mojokerto",
    "channel": "webchat",
    "now": "2026-11-23T09:00:00+07:00",
    "location": None,
    "photos": [],
    "cases": [],
    "bookings": [],
    "display_name": None,
}


class WrongAnswer(Exception):
    """A server answered something else, so its time means nothing."""


class OurTalk:
    """One talk with our server: the state travels."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._sender = uuid.uuid4().hex
        self._state: dict[str, Any] | None = None

    async def ask(self) -> None:
        """One turn. Raises WrongAnswer."""
        turn = {"turn_id": uuid.uuid4().hex, "sender": self._sender, "text": QUESTION, "language": "id"}
        body = {**turn, "metadata": METADATA, "state": self._state}
        async with self._session.post("/webhooks/lawang/turn", json=body) as answer:
            got = await answer.json()
        if answer.status != 200 or [message["text_key"] for message in got["messages"]] != [ANSWER]:
            raise WrongAnswer(f"ours: HTTP {answer.status} {str(got)[:300]}")
        self._state = got["state"]


class StockTalk:
    """One talk with stock Rasa: it remembers the sender."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._sender = uuid.uuid4().hex

    async def ask(self) -> None:
        """One turn. Raises WrongAnswer."""
        metadata = {**METADATA, "turn_id": uuid.uuid4().hex, "language": "id"}
        body = {"sender": self._sender, "message": QUESTION, "metadata": metadata}
        async with self._session.post("/webhooks/rest/webhook", json=body) as answer:
            got = await answer.json()
        keys = [entry["custom"]["text_key"] for entry in got if "text_key" in entry.get("custom", {})]
        if answer.status != 200 or keys != [ANSWER]:
            raise WrongAnswer(f"stock: HTTP {answer.status} {str(got)[:300]}")
