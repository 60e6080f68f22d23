"""Places on waiting lists that citizens hold."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import persons
from bot.storage.database import insert_once
from bot.storage.tables import waitings
from bot.vocabulary.cases import Waiting

OPEN = ("waiting", "offered")


def _waiting(row: Any) -> Waiting:
    return Waiting(
        id=row.id,
        tenant=row.tenant,
        conversation_id=row.conversation_id,
        connector=row.connector,
        place_id=row.place_id,
        service=row.service,
        day=row.day,
        name=row.name,
        status=row.status,
        offered_at=row.offered_at,
        expires_at=row.expires_at,
    )


async def join(conn: AsyncConnection, values: dict[str, Any], now: datetime) -> bool:
    """Remember a place once; True when it is new."""
    row = {"id": uuid.uuid4().hex, "created_at": now, "updated_at": now, "status": "waiting", **values}
    return await insert_once(conn, waitings, row, ["connector", "place_id"])


async def of(conn: AsyncConnection, conversation_id: str) -> list[Waiting]:
    """The open places of a conversation's person, newest first."""
    query = (
        sa.select(waitings)
        .where(
            waitings.c.conversation_id.in_(persons.conversations_of(conversation_id)),
            waitings.c.status.in_(OPEN),
        )
        .order_by(waitings.c.created_at.desc())
        .limit(10)
    )
    return [_waiting(row) for row in await conn.execute(query)]


async def find(conn: AsyncConnection, connector: str, place_id: str) -> Any | None:
    """The row of a place, locked until the transaction ends. Lock its conversation first."""
    query = sa.select(waitings).where(waitings.c.connector == connector, waitings.c.place_id == place_id)
    return (await conn.execute(query.with_for_update())).first()


async def move(
    conn: AsyncConnection, connector: str, place_id: str, conversation_id: str, **values: Any
) -> bool:
    """Write what an effect or an update changed; False when the place is not this person's."""
    statement = (
        waitings.update()
        .where(
            waitings.c.connector == connector,
            waitings.c.place_id == place_id,
            waitings.c.conversation_id.in_(persons.conversations_of(conversation_id)),
        )
        .values(**values)
    )
    return (await conn.execute(statement)).rowcount == 1


async def due(
    conn: AsyncConnection, connector: str, before: datetime, now: datetime, limit: int
) -> list[str]:
    """Take open places of one app that nothing was heard of since `before`, for days that are not over."""
    asked = (
        sa.select(waitings.c.id)
        .where(
            waitings.c.connector == connector,
            waitings.c.status.in_(OPEN),
            waitings.c.updated_at <= before,
            waitings.c.day >= (now - timedelta(days=1)).date(),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("asked")
    )
    statement = (
        waitings.update()
        .where(waitings.c.id.in_(sa.select(asked.c.id)))
        .values(updated_at=now)
        .returning(waitings.c.place_id)
    )
    return [row.place_id for row in await conn.execute(statement)]
