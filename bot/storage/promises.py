"""Promises that are about to be missed, or were: each is owned up to once."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.cases import OPEN
from bot.storage.tables import WATCHED, cases
from connectors.capabilities import CaseStatus

LONGEST_PROMISE = timedelta(days=200)


async def overdue(conn: AsyncConnection, now: datetime, limit: int = 50) -> list[Any]:
    """Open complaints whose promised date has passed and whose citizen was not told so yet."""
    return await _due(conn, cases.c.promised_at <= now, limit)


async def nearly_due(conn: AsyncConnection, until: datetime, limit: int = 50) -> list[Any]:
    """Open complaints that are due before `until` and whose department was not reminded yet."""
    unreminded = sa.and_(cases.c.promised_at <= until, cases.c.reminded_at.is_(None))
    return await _due(conn, unreminded, limit)


async def unverified(conn: AsyncConnection, now: datetime, limit: int = 50) -> list[Any]:
    """Complaints that nobody has looked at by the day they had to be."""
    late = sa.and_(
        cases.c.verify_by <= now,
        cases.c.unverified_at.is_(None),
        cases.c.status == CaseStatus.RECEIVED,
        # Nobody promises to look at something later than to mend it: this is what the index holds.
        cases.c.promised_at <= now + LONGEST_PROMISE,
    )
    return await _due(conn, late, limit)


async def _due(conn: AsyncConnection, late: sa.ColumnElement[bool], limit: int) -> list[Any]:
    query = (
        sa.select(cases.c.id, cases.c.conversation_id)
        .where(
            late,
            sa.text(WATCHED),
            cases.c.kind == "complaint",
            cases.c.filed_at.is_not(None),
        )
        .order_by(cases.c.promised_at)
        .limit(limit)
    )
    return list(await conn.execute(query))


async def mark(conn: AsyncConnection, case_id: str, column: str, now: datetime) -> Any | None:
    """Note that something was done about a late case, once; its row, or None when it was done before."""
    moment = cases.c[column]
    statement = (
        cases.update()
        .where(cases.c.id == case_id, moment.is_(None), cases.c.status.in_(OPEN))
        .values({column: now})
        .returning(cases)
    )
    return (await conn.execute(statement)).first()
