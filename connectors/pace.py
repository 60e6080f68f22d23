"""How often an app may be called."""

from collections.abc import Callable


class Pace:
    """A token bucket: `rate` a minute, ten seconds' worth at once. Holds for one process."""

    def __init__(self, rate: int, clock: Callable[[], float]) -> None:
        self._per_second = rate / 60
        self._depth = max(1.0, rate / 6)
        self._tokens = self._depth
        self._clock = clock
        self._seen = clock()

    def wait_seconds(self) -> float:
        """Return how long until a call is allowed, 0 when it is now; takes nothing."""
        now = self._clock()
        self._tokens = min(self._depth, self._tokens + (now - self._seen) * self._per_second)
        self._seen = now
        return max(0.0, (1 - self._tokens) / self._per_second)

    def take(self) -> None:
        """Use one place."""
        self._tokens -= 1
