"""What the bot would say, held until a person has looked at it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import insert_once
from bot.storage.desk_tables import bot_drafts
from bot.storage.tables import conversations
from bot.vocabulary.agents import Draft


def _draft(row: Any) -> Draft:
    return Draft(
        id=row.id,
        tenant=row.tenant,
        conversation_id=row.conversation_id,
        service=row.service,
        bubbles=tuple(row.bubbles),
        created_at=row.created_at,
        decided_at=row.decided_at,
        agent_id=row.agent_id,
        decision=row.decision,
    )


async def hold(
    conn: AsyncConnection,
    draft_id: str,
    tenant: str,
    conversation_id: str,
    service: str | None,
    bubbles: Sequence[dict[str, Any]],
    now: datetime,
) -> bool:
    """Keep an answer, once per id; True when it is the first that waits in its conversation."""
    waits = await held(conn, tenant, conversation_id)
    row = {"id": draft_id, "tenant": tenant, "conversation_id": conversation_id, "service": service}
    await insert_once(conn, bot_drafts, {**row, "bubbles": list(bubbles), "created_at": now}, ["id"])
    return not waits


async def get(conn: AsyncConnection, draft_id: str) -> Draft:
    """The draft with this id. Raises LookupError."""
    row = (await conn.execute(sa.select(bot_drafts).where(bot_drafts.c.id == draft_id))).first()
    if row is None:
        raise LookupError(draft_id)
    return _draft(row)


async def held(
    conn: AsyncConnection, tenant: str, conversation_id: str | None = None, limit: int = 200
) -> list[Draft]:
    """What waits for a look, oldest first."""
    query = sa.select(bot_drafts).where(bot_drafts.c.tenant == tenant, sa.text("decided_at IS NULL"))
    if conversation_id is not None:
        query = query.where(bot_drafts.c.conversation_id == conversation_id)
    return [_draft(row) for row in await conn.execute(query.order_by(bot_drafts.c.created_at).limit(limit))]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversation with answers that wait for a look; `count` of them, the oldest since `since`."""

    conversation_id: str
    channel: str
    display_name: str | None
    service: str | None
    text: str
    since: datetime
    count: int


async def waiting(conn: AsyncConnection, tenant: str, limit: int = 200) -> list[Waiting]:
    """The conversations whose citizens wait for a look at the bot's answer, the longest waiting first."""
    found: dict[str, Waiting] = {}
    names = conversations.c.channel, conversations.c.display_name
    query = (
        sa.select(bot_drafts, *names)
        .join(conversations, conversations.c.id == bot_drafts.c.conversation_id)
        .where(bot_drafts.c.tenant == tenant, sa.text("decided_at IS NULL"))
        .order_by(bot_drafts.c.created_at)
        .limit(limit)
    )
    for row in await conn.execute(query):
        before = found.get(row.conversation_id)
        text = " ".join(str(bubble.get("text") or "") for bubble in row.bubbles)
        found[row.conversation_id] = (
            replace(before, count=before.count + 1)
            if before
            else Waiting(
                row.conversation_id, row.channel, row.display_name, row.service, text, row.created_at, 1
            )
        )
    return list(found.values())


async def count(conn: AsyncConnection, tenant: str) -> int:
    """How many answers wait for a look."""
    query = (
        sa.select(sa.func.count())
        .select_from(bot_drafts)
        .where(bot_drafts.c.tenant == tenant, sa.text("decided_at IS NULL"))
    )
    return int((await conn.execute(query)).scalar_one())


async def decide(
    conn: AsyncConnection, draft_id: str, agent_id: str | None, decision: str, now: datetime
) -> bool:
    """Note what became of a draft; False when a colleague decided before."""
    statement = (
        bot_drafts.update()
        .where(bot_drafts.c.id == draft_id, bot_drafts.c.decided_at.is_(None))
        .values(decided_at=now, agent_id=agent_id, decision=decision)
    )
    return (await conn.execute(statement)).rowcount == 1
