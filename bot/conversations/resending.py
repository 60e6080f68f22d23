"""*Kirim ulang*: what did not arrive goes out again, on the channel on which it can arrive."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversations import outbound, speech
from bot.door import Door
from bot.storage import conversations, deliveries, messages
from bot.storage.messages import StoredMessage
from bot.vocabulary.conversations import Conversation
from bot.vocabulary.messages import ChannelName, MessageStatus

WINDOW = "FAILED_WINDOW"


class NotUndelivered(Exception):
    """The message arrived, waits to be sent, or was sent again already."""


class NoWay(Exception):
    """The citizen cannot be reached: they blocked us, and have no other channel with us."""


async def resend(door: Door, message_id: int) -> ChannelName:
    """Send a message again that failed, was skipped, or of which nobody knows; on which channel it goes.

    The same channel takes it when the citizen still listens there: the sender then finds out whether free
    words are allowed or a template is needed. Who blocked us, or a channel that is not connected, gets it on
    the citizen's other channel.

    Raises:
        LookupError: there is no such message.
        NotUndelivered: there is nothing to send again.
        NoWay: no channel leads to this citizen.
    """
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        stored = await messages.get(conn, message_id)
        if stored.direction != "out":
            raise LookupError(message_id)
        others = await deliveries.other_conversations(conn, stored.conversation_id)
        await conversations.lock_all(conn, [stored.conversation_id, *others], now)
        mine = await conversations.get(conn, stored.conversation_id)
        if await _listens(conn, door, mine) and not (stored.reason == WINDOW and others):
            if not await messages.queue_again(conn, message_id, now):
                raise NotUndelivered(message_id)
            await messages.mark_unsent(conn, mine.id, now)
            chosen = mine
        else:
            chosen = await _elsewhere(conn, door, stored, others, now)
    await outbound.announce(door, chosen)
    return chosen.address.channel


async def _listens(conn: AsyncConnection, door: Door, conversation: Conversation) -> bool:
    connected = conversation.address.channel in door.channels
    return connected and not await conversations.is_blocked(conn, conversation.id)


async def _elsewhere(
    conn: AsyncConnection, door: Door, stored: StoredMessage, others: list[str], now: datetime
) -> Conversation:
    """Queue the same words in another conversation of the citizen, with buttons that work there."""
    for conversation_id in others:
        other = await conversations.get(conn, conversation_id)
        if other.address.channel is not ChannelName.WEBCHAT and other.address.channel not in door.channels:
            continue
        if not await deliveries.hand_over(conn, stored.id, other.address.channel, now):
            raise NotUndelivered(stored.id)
        words = speech.words_of(door, stored.text, stored.sealed_text)
        bubble = speech.from_stored(
            words, stored.buttons, stored.attachments, stored.ask_location, stored.silent
        )
        bubble = replace(
            bubble,
            buttons=tuple(
                replace(button, token=secrets.token_urlsafe(12), reusable=bool(item.get("reusable")))
                for button, item in zip(bubble.buttons, stored.buttons, strict=True)
            ),
        )
        await outbound.queue(
            conn, door, other, [bubble], f"resend:{stored.id}:{stored.attempts}", now, stored.agent_id
        )
        return other
    if stored.status not in (*deliveries.TROUBLED, MessageStatus.SKIPPED):
        raise NotUndelivered(stored.id)
    raise NoWay(stored.id)
