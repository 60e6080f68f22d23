"""Queries behind a citizen's right to see and to erase."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import (
    buttons,
    cases,
    citizens,
    consents,
    conversations,
    filings,
    handoffs,
    media,
    messages,
    turns,
)
from bot.vocabulary.conversations import Conversation


async def consent_of(conn: AsyncConnection, citizen_id: str) -> dict[str, Any] | None:
    """What the citizen was told, and when."""
    row = (await conn.execute(sa.select(consents).where(consents.c.citizen_id == citizen_id))).first()
    return None if row is None else {"kalimat": row.wording, "waktu": row.given_at.isoformat()}


async def erase(conn: AsyncConnection, conversation: Conversation, now: datetime) -> list[str]:
    """Delete messages, turns, consents and names; keep cases under their number only. Ids of files to delete."""
    mine = conversation.id
    owned = sa.select(media.c.id).where(media.c.owner == mine)
    files = [row.id for row in await conn.execute(owned)]
    await conn.execute(buttons.delete().where(buttons.c.conversation_id == mine))
    # The request itself stays as an empty row: whoever waits for its answer asks by its id.
    newest = (
        sa.select(sa.func.max(messages.c.id))
        .where(messages.c.conversation_id == mine, messages.c.status == "handled")
        .scalar_subquery()
    )
    request = (await conn.execute(sa.select(newest))).scalar()
    await conn.execute(
        messages.delete().where(
            messages.c.conversation_id == mine, messages.c.status != "received", messages.c.id != request
        )
    )
    await conn.execute(
        messages.update()
        .where(messages.c.id == request)
        .values(text=None, sealed_text=None, content={})
    )
    await conn.execute(turns.delete().where(turns.c.conversation_id == mine))
    await conn.execute(handoffs.update().where(handoffs.c.conversation_id == mine).values(summary=None))
    await conn.execute(
        filings.delete().where(filings.c.conversation_id == mine, filings.c.status != "waiting")
    )
    await conn.execute(
        cases.update()
        .where(cases.c.conversation_id == mine)
        .values(description=None, place=None, latitude=None, longitude=None)
    )
    await conn.execute(consents.delete().where(consents.c.citizen_id == conversation.citizen_id))
    await conn.execute(
        citizens.update().where(citizens.c.id == conversation.citizen_id).values(erased_at=now)
    )
    await conn.execute(
        conversations.update()
        .where(conversations.c.id == mine)
        .values(state=None, display_name=None, language=None, consented=False)
    )
    return files
