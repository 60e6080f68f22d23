"""Carries stored events to Lawang: signed, in order per reference, again and again until they are taken."""

import asyncio
import hashlib
import hmac
import logging
import random
from contextlib import suppress
from datetime import timedelta

import httpx

from connectors.sandbox import outbox
from connectors.sandbox.clock import wall_clock
from connectors.sandbox.database import Database
from connectors.sandbox.outbox import Event

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_UNKNOWN_SECONDS = 300.0  # after a 404: Lawang does not follow this reference, perhaps not yet
AT_ONCE = 8
TRY_AGAIN = frozenset({404, 408, 429})


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of X-Lawang-Signature: HMAC-SHA256 over timestamp, a dot and the raw body."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def pause(attempts: int, answer: str = "") -> float:
    """Seconds to wait after `attempts` failures, the last one `answer`: doubling, capped, spread a little."""
    longest = LONGEST_PAUSE_UNKNOWN_SECONDS if answer == "HTTP 404" else LONGEST_PAUSE_SECONDS
    seconds: float = min(longest, FIRST_PAUSE_SECONDS * 2.0 ** min(attempts - 1, 16))
    return seconds * random.uniform(0.8, 1.0)


class Courier:
    """One background task. `nudge` after every commit; whatever a killed process left is found at the start.

    Delivery runs on the wall clock even when a test holds the city's own: Lawang checks timestamps.
    """

    def __init__(self, database: Database, client: httpx.AsyncClient, lawang_url: str, secret: str) -> None:
        self._database = database
        self._client = client
        self._lawang_url = lawang_url
        self._secret = secret
        self._news = asyncio.Event()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._on_the_way: dict[tuple[str, str], asyncio.Task[None]] = {}

    def nudge(self) -> None:
        """Say that there may be something to carry."""
        self._news.set()

    async def run(self) -> None:
        """Carry until cancelled. A reference that hangs holds up nobody else."""
        try:
            while True:
                self._news.clear()
                try:
                    wait = await self._send_out()
                except Exception:
                    logger.exception("sandbox.courier_round_failed")
                    wait = LONGEST_PAUSE_SECONDS
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), wait)
        finally:
            for task in self._on_the_way.values():
                task.cancel()
            await asyncio.gather(*self._on_the_way.values(), return_exceptions=True)

    async def _send_out(self) -> float | None:
        """Start an attempt for every due head; returns the seconds until the next is due, or None."""
        # Taken before the reading: what comes home meanwhile is still a head in it, and would be sent twice.
        busy = set(self._on_the_way)
        async with self._database.reading() as conn:
            heads = await outbox.heads(conn)
        now = wall_clock()
        later: list[float] = []
        for event in heads:
            line = (event.app_id, event.reference)
            if line in busy:
                continue
            seconds = (event.next_attempt_at - now).total_seconds()
            if seconds > 0:
                later.append(seconds)
            else:
                self._on_the_way[line] = asyncio.create_task(self._carry(line, event))
        return min(later, default=None)

    async def _carry(self, line: tuple[str, str], event: Event) -> None:
        try:
            async with self._places:
                verdict, answer = await self._attempt(event)
            now = wall_clock()
            async with self._database.writing() as conn:
                if verdict == "again":
                    until = now + timedelta(seconds=pause(event.attempts + 1, answer))
                    await outbox.postpone(conn, event, answer, until)
                else:
                    await outbox.settle(conn, event, verdict, answer, now)
            logger.info("sandbox.webhook event_id=%s verdict=%s answer=%s", event.event_id, verdict, answer)
        finally:
            del self._on_the_way[line]
            self.nudge()

    async def _attempt(self, event: Event) -> tuple[str, str]:
        body = event.body.encode()
        timestamp = str(int(wall_clock().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "X-Lawang-Timestamp": timestamp,
            "X-Lawang-Signature": signature(self._secret, timestamp, body),
        }
        url = f"{self._lawang_url}/connectors/{event.app_id}/updates"
        try:
            response = await self._client.post(url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return "again", type(error).__name__
        answer = f"HTTP {response.status_code}"
        if response.is_success:
            return "delivered", answer
        if response.is_client_error and response.status_code not in TRY_AGAIN:
            return "refused", answer
        return "again", answer
