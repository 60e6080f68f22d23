"""Reservations the front door still has to settle: an answer was lost, or the numbers are its own to open."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import insert_once
from bot.storage.tables import reservations


async def keep(conn: AsyncConnection, values: dict[str, Any], now: datetime) -> bool:
    """Keep a reservation to settle; True when it is new."""
    row = {"status": "waiting", "attempts": 0, "next_try_at": now, "created_at": now, **values}
    return await insert_once(conn, reservations, row, ["idempotency_key"])


async def due(conn: AsyncConnection, now: datetime, limit: int) -> list[Any]:
    """Take those whose next try is due, each by one worker only."""
    asked = (
        sa.select(reservations.c.idempotency_key)
        .where(
            reservations.c.status == "waiting",
            reservations.c.next_try_at <= now,
            sa.or_(reservations.c.claimed_until.is_(None), reservations.c.claimed_until < now),
        )
        .order_by(reservations.c.next_try_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("asked")
    )
    statement = (
        reservations.update()
        .where(reservations.c.idempotency_key.in_(sa.select(asked.c.idempotency_key)))
        .values(claimed_until=now + timedelta(seconds=60))
        .returning(reservations)
    )
    return list(await conn.execute(statement))


async def close(conn: AsyncConnection, key: str, **values: Any) -> bool:
    """Write the end of a try. False when it had ended before, or its citizen was forgotten."""
    statement = (
        reservations.update()
        .where(reservations.c.idempotency_key == key, reservations.c.status == "waiting")
        .values(claimed_until=None, **values)
    )
    return (await conn.execute(statement)).rowcount == 1
