"""How far the news of each city system has been read: the mark moves only past what is recorded."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import insert_once
from bot.storage.tables import UtcDateTime, metadata

CLAIM = timedelta(minutes=5)
NEVER = datetime(2000, 1, 1, tzinfo=UTC)

feeds = sa.Table(
    "feeds",
    metadata,
    sa.Column("connector", sa.String(64), primary_key=True),
    sa.Column("read_until", UtcDateTime, nullable=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("claimed_until", UtcDateTime),
)


async def claim(
    conn: AsyncConnection, connector: str, start: datetime, before: datetime, now: datetime
) -> datetime | None:
    """Take a system's news to read, when nobody asked since `before`; from when on, `start` at first.

    None while it is not due, or another worker has it. A claim that nobody ends lapses by itself.
    """
    first = {"connector": connector, "read_until": start, "asked_at": NEVER}
    await insert_once(conn, feeds, first, ["connector"])
    statement = (
        feeds.update()
        .where(
            feeds.c.connector == connector,
            feeds.c.asked_at <= before,
            sa.or_(feeds.c.claimed_until.is_(None), feeds.c.claimed_until < now),
        )
        .values(asked_at=now, claimed_until=now + CLAIM)
        .returning(feeds.c.read_until)
    )
    since: datetime | None = (await conn.execute(statement)).scalar_one_or_none()
    return since


async def advance(conn: AsyncConnection, connector: str, until: datetime, now: datetime) -> None:
    """Everything until then is recorded. The mark never goes back; the claim is kept a while longer."""
    further = sa.case((feeds.c.read_until < until, until), else_=feeds.c.read_until)
    statement = feeds.update().where(feeds.c.connector == connector)
    await conn.execute(statement.values(read_until=further, claimed_until=now + CLAIM))


async def release(conn: AsyncConnection, connector: str) -> None:
    """Let others read on."""
    await conn.execute(feeds.update().where(feeds.c.connector == connector).values(claimed_until=None))
