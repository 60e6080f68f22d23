"""Telegram by long polling: an update is confirmed only once it is stored.

The library's own loop confirms a batch when it has it in memory; what was not handled before a crash is
lost then. Here the offset moves on past an update after `accept` returned, so a crash at any point means
that Telegram delivers again what we had not stored, and `accept` recognises what we had.
"""

import asyncio
import contextlib
import json
import logging
import os
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from bot import metrics
from bot.channels.base import ChannelError, ChannelThrottled
from bot.channels.telegram import PollConflict, TelegramChannel, TokenRejected
from bot.channels.telegram.updates import skeleton
from bot.vocabulary.messages import IncomingMessage

log = logging.getLogger(__name__)

LEASE = "telegram-poller"
LEASE_SECONDS = 25.0
LONG_POLL_SECONDS = 10
LONGEST_BACKOFF_SECONDS = 8.0
MAX_DEAD_LETTER_BYTES = 5_000_000
MAX_TRIES = 3
"""How often an update may fail to be stored before others are tried past it."""

Stored = TypeVar("Stored")


class Leases(Protocol):
    """The part of the key-value store that keeps several processes from polling at once."""

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take or keep a lease; False while somebody else holds it."""
        ...

    async def delete(self, key: str) -> None:
        """Give it back."""
        ...


class DeadLetters:
    """A file of the updates that could not be read: their shape and the reason, without a citizen's word."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, update: object, reason: str) -> None:
        """Write one line. A full file starts anew, its predecessor is kept as `.1`."""
        line = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "reason": reason,
            "shape": skeleton(update),
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size > MAX_DEAD_LETTER_BYTES:
            self._path.replace(self._path.with_suffix(self._path.suffix + ".1"))
        with os.fdopen(os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "a") as file:
            file.write(json.dumps(line) + "\n")


class Poller(Generic[Stored]):
    """One process's share in polling: which update comes next, how long to back off.

    `accept` stores a message durably; when it raises, nothing is confirmed and the same updates come again.
    `acknowledge` is told of the message and of what `accept` returned, and may take its time.
    """

    def __init__(
        self,
        channel: TelegramChannel,
        leases: Leases,
        accept: Callable[[IncomingMessage], Awaitable[Stored]],
        acknowledge: Callable[[IncomingMessage, Stored], Awaitable[None]],
        dead_letters: DeadLetters,
    ) -> None:
        self._channel = channel
        self._leases = leases
        self._accept = accept
        self._acknowledge = acknowledge
        self._dead_letters = dead_letters
        self._stop = asyncio.Event()
        self._holder = uuid.uuid4().hex
        self._offset: int | None = None
        self._backoff = 0.0
        self._failures: tuple[int | None, int] = (None, 0)
        self._courtesies: set[asyncio.Future[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop`, while this process holds the lease; then let somebody else at once."""
        self._stop = stop
        leading = False
        try:
            while not self._stop.is_set():
                try:
                    if not await self._leases.lease(LEASE, self._holder, LEASE_SECONDS):
                        leading = False
                        await self._pause(2)
                        continue
                    if not leading:
                        await self._take_over()
                        leading = True
                    await self._round()
                    self._backoff = 0.0
                except ChannelError as error:
                    await self._recover(error)
                except Exception:
                    # The store was away: nothing is confirmed, so nothing is lost; try again.
                    log.exception("updates could not be stored; Telegram will deliver them again")
                    await self._back_off()
        finally:
            if leading:
                with contextlib.suppress(Exception):
                    if await self._leases.lease(LEASE, self._holder, LEASE_SECONDS):
                        await self._leases.delete(LEASE)
            if self._courtesies:
                await asyncio.wait(self._courtesies, timeout=2)

    async def _take_over(self) -> None:
        self._offset = None
        await self._channel.drop_webhook()
        await self._channel.publish_commands()
        log.info("listening to Telegram by long polling")

    async def _round(self) -> None:
        """Fetch one batch and store it, update by update.

        An update that cannot be stored holds up the others only until one of them can: then it is the update
        that is bad, not the store, and it is put aside.
        """
        batch = await self._fetch()
        if not batch:
            # All is confirmed by now. After a quiet week Telegram may number anew, lower than before: an
            # offset kept that long would confirm what nobody has seen.
            self._offset = None
        suspect: tuple[Any, Exception] | None = None
        for update in batch:
            try:
                await self._take(update)
            except Exception as error:
                if suspect or not self._tried_enough(update):
                    raise
                suspect = update, error
            else:
                if suspect:
                    await self._put_aside(suspect[0], f"cannot be stored: {type(suspect[1]).__name__}")
                    suspect = None
                self._confirm(update)
        if suspect:
            raise suspect[1]

    async def _fetch(self) -> list[Any]:
        """Wait for updates, or for the stop."""
        fetching = asyncio.create_task(self._channel.fetch_updates(self._offset, LONG_POLL_SECONDS))
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return fetching.result() if fetching.done() else []
        finally:
            for task in (fetching, stopping):
                task.cancel()
            await asyncio.gather(fetching, stopping, return_exceptions=True)

    async def _take(self, update: Any) -> None:
        """Store what one update says. Raises when it cannot be stored."""
        try:
            found = self._channel.parse(update)
        except ValueError as error:
            await self._put_aside(update, str(error))
            return
        for message in found:
            if isinstance(message, IncomingMessage):
                stored = await self._accept(message)
                self._later(self._acknowledge(message, stored))
        self._later(self._channel.leave_group(update))

    def _later(self, courtesy: Awaitable[None]) -> None:
        """Do something polite without holding up the next update."""
        task = asyncio.ensure_future(courtesy)
        self._courtesies.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Future[None]) -> None:
        self._courtesies.discard(task)
        if not task.cancelled() and task.exception():
            log.warning("a courtesy failed: %s", type(task.exception()).__name__)

    def _confirm(self, update: Any) -> None:
        """Let the next call confirm this update and all before it."""
        if isinstance(update, dict) and isinstance(update.get("update_id"), int):
            self._offset = max(update["update_id"] + 1, self._offset or 0)

    def _tried_enough(self, update: Any) -> bool:
        """Count another failure of the same update."""
        number = update.get("update_id") if isinstance(update, dict) else None
        self._failures = (number, self._failures[1] + 1) if number == self._failures[0] else (number, 1)
        return self._failures[1] >= MAX_TRIES

    async def _put_aside(self, update: Any, reason: str) -> None:
        metrics.BAD_INPUT.labels("telegram", "unreadable_update").inc()
        log.warning("an update was put aside: %s", reason)
        await asyncio.to_thread(self._dead_letters.add, update, reason)

    async def _recover(self, error: ChannelError) -> None:
        """Wait as long as the failure asks for, and mend what can be mended."""
        if isinstance(error, ChannelThrottled):
            await self._pause(error.retry_after)
            return
        if isinstance(error, TokenRejected):
            log.error("Telegram rejects TELEGRAM_BOT_TOKEN; ask @BotFather for a valid one")
        elif isinstance(error, PollConflict):
            log.warning("another program polls this bot, or a webhook is set; waiting")
        else:
            log.warning("Telegram cannot be reached: %s", error)
        await self._back_off()
        if isinstance(error, PollConflict) and error.webhook:
            with contextlib.suppress(ChannelError):
                await self._channel.drop_webhook()

    async def _back_off(self) -> None:
        """Wait 1, 2, 4, then 8 seconds: a rival's long poll is over by then."""
        self._backoff = min(max(self._backoff * 2, 1.0), LONGEST_BACKOFF_SECONDS)
        await self._pause(self._backoff)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
