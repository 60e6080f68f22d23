"""Conversations handed to another program's desk: which is which, and how far each was told."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import insert_once
from bot.storage.desk_tables import handoffs, relays


async def unrelayed(conn: AsyncConnection, tenant: str, limit: int = 20) -> list[Any]:
    """Requests that wait and that the other desk does not know yet."""
    known = sa.exists().where(relays.c.handoff_id == handoffs.c.id)
    query = (
        sa.select(handoffs.c.id, handoffs.c.conversation_id)
        .where(handoffs.c.tenant == tenant, sa.text("handoffs.stage = 'waiting'"), ~known)
        .order_by(handoffs.c.rank, handoffs.c.queued_at)
        .limit(limit)
    )
    return list(await conn.execute(query))


async def begin(
    conn: AsyncConnection, handoff_id: str, tenant: str, conversation_id: str, now: datetime
) -> None:
    """Note that a request is being handed over."""
    row = {"handoff_id": handoff_id, "tenant": tenant, "conversation_id": conversation_id}
    await insert_once(conn, relays, {**row, "told_upto": 0, "created_at": now}, ["handoff_id"])


async def change(conn: AsyncConnection, handoff_id: str, **values: Any) -> None:
    """Write how far a hand-over has come."""
    await conn.execute(relays.update().where(relays.c.handoff_id == handoff_id).values(**values))


async def going_on(conn: AsyncConnection, tenant: str, limit: int = 200) -> list[Any]:
    """Hand-overs that have not ended, with the stage of their request."""
    query = (
        sa.select(relays, handoffs.c.stage, handoffs.c.number)
        .join(handoffs, handoffs.c.id == relays.c.handoff_id)
        .where(relays.c.tenant == tenant, relays.c.ended_at.is_(None))
        .order_by(relays.c.created_at)
        .limit(limit)
    )
    return list(await conn.execute(query))


async def by_thread(conn: AsyncConnection, tenant: str, thread: str) -> Any | None:
    """The hand-over behind a conversation over there, while it goes on."""
    query = sa.select(relays).where(
        relays.c.tenant == tenant, relays.c.thread == thread, relays.c.ended_at.is_(None)
    )
    return (await conn.execute(query)).first()
