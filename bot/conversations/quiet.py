"""Quiet hours: what is not urgent waits for the morning, and then comes as one message, however many."""

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversations import outbound, rounds, speech
from bot.door import Door
from bot.storage import conversations, held
from bot.vocabulary.conversations import Conversation, Say
from bot.vocabulary.messages import ChannelName, OutgoingMessage

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 20.0
# A page that is opened by hand wakes nobody.
SILENT_CHANNELS = frozenset({ChannelName.WEBCHAT})


async def tell(
    conn: AsyncConnection,
    door: Door,
    conversation: Conversation,
    bubble: OutgoingMessage,
    key: str,
    now: datetime,
    *,
    urgent: bool,
) -> bool:
    """Queue news now, or keep it until the quiet hours end; True when it was queued. Once per key either way.

    The caller holds the conversation's row.
    """
    night = quiet_until(door, conversation, now)
    if urgent and night is not None:
        # It cannot wait for the morning, but it need not ring.
        bubble = replace(bubble, silent=True)
    morning = None if urgent else night
    if morning is None:
        await outbound.queue(conn, door, conversation, [bubble], key, now)
        return True
    values = {
        "conversation_id": conversation.id,
        "text": bubble.text,
        "content": speech.stored_content(bubble),
        "due_at": morning,
    }
    await held.add(conn, key, values, now)
    return False


def quiet_until(door: Door, conversation: Conversation, now: datetime) -> datetime | None:
    """When the quiet hours end that `now` lies in; None by day, and where the government set none."""
    return night_until(door, conversation.tenant, conversation.address.channel, now)


def night_until(door: Door, tenant_id: str, channel: ChannelName, now: datetime) -> datetime | None:
    """The same for all of a government's citizens on one channel."""
    tenant = door.tenants.get(tenant_id)
    hours = tenant.facts.get("quiet_hours") if tenant and door.settings.quiet_hours else None
    if tenant is None or not hours or channel in SILENT_CHANNELS:
        return None
    local = now.astimezone(ZoneInfo(tenant.timezone))
    begin, end = (time.fromisoformat(hours[name]) for name in ("from", "until"))
    clock = local.time()
    inside = begin <= clock < end if begin <= end else clock >= begin or clock < end
    if not inside:
        return None
    day = local.date() + timedelta(days=1 if clock >= end else 0)
    return datetime.combine(day, end, tzinfo=local.tzinfo).astimezone(UTC)


async def run(door: Door, stop: asyncio.Event) -> None:
    """Send what waited for the morning, until `stop`."""

    async def once() -> bool:
        await wake(door, datetime.now(UTC))
        return False

    await rounds.go(stop, once, LOOK_EVERY_SECONDS, "news of the night could not be sent")


async def wake(door: Door, now: datetime) -> int:
    """Send what is due at `now`: one message a citizen; how many were sent."""
    async with door.database.reading() as conn:
        due = await held.due(conn, now)
    return sum([await _digest(door, conversation_id, now) for conversation_id in due])


async def _digest(door: Door, conversation_id: str, now: datetime) -> bool:
    async with door.database.transaction() as conn:
        await conversations.lock(conn, conversation_id, now)
        rows = await held.take(conn, conversation_id, now)
        if not rows:
            return False
        conversation = await conversations.get(conn, conversation_id)
        if len(rows) == 1:
            content = rows[0].content or {}
            buttons = content.get("buttons", ())
            bubble = speech.from_held(rows[0].text, buttons)
        else:
            say = Say("update.digest", {"count": len(rows)}, (_mine(),))
            head = speech.bubble(door, conversation.tenant, say)
            news = "\n".join(f"• {row.text}" for row in rows)
            bubble = OutgoingMessage(f"{head.text}\n{news}", head.buttons)
        await outbound.queue(conn, door, conversation, [bubble], f"morning:{rows[0].key}", now)
    await outbound.announce(door, conversation)
    return True


def _mine() -> dict[str, object]:
    return {"title_key": "button.my_reports", "payload": "/check_status", "reusable": True}
