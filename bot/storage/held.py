"""News that came at night, kept for the morning."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import insert_once
from bot.storage.tables import held_news


async def add(conn: AsyncConnection, key: str, values: dict[str, Any], now: datetime) -> bool:
    """Keep one bubble, once per key; `values` name conversation_id, text, content and due_at."""
    return await insert_once(conn, held_news, {"key": key, "created_at": now, **values}, ["key"])


async def due(conn: AsyncConnection, now: datetime, limit: int = 100) -> list[str]:
    """The conversations for which it is morning."""
    query = sa.select(held_news.c.conversation_id).where(held_news.c.due_at <= now).distinct().limit(limit)
    return [row.conversation_id for row in await conn.execute(query)]


async def take(conn: AsyncConnection, conversation_id: str, now: datetime) -> list[Any]:
    """Take what is due for one citizen, in the order it came. The caller holds the conversation's row."""
    mine = sa.and_(held_news.c.conversation_id == conversation_id, held_news.c.due_at <= now)
    query = sa.select(held_news).where(mine).order_by(held_news.c.created_at, held_news.c.key)
    rows = list(await conn.execute(query))
    await conn.execute(held_news.delete().where(held_news.c.key.in_([row.key for row in rows])))
    return rows
