"""Private notes and labels: what agents leave on a conversation for each other."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import insert_once
from bot.storage.desk_tables import agent_notes, conversation_labels
from bot.vocabulary.agents import Note


def _note(row: Any) -> Note:
    return Note(row.id, row.conversation_id, row.agent_id, row.text, tuple(row.mentions), row.created_at)


async def add(
    conn: AsyncConnection,
    conversation_id: str,
    agent_id: str,
    text: str,
    mentions: Sequence[str],
    now: datetime,
) -> Note:
    """Keep one note; `mentions` are the ids of colleagues it names."""
    statement = (
        agent_notes.insert()
        .values(
            conversation_id=conversation_id,
            agent_id=agent_id,
            text=text,
            mentions=list(mentions),
            created_at=now,
        )
        .returning(agent_notes)
    )
    return _note((await conn.execute(statement)).one())


async def of(conn: AsyncConnection, conversation_id: str, limit: int = 200) -> list[Note]:
    """The newest notes on a conversation, oldest of them first."""
    query = (
        sa.select(agent_notes)
        .where(agent_notes.c.conversation_id == conversation_id)
        .order_by(agent_notes.c.id.desc())
        .limit(limit)
    )
    return [_note(row) for row in await conn.execute(query)][::-1]


async def label(
    conn: AsyncConnection, conversation_id: str, tenant: str, name: str, agent_id: str, now: datetime
) -> bool:
    """Put a label on a conversation; False when it was there."""
    row = {"conversation_id": conversation_id, "label": name, "tenant": tenant}
    return await insert_once(
        conn,
        conversation_labels,
        {**row, "agent_id": agent_id, "created_at": now},
        ["conversation_id", "label"],
    )


async def unlabel(conn: AsyncConnection, conversation_id: str, name: str) -> bool:
    """Take a label off; False when it was not there."""
    statement = conversation_labels.delete().where(
        conversation_labels.c.conversation_id == conversation_id, conversation_labels.c.label == name
    )
    return (await conn.execute(statement)).rowcount == 1


async def labels_of(conn: AsyncConnection, conversation_ids: Sequence[str]) -> dict[str, list[str]]:
    """The labels of some conversations, in alphabetical order."""
    query = (
        sa.select(conversation_labels.c.conversation_id, conversation_labels.c.label)
        .where(conversation_labels.c.conversation_id.in_(list(conversation_ids)))
        .order_by(conversation_labels.c.label)
    )
    found: dict[str, list[str]] = {}
    for row in await conn.execute(query):
        found.setdefault(row.conversation_id, []).append(row.label)
    return found


async def labels_in(conn: AsyncConnection, tenant: str) -> dict[str, int]:
    """Every label a tenant uses, and on how many conversations."""
    query = (
        sa.select(conversation_labels.c.label, sa.func.count())
        .where(conversation_labels.c.tenant == tenant)
        .group_by(conversation_labels.c.label)
        .order_by(conversation_labels.c.label)
    )
    return {name: int(count) for name, count in await conn.execute(query)}
