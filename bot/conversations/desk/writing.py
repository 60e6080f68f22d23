"""What agents write to citizens: through the same outbox as the bot, once however often it is sent."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.conversations import outbound, resending, speech
from bot.conversations.desk import errors
from bot.conversations.desk.acting import Act, on_conversation
from bot.door import Door
from bot.storage import conversations, handoffs, media, messages
from bot.storage.messages import StoredMessage
from bot.vocabulary.agents import Agent, EventKind
from bot.vocabulary.messages import Attachment, ChannelName, MessageStatus, OutgoingMessage

MAX_TEXT = 4000
MAX_FILES = 10
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# What a citizen's channel shows or offers to save; nothing that a browser would run.
FILE_TYPES = ("image/jpeg", "image/png", "image/webp", "application/pdf", "text/plain", "text/calendar")


async def reply(
    door: Door,
    agent: Agent,
    conversation_id: str,
    text: str,
    *,
    key: str,
    attachments: Sequence[str] = (),
) -> int:
    """Send words and files to the citizen; the id of the (first) message.

    `key` is the console's own id of this message: sent twice, it is stored once. `attachments` are ids of
    `attach`.

    Raises:
        Unusable: nothing to send, too long, or a file that was not attached here.
        NotYours, Ended, LookupError.
    """
    words = clean(text, may_be_empty=bool(attachments))
    if len(attachments) > MAX_FILES:
        raise errors.Unusable("too_many_files", most=MAX_FILES)
    files = [await _file(door, conversation_id, media_id) for media_id in attachments]
    async with on_conversation(door, agent.tenant, conversation_id) as act:
        act.owned_by(agent)
        return await send(act, agent, [OutgoingMessage(words, attachments=tuple(files))], key)


async def send(act: Act, agent: Agent, bubbles: Sequence[OutgoingMessage], key: str) -> int:
    """Put a person's bubbles into the outbox and note that the citizen is answered; the first one's id."""
    effect_key = f"agent:{act.conversation.id}:{key[:100]}"
    ids = await outbound.queue(act.conn, act.door, act.conversation, bubbles, effect_key, act.now, agent.id)
    if not ids:
        # The same message again: it is on its way already.
        return await messages.by_effect_key(act.conn, f"{effect_key}:0")
    if act.handoff is not None:
        await handoffs.answered(act.conn, act.handoff.id, act.now)
    act.spoke = True
    act.tell(EventKind.MESSAGE, message=ids[0], direction="out", by=agent.id, name=agent.name)
    return ids[0]


def clean(text: str, *, may_be_empty: bool = False) -> str:
    """Return words that can be stored and sent. Raises Unusable."""
    words = _UNSTORABLE.sub("", text).strip()
    if not words and not may_be_empty:
        raise errors.Unusable("empty")
    if len(words) > MAX_TEXT:
        raise errors.Unusable("too_long", most=MAX_TEXT)
    return words


async def attach(door: Door, agent: Agent, conversation_id: str, data: bytes, content_type: str) -> str:
    """Keep a file that is to be sent to a citizen; its id. Pictures lose their place and camera.

    Raises:
        Unusable: a kind of file that is not sent, too big, or a picture that is none.
        NotYours, Ended, LookupError.
    """
    if content_type not in FILE_TYPES:
        raise errors.Unusable("file_type")
    async with on_conversation(door, agent.tenant, conversation_id) as act:
        act.owned_by(agent)
    try:
        return await door.media.save(data, content_type, conversation_id)
    except media.MediaRefused as error:
        raise errors.Unusable("file_too_big" if error.text_key == "media.too_big" else "file_type") from error


async def _file(door: Door, conversation_id: str, media_id: str) -> Attachment:
    found = await door.media.find(media_id)
    if found is None or found[2] != conversation_id:
        raise errors.Unusable("file_unknown")
    kind = "image" if found[1].startswith("image/") else "document"
    return Attachment(
        kind=kind, url=speech.media_url(door, media_id), media_id=media_id, content_type=found[1]
    )


async def resend(door: Door, agent: Agent, message_id: int, on: ChannelName | None = None) -> ChannelName:
    """Send again what did not arrive, the bot's or a person's; on which channel. `on` chooses it.

    Raises Unusable for what arrived, or where no channel leads to the citizen; LookupError.
    """
    stored = await _of_tenant(door, agent, message_id)
    try:
        channel = await resending.resend(door, message_id, on)
    except resending.NotUndelivered as error:
        raise errors.Unusable("not_failed") from error
    except resending.NoWay as error:
        raise errors.Unusable("no_way") from error
    # Colleagues who have the conversation open see it at once.
    async with on_conversation(door, agent.tenant, stored.conversation_id) as act:
        act.tell(EventKind.MESSAGE_STATUS, message=message_id, status=MessageStatus.QUEUED, by=agent.id)
    return channel


async def ways(door: Door, agent: Agent, message_id: int) -> list[resending.Way]:
    """How what did not arrive could go out now. Raises Unusable for what arrived; LookupError."""
    await _of_tenant(door, agent, message_id)
    try:
        return await resending.ways(door, message_id)
    except resending.NotUndelivered as error:
        raise errors.Unusable("not_failed") from error


async def _of_tenant(door: Door, agent: Agent, message_id: int) -> StoredMessage:
    async with door.database.reading() as conn:
        stored = await messages.get(conn, message_id)
        if (await conversations.get(conn, stored.conversation_id)).tenant != agent.tenant:
            raise LookupError(message_id)
    return stored


async def typing(door: Door, agent: Agent, conversation_id: str) -> None:
    """Show the citizen that somebody writes; failures are nobody's business. Raises NotYours, Ended."""
    async with on_conversation(door, agent.tenant, conversation_id, datetime.now(UTC)) as act:
        act.owned_by(agent)
    adapter = door.channels.get(act.conversation.address.channel)
    if adapter is not None:
        await adapter.typing(act.conversation.address.address)
