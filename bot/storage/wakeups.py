"""Wake-ups between processes: who waits for work hears at once that there is some.

A wake-up is a hint, never the work itself: whoever listens also looks by itself now and then, so a lost
one costs a moment and nothing else. Redis carries them when REDIS_URL is set; on one machine without
Redis they are datagrams between Unix sockets in one folder.
"""

import asyncio
import contextlib
import hashlib
import os
import secrets
import socket
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

_REDIS_TOPIC = "lawang:wake"


class Bell:
    """Rings when its topic is woken."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake whoever waits, now or at their next wait."""
        self._event.set()

    async def wait(self, timeout_seconds: float) -> bool:
        """Wait for a ring; False when the time was up first."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout_seconds)
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Wakeups:
    """Topics with bells inside one process; subclasses carry the topics to the other processes."""

    def __init__(self) -> None:
        self._bells: dict[str, set[Bell]] = defaultdict(set)

    @asynccontextmanager
    async def listen(self, topic: str) -> AsyncIterator[Bell]:
        """Hear every wake-up of `topic` while inside."""
        bell = Bell()
        self._bells[topic].add(bell)
        try:
            yield bell
        finally:
            self._bells[topic].discard(bell)
            if not self._bells[topic]:
                del self._bells[topic]

    async def wake(self, topic: str) -> None:
        """Ring the bells of `topic` here and in every other process. Never fails: it is only a hint."""
        self.ring(topic)
        await self.carry(topic)

    def ring(self, topic: str) -> None:
        """Ring the bells of this process."""
        for bell in tuple(self._bells.get(topic, ())):
            bell.ring()

    async def start(self) -> None:
        """Begin to hear the other processes."""

    async def carry(self, topic: str) -> None:
        """Tell the other processes."""

    async def close(self) -> None:
        """Stop hearing them."""


class LocalWakeups(Wakeups):
    """Datagrams between the processes of one machine; `place` is any path they share."""

    def __init__(self, place: Path) -> None:
        super().__init__()
        # The folder's own path may exceed the 108 bytes of a socket address.
        mark = hashlib.sha256(str(place.resolve()).encode()).hexdigest()[:16]
        self._folder = Path(tempfile.gettempdir()) / f"lawang-{os.getuid()}-{mark}"
        self._path = self._folder / f"{os.getpid()}-{secrets.token_hex(4)}"
        self._socket: socket.socket | None = None

    async def start(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if self._folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{self._folder} belongs to somebody else")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(self._path))
        asyncio.get_running_loop().add_reader(self._socket, self._hear)

    def _hear(self) -> None:
        while self._socket is not None:
            try:
                topic = self._socket.recv(512)
            except (BlockingIOError, OSError):
                return
            self.ring(topic.decode(errors="replace"))

    async def carry(self, topic: str) -> None:
        if self._socket is None:
            return
        try:
            others = list(self._folder.iterdir())
        except OSError:
            # Somebody tidied the temporary folder.
            return
        for path in others:
            if path == self._path:
                continue
            try:
                self._socket.sendto(topic.encode(), str(path))
            except ConnectionRefusedError:
                path.unlink(missing_ok=True)
            except OSError:
                continue

    async def close(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
            self._path.unlink(missing_ok=True)


class RedisWakeups(Wakeups):
    """Redis publish/subscribe; listens again by itself when Redis was away."""

    def __init__(self, redis: Redis) -> None:
        super().__init__()
        self._redis = redis
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._hear(), name="redis wake-ups")

    async def _hear(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(_REDIS_TOPIC)
                    # Between silences the connection is checked: a dead one must not be listened to for ever.
                    while True:
                        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=10)
                        if message is not None and message["type"] == "message":
                            self.ring(message["data"])
            except (RedisError, OSError):
                await asyncio.sleep(1)

    async def carry(self, topic: str) -> None:
        with contextlib.suppress(RedisError):
            await self._redis.publish(_REDIS_TOPIC, topic)

    async def close(self) -> None:
        # The client may swallow one cancellation while it reconnects.
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=1)
