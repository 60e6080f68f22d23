"""Reads that many ask for at once, done once for all who asked before they began."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, TypeVar

One = TypeVar("One", bound=Hashable)
T = TypeVar("T")
Key = tuple[Callable[..., Awaitable[Any]], tuple[Hashable, ...]]


class _Round:
    """One read that runs or is to run, and what it is asked about."""

    def __init__(self) -> None:
        self.ones: set[Any] = set()
        self.task: asyncio.Task[Any]


class SharedReads:
    """The reads of one process that run now, and those that wait for them.

    No answer is older than its question: who asks while a read runs already is answered by the next one. So a
    crowd costs two or three reads, nothing is kept once it is answered, and what any other process has
    written before the question is in the answer. What a read finds may depend on nothing but the function
    and what it is given, for that is all by which questions are held to be the same.
    """

    def __init__(self) -> None:
        self._running: dict[Key, _Round] = {}
        self._waiting: dict[Key, _Round] = {}

    async def ask(self, read: Callable[..., Awaitable[T]], *given: Hashable) -> T:
        """What `read(*given)` finds when it begins now or later. Everybody gets the same object, or error."""
        found: T = await self._join((read, given), lambda _: read(*given), ())
        return found

    async def ask_about(
        self, one: One, read: Callable[..., Awaitable[Mapping[One, T]]], *given: Hashable
    ) -> T | None:
        """What `read(ones, *given)` finds for this one, with all others that are asked about by then."""
        found: Mapping[One, T] = await self._join((read, given), lambda ones: read(ones, *given), (one,))
        return found.get(one)

    def _join(
        self, key: Key, begin: Callable[[frozenset[Any]], Awaitable[Any]], ones: tuple[Hashable, ...]
    ) -> asyncio.Future[Any]:
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = _Round()
            waiting.task = asyncio.create_task(self._run(key, begin, self._running.get(key)))
        waiting.ones.update(ones)
        # Somebody who goes away takes nothing from the others.
        return asyncio.shield(waiting.task)

    async def _run(
        self, key: Key, begin: Callable[[frozenset[Any]], Awaitable[Any]], before: _Round | None
    ) -> Any:
        if before is not None:
            await asyncio.wait([before.task])
        # From here on it is too late to ask in this round.
        this = self._running[key] = self._waiting.pop(key)
        try:
            return await begin(frozenset(this.ones))
        finally:
            if self._running.get(key) is this:
                del self._running[key]
