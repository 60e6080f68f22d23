"""The news of many cases of one city system, asked for at once instead of case by case.

A feed is read from where it was read to, in stretches, and the mark moves only past what is recorded: killed
in between, the same stretch is read again and nothing in it counts twice. A system without a feed is asked
for the states of its open cases, as many at once as it answers for.
"""

import logging
from datetime import UTC, datetime, timedelta

from bot.conversations import updates
from bot.door import Door
from bot.storage import feeds
from connectors.capabilities import Capability, UpdateQuery
from connectors.dialects.base import Connector
from connectors.errors import ConnectorError

log = logging.getLogger(__name__)

STRETCH = timedelta(days=1)
"""A feed is asked for at most this much at a time, so that an outage of days is read in pieces."""
BEGIN = STRETCH / 2
"""The first time, news of so long ago is read."""
FURTHEST = timedelta(days=90)
"""GeoReport v2 answers for at most 90 days."""


def has_feed(connector: Connector) -> bool:
    """Whether a system tells its news by itself, when it is asked what is new."""
    offers = Capability.COMPLAINT_UPDATES in connector.offers
    return offers and connector.manifest.open311.updates == "servicerequestupdates"


def tells_states(connector: Connector) -> bool:
    """Whether a system tells the states of many cases in one answer."""
    return Capability.COMPLAINT_UPDATES in connector.offers and not has_feed(connector)


async def read(door: Door, connector: Connector, pace: timedelta) -> int:
    """Read on in a system's feed if it is due; how many changes were recorded.

    What is told of cases that nobody here follows is passed over.
    """
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        since = await feeds.claim(conn, connector.id, now - BEGIN, now - pace, now)
    if since is None:
        return 0
    found = 0
    try:
        for begin, end in _stretches(max(since, now - FURTHEST), now):
            found += await _record(door, connector, UpdateQuery(None, begin, end))
            async with door.database.transaction() as conn:
                await feeds.advance(conn, connector.id, end, datetime.now(UTC))
    except ConnectorError as error:
        log.info("%s: news: %s: %s", connector.id, type(error).__name__, error.detail)
    finally:
        async with door.database.transaction() as conn:
            await feeds.release(conn, connector.id)
    return found


async def ask_states(door: Door, connector: Connector, references: list[str]) -> int:
    """Ask for the states of these cases; how many changes were recorded."""
    if not references:
        return 0
    now = datetime.now(UTC)
    try:
        return await _record(door, connector, UpdateQuery(tuple(references), now, now))
    except ConnectorError as error:
        log.info("%s: states: %s: %s", connector.id, type(error).__name__, error.detail)
        return 0


async def _record(door: Door, connector: Connector, query: UpdateQuery) -> int:
    news = await connector.complaint_updates(query)
    outcomes = [await updates.record(door, update) for update in news]
    return outcomes.count(updates.Recorded.APPLIED)


def _stretches(since: datetime, now: datetime) -> list[tuple[datetime, datetime]]:
    begin, found = min(since, now), []
    while True:
        end = min(begin + STRETCH, now)
        found.append((begin, end))
        if end >= now:
            return found
        begin = end
