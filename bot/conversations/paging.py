"""More choices than a channel shows at once: pages, with a way on and a way back.

A page's own buttons hold the whole choice, so that a page opens after a restart and as long as they count.
"""

import json
import secrets
from dataclasses import replace
from typing import Any

from bot.conversations import speech
from bot.door import Door
from bot.vocabulary.conversations import Conversation
from bot.vocabulary.messages import Button, OutgoingMessage

PAGE = "/show_page"


def first(door: Door, conversation: Conversation, bubble: OutgoingMessage) -> OutgoingMessage:
    """The bubble with its first page; as it is where everything fits."""
    adapter = door.channels.get(conversation.address.channel)
    # A page needs room for a choice and both ways.
    if adapter is None or not 3 <= adapter.limits.buttons < len(bubble.buttons):
        return bubble
    choice = [
        {"title": button.title, "payload": button.payload, "reusable": button.reusable}
        for button in bubble.buttons
    ]
    return _page(door, conversation, bubble, choice, 0, adapter.limits.buttons)


def turned(door: Door, conversation: Conversation, payload: str) -> OutgoingMessage | None:
    """The page that a press asks for; None for anything else."""
    if not payload.startswith(PAGE):
        return None
    asked = json.loads(payload.removeprefix(PAGE))
    adapter = door.channels.get(conversation.address.channel)
    room = adapter.limits.buttons if adapter else len(asked["choice"])
    words = OutgoingMessage(text=asked["text"])
    return _page(door, conversation, words, asked["choice"], asked["from"], max(room, 3))


def _page(
    door: Door,
    conversation: Conversation,
    bubble: OutgoingMessage,
    choice: list[dict[str, Any]],
    start: int,
    room: int,
) -> OutgoingMessage:
    end = start + room - (start > 0)
    if end < len(choice):
        end -= 1
    buttons = [Button(**item, token=_token()) for item in choice[start:end]]
    # Every page but the first has one row less for choices, for the way back.
    before = 0 if start <= room - 1 else start - (room - 2)
    for key, place, wanted in (("back", before, start > 0), ("more", end, end < len(choice))):
        if wanted:
            payload = PAGE + json.dumps({"text": bubble.text, "choice": choice, "from": place})
            title = speech.sentence(door, conversation.tenant, f"paging.{key}")
            buttons.append(Button(title, payload, _token(), reusable=True))
    return replace(bubble, buttons=tuple(buttons))


def _token() -> str:
    return secrets.token_urlsafe(12)
