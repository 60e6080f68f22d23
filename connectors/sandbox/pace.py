"""How fast a counter calls today, measured from the calls themselves."""

import itertools
import statistics
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox.tables import bookings

FEWEST_CALLS = 4
LAST_CALLS = 30
# A longer pause between two calls is a break or an empty room, not somebody's business at the desk.
LONGEST_PAUSE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds between two calls: mean, standard deviation, and how many pauses that was measured on."""

    seconds: float
    spread: float
    samples: int

    def shown(self) -> dict[str, Any]:
        """As the contract writes it."""
        return {
            "seconds_per_number": round(self.seconds),
            "spread_seconds": round(self.spread),
            "samples": self.samples,
        }


async def measure(conn: AsyncConnection, counter: str, day: date) -> Measured | None:
    """The pace of one counter on one day; None until enough numbers were called."""
    query = select(bookings.c.called_at).where(bookings.c.counter == counter, bookings.c.day == day)
    query = query.where(bookings.c.called_at.is_not(None)).order_by(bookings.c.called_at.desc())
    calls = list((await conn.execute(query.limit(LAST_CALLS))).scalars())
    pauses = [later - earlier for later, earlier in itertools.pairwise(calls)]
    seconds = [pause.total_seconds() for pause in pauses if pause <= LONGEST_PAUSE]
    if len(seconds) < FEWEST_CALLS - 1:
        return None
    return Measured(statistics.mean(seconds), statistics.stdev(seconds), len(seconds))
