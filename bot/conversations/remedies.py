"""After a channel reports that a message failed: what helps, once, by the kind of failure."""

import logging
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.storage import contacts, messages, receipts, spending, subscriptions
from bot.storage.messages import StoredMessage
from bot.vocabulary.messages import DeliveryReceipt, MessageStatus, Remedy

log = logging.getLogger(__name__)

PAUSES = {Remedy.SLOW_DOWN: timedelta(minutes=1), Remedy.LATER: timedelta(seconds=30)}
MOST_TRIES = 4


async def start(
    conn: AsyncConnection, stored: StoredMessage, receipt: DeliveryReceipt, now: datetime
) -> None:
    """Act on a receipt in the transaction in which it changes a message, so neither is without the other.

    Anything but a failure needs nothing. The caller holds the conversation's row, and wakes the outbox.

    A failure that is reported is certain: of what failed the citizen has nothing, so sending it again doubles
    nothing.
    """
    if receipt.status is not MessageStatus.FAILED:
        return
    part = receipts.of_part(receipt) is not None
    if not part:
        await spending.give_back(conn, stored.id)
    if receipt.remedy is None:
        return
    metrics.SENT.labels(receipt.channel, receipt.reason or "FAILED").inc()
    if receipt.remedy in (Remedy.STOP, Remedy.OPT_OUT):
        await messages.block(conn, stored.conversation_id, now)
        if receipt.remedy is Remedy.OPT_OUT:
            await subscriptions.end(conn, stored.conversation_id, None, "opted_out", now)
        return
    if receipt.remedy is Remedy.WINDOW:
        await contacts.close_window(conn, stored.conversation_id, now)
    # The other parts may have arrived: whether they come twice is a person's decision.
    pause = None if part else PAUSES.get(receipt.remedy)
    if (pause is None and receipt.remedy is not Remedy.WINDOW) or stored.attempts >= MOST_TRIES:
        _tell(receipt, stored)
        return
    if await messages.requeue_failed(conn, stored.id, f"{receipts.RESEND}{receipt.remedy}".upper(), now):
        await messages.mark_unsent(conn, stored.conversation_id, now)
        if pause is not None:
            await messages.pause(conn, stored.conversation_id, now + pause)


def _tell(receipt: DeliveryReceipt, stored: StoredMessage) -> None:
    level = logging.ERROR if receipt.remedy in (Remedy.ACCOUNT, Remedy.TEMPLATE) else logging.WARNING
    log.log(level, "%s: message %s failed for good: %s", receipt.channel, stored.id, receipt.reason)
