"""What turns understood and how they ended."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import turns

FAILED = ("failed", "unavailable", "error", "unstorable")


async def last_understanding(conn: AsyncConnection, conversation_id: str) -> dict[str, Any] | None:
    """What the bot heard last in a conversation, where it heard anything."""
    query = (
        sa.select(turns.c.understanding)
        .where(turns.c.conversation_id == conversation_id, turns.c.outcome == "answered")
        .order_by(turns.c.created_at.desc())
        .limit(5)
    )
    return next((found for found in (await conn.execute(query)).scalars() if found), None)


async def last_failure(conn: AsyncConnection, conversation_id: str) -> str | None:
    """How the newest turn ended that failed; None where none did."""
    query = (
        sa.select(turns.c.outcome)
        .where(turns.c.conversation_id == conversation_id, turns.c.outcome.in_(FAILED))
        .order_by(turns.c.created_at.desc())
        .limit(1)
    )
    return (await conn.execute(query)).scalar()
