"""Small shared facts with an expiry: rate limits, leases, marks. Redis, and a twin in memory."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError

from bot.storage import redisscripts

log = logging.getLogger(__name__)

ANSWER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast something may go: `per_second` on the long run, `burst` at once after a quiet time."""

    per_second: float
    burst: int = 1

    @property
    def gap(self) -> float:
        """Seconds between two at the steady pace."""
        return 1 / self.per_second

    @property
    def slack(self) -> float:
        """Seconds that a burst may run ahead of the steady pace."""
        return (self.burst - 1) * self.gap


class KeyValue(Protocol):
    """What both twins do. Values are strings; times are seconds."""

    async def get(self, key: str) -> str | None:
        """Return the value, or None when absent or expired."""
        ...

    async def set(self, key: str, value: str, ttl_seconds: float | None = None) -> None:
        """Store a value, for ever when no time is given."""
        ...

    async def add(self, key: str, value: str, ttl_seconds: float) -> bool:
        """Store a value only if there is none; True when it was stored."""
        ...

    async def delete(self, key: str) -> None:
        """Forget a value."""
        ...

    async def increment(self, key: str, ttl_seconds: float) -> int:
        """Count one up in a window that starts with the first count; return the count."""
        ...

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take or keep a lease; False while somebody else holds it."""
        ...

    async def take(self, bucket: str, rate: Rate, patience: float) -> float:
        """Take a place in a bucket; the seconds until it is ours, 0 for now.

        More than `patience` means that nothing was taken: come back after so long.
        """
        ...

    async def shut(self, bucket: str, rate: Rate, seconds: float) -> None:
        """Let nobody through a bucket for so long, and no burst after it."""
        ...

    async def enter(self, window: str, ticket: str, most: int, seconds: float) -> float:
        """Come into a window that has room for `most`, and leave it after so long; 0 when in, else the
        seconds until the next leaves, if nobody is sent off before.
        """
        ...

    async def leave(self, window: str, ticket: str, seconds: float) -> None:
        """Leave a window after so long, where that is sooner than what was said at the entrance."""
        ...

    async def close(self) -> None:
        """Give the connection back."""
        ...


class MemoryKeyValue:
    """The twin for one process: development, tests, a small city on one machine."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[str, float]] = {}
        self._full: dict[str, float] = {}
        self._inside: dict[str, dict[str, float]] = {}
        self._tidy_at = 100_000

    def _live(self, key: str) -> str | None:
        value = self._values.get(key)
        if value is None:
            return None
        if value[1] <= time.monotonic():
            del self._values[key]
            return None
        return value[0]

    def _until(self, ttl_seconds: float | None) -> float:
        if len(self._values) > self._tidy_at:
            now = time.monotonic()
            self._values = {key: value for key, value in self._values.items() if value[1] > now}
            # Not again at the next value when most of them still live.
            self._tidy_at = max(100_000, 2 * len(self._values))
        return float("inf") if ttl_seconds is None else time.monotonic() + ttl_seconds

    async def get(self, key: str) -> str | None:
        return self._live(key)

    async def set(self, key: str, value: str, ttl_seconds: float | None = None) -> None:
        self._values[key] = (value, self._until(ttl_seconds))

    async def add(self, key: str, value: str, ttl_seconds: float) -> bool:
        if self._live(key) is not None:
            return False
        self._values[key] = (value, self._until(ttl_seconds))
        return True

    async def delete(self, key: str) -> None:
        self._values.pop(key, None)

    async def increment(self, key: str, ttl_seconds: float) -> int:
        current = self._live(key)
        if current is None:
            self._values[key] = ("1", self._until(ttl_seconds))
            return 1
        count = int(current) + 1
        self._values[key] = (str(count), self._values[key][1])
        return count

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        if self._live(name) not in (None, holder):
            return False
        self._values[name] = (holder, self._until(seconds))
        return True

    async def take(self, bucket: str, rate: Rate, patience: float) -> float:
        now = time.monotonic()
        if len(self._full) > 100_000:
            self._full = {name: full for name, full in self._full.items() if full > now}
        full = max(self._full.get(bucket, 0.0), now)
        wait = max(full - rate.slack - now, 0.0)
        if wait <= patience:
            self._full[bucket] = full + rate.gap
        return wait

    async def shut(self, bucket: str, rate: Rate, seconds: float) -> None:
        full = time.monotonic() + seconds + rate.slack
        self._full[bucket] = max(self._full.get(bucket, 0.0), full)

    async def enter(self, window: str, ticket: str, most: int, seconds: float) -> float:
        now = time.monotonic()
        inside = self._inside.get(window, {})
        if len(inside) >= most:
            inside = {other: until for other, until in inside.items() if until > now}
        self._inside[window] = inside
        if len(inside) >= most:
            return min(inside.values()) - now
        inside[ticket] = now + seconds
        return 0.0

    async def leave(self, window: str, ticket: str, seconds: float) -> None:
        inside = self._inside.get(window, {})
        if ticket in inside:
            inside[ticket] = min(inside[ticket], time.monotonic() + seconds)

    async def close(self) -> None:
        self._values.clear()
        self._full.clear()
        self._inside.clear()


