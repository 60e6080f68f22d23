"""Events for consoles: a log with ids that only grow and become visible in their order."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.desk_tables import console_events
from bot.vocabulary.agents import ConsoleEvent, EventKind


def _event(row: Any) -> ConsoleEvent:
    return ConsoleEvent(
        id=row.id,
        tenant=row.tenant,
        kind=EventKind(row.kind),
        created_at=row.created_at,
        conversation_id=row.conversation_id,
        handoff_id=row.handoff_id,
        agent_id=row.agent_id,
        data=row.data or {},
    )


async def append(
    conn: AsyncConnection,
    tenant: str,
    kind: EventKind,
    now: datetime,
    *,
    conversation_id: str | None = None,
    handoff_id: str | None = None,
    agent_id: str | None = None,
    data: dict[str, Any] | None = None,
) -> int:
    """Add one event; its id. The last thing a transaction does.

    On PostgreSQL a later id may commit before an earlier one, and a reader that asks for "all after N" would
    miss it for ever. So one transaction of a tenant at a time draws ids, from here until it commits; it must
    wait for nothing else after that.
    """
    if conn.dialect.name == "postgresql":
        await conn.execute(
            sa.text("SELECT pg_advisory_xact_lock(571605, hashtext(:tenant))"), {"tenant": tenant}
        )
    statement = (
        console_events.insert()
        .values(
            tenant=tenant,
            kind=kind,
            conversation_id=conversation_id,
            handoff_id=handoff_id,
            agent_id=agent_id,
            data=data or {},
            created_at=now,
        )
        .returning(console_events.c.id)
    )
    return int((await conn.execute(statement)).scalar_one())


async def after(
    conn: AsyncConnection, tenant: str, agent_id: str | None, event_id: int, limit: int = 200
) -> list[ConsoleEvent]:
    """The events after an id that concern everybody of a tenant or this agent, in order.

    Without an agent those of all its agents too: whoever reads for many tells each only what concerns them.
    """
    query = (
        sa.select(console_events)
        .where(console_events.c.tenant == tenant, console_events.c.id > event_id)
        .order_by(console_events.c.id)
        .limit(limit)
    )
    if agent_id is not None:
        query = query.where(
            sa.or_(console_events.c.agent_id.is_(None), console_events.c.agent_id == agent_id)
        )
    return [_event(row) for row in await conn.execute(query)]


async def newest(conn: AsyncConnection, tenant: str) -> int:
    """The id of the newest event, 0 before the first: where a console that starts afresh begins."""
    query = sa.select(sa.func.max(console_events.c.id)).where(console_events.c.tenant == tenant)
    return int((await conn.execute(query)).scalar() or 0)


async def oldest(conn: AsyncConnection, tenant: str) -> int:
    """The id of the oldest event still kept: a console that was away for longer loads its page anew."""
    query = sa.select(sa.func.min(console_events.c.id)).where(console_events.c.tenant == tenant)
    return int((await conn.execute(query)).scalar() or 0)


async def forget(conn: AsyncConnection, before: datetime) -> int:
    """Delete events of before a time; how many there were."""
    statement = console_events.delete().where(console_events.c.created_at < before)
    return (await conn.execute(statement)).rowcount
