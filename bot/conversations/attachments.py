"""What a turn does with files: pictures for the city systems, voice notes and documents for an agent."""

import logging
from typing import Any

from bot import metrics
from bot.channels.base import ChannelError
from bot.conversations import answers, enclosures, speech
from bot.conversations.answers import Answer
from bot.conversations.situation import Context
from bot.door import Door
from bot.storage.media import MAX_BYTES, MediaRefused
from bot.storage.messages import StoredMessage
from bot.vocabulary.messages import IncomingKind, IncomingMedia

log = logging.getLogger(__name__)

PHOTOS_A_TURN = 5


async def photos(door: Door, context: Context) -> tuple[dict[str, Any], ...]:
    """Make the pictures of a batch ours, without their tags, and give each an address a backend may fetch.

    Where one was taken goes along apart from it, for the dialogue to ask whether it may be used.
    What cannot be fetched or is no picture is left out, logged and counted; nothing is raised for it.
    """
    adapter = door.channels.get(context.conversation.address.channel)
    found: list[dict[str, Any]] = []
    for message in context.batch:
        for item in message.media:
            if len(found) == PHOTOS_A_TURN:
                return tuple(found)
            media_id = item.get("media_id")
            if media_id is None and adapter is not None:
                media_id = await _download(door, adapter, message, item)
            if media_id is not None and await _theirs(door, media_id, message.conversation_id):
                spot = await door.media.taken_at(media_id)
                found.append({"media_id": media_id, "url": speech.media_url(door, media_id), **spot})
    return tuple(found)


async def enclosed(door: Door, context: Context, kind: IncomingKind) -> Answer:
    """Keep a voice note or a document for an agent, and say so, or why it was refused."""
    adapter = door.channels.get(context.conversation.address.channel)
    kept, refused = 0, None
    for message in context.batch:
        for item in message.media:
            try:
                kept += await _keep(door, adapter, message, item)
            except MediaRefused as error:
                refused = error.text_key
    metrics.BAD_INPUT.labels(context.conversation.address.channel, kind).inc()
    return answers.plain(context.conversation, "kept", enclosures.answer(kind, kept, refused))


async def _keep(door: Door, adapter: Any, message: StoredMessage, item: dict[str, Any]) -> bool:
    """Make one file ours; True when we have it. Raises MediaRefused."""
    if item.get("media_id"):
        return await _theirs(door, item["media_id"], message.conversation_id)
    if (item.get("size") or 0) > MAX_BYTES:
        raise MediaRefused("kept.too_big")
    if adapter is None:
        return False
    try:
        data, content_type = await adapter.download(IncomingMedia(**item))
    except ChannelError as error:
        log.info("file of message %s not kept: %s", message.id, type(error).__name__)
        return False
    if not enclosures.readable(data):
        raise MediaRefused("kept.not_allowed")
    item["media_id"] = await door.media.save(data, content_type, message.conversation_id)
    return True


async def _theirs(door: Door, media_id: str, conversation_id: str) -> bool:
    """True when the file was sent in this conversation: an id read elsewhere opens nobody's photo."""
    file = await door.media.find(media_id)
    return file is not None and file[2] == conversation_id


async def _download(door: Door, adapter: Any, message: StoredMessage, item: dict[str, Any]) -> str | None:
    try:
        data, content_type = await adapter.download(IncomingMedia(**item))
        media_id = await door.media.save(data, content_type, message.conversation_id)
    except (ChannelError, MediaRefused) as error:
        metrics.BAD_INPUT.labels(adapter.name, "media").inc()
        log.info("media of message %s not kept: %s", message.id, type(error).__name__)
        return None
    item["media_id"] = media_id
    return media_id
