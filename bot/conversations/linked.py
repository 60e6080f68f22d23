"""News on the citizen's linked channel, where the paid one takes a template only: the free one, never both.

The message is handed over in one transaction under a key of its own, and its first row says SENT_LINKED.
Where the linked channel fails for good, that row waits to be sent again, now as a template: in the failure's
own transaction. A delivery nobody knows about is left alone: it may have arrived.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversations import speech
from bot.conversations.identity import WINDOWS
from bot.door import Door
from bot.storage import conversations, handedover, messages
from bot.storage.messages import StoredMessage
from bot.vocabulary.conversations import Conversation
from bot.vocabulary.messages import ChannelName, MessageStatus

SENT_LINKED = handedover.SENT_LINKED
NEWS = frozenset({"update", "late", "morning", "filing", "settled", "reminder", "reservation", "broadcast"})
"""What may go elsewhere: a person's words and a turn's own answer stay where the talk is."""
WEB_READ_WITHIN = timedelta(days=1)
"""A page wakes nobody: news goes there only while the citizen comes back to it."""


async def free_channel(
    conn: AsyncConnection,
    door: Door,
    stored: StoredMessage,
    others: Collection[str],
    purpose: str,
    now: datetime,
) -> Conversation | None:
    """The linked conversation that can take a message for nothing; None where there is none, or it failed."""
    if purpose not in NEWS or await handedover.tried(conn, stored.id):
        return None
    found = [await conversations.get(conn, one) for one in others]
    for channel in (ChannelName.TELEGRAM, ChannelName.WEBCHAT):
        for other in found:
            if other.address.channel is channel and await _takes(conn, door, other, now):
                return other
    return None


async def hand_over(
    conn: AsyncConnection, door: Door, stored: StoredMessage, other: Conversation, now: datetime
) -> None:
    """Queue the same words, with buttons that work, on another channel. The caller holds both rows."""
    # The outbox asks the window before it sends, and so knows this module already.
    from bot.conversations import outbound

    words = speech.words_of(door, stored.text, stored.sealed_text)
    bubble = speech.from_stored(words, stored.buttons, stored.attachments, stored.ask_location, stored.silent)
    bubble = speech.with_new_tokens(bubble, stored.buttons)
    await outbound.queue(conn, door, other, [bubble], handedover.key(stored.id), now)
    await messages.set_status(conn, stored.id, MessageStatus.SKIPPED, now, reason=SENT_LINKED)


async def blocked(door: Door, conversation_id: str, now: datetime) -> bool:
    """The citizen left a channel; what was to reach them there instead goes back. True when something did."""
    async with door.database.reading() as conn:
        sources = await handedover.sources(conn, conversation_id)
    async with door.database.transaction() as conn:
        await conversations.lock_all(conn, [conversation_id, *sources.values()], now)
        await messages.block(conn, conversation_id, now)
        back = [one for one in sources if await handedover.take_back(conn, one, now)]
        for one in back:
            await messages.mark_unsent(conn, sources[one], now)
    return bool(back)


async def failed(conn: AsyncConnection, stored: StoredMessage, now: datetime) -> bool:
    """A message failed for good; True when it stood in for another one, which is sent instead now."""
    source = handedover.source_of(stored.effect_key)
    if source is None or not await handedover.take_back(conn, source, now):
        return False
    await messages.mark_unsent(conn, (await messages.get(conn, source)).conversation_id, now)
    return True


async def _takes(conn: AsyncConnection, door: Door, other: Conversation, now: datetime) -> bool:
    channel = other.address.channel
    if channel in WINDOWS or await conversations.is_blocked(conn, other.id):
        return False
    if channel is not ChannelName.WEBCHAT:
        return channel in door.channels
    heard = await messages.last_heard(conn, other.id)
    return heard is not None and now - heard < WEB_READ_WITHIN
