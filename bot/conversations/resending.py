"""*Kirim ulang*: what did not arrive goes out again, on the channel on which it can arrive."""

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversations import outbound, speech, window
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


@dataclass(frozen=True, slots=True)
class Way:
    """A channel that leads to the citizen, and how a message would go out there now."""

    channel: ChannelName
    outlook: window.Outlook


async def ways(door: Door, message_id: int) -> list[Way]:
    """How an undelivered message could go out, its own channel first.

    Raises:
        LookupError: there is no such message.
        NotUndelivered: there is nothing to send again.
    """
    async with door.database.reading() as conn:
        stored = await messages.get(conn, message_id)
        if stored.direction != "out":
            raise LookupError(message_id)
        if not deliveries.may_go_again(stored):
            raise NotUndelivered(message_id)
        found = []
        mine = await conversations.get(conn, stored.conversation_id)
        if stored.status is not MessageStatus.WAITING and await _listens(conn, door, mine):
            found.append(mine)
        for conversation_id in await deliveries.other_conversations(conn, stored.conversation_id):
            other = await conversations.get(conn, conversation_id)
            if _connected(door, other) and other.address.channel not in {
                one.address.channel for one in found
            }:
                found.append(other)
        return [Way(one.address.channel, await window.outlook(conn, door, one, stored)) for one in found]


async def resend(door: Door, message_id: int, on: ChannelName | None = None) -> ChannelName:
    """Send a message again that failed, was skipped, or of which nobody knows; on which channel it goes.

    `on` chooses the channel. Left to us, the same channel takes it when the citizen still listens there: the
    sender then finds out whether free words are allowed or a template is needed. Who blocked us, or a channel
    that is not connected, gets it on the citizen's other channel.

    Raises:
        LookupError: there is no such message.
        NotUndelivered: there is nothing to send again.
        NoWay: no channel, or not the one named, leads to this citizen.
    """
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        stored = await messages.get(conn, message_id)
        if stored.direction != "out":
            raise LookupError(message_id)
        others = await deliveries.other_conversations(conn, stored.conversation_id)
        await conversations.lock_all(conn, [stored.conversation_id, *others], now)
        mine = await conversations.get(conn, stored.conversation_id)
        if await _stays(conn, door, stored, mine, on, elsewhere=bool(others)):
            if not await messages.queue_again(conn, message_id, now):
                raise NotUndelivered(message_id)
            await messages.mark_unsent(conn, mine.id, now)
            chosen = mine
        else:
            chosen = await _elsewhere(conn, door, stored, others, on, now)
    await outbound.announce(door, chosen)
    return chosen.address.channel


async def _stays(
    conn: AsyncConnection,
    door: Door,
    stored: StoredMessage,
    mine: Conversation,
    on: ChannelName | None,
    *,
    elsewhere: bool,
) -> bool:
    """Say whether the message's own channel takes it again."""
    if on is not None and on is not mine.address.channel:
        return False
    if not await _listens(conn, door, mine):
        return False
    return on is not None or not (stored.reason == WINDOW and elsewhere)


def _connected(door: Door, conversation: Conversation) -> bool:
    channel = conversation.address.channel
    return channel is ChannelName.WEBCHAT or channel in door.channels


async def _listens(conn: AsyncConnection, door: Door, conversation: Conversation) -> bool:
    connected = conversation.address.channel in door.channels
    return connected and not await conversations.is_blocked(conn, conversation.id)


async def _elsewhere(
    conn: AsyncConnection,
    door: Door,
    stored: StoredMessage,
    others: list[str],
    on: ChannelName | None,
    now: datetime,
) -> Conversation:
    """Queue the same words in another conversation of the citizen, with buttons that work there."""
    for conversation_id in others:
        other = await conversations.get(conn, conversation_id)
        if not _connected(door, other) or on not in (None, other.address.channel):
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
    if not deliveries.may_go_again(stored):
        raise NotUndelivered(stored.id)
    raise NoWay(stored.id)
