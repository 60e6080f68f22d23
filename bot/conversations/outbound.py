"""From us to the citizen: every bubble is a row first, cut to what its channel takes."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.fit import fit, join
from bot.conversations import paging, speech
from bot.door import Door
from bot.storage import buttons, conversations, messages
from bot.vocabulary.conversations import Conversation
from bot.vocabulary.messages import ChannelName, Direction, MessageStatus, OutgoingMessage
from intents import masking


async def queue(
    conn: AsyncConnection,
    door: Door,
    conversation: Conversation,
    bubbles: Sequence[OutgoingMessage],
    key: str,
    now: datetime,
    agent_id: str | None = None,
) -> list[int]:
    """Store bubbles for a citizen, once per `key`; the ids of the new rows. The caller holds the
    conversation's row. What a person wrote names its `agent_id`, and is kept as a citizen's words are:
    masked, with the original sealed.

    The web chat fetches its rows itself, so there a stored bubble is a sent one.
    """
    channel = conversation.address.channel
    adapter = door.channels.get(channel)
    if adapter is not None:
        paged = [paging.first(door, conversation, bubble) for bubble in bubbles]
        bubbles = [part for bubble in join(paged, adapter.limits) for part in fit(bubble, adapter.limits)]
    status, reason = MessageStatus.QUEUED, None
    if channel is ChannelName.WEBCHAT:
        status = MessageStatus.SENT
    elif await conversations.is_blocked(conn, conversation.id):
        status, reason = MessageStatus.SKIPPED, "SKIPPED_BLOCKED"
    stored: list[int] = []
    for ordinal, bubble in enumerate(bubbles):
        masked = masking.mask(bubble.text).text if agent_id else masking.hide_codes(bubble.text)
        message_id = await messages.add_outbound(
            conn,
            {
                "uid": messages.new_uid(),
                "conversation_id": conversation.id,
                "channel": channel,
                "direction": Direction.OUT,
                "kind": "text",
                "text": masked,
                "sealed_text": door.sealer.seal(bubble.text) if masked != bubble.text else None,
                "agent_id": agent_id,
                "content": speech.stored_content(bubble),
                "status": status,
                "reason": reason,
                "attempts": 0,
                "effect_key": f"{key}:{ordinal}",
                "created_at": now,
                "updated_at": now,
            },
        )
        if message_id is None:
            continue
        stored.append(message_id)
        await buttons.add(
            conn,
            message_id,
            conversation.id,
            [
                {
                    "token": button.token,
                    "position": position,
                    "title": button.title[:256],
                    "payload": button.payload,
                    "reusable": button.reusable,
                    "used_by": None,
                }
                for position, button in enumerate(bubble.buttons)
            ],
            now,
        )
    if status is MessageStatus.QUEUED:
        await messages.mark_unsent(conn, conversation.id, now)
    return stored


async def announce(door: Door, conversation: Conversation) -> None:
    """After the commit: tell whoever shows or sends this conversation's messages."""
    await door.wakeups.wake(f"conversation:{conversation.id}")
    if conversation.address.channel is not ChannelName.WEBCHAT:
        await door.wakeups.wake("outbound")
