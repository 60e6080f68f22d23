"""What agents say a message meant: proposals for the training desk."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import insert_once
from bot.storage.desk_tables import proposed_examples


async def propose(
    conn: AsyncConnection,
    tenant: str,
    message_id: int,
    text: str,
    intent: str,
    agent_id: str,
    now: datetime,
    *,
    service: str | None = None,
    heard_as: str | None = None,
) -> None:
    """Keep what one message meant; said again, the last word counts while nobody has decided on it."""
    values = {"intent": intent, "service": service, "proposed_by": agent_id, "created_at": now}
    row = {
        "id": uuid.uuid4().hex,
        "tenant": tenant,
        "message_id": message_id,
        "text": text,
        "heard_as": heard_as,
        "status": "proposed",
    }
    if not await insert_once(conn, proposed_examples, {**row, **values}, ["message_id"]):
        await conn.execute(
            proposed_examples.update()
            .where(proposed_examples.c.message_id == message_id, proposed_examples.c.status == "proposed")
            .values(**values)
        )


async def waiting(conn: AsyncConnection, limit: int = 200) -> list[Any]:
    """Proposals nobody has decided on, oldest first."""
    query = (
        sa.select(proposed_examples)
        .where(proposed_examples.c.status == "proposed")
        .order_by(proposed_examples.c.created_at)
        .limit(limit)
    )
    return list(await conn.execute(query))
