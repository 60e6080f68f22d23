"""Messages that went out on another channel than the one they were meant for, and what became of that."""

import re
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import messages
from bot.vocabulary.messages import MessageStatus

SENT_LINKED = "SENT_LINKED"
FAILED_THERE = "LINKED_FAILED"
_ARRIVED = (MessageStatus.UNKNOWN, MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ)
_KEY = re.compile(r"linked:(\d+):\d+")


def handed_on(reason: sa.ColumnElement[str | None]) -> sa.ColumnElement[bool]:
    """Whether a row's reason says that its words went out elsewhere: they must not go out again from here."""
    return sa.func.coalesce(sa.or_(reason.like("RESENT\\_%", escape="\\"), reason == SENT_LINKED), sa.false())


def key(message_id: int) -> str:
    """The key under which the words of a message are queued on another channel."""
    return f"linked:{message_id}"


async def tried(conn: AsyncConnection, message_id: int) -> bool:
    """Whether a message was handed over before."""
    query = sa.select(messages.c.id).where(messages.c.effect_key == f"{key(message_id)}:0")
    return (await conn.execute(query)).first() is not None


def source_of(effect_key: str | None) -> int | None:
    """The message that one queued under this key stands in for; None for any other."""
    match = _KEY.fullmatch(effect_key or "")
    return int(match[1]) if match else None


async def sources(conn: AsyncConnection, conversation_id: str) -> dict[int, str]:
    """The messages that those waiting in a conversation stand in for, each with its own conversation."""
    waiting = sa.select(messages.c.effect_key).where(
        messages.c.conversation_id == conversation_id,
        messages.c.effect_key.startswith("linked:"),
        messages.c.status.in_([MessageStatus.QUEUED, MessageStatus.SENDING]),
    )
    found = {source_of(row.effect_key) for row in await conn.execute(waiting)} - {None}
    query = sa.select(messages.c.id, messages.c.conversation_id).where(messages.c.id.in_(found))
    return {row.id: row.conversation_id for row in await conn.execute(query)}


async def take_back(conn: AsyncConnection, message_id: int, now: datetime) -> bool:
    """Queue a message again that went elsewhere and did not arrive there; False when a part of it did.

    What stood in for it is handed on in its turn, so that nobody sends both.
    """
    copies = messages.c.effect_key.startswith(f"{key(message_id)}:")
    arrived = sa.select(messages.c.id).where(copies, messages.c.status.in_(_ARRIVED))
    if (await conn.execute(arrived.limit(1))).first() is not None:
        return False
    statement = (
        messages.update()
        .where(
            messages.c.id == message_id,
            messages.c.status == MessageStatus.SKIPPED,
            messages.c.reason == SENT_LINKED,
        )
        .values(status=MessageStatus.QUEUED, reason=FAILED_THERE, attempts=0, counted=None, updated_at=now)
        .returning(messages.c.channel)
    )
    channel: Any = (await conn.execute(statement)).scalar()
    if channel is None:
        return False
    given_up = {"status": MessageStatus.SKIPPED, "reason": f"RESENT_{channel}".upper(), "updated_at": now}
    await conn.execute(messages.update().where(copies).values(**given_up))
    return True
