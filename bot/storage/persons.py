"""One person's conversations: what is theirs on one channel is theirs on the others they linked."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import conversations


def conversations_of(conversation_id: str) -> sa.Select[tuple[str]]:
    """The ids of every conversation of the person who has this one; only itself where nothing is linked."""
    mine = conversations.alias("mine")
    return (
        sa.select(conversations.c.id)
        .join(mine, mine.c.citizen_id == conversations.c.citizen_id)
        .where(mine.c.id == conversation_id)
    )


async def ids(conn: AsyncConnection, conversation_id: str) -> list[str]:
    """The same, read: the ids, the oldest conversation first."""
    query = conversations_of(conversation_id).order_by(conversations.c.created_at, conversations.c.id)
    return [row.id for row in await conn.execute(query)]
