"""The wire to the Bot API: every call can be watched, every failure becomes one of ours, no secret gets out.

ChannelError
├── ChannelThrottled        429
├── ChannelUnreachable      no connection, 5xx that Telegram signed
│   ├── TokenRejected       the token is wrong or revoked: tell the operator
│   └── PollConflict        409: somebody else polls, or a webhook is set
├── OutcomeUnknown          the call went out, and no answer of Telegram's came back
├── CitizenUnreachable      403, and the 400s that mean the chat is gone
└── MessageRefused          every other 400, and 413
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    TelegramError,
)
from telegram.request import HTTPXRequest, RequestData

from bot.channels.base import (
    AccountTroubled,
    ChannelThrottled,
    ChannelUnreachable,
    CitizenUnreachable,
    MessageRefused,
    OutcomeUnknown,
)

CallLog = Callable[[str, dict[str, Any], list[str], int, bytes], None]
"""Told of each call: method, parameters as typed values, names of uploaded files, HTTP status, raw answer."""

DEFAULT_PATIENCE_SECONDS = 5.0
"""How long to wait when Telegram says 429 without saying how long."""

_GONE = ("chat not found", "user is deactivated", "peer_id_invalid", "bot was blocked", "user not found")

last_answer: ContextVar[bytes] = ContextVar("last_answer", default=b"")
"""The raw answer to this task's latest call, for when the library cannot read what Telegram did."""


class TokenRejected(AccountTroubled):
    """Telegram does not know our token. Nothing will work until the operator mends it."""


class PollConflict(ChannelUnreachable):
    """Another getUpdates is running, or a webhook is set (`webhook` is then true)."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.webhook = "webhook" in message.lower()


class Throttled(TelegramError):
    """429, caught before the library's own class, which warns about its number's type at every use."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"throttled for {seconds:g} s")
        self.seconds = seconds


class Wire(HTTPXRequest):
    """The library's HTTP client, watched."""

    def __init__(self, on_call: CallLog | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._on_call = on_call

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *args: Any, **timeouts: Any
    ) -> tuple[int, bytes]:
        last_answer.set(b"")
        code, body = await super().do_request(url, method, request_data, *args, **timeouts)
        last_answer.set(body)
        if self._on_call and method == "POST":
            parameters = dict(request_data.parameters) if request_data else {}
            files = sorted(request_data.multipart_data or {}) if request_data else []
            self._on_call(url.rsplit("/", 1)[-1], parameters, files, code, body)
        if code == 429:
            raise Throttled(_retry_after(body))
        return code, body


class PollWire(Wire):
    """The wire of getUpdates: the library sees an empty batch, `raw_updates` gives the real one.

    The library reads a batch as a whole: one update that it cannot read would hold up all others for ever.
    """

    async def do_request(self, *args: Any, **timeouts: Any) -> tuple[int, bytes]:
        code, body = await super().do_request(*args, **timeouts)
        return (code, b'{"ok":true,"result":[]}') if code == 200 else (code, body)


def raw_updates() -> list[Any]:
    """Return the updates of this task's latest getUpdates. Raises ChannelUnreachable for a strange answer."""
    try:
        found = json.loads(last_answer.get())["result"]
    except (KeyError, RecursionError, TypeError, ValueError):
        found = None
    if not isinstance(found, list):
        raise ChannelUnreachable("getUpdates answered something else")
    return found


def _retry_after(body: bytes) -> float:
    try:
        return max(float(json.loads(body)["parameters"]["retry_after"]), 0.1)
    except (ValueError, KeyError, TypeError):
        return DEFAULT_PATIENCE_SECONDS


@contextmanager
def failures_translated(token: str) -> Iterator[None]:
    """Turn the library's errors into ChannelErrors whose words, causes and contexts never hold the token."""
    try:
        yield
    except Throttled as error:
        raise ChannelThrottled(error.seconds) from None
    except ChatMigrated:
        raise
    except TelegramError as error:
        raise _translate(error, str(error).replace(token, "***")) from None


def _translate(error: TelegramError, message: str) -> Exception:
    lowered = message.lower()
    if isinstance(error, Forbidden):
        return CitizenUnreachable(message)
    if isinstance(error, InvalidToken):
        return TokenRejected(message)
    if isinstance(error, Conflict):
        return PollConflict(message)
    if isinstance(error, BadRequest):
        return (CitizenUnreachable if any(word in lowered for word in _GONE) else MessageRefused)(message)
    if isinstance(error, NetworkError) and "request entity too large" in lowered:
        return MessageRefused(message)
    if _went_out(error):
        return OutcomeUnknown(message)
    return ChannelUnreachable(message)


def _went_out(error: TelegramError) -> bool:
    """True when the call may have reached Telegram although no answer of its own came back.

    A gateway's page is no answer of Telegram's; a connection that was never made carried nothing.
    """
    if answer := last_answer.get():
        try:
            return json.loads(answer).get("ok") is not False
        except (AttributeError, RecursionError, ValueError):
            return True
    never_left = httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout
    return isinstance(error, NetworkError) and not isinstance(error.__cause__, never_left)


def hush_loggers() -> None:
    """Keep tokens and citizens' words out of the logs: these libraries write URLs and parameters there."""
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.WARNING)
