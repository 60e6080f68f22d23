"""Messages of ours that did not arrive, for whoever sends them again."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import handedover
from bot.storage.delivery_tables import UNDELIVERED
from bot.storage.messages import StoredMessage, stored_message
from bot.storage.tables import conversations, messages
from bot.vocabulary.messages import ChannelName, MessageStatus

TROUBLED = (MessageStatus.FAILED, MessageStatus.UNKNOWN)
_AGAIN = (*TROUBLED, MessageStatus.SKIPPED, MessageStatus.WAITING)
_MOVED = "RESENT_"


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that did not arrive, or of which nobody can say; its text is masked.

    `blocked`: the citizen wants to hear nothing on this channel.
    """

    message: StoredMessage
    tenant: str
    channel: ChannelName
    display_name: str | None
    blocked: bool


def may_go_again(message: StoredMessage) -> bool:
    """Say whether a message of ours did not arrive and has not gone out on another channel."""
    reason = message.reason or ""
    elsewhere = reason.startswith(_MOVED) or reason == handedover.SENT_LINKED
    return message.direction == "out" and message.status in _AGAIN and not elsewhere


async def undelivered(
    conn: AsyncConnection,
    tenant: str | None = None,
    *,
    statuses: Collection[MessageStatus] = TROUBLED,
    before: int | None = None,
    limit: int = 50,
) -> list[Undelivered]:
    """What did not arrive, newest first; `before` is the id of the last one already seen."""
    query = (
        sa.select(
            messages,
            conversations.c.tenant,
            conversations.c.display_name,
            conversations.c.blocked_at,
        )
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(
            sa.text(UNDELIVERED),
            messages.c.status.in_(list(statuses)),
            ~handedover.handed_on(messages.c.reason),
        )
        .order_by(messages.c.id.desc())
        .limit(limit)
    )
    if tenant is not None:
        query = query.where(conversations.c.tenant == tenant)
    if before is not None:
        query = query.where(messages.c.id < before)
    return [
        Undelivered(
            stored_message(row), row.tenant, ChannelName(row.channel), row.display_name, bool(row.blocked_at)
        )
        for row in await conn.execute(query)
    ]


async def other_conversations(conn: AsyncConnection, conversation_id: str) -> list[str]:
    """The same citizen's other conversations that are not blocked, the one used last first."""
    citizen = (
        sa.select(conversations.c.citizen_id).where(conversations.c.id == conversation_id).scalar_subquery()
    )
    query = (
        sa.select(conversations.c.id)
        .where(
            conversations.c.citizen_id == citizen,
            conversations.c.id != conversation_id,
            conversations.c.blocked_at.is_(None),
        )
        .order_by(conversations.c.updated_at.desc())
    )
    return [row.id for row in await conn.execute(query)]


async def hand_over(conn: AsyncConnection, message_id: int, channel: str, now: datetime) -> bool:
    """Note that an undelivered message goes out on another channel; False when it was not undelivered."""
    statement = (
        messages.update()
        .where(
            messages.c.id == message_id,
            messages.c.direction == "out",
            messages.c.status.in_(_AGAIN),
            ~handedover.handed_on(messages.c.reason),
        )
        .values(status=MessageStatus.SKIPPED, reason=f"{_MOVED}{channel}".upper(), updated_at=now)
    )
    return (await conn.execute(statement)).rowcount == 1
