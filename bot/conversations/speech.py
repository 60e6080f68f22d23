"""From text keys to bubbles: what the bot decided becomes Indonesian here, and nowhere else."""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from bot import metrics
from bot.door import Door
from bot.texts import TextBroken, TextMissing
from bot.vocabulary.conversations import Say
from bot.vocabulary.messages import Attachment, Button, OutgoingMessage

log = logging.getLogger(__name__)


def bubble(door: Door, tenant: str, say: Say) -> OutgoingMessage:
    """Render one bubble. A missing or broken text is counted and replaced by an honest sentence."""
    return OutgoingMessage(
        text=sentence(door, tenant, say.text_key, say.values),
        buttons=tuple(_button(door, tenant, item) for item in say.buttons),
        attachments=tuple(_attachment(door, item) for item in say.attachments),
        ask_location=say.ask_location,
    )


def sentence(door: Door, tenant: str, key: str, values: dict[str, Any] | None = None) -> str:
    """Render one text key, never failing in front of a citizen."""
    try:
        return door.texts.render(key, tenant, values)
    except (TextMissing, TextBroken) as error:
        log.error("text %s cannot be rendered: %s", key, error)
        metrics.BAD_INPUT.labels("texts", type(error).__name__).inc()
        return door.texts.render("error.text", tenant)


def _button(door: Door, tenant: str, item: dict[str, Any]) -> Button:
    title = item.get("title") or sentence(door, tenant, item["title_key"], item.get("values"))
    return Button(
        title=title,
        payload=item["payload"],
        token=secrets.token_urlsafe(12),
        reusable=bool(item.get("reusable")),
    )


def _attachment(door: Door, item: dict[str, Any]) -> Attachment:
    media_id = item.get("media_id")
    return Attachment(
        kind=item["kind"],
        url=media_url(door, media_id) if media_id else item.get("url"),
        media_id=media_id,
        content_type=item.get("content_type"),
        title=item.get("title"),
    )


def media_url(door: Door, media_id: str) -> str:
    """An address under which a city system or a browser may fetch one file, and only that one."""
    return f"{door.settings.public_url}/media/{media_id}/{media_signature(door, media_id)}"


def media_signature(door: Door, media_id: str) -> str:
    """The proof in a media address."""
    return hmac.new(
        door.settings.secret_key.encode(), f"media {media_id}".encode(), hashlib.sha256
    ).hexdigest()[:32]


def with_notice(message: OutgoingMessage, notice: str) -> OutgoingMessage:
    """Put the privacy notice of the first contact under a bubble, instead of a bubble of its own."""
    return OutgoingMessage(
        text=f"{message.text}\n\n{notice}",
        buttons=message.buttons,
        attachments=message.attachments,
        ask_location=message.ask_location,
        silent=message.silent,
    )


def from_held(text: str, buttons: Iterable[dict[str, Any]]) -> OutgoingMessage:
    """Build a bubble that was kept whole, with its buttons as they were made."""
    return OutgoingMessage(text=text, buttons=tuple(Button(**item) for item in buttons))


def with_lines(bubbles: list[OutgoingMessage], more: OutgoingMessage) -> list[OutgoingMessage]:
    """Put lines and buttons under the last bubble, or alone when there is none."""
    if not bubbles:
        return [more]
    last = replace(
        bubbles[-1],
        text=f"{bubbles[-1].text}\n\n{more.text}",
        buttons=(*bubbles[-1].buttons, *more.buttons),
    )
    return [*bubbles[:-1], last]


def stored_content(message: OutgoingMessage) -> dict[str, Any]:
    """The structured part of a bubble as its row keeps it."""
    content: dict[str, Any] = {}
    if message.buttons:
        content["buttons"] = [
            {"title": item.title, "token": item.token, "payload": item.payload, "reusable": item.reusable}
            | ({"form": item.form} if item.form else {})
            for item in message.buttons
        ]
    if message.attachments:
        content["attachments"] = [
            {
                "kind": item.kind,
                "url": item.url,
                "media_id": item.media_id,
                "content_type": item.content_type,
                "title": item.title,
            }
            for item in message.attachments
        ]
    if message.ask_location:
        content["ask_location"] = True
    if message.silent:
        content["silent"] = True
    return content


def with_new_tokens(message: OutgoingMessage, stored: Iterable[dict[str, Any]]) -> OutgoingMessage:
    """The same bubble with buttons of its own: a token belongs to one message."""
    buttons = tuple(
        replace(button, token=secrets.token_urlsafe(12), reusable=bool(item.get("reusable")))
        for button, item in zip(message.buttons, stored, strict=True)
    )
    return replace(message, buttons=buttons)


def words_of(door: Door, text: str | None, sealed: str | None) -> str | None:
    """What the citizen is to read: a person may have written a number that everybody else sees masked."""
    if sealed is None:
        return text
    try:
        return door.sealer.open(sealed)
    except ValueError:
        log.error("a sealed message cannot be opened; its masked text is sent")
        return text


def from_stored(
    text: str | None,
    buttons: Iterable[dict[str, Any]],
    attachments: Iterable[dict[str, Any]],
    ask_location: bool,
    silent: bool = False,
) -> OutgoingMessage:
    """Build the bubble again from its row."""
    return OutgoingMessage(
        text=text or "",
        buttons=tuple(
            Button(item["title"], item["payload"], item["token"], form=item.get("form")) for item in buttons
        ),
        attachments=tuple(Attachment(**item) for item in attachments),
        ask_location=ask_location,
        silent=silent,
    )
