"""What time itself does to a queue: holds end, offers lapse, places become public, days are over."""

import asyncio
import logging

from connectors.sandbox import bookings, opening, seats, waiting
from connectors.sandbox.hall import CityHall

logger = logging.getLogger(__name__)

EVERY_SECONDS = 2.0


async def tidy(hall: CityHall) -> None:
    """One round. Nothing depends on how often it runs: a hold that is over is free before it is cleared
    away."""
    now, city = hall.clock(), hall.city
    async with hall.writing() as conn:
        lapsed = await waiting.lapse(conn, city, now)
        await seats.end_holds(conn, now)
        days = {(row.counter, row.day) for row in [*await waiting.days(conn), *lapsed]}
    for counter, day in sorted(days):
        async with hall.writing() as conn:
            await waiting.offer(conn, city, city.counters[counter], day, now)
    async with hall.writing() as conn:
        await bookings.no_shows(conn, city, opening.today(city, now), now)


async def run(hall: CityHall) -> None:
    """Tidy until cancelled."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            await tidy(hall)
        except Exception:
            logger.exception("sandbox.tidying_failed")
