"""Chatwoot through an API inbox: its public Client API one way, its signed webhooks the other.

Paths and fields are those of Chatwoot's published description (swagger/paths/public); the signature is
`sha256=` + hex HMAC-SHA256(secret, timestamp + "." + body) in X-Chatwoot-Signature, with the Unix time in
X-Chatwoot-Timestamp.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from bot.helpdesk.base import HelpdeskAway, HelpdeskRefused, Resolved, Thread, Written

WINDOW_SECONDS = 300
OUTGOING = ("outgoing", 1)
INCOMING = ("incoming", 0)


class Chatwoot:
    """One API inbox of one Chatwoot."""

    name = "chatwoot"

    def __init__(
        self,
        url: str,
        inbox: str,
        secret: str,
        tenant: str,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.tenant = tenant
        self._secret = secret.encode()
        self._client = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}/public/api/v1/inboxes/{quote(inbox, safe='')}",
            timeout=10,
            trust_env=False,
            transport=transport,
        )

    async def contact(self, citizen: str, display_name: str | None) -> str:
        """Make the citizen known by a pseudonym; no number and no address leaves us."""
        body = {"identifier": citizen, "name": display_name or "Warga"}
        return str(_field(await self._call("POST", "/contacts", body), "source_id"))

    async def threads(self, contact: str) -> list[str]:
        """The numbers of a contact's conversations."""
        found = await self._call("GET", f"/contacts/{quote(contact, safe='')}/conversations")
        if not isinstance(found, list):
            raise HelpdeskRefused("conversations are no list")
        return [str(_field(item, "id")) for item in found]

    async def open(self, contact: str) -> str:
        """Open a conversation; its number."""
        made = await self._call("POST", f"/contacts/{quote(contact, safe='')}/conversations", {})
        return str(_field(made, "id"))

    async def write(self, thread: Thread, text: str, key: str) -> None:
        """Add what the citizen said."""
        await self._call("POST", f"{_path(thread)}/messages", {"content": text, "echo_id": key})

    async def has(self, thread: Thread, text: str) -> bool:
        """Say whether these words of the citizen are there already."""
        found = await self._call("GET", f"{_path(thread)}/messages")
        items = found if isinstance(found, list) else []
        return any(
            item.get("content") == text and item.get("message_type") in INCOMING
            for item in items
            if isinstance(item, dict)
        )

    async def resolve(self, thread: Thread) -> None:
        """End a conversation that ended here."""
        await self._call("POST", f"{_path(thread)}/toggle_status", {})

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            answer = await self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise HelpdeskAway(type(error).__name__) from error
        if answer.status_code >= 500 or answer.status_code in (408, 429):
            raise HelpdeskAway(f"HTTP {answer.status_code}")
        if answer.status_code >= 400:
            raise HelpdeskRefused(f"HTTP {answer.status_code} to {method} {path}")
        try:
            return answer.json() if answer.content else {}
        except ValueError as error:
            raise HelpdeskRefused("no JSON") from error

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """Say whether a call comes from this Chatwoot and is not an old one sent again."""
        stamp, given = headers.get("x-chatwoot-timestamp", ""), headers.get("x-chatwoot-signature", "")
        signed = hmac.new(self._secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(f"sha256={signed}".encode(), given.encode()):
            return False
        return stamp.isascii() and stamp.isdigit() and abs(now.timestamp() - int(stamp)) <= WINDOW_SECONDS

    def parse(self, payload: object) -> Written | Resolved | None:
        """Translate one webhook call. Private notes and what the citizen wrote concern nobody here.

        Raises:
            ValueError: it names no conversation or no message.
        """
        if not isinstance(payload, dict):
            raise ValueError("not an object")
        event = payload.get("event")
        if event == "conversation_status_changed":
            return Resolved(_number(payload)) if payload.get("status") == "resolved" else None
        if event != "message_created" or payload.get("private"):
            return None
        if payload.get("message_type") not in OUTGOING:
            return None
        sender = payload.get("sender") or {}
        if not isinstance(sender, dict):
            raise ValueError("sender")
        attachments = payload.get("attachments") or []
        return Written(
            number=_number(payload.get("conversation")),
            id=_number(payload),
            text=str(payload.get("content") or "").strip(),
            agent=str(sender.get("id") or "unknown"),
            agent_name=str(sender.get("available_name") or sender.get("name") or "Petugas")[:128],
            links=tuple(
                str(item["data_url"])
                for item in attachments
                if isinstance(item, dict) and str(item.get("data_url", "")).startswith("https://")
            ),
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()


def _path(thread: Thread) -> str:
    return f"/contacts/{quote(thread.contact, safe='')}/conversations/{quote(thread.number, safe='')}"


def _field(item: Any, name: str) -> Any:
    if not isinstance(item, dict) or item.get(name) in (None, ""):
        raise HelpdeskRefused(f"an answer without {name}")
    return item[name]


def _number(item: Any) -> str:
    value = item.get("id") if isinstance(item, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value):
        raise ValueError("id")
    return str(value)[:64]
