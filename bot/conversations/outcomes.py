"""What channels report on our messages, applied once and made good where it was a failure."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversations import remedies
from bot.conversations.desk import ticks
from bot.door import Door
from bot.storage import conversations, messages, receipts, webhookcalls
from bot.vocabulary.messages import DeliveryReceipt, MessageStatus


async def record(door: Door, receipt: DeliveryReceipt, settles: str | None = None) -> bool:
    """Apply a channel's word on a message we sent, and start what helps against a failure; a status only
    moves forward.

    `settles` is the kept webhook call that ends with it.

    A word that comes before the channel's own answer to our call is kept until we know the message's id.
    """
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        await receipts.alone(conn, receipt.channel, receipt.channel_message_id)
        if settles is not None:
            await webhookcalls.done(conn, settles)
        if receipt.status not in messages.RANK:
            return False
        if receipt.status is MessageStatus.FAILED:
            whose = await receipts.conversation_of(conn, receipt)
            if whose is not None:
                await conversations.lock(conn, whose, now)
        await receipts.name_by_track(conn, receipt)
        tenants = await hear(conn, receipt, now)
        if not tenants and not await receipts.knows(conn, receipt):
            await receipts.keep(conn, receipt, now)
    await heard(door, receipt, tenants)
    return bool(tenants)


async def hear(conn: AsyncConnection, receipt: DeliveryReceipt, now: datetime) -> list[str | None]:
    """Apply a receipt; whom to tell of each message it changed. A failure's caller holds the conversation."""
    tenants = []
    for message in await receipts.apply(conn, receipt, now):
        tenants.append(await ticks.tell(conn, message, receipt.status, now))
        await remedies.start(conn, message, receipt, now)
    return tenants


async def heard(door: Door, receipt: DeliveryReceipt, tenants: Sequence[str | None]) -> None:
    """After the commit."""
    await ticks.announce(door, tenants)
    if tenants and receipt.status is MessageStatus.FAILED:
        await door.wakeups.wake("outbound")
