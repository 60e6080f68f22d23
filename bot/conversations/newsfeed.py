"""The news of many cases of one city system, asked for at once instead of case by case.

A feed is read from where it was read to, in stretches, and the mark moves only past what is recorded: killed
in between, the same stretch is read again and nothing in it counts twice. A system without a feed is asked
for the states of all its open cases in as few requests as it takes.
"""

import logging
from datetime import UTC, datetime, timedelta

from bot.conversations import updates
from bot.door import Door
from bot.storage import cases, feeds
from connectors.capabilities import UpdateQuery
from connectors.dialects.base import Connector
from connectors.errors import ConnectorError

log = logging.getLogger(__name__)

STRETCH = timedelta(days=1)
"""A feed is asked for at most this much at a time, so that an outage of days is read in pieces."""
FURTHEST = timedelta(days=90)
"""GeoReport v2 answers for at most 90 days."""
MAY_REOPEN = timedelta(days=30)
"""A closed case is still listened for so long."""
MOST_CASES = 5000


async def read(door: Door, connector: Connector, pace: timedelta) -> int:
    """Ask a system for news if it is due; how many changes were recorded."""
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        wanted = await cases.listened_for(conn, connector.id, now - MAY_REOPEN, MOST_CASES)
        if not wanted:
            return 0
        start = max(min(wanted.values()), now - FURTHEST)
        since = await feeds.claim(conn, connector.id, start, now - pace, now)
    if since is None:
        return 0
    found = 0
    try:
        for query in _stretches(connector, tuple(wanted), since, now):
            for update in await connector.complaint_updates(query):
                found += await updates.record(door, update) is updates.Recorded.APPLIED
            async with door.database.transaction() as conn:
                await feeds.advance(conn, connector.id, query.until, datetime.now(UTC))
    except ConnectorError as error:
        log.info("%s: news: %s: %s", connector.id, type(error).__name__, error.detail)
    finally:
        async with door.database.transaction() as conn:
            await feeds.release(conn, connector.id)
    return found


def _stretches(
    connector: Connector, references: tuple[str, ...], since: datetime, now: datetime
) -> list[UpdateQuery]:
    if connector.manifest.open311.updates != "servicerequestupdates":
        return [UpdateQuery(references, since, now)]
    since = min(max(since, now - FURTHEST), now)
    found = []
    while True:
        until = min(since + STRETCH, now)
        found.append(UpdateQuery(references, since, until))
        if until >= now:
            return found
        since = until
