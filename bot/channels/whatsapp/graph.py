"""The Graph API as this channel needs it: a few calls, every failure one of ours, no secret in any."""

import hashlib
import logging
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.channels.base import ChannelUnreachable, MessageRefused, OutcomeUnknown
from bot.channels.whatsapp import trouble
from bot.channels.whatsapp.payloads import Payload

MAX_DOWNLOAD_BYTES = 20_000_000
"""What the media store keeps; Meta itself passes on documents up to 100 MB."""
# Where Meta keeps files. Our token is shown nowhere else, whatever a webhook says.
_MEDIA_HOSTS = (".fbsbx.com", ".facebook.com", ".fbcdn.net", ".whatsapp.net")


class MediaExpired(MessageRefused):
    """The address of a file is over, or the file itself is."""


class Graph:
    """One business number at the Graph API."""

    def __init__(self, base_url: str, number_id: str, token: str, timeout: float = 20.0) -> None:
        self._base = base_url.rstrip("/")
        self._number_id = number_id
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(timeout, connect=5.0, pool=5.0),
            limits=httpx.Limits(max_connections=64),
            follow_redirects=False,
        )
        # It writes addresses, and some hold a citizen's file.
        logging.getLogger("httpx").setLevel(logging.WARNING)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def send(self, payload: Payload) -> str:
        """Send one message and return its id.

        Raises:
            OutcomeUnknown: it went out, and no answer came back that says what became of it.
            ChannelError: as in `trouble`.
        """
        answer = await self._post(f"{self._base}/{self._number_id}/messages", json=payload)
        try:
            return str(answer["messages"][0]["id"])
        except (IndexError, KeyError, TypeError):
            # Taken, but under which id? Its statuses cannot be told apart from others'.
            raise OutcomeUnknown("an answer without a message id") from None

    async def number(self) -> str:
        """The business number as it is dialled, digits only. Raises ChannelError."""
        found = await self._get(f"{self._base}/{self._number_id}", {"fields": "display_phone_number"})
        digits = "".join(sign for sign in str(found.get("display_phone_number") or "") if sign.isdecimal())
        if not digits:
            raise ChannelUnreachable("an answer without a number")
        return digits

    async def mark_read(self, message_id: str, typing: bool) -> None:
        """Set the blue ticks and, for 25 seconds at most, the sign of typing. Raises ChannelError."""
        payload: Payload = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
        if typing:
            payload["typing_indicator"] = {"type": "text"}
        await self._post(f"{self._base}/{self._number_id}/messages", json=payload)

    async def upload(self, data: bytes, content_type: str, name: str) -> str:
        """Give Meta a file of ours; its id serves for thirty days. Raises ChannelError."""
        try:
            answer = await self._post(
                f"{self._base}/{self._number_id}/media",
                data={"messaging_product": "whatsapp", "type": content_type},
                files={"file": (name, data, content_type)},
            )
        except OutcomeUnknown as error:
            # A file that nobody is sent harms nobody: once more is safe.
            raise ChannelUnreachable(str(error)) from None
        if not isinstance(answer, dict) or not answer.get("id"):
            raise ChannelUnreachable("an upload without an id")
        return str(answer["id"])

    async def fetch(self, media_id: str) -> tuple[bytes, str | None]:
        """Fetch a citizen's file and the type Meta says it has; an address that is over is asked for anew.

        Raises:
            MediaExpired: Meta keeps it no longer (seven days).
            MessageRefused: too large, or not the bytes that were promised.
            ChannelError: as in `trouble`.
        """
        try:
            return await self._fetch(media_id)
        except MediaExpired:
            return await self._fetch(media_id)

    async def _fetch(self, media_id: str) -> tuple[bytes, str | None]:
        found = await self._get(f"{self._base}/{media_id}", {"phone_number_id": self._number_id})
        if int(found.get("file_size") or 0) > MAX_DOWNLOAD_BYTES:
            raise MessageRefused("larger than 20 MB")
        url = str(found.get("url") or "")
        if not self._is_metas(url):
            raise MessageRefused("a file at a stranger's address")
        data = await self._bytes(url)
        digest = str(found.get("sha256") or "").lower()
        if len(digest) == 64 and digest != hashlib.sha256(data).hexdigest():
            raise ChannelUnreachable("a file that came damaged")
        return data, found.get("mime_type")

    async def _bytes(self, url: str) -> bytes:
        received = bytearray()
        try:
            async with self._client.stream("GET", url) as answer:
                if answer.status_code in (401, 403, 404, 410):
                    raise MediaExpired("the address of the file is over")
                if answer.status_code != 200:
                    raise trouble.from_answer(answer.status_code, None, answer.headers.get("retry-after"))
                async for chunk in answer.aiter_bytes():
                    received += chunk
                    if len(received) > MAX_DOWNLOAD_BYTES:
                        raise MessageRefused("larger than 20 MB")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ChannelUnreachable(type(error).__name__) from None
        return bytes(received)

    def _is_metas(self, url: str) -> bool:
        address, own = urlsplit(url), urlsplit(self._base)
        if (address.scheme, address.netloc) == (own.scheme, own.netloc):
            return True
        host = (address.hostname or "").lower()
        return address.scheme == "https" and f".{host}".endswith(_MEDIA_HOSTS)

    async def _get(self, url: str, parameters: dict[str, str]) -> dict[str, Any]:
        try:
            answer = await self._client.get(url, params=parameters)
        except httpx.HTTPError as error:
            raise ChannelUnreachable(type(error).__name__) from None
        body = _json(answer)
        if answer.status_code != 200 or not isinstance(body, dict):
            refusal = trouble.from_answer(answer.status_code, body, answer.headers.get("retry-after"))
            if isinstance(refusal, MessageRefused) and refusal.code in ("33", "100", "404", "131052"):
                raise MediaExpired("Meta keeps this file no longer", refusal.code)
            raise refusal
        return body

    async def _post(self, url: str, **content: Any) -> Any:
        try:
            answer = await self._client.post(url, **content)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise ChannelUnreachable(type(error).__name__) from None
        except httpx.HTTPError as error:
            # The request was on its way: only Meta knows whether it arrived.
            raise OutcomeUnknown(type(error).__name__) from None
        body = _json(answer)
        if answer.status_code != 200:
            refusal = trouble.from_answer(answer.status_code, body, answer.headers.get("retry-after"))
            if isinstance(refusal, ChannelUnreachable) and refusal.code in ("500", "502", "504"):
                # No word of Meta's own: something between us broke, before or after it was taken.
                raise OutcomeUnknown(f"HTTP {refusal.code}")
            raise refusal
        return body


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
