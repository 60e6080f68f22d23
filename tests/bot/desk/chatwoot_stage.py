"""A Chatwoot for tests: the public Client API of an API inbox, and the webhooks that it would send."""

import hashlib
import hmac
import itertools
import json
import time
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException

INBOX, SECRET = "kotak-masuk", "rahasia-chatwoot"


class ChatwootStage:
    """Keeps contacts, conversations and messages; fails, or loses its answer, as the test says."""

    def __init__(self) -> None:
        self.ids = itertools.count(1)
        self.contacts: dict[str, dict[str, Any]] = {}
        self.threads: dict[int, dict[str, Any]] = {}
        self.calls: list[str] = []
        # How the next calls to a path that ends so go wrong: "down" before, "lost" after they are done.
        self.troubles: dict[str, list[str]] = {}
        self.app = self._app()

    @property
    def transport(self) -> httpx.ASGITransport:
        """What a client speaks through."""
        return httpx.ASGITransport(self.app)

    def said(self, thread: int = 0) -> list[str]:
        """What the citizen said over there, in one conversation or in the only one."""
        [messages] = (
            [self.threads[thread]["messages"]]
            if thread
            else [one["messages"] for one in self.threads.values()]
        )
        return [message["content"] for message in messages]

    def _trouble(self, name: str) -> str:
        waiting = self.troubles.get(name) or [""]
        return waiting.pop(0)

    def _app(self) -> FastAPI:
        app = FastAPI()
        base = f"/public/api/v1/inboxes/{INBOX}"

        def thread_of(source: str, number: int) -> dict[str, Any]:
            thread = self.threads.get(number)
            if thread is None or thread["contact"] != source:
                raise HTTPException(404)
            return thread

        def begin(name: str) -> str:
            self.calls.append(name)
            trouble = self._trouble(name)
            if trouble == "down":
                raise HTTPException(503)
            return trouble

        def end(trouble: str) -> None:
            if trouble == "lost":
                raise HTTPException(504)

        @app.post(f"{base}/contacts")
        async def contact(body: dict[str, Any]) -> dict[str, Any]:
            trouble = begin("contacts")
            source = f"sumber-{next(self.ids)}"
            self.contacts[source] = body
            end(trouble)
            return {"source_id": source, "id": next(self.ids), "name": body["name"], "pubsub_token": "x"}

        @app.get(f"{base}/contacts/{{source}}/conversations")
        async def threads(source: str) -> list[dict[str, Any]]:
            return [{"id": number} for number, one in self.threads.items() if one["contact"] == source]

        @app.post(f"{base}/contacts/{{source}}/conversations")
        async def open_thread(source: str) -> dict[str, Any]:
            trouble = begin("conversations")
            if source not in self.contacts:
                raise HTTPException(404)
            number = next(self.ids)
            self.threads[number] = {"contact": source, "messages": [], "status": "open"}
            end(trouble)
            return {"id": number, "inbox_id": "1", "messages": [], "contact": {}}

        @app.post(f"{base}/contacts/{{source}}/conversations/{{number}}/messages")
        async def write(source: str, number: int, body: dict[str, Any]) -> dict[str, Any]:
            trouble = begin("messages")
            message = {"id": next(self.ids), "content": body["content"], "message_type": "incoming"}
            thread_of(source, number)["messages"].append(message)
            end(trouble)
            return message

        @app.get(f"{base}/contacts/{{source}}/conversations/{{number}}/messages")
        async def messages(source: str, number: int) -> list[dict[str, Any]]:
            return list(thread_of(source, number)["messages"])

        @app.post(f"{base}/contacts/{{source}}/conversations/{{number}}/toggle_status")
        async def toggle(source: str, number: int) -> dict[str, Any]:
            begin("toggle_status")
            thread_of(source, number)["status"] = "resolved"
            return {"id": number}

        return app


def written(thread: int, text: str, number: int = 900, **changes: Any) -> dict[str, Any]:
    """The webhook of an agent's message."""
    return {
        "event": "message_created",
        "id": number,
        "content": text,
        "message_type": "outgoing",
        "private": False,
        "sender": {"id": 7, "name": "Dewi Anggraini", "type": "user"},
        "conversation": {"id": thread, "status": "open"},
        "account": {"id": 1},
        **changes,
    }


def signed(payload: object, secret: str = SECRET, at: float | None = None) -> tuple[dict[str, str], bytes]:
    """Headers and body as Chatwoot signs them."""
    body = json.dumps(payload).encode()
    stamp = str(int(time.time() if at is None else at))
    mark = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"x-chatwoot-timestamp": stamp, "x-chatwoot-signature": f"sha256={mark}"}, body
