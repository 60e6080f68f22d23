"""Canned replies of a tenant, by their shortcut."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.desk_tables import canned_replies
from bot.vocabulary.agents import CannedReply


def _reply(row: Any) -> CannedReply:
    return CannedReply(row.id, row.tenant, row.shortcut, row.title, row.text, row.skill)


async def of(conn: AsyncConnection, tenant: str, skill: str | None = None) -> list[CannedReply]:
    """A tenant's replies by shortcut; with a skill named, those for it and those for everything."""
    query = sa.select(canned_replies).where(canned_replies.c.tenant == tenant)
    if skill is not None:
        query = query.where(sa.or_(canned_replies.c.skill.is_(None), canned_replies.c.skill == skill))
    return [_reply(row) for row in await conn.execute(query.order_by(canned_replies.c.shortcut))]


async def save(conn: AsyncConnection, reply: CannedReply, agent_id: str, now: datetime) -> bool:
    """Add a reply or change the one with its id; False when another reply has the shortcut."""
    taken = sa.select(canned_replies.c.id).where(
        canned_replies.c.tenant == reply.tenant,
        canned_replies.c.shortcut == reply.shortcut,
        canned_replies.c.id != reply.id,
    )
    if (await conn.execute(taken)).first() is not None:
        return False
    values = {
        "shortcut": reply.shortcut,
        "title": reply.title,
        "text": reply.text,
        "skill": reply.skill,
        "updated_by": agent_id,
        "updated_at": now,
    }
    mine = sa.and_(canned_replies.c.id == reply.id, canned_replies.c.tenant == reply.tenant)
    if (await conn.execute(canned_replies.update().where(mine).values(**values))).rowcount == 0:
        await conn.execute(canned_replies.insert().values(id=reply.id, tenant=reply.tenant, **values))
    return True


async def delete(conn: AsyncConnection, tenant: str, reply_id: str) -> bool:
    """Remove a reply; False when there was none."""
    mine = sa.and_(canned_replies.c.id == reply_id, canned_replies.c.tenant == tenant)
    return (await conn.execute(canned_replies.delete().where(mine))).rowcount == 1
