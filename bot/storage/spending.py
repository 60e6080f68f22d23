"""What messages cost: how many of each kind a government sent in a month, and no more than it allows."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.contact_tables import spending
from bot.storage.database import insert_once

TEMPLATE = "template"
ANSWER = "answer"


def month_of(moment: datetime) -> str:
    """The month a message is counted in, by UTC: 2026-11."""
    return f"{moment:%Y-%m}"


async def add(conn: AsyncConnection, tenant: str, channel: str, kind: str, now: datetime) -> None:
    """Count one message."""
    await take(conn, tenant, channel, kind, now, None)


async def take(
    conn: AsyncConnection, tenant: str, channel: str, kind: str, now: datetime, limit: int | None
) -> bool:
    """Count one message if fewer than `limit` were; False when the month's allowance is used up."""
    key = {"tenant": tenant, "channel": channel, "month": month_of(now), "kind": kind}
    await insert_once(conn, spending, {**key, "count": 0}, list(key))
    here = [spending.c[name] == value for name, value in key.items()]
    if limit is not None:
        here.append(spending.c.count < limit)
    statement = spending.update().where(*here).values(count=spending.c.count + 1)
    return (await conn.execute(statement)).rowcount == 1


async def give_back(conn: AsyncConnection, tenant: str, channel: str, kind: str, now: datetime) -> None:
    """What was counted was not sent after all."""
    await conn.execute(
        spending.update()
        .where(
            spending.c.tenant == tenant,
            spending.c.channel == channel,
            spending.c.month == month_of(now),
            spending.c.kind == kind,
            spending.c.count > 0,
        )
        .values(count=spending.c.count - 1)
    )


async def spent(conn: AsyncConnection, tenant: str, channel: str, now: datetime) -> dict[str, int]:
    """How many of each kind were sent this month."""
    query = sa.select(spending.c.kind, spending.c.count).where(
        spending.c.tenant == tenant, spending.c.channel == channel, spending.c.month == month_of(now)
    )
    return {row[0]: int(row[1]) for row in await conn.execute(query)}
