"""What an operator looks at and may change: what is stuck on its way to the city, late, or hidden."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.cases import OPEN
from bot.storage.tables import cases, filings, notes


async def stuck(conn: AsyncConnection, limit: int = 100) -> list[dict[str, Any]]:
    """Everything that a city system has not taken yet or refused, oldest first, with the reason."""
    waiting = ("waiting", "refused")
    reports = (
        sa.select(filings, cases.c.reference)
        .outerjoin(cases, cases.c.id == filings.c.case_id)
        .where(filings.c.status.in_(waiting))
        .order_by(filings.c.created_at)
        .limit(limit)
    )
    words = (
        sa.select(notes)
        .where(notes.c.status.in_(waiting), sa.or_(notes.c.attempts > 0, notes.c.status == "refused"))
        .order_by(notes.c.created_at)
        .limit(limit)
    )
    found = [_row(row, "report", row.idempotency_key) for row in await conn.execute(reports)]
    found += [_row(row, row.kind, row.key) for row in await conn.execute(words)]
    return sorted(found, key=lambda row: row["since"])


def _row(row: Any, what: str, key: str) -> dict[str, Any]:
    return {
        "what": what,
        "key": key,
        "connector": row.connector,
        "reference": row.reference or "-",
        "status": row.status,
        "attempts": row.attempts,
        "reason": row.reason or "",
        "since": row.created_at,
        "next": row.next_try_at,
    }


async def again(conn: AsyncConnection, key: str, now: datetime, *, not_filed: bool = False) -> bool:
    """Try something that is stuck at once, also what was refused; False when there is nothing under the key.

    Its key stays the same, so a city system that has it already takes it only once. With `not_filed` a person
    has looked at a system that honours no key: the report is not there, and is filed without looking for it.
    """
    done = 0
    if not_filed:
        query = sa.select(filings.c.draft).where(filings.c.idempotency_key == key).with_for_update()
        draft = (await conn.execute(query)).scalar() or {}
        kept = {name: value for name, value in draft.items() if name != "asked_at"}
        await conn.execute(filings.update().where(filings.c.idempotency_key == key).values(draft=kept))
    for table, column in ((filings, filings.c.idempotency_key), (notes, notes.c.key)):
        statement = (
            table.update()
            .where(column == key, table.c.status.in_(("waiting", "refused")))
            .values(status="waiting", next_try_at=now, claimed_until=None)
        )
        done += (await conn.execute(statement)).rowcount
    return done > 0


async def late(conn: AsyncConnection, now: datetime, limit: int = 100) -> list[Any]:
    """Open reports whose promised date has passed, the longest first."""
    query = (
        sa.select(cases)
        .where(cases.c.promised_at <= now, cases.c.status.in_(OPEN), cases.c.origin == "filed")
        .order_by(cases.c.promised_at)
        .limit(limit)
    )
    return list(await conn.execute(query))


async def hide(conn: AsyncConnection, reference: str, hidden_at: datetime | None) -> int:
    """Hide a report from everybody's lists of similar ones and from news, or show it again; how many rows."""
    statement = cases.update().where(cases.c.reference == reference).values(hidden_at=hidden_at)
    return (await conn.execute(statement)).rowcount
