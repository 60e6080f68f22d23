"""Work that is looked for again and again: one way to go round, to survive a failure, to stop at once."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

# Where a round found as much as it may take, the next one need not wait.
AT_ONCE_SECONDS = 0.1


async def go(stop: asyncio.Event, look: Callable[[], Awaitable[bool]], pause: float, failure: str) -> None:
    """Look until `stop`, `pause` seconds apart; at once where `look` says that more may be waiting.

    A round that fails is logged as `failure`; what it left undone is found by the next one.
    """
    while not stop.is_set():
        more = False
        try:
            more = await look()
        except Exception:
            log.exception("%s; again soon", failure)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), AT_ONCE_SECONDS if more else pause)
