"""What messages cost: how many of each kind a government sent in a month, and no more than it allows."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.contact_tables import spending
from bot.storage.database import insert_once
from bot.storage.tables import conversations, messages
from bot.vocabulary.messages import MessageStatus

TEMPLATE = "template"
ANSWER = "answer"


def month_of(moment: datetime) -> str:
    """The month a message is counted in, by UTC: 2026-11."""
    return f"{moment:%Y-%m}"


async def count(
    conn: AsyncConnection,
    message_id: int,
    tenant: str,
    channel: str,
    kind: str,
    now: datetime,
    limit: int | None = None,
) -> bool:
    """Count one message and note on it as what, once: a sender that died may have counted it. False when the
    month's allowance is used up, or when the message is not on its way any more.
    """
    # The message's row before the month's: so does who gives back, and neither can block the other.
    here = messages.c.id == message_id
    query = sa.select(messages.c.status, messages.c.counted).where(here).with_for_update()
    row = (await conn.execute(query)).first()
    if row is None or row.status in (MessageStatus.QUEUED, MessageStatus.FAILED, MessageStatus.SKIPPED):
        return False
    if row.counted is not None and row.counted.startswith(f"{kind} "):
        return True
    if not await take(conn, tenant, channel, kind, now, limit):
        return False
    await conn.execute(messages.update().where(here).values(counted=f"{kind} {month_of(now)}"))
    return True


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


async def give_back(conn: AsyncConnection, message_id: int) -> bool:
    """A message that was counted did not arrive: count it no more, in the month it was counted in. False when
    it was not counted, or given back already.
    """
    query = (
        sa.select(messages.c.counted, messages.c.channel, conversations.c.tenant)
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(messages.c.id == message_id)
    )
    row = (await conn.execute(query)).first()
    if row is None or row.counted is None:
        return False
    mine = sa.and_(messages.c.id == message_id, messages.c.counted == row.counted)
    if (await conn.execute(messages.update().where(mine).values(counted=None))).rowcount == 0:
        return False
    kind, month = row.counted.split()
    await conn.execute(
        spending.update()
        .where(
            spending.c.tenant == row.tenant,
            spending.c.channel == row.channel,
            spending.c.month == month,
            spending.c.kind == kind,
            spending.c.count > 0,
        )
        .values(count=spending.c.count - 1)
    )
    return True


async def spent(conn: AsyncConnection, tenant: str, channel: str, now: datetime) -> dict[str, int]:
    """How many of each kind were sent this month."""
    query = sa.select(spending.c.kind, spending.c.count).where(
        spending.c.tenant == tenant, spending.c.channel == channel, spending.c.month == month_of(now)
    )
    return {row[0]: int(row[1]) for row in await conn.execute(query)}
