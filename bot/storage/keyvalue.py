"""Small shared facts with an expiry: rate limits, leases, marks. Redis, and a twin in memory."""

import time
from typing import Protocol

from redis.asyncio import Redis

_PREFIX = "lawang:"

# Sets the holder if the lease is free or already theirs; one step, so two holders never both win.
_LEASE = """
local holder = redis.call('get', KEYS[1])
if holder == false or holder == ARGV[1] then
  redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0
"""


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

    async def close(self) -> None:
        """Give the connection back."""
        ...


class MemoryKeyValue:
    """The twin for one process: development, tests, a small city on one machine."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[str, float]] = {}

    def _live(self, key: str) -> str | None:
        value = self._values.get(key)
        if value is None:
            return None
        if value[1] <= time.monotonic():
            del self._values[key]
            return None
        return value[0]

    def _until(self, ttl_seconds: float | None) -> float:
        if len(self._values) > 100_000:
            now = time.monotonic()
            self._values = {key: value for key, value in self._values.items() if value[1] > now}
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

    async def close(self) -> None:
        self._values.clear()


class RedisKeyValue:
    """The twin for many processes and machines."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._lease = redis.register_script(_LEASE)

    async def get(self, key: str) -> str | None:
        value: str | None = await self._redis.get(_PREFIX + key)
        return value

    async def set(self, key: str, value: str, ttl_seconds: float | None = None) -> None:
        await self._redis.set(
            _PREFIX + key, value, px=None if ttl_seconds is None else int(ttl_seconds * 1000)
        )

    async def add(self, key: str, value: str, ttl_seconds: float) -> bool:
        return bool(await self._redis.set(_PREFIX + key, value, px=int(ttl_seconds * 1000), nx=True))

    async def delete(self, key: str) -> None:
        await self._redis.delete(_PREFIX + key)

    async def increment(self, key: str, ttl_seconds: float) -> int:
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(_PREFIX + key, 0, px=int(ttl_seconds * 1000), nx=True)
            pipeline.incr(_PREFIX + key)
            return int((await pipeline.execute())[1])

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        return bool(await self._lease(keys=[_PREFIX + name], args=[holder, int(seconds * 1000)]))

    async def close(self) -> None:
        await self._redis.aclose()
