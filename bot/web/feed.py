"""What a web chat page reads: one conversation's messages and progress, once or as an endless stream."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

from bot.conversations import speech
from bot.door import Door
from bot.storage import conversations, messages
from bot.storage.messages import StoredMessage
from bot.vocabulary.conversations import Owner
from bot.web import letters, passes

PING_SECONDS = 12.0
LIFE_SECONDS = 600.0
PAGE = 200

_NOTHING = {"owner": Owner.BOT.value, "waiting": 0, "handled_upto": 0}


def bell_topic(session: passes.Session) -> str:
    """The wake-up topic of a session that has no conversation yet."""
    return f"webchat:{session.address}"


def as_json(door: Door, message: StoredMessage) -> dict[str, Any]:
    """Return a message as the page and the terminal read it; files come as signed links."""
    key = door.settings.secret_key
    return {
        "id": message.id,
        "direction": message.direction,
        "kind": message.kind,
        "text": _words(door, message),
        "buttons": message.buttons,
        "button": message.button,
        "attachments": [_attachment(key, item) for item in message.attachments],
        "photos": [
            passes.signed_link(key, item["media_id"]) for item in message.media if item.get("media_id")
        ],
        "location": message.location,
        "ask_location": message.ask_location,
        "status": message.status,
        "created_at": message.created_at.isoformat(),
        "client_id": message.channel_message_id if message.direction == "in" else None,
    }


def _words(door: Door, message: StoredMessage) -> str | None:
    if message.direction == "in":
        return message.text
    return speech.words_of(door, message.text, message.sealed_text)


def _attachment(key: str, item: dict[str, Any]) -> dict[str, Any]:
    media_id = item.get("media_id")
    url = passes.signed_link(key, media_id) if media_id else item.get("url")
    return {
        "kind": item.get("kind"),
        "url": url,
        "content_type": item.get("content_type"),
        "title": item.get("title"),
    }


async def look(
    door: Door, session: passes.Session, after: int
) -> tuple[str | None, list[StoredMessage], dict[str, Any]]:
    """Return the conversation's id, its messages after an id, and its progress.

    Progress is read first: a turn's replies and its end are committed together, so whoever is told
    that a turn has ended has been given its replies.
    """
    async with door.database.reading() as conn:
        conversation = await conversations.find_by_address(conn, session.tenant, letters.address(session))
        if conversation is None:
            return None, [], dict(_NOTHING)
        progress = await messages.progress(conn, conversation.id)
        found = await messages.stream(conn, conversation.id, after, PAGE)
    state = {"owner": progress.owner, "waiting": progress.waiting, "handled_upto": progress.handled_upto}
    return conversation.id, found, state


async def follow(door: Door, session: passes.Session, after: int) -> AsyncIterator[str]:
    """Yield server-sent events: `message` and `progress` as they happen, a comment as a ping in between.

    Ends by itself after LIFE_SECONDS; the page comes back with its last id.
    """
    ends = time.monotonic() + LIFE_SECONDS
    conversation: str | None = None
    told: dict[str, Any] | None = None
    yield "retry: 1000\n\n"
    while time.monotonic() < ends:
        topic = bell_topic(session) if conversation is None else f"conversation:{conversation}"
        async with door.wakeups.listen(topic) as bell:
            listening = conversation
            while listening == conversation and time.monotonic() < ends:
                conversation, found, state = await look(door, session, after)
                for message in found:
                    after = message.id
                    yield _event("message", as_json(door, message), message.id)
                if len(found) == PAGE:
                    continue
                if state != told:
                    told = state
                    yield _event("progress", state)
                if listening == conversation and not await bell.wait(PING_SECONDS):
                    yield ": ping\n\n"


def _event(name: str, data: dict[str, Any], event_id: int | None = None) -> str:
    mark = "" if event_id is None else f"id: {event_id}\n"
    return f"{mark}event: {name}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"
