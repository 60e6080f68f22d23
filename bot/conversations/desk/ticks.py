"""Delivery ticks: consoles see how far what a person wrote has come."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversations.desk import events
from bot.door import Door
from bot.storage import consoleevents, conversations, messages
from bot.storage.messages import StoredMessage
from bot.vocabulary.agents import EventKind
from bot.vocabulary.messages import MessageStatus


async def tell(
    conn: AsyncConnection,
    message: StoredMessage,
    status: MessageStatus,
    now: datetime,
    reason: str | None = None,
) -> str | None:
    """Note a new status of what an agent wrote or sent again; the tenant to wake, None for the bot's own."""
    if message.agent_id is None and message.reason != messages.RESENT:
        return None
    tenant = (await conversations.get(conn, message.conversation_id)).tenant
    data = {"message": message.id, "status": status, "reason": reason, "by": message.agent_id}
    await consoleevents.append(
        conn, tenant, EventKind.MESSAGE_STATUS, now, conversation_id=message.conversation_id, data=data
    )
    return tenant


async def announce(door: Door, tenants: Iterable[str | None]) -> None:
    """After the commit: wake the consoles."""
    for tenant in {one for one in tenants if one is not None}:
        await door.wakeups.wake(events.topic(tenant))
