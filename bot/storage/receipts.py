"""What a channel reports on messages we sent: a status only moves forward, also when words come early."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import insert_once
from bot.storage.delivery_tables import early_receipts
from bot.storage.messages import RANK, StoredMessage, stored_message
from bot.storage.tables import messages
from bot.vocabulary.messages import DeliveryReceipt, MessageStatus

KEPT_FOR = timedelta(days=1)


async def apply(conn: AsyncConnection, receipt: DeliveryReceipt, now: datetime) -> list[StoredMessage]:
    """Move the message that a receipt names; it never goes back, and what arrived cannot fail.

    What it changed.
    """
    return await _advance(
        conn, receipt.channel, receipt.channel_message_id, receipt.status, receipt.reason, now
    )


async def knows(conn: AsyncConnection, receipt: DeliveryReceipt) -> bool:
    """True when a message of ours has the receipt's id."""
    query = sa.select(messages.c.id).where(
        messages.c.channel == receipt.channel,
        messages.c.channel_message_id == receipt.channel_message_id,
        messages.c.direction == "out",
    )
    return (await conn.execute(query.limit(1))).first() is not None


async def keep(conn: AsyncConnection, receipt: DeliveryReceipt, now: datetime) -> None:
    """Put a receipt aside whose message is not known yet; what nobody asked for in a day is dropped."""
    await conn.execute(early_receipts.delete().where(early_receipts.c.received_at < now - KEPT_FOR))
    await insert_once(
        conn,
        early_receipts,
        {
            "channel": receipt.channel,
            "channel_message_id": receipt.channel_message_id[:200],
            "status": receipt.status,
            "reason": (receipt.reason or "")[:64] or None,
            "received_at": now,
        },
    )


async def catch_up(
    conn: AsyncConnection, channel: str, channel_message_id: str, now: datetime
) -> list[tuple[StoredMessage, MessageStatus]]:
    """Apply the receipts that came before the message's id was known; each change they made."""
    mine = sa.and_(
        early_receipts.c.channel == channel, early_receipts.c.channel_message_id == channel_message_id
    )
    early = list(await conn.execute(sa.select(early_receipts).where(mine)))
    changes: list[tuple[StoredMessage, MessageStatus]] = []
    for row in sorted(early, key=lambda row: RANK[MessageStatus(row.status)]):
        status = MessageStatus(row.status)
        moved = await _advance(conn, channel, channel_message_id, status, row.reason, now)
        changes += [(message, status) for message in moved]
    if early:
        await conn.execute(early_receipts.delete().where(mine))
    return changes


async def _advance(
    conn: AsyncConnection,
    channel: str,
    channel_message_id: str,
    status: MessageStatus,
    reason: str | None,
    now: datetime,
) -> list[StoredMessage]:
    limit = RANK[MessageStatus.DELIVERED] if status is MessageStatus.FAILED else RANK.get(status, 0)
    lower = [str(other) for other, rank in RANK.items() if rank < limit]
    statement = (
        messages.update()
        .where(
            messages.c.channel == channel,
            messages.c.channel_message_id == channel_message_id,
            messages.c.direction == "out",
            messages.c.status.in_(lower),
        )
        .values(status=status, reason=reason, updated_at=now)
        .returning(messages)
    )
    return [stored_message(row) for row in await conn.execute(statement)]
