"""Queries behind a citizen's right to see and to erase."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import broadcasts, contacts, links, subscriptions
from bot.storage.desk_tables import agent_notes, bot_drafts, conversation_labels, handoffs, proposed_examples
from bot.storage.media import ERASED
from bot.storage.tables import (
    bookings,
    buttons,
    cases,
    citizens,
    consents,
    conversations,
    filings,
    held_news,
    media,
    messages,
    notes,
    reservations,
    turns,
    waitings,
)
from bot.vocabulary.conversations import Conversation


async def consent_of(conn: AsyncConnection, citizen_id: str) -> dict[str, Any] | None:
    """What the citizen was told, and when."""
    row = (await conn.execute(sa.select(consents).where(consents.c.citizen_id == citizen_id))).first()
    return None if row is None else {"kalimat": row.wording, "waktu": row.given_at.isoformat()}


async def bookings_of(conn: AsyncConnection, conversation_id: str) -> list[dict[str, Any]]:
    """Every booking of a conversation with the name it was made in, for the citizen's own eyes."""
    query = (
        sa.select(
            bookings.c.code,
            bookings.c.number,
            bookings.c.service,
            bookings.c.counter,
            bookings.c.name,
            bookings.c.starts_at,
            bookings.c.status,
        )
        .where(bookings.c.conversation_id == conversation_id)
        .order_by(bookings.c.created_at.desc())
    )
    return [dict(row._mapping) for row in await conn.execute(query)]


async def erase(conn: AsyncConnection, conversation: Conversation, now: datetime) -> None:
    """Delete messages, turns, consents, names, and what ties cases and bookings to this conversation.

    The city keeps its own record of a case. Files are marked, and `MediaStore.sweep` deletes them after the
    commit. What is not answered yet stays.
    """
    mine = conversation.id
    waiting = sa.select(messages.c.content).where(
        messages.c.conversation_id == mine, messages.c.status == "received"
    )
    wanted = {
        item.get("media_id")
        for row in await conn.execute(waiting)
        for item in (row.content or {}).get("media", [])
    }
    await conn.execute(
        media.update().where(media.c.owner == mine, media.c.id.not_in(wanted - {None})).values(owner=ERASED)
    )
    await conn.execute(buttons.delete().where(buttons.c.conversation_id == mine))
    # The request itself stays as an empty row: whoever waits for its answer asks by its id.
    newest = (
        sa.select(sa.func.max(messages.c.id))
        .where(messages.c.conversation_id == mine, messages.c.status == "handled")
        .scalar_subquery()
    )
    request = (await conn.execute(sa.select(newest))).scalar()
    # What waits to be learnt is theirs too; what was learnt is a sentence of nobody.
    theirs = sa.select(messages.c.id).where(messages.c.conversation_id == mine)
    await conn.execute(
        proposed_examples.delete().where(
            proposed_examples.c.message_id.in_(theirs), proposed_examples.c.status == "proposed"
        )
    )
    await conn.execute(
        messages.delete().where(
            messages.c.conversation_id == mine, messages.c.status != "received", messages.c.id != request
        )
    )
    await conn.execute(
        messages.update().where(messages.c.id == request).values(text=None, sealed_text=None, content={})
    )
    await conn.execute(turns.delete().where(turns.c.conversation_id == mine))
    await conn.execute(
        handoffs.update().where(handoffs.c.conversation_id == mine).values(summary=None, rating_words=None)
    )
    for table in (agent_notes, conversation_labels, bot_drafts):
        await conn.execute(table.delete().where(table.c.conversation_id == mine))
    for table in (filings, notes, held_news, cases, bookings, waitings, reservations):
        await conn.execute(table.delete().where(table.c.conversation_id == mine))
    await subscriptions.forget(conn, mine)
    await broadcasts.forget(conn, mine)
    await contacts.forget(conn, mine)
    await links.forget(conn, mine)
    await conn.execute(consents.delete().where(consents.c.citizen_id == conversation.citizen_id))
    await conn.execute(
        citizens.update().where(citizens.c.id == conversation.citizen_id).values(erased_at=now)
    )
    await conn.execute(
        conversations.update()
        .where(conversations.c.id == mine)
        .values(state=None, display_name=None, language=None, consented=False)
    )