class RedisKeyValue:
    """The twin for many processes and machines.

    While Redis is away, limits let everyone through, each process keeps to a pace by itself, and nobody gets
    a lease: no message waits for it.
    """

    def __init__(self, redis: Redis, prefix: str = "lawang:") -> None:
        self._redis = redis
        self._prefix = prefix
        self._lease = redis.register_script(redisscripts.LEASE)
        self._take = redis.register_script(redisscripts.TAKE)
        self._shut = redis.register_script(redisscripts.SHUT)
        self._enter = redis.register_script(redisscripts.ENTER)
        self._leave = redis.register_script(redisscripts.LEAVE)
        self._alone = MemoryKeyValue()

    async def get(self, key: str) -> str | None:
        with _away("get"):
            value = await self._redis.get(self._prefix + key)
            return None if value is None else str(value)
        return None

    async def set(self, key: str, value: str, ttl_seconds: float | None = None) -> None:
        with _away("set"):
            await self._redis.set(self._prefix + key, value, px=_milliseconds(ttl_seconds))

    async def add(self, key: str, value: str, ttl_seconds: float) -> bool:
        with _away("add"):
            return bool(
                await self._redis.set(self._prefix + key, value, px=_milliseconds(ttl_seconds), nx=True)
            )
        return True

    async def delete(self, key: str) -> None:
        with _away("delete"):
            await self._redis.delete(self._prefix + key)

    async def increment(self, key: str, ttl_seconds: float) -> int:
        with _away("increment"):
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.set(self._prefix + key, 0, px=_milliseconds(ttl_seconds), nx=True)
                pipeline.incr(self._prefix + key)
                return int((await pipeline.execute())[1])
        return 1

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        with _away("lease"):
            return bool(
                await self._lease(keys=[self._prefix + name], args=[holder, max(1, int(seconds * 1000))])
            )
        return False

    async def take(self, bucket: str, rate: Rate, patience: float) -> float:
        with _away("take"):
            arguments = [rate.gap * 1000, rate.slack * 1000, patience * 1000]
            return float(await self._take(keys=[self._prefix + bucket], args=arguments)) / 1000
        return await self._alone.take(bucket, rate, patience)

    async def shut(self, bucket: str, rate: Rate, seconds: float) -> None:
        await self._alone.shut(bucket, rate, seconds)
        with _away("shut"):
            await self._shut(keys=[self._prefix + bucket], args=[seconds * 1000, rate.slack * 1000])

    async def enter(self, window: str, ticket: str, most: int, seconds: float) -> float:
        with _away("enter"):
            arguments: list[str | float] = [ticket, most, seconds * 1000]
            return float(await self._enter(keys=[self._prefix + window], args=arguments)) / 1000
        return await self._alone.enter(window, ticket, most, seconds)

    async def leave(self, window: str, ticket: str, seconds: float) -> None:
        await self._alone.leave(window, ticket, seconds)
        with _away("leave"):
            await self._leave(keys=[self._prefix + window], args=[ticket, seconds * 1000])

    async def close(self) -> None:
        await self._redis.aclose()


def connect(url: str) -> Redis:
    """A Redis client whose callers wait for a free connection instead of failing in a crowd.

    One that hangs counts as away after ANSWER_SECONDS: a message is stored whether Redis answers or not.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=64,
        timeout=5,
        decode_responses=True,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        health_check_interval=15,
        # A connection that a restart broke is tried again once; a silence is not, or it would add up.
        retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
    )
    return Redis.from_pool(pool)


@contextmanager
def _away(what: str) -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        log.warning("Redis is away (%s): %s", what, type(error).__name__)


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else max(1, int(seconds * 1000))
