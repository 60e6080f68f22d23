"""Reads that many ask for at once, done once for all who asked before they began."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")
Key = tuple[Callable[..., Awaitable[Any]], tuple[Hashable, ...]]


class SharedReads:
    """The reads of one process that run now, and those that wait for them.

    No answer is older than its question: who asks while a read runs already is answered by the next one. So a
    crowd costs two reads, nothing is kept once it is answered, and what any other process has written before
    the question is in the answer. What a read finds may depend on nothing but the function and what it is
    given, for that is all by which questions are held to be the same.
    """

    def __init__(self) -> None:
        self._running: dict[Key, asyncio.Task[Any]] = {}
        self._waiting: dict[Key, asyncio.Task[Any]] = {}

    async def ask(self, read: Callable[..., Awaitable[T]], *given: Hashable) -> T:
        """What `read(*given)` finds when it begins now or later. Everybody gets the same object, or error."""
        key = (read, given)
        if key not in self._waiting:
            self._waiting[key] = asyncio.create_task(self._read(key, self._running.get(key)))
        # Somebody who goes away takes nothing from the others.
        found: T = await asyncio.shield(self._waiting[key])
        return found

    async def _read(self, key: Key, before: asyncio.Task[Any] | None) -> Any:
        if before is not None:
            await asyncio.wait([before])
        # From here on it is too late to ask for this one.
        self._running[key] = task = self._waiting.pop(key)
        read, given = key
        try:
            return await read(*given)
        finally:
            if self._running.get(key) is task:
                del self._running[key]
