"""What a department is still to be told about its cases: kept until its system has taken it."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import insert_once
from bot.storage.tables import cases, notes

CLAIM_SECONDS = 60


async def add(conn: AsyncConnection, key: str, values: dict[str, Any], now: datetime) -> bool:
    """Keep something to tell, once per key; True when it is new.

    `values` name connector, reference, kind and text, and may name conversation_id and photos.
    """
    row = {"key": key, "status": "waiting", "attempts": 0, "next_try_at": now, "created_at": now, **values}
    return await insert_once(conn, notes, row, ["key"])


async def due(conn: AsyncConnection, now: datetime, limit: int = 10) -> list[Any]:
    """Take what is due, each by one worker only. A case that is not filed yet is waited for."""
    unfiled = sa.exists().where(
        cases.c.connector == notes.c.connector,
        cases.c.reference == notes.c.reference,
        cases.c.filed_at.is_(None),
    )
    found = (
        sa.select(notes.c.key)
        .where(
            notes.c.status == "waiting",
            notes.c.next_try_at <= now,
            sa.or_(notes.c.claimed_until.is_(None), notes.c.claimed_until < now),
            ~unfiled,
        )
        .order_by(notes.c.next_try_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = (
        notes.update()
        .where(notes.c.key.in_(sa.select(found.c.key)))
        .values(claimed_until=now + timedelta(seconds=CLAIM_SECONDS))
        .returning(notes)
    )
    return list(await conn.execute(statement))


async def close(conn: AsyncConnection, key: str, **values: Any) -> bool:
    """Write how a try ended; False when it had ended before."""
    statement = (
        notes.update()
        .where(notes.c.key == key, notes.c.status == "waiting")
        .values(claimed_until=None, **values)
    )
    return (await conn.execute(statement)).rowcount == 1
