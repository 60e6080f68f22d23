"""From one Telegram update to what a citizen said. Pure: no network, no state.

Every update is read by itself, so one that cannot be read never holds up the others.
"""

import re
from datetime import UTC, datetime
from typing import Any

import telegram
from telegram.constants import ChatType

from bot.vocabulary.messages import (
    ChannelAddress,
    ChannelName,
    IncomingKind,
    IncomingMedia,
    IncomingMessage,
    Location,
)

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")

_COMMAND = re.compile(r"/([A-Za-z][A-Za-z0-9_]{0,31})(?:@\w+)?(?:\s+(.*))?", re.DOTALL)
_PICTURES = ("image/jpeg", "image/png", "image/webp")
_UNSTORABLE: dict[int, str | None] = {0: None} | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
_NAME_LENGTH = 64

# Content we cannot use but answer. What Telegram reports in a chat (a pinned message, ...) is not here.
_UNSUPPORTED = [
    "animation",
    "checklist",
    "dice",
    "game",
    "giveaway",
    "invoice",
    "paid_media",
    "poll",
    "sticker",
    "story",
    "video",
    "video_note",
    "web_app_data",
]


def read(payload: object, tenant: str) -> list[IncomingMessage]:
    """Return what an update says: one message, or none if it needs no answer (a group, a live position, ...).

    Raises:
        ValueError: this is no update, or one that cannot be read.
    """
    if not isinstance(payload, dict) or not isinstance(payload.get("update_id"), int):
        raise ValueError("not a Telegram update")
    raw = _clean(payload)
    try:
        update = telegram.Update.de_json(raw, None)
        if update.callback_query:
            found = _read_press(update.callback_query, tenant)
        elif update.message:
            found = _read_message(update.message, raw["message"], tenant)
        elif update.edited_message:
            found = _read_edit(update.edited_message, raw["edited_message"], tenant)
        else:
            found = None
    except (
        AttributeError,
        IndexError,
        KeyError,
        LookupError,
        OSError,
        OverflowError,
        RecursionError,
        TypeError,
    ) as error:
        raise ValueError(f"unreadable Telegram update: {type(error).__name__}") from error
    return [found] if found else []


def group_of(update: object) -> int | None:
    """Return the id of the group or channel that an update comes from, None for a private chat or no chat.

    Nothing to leave is nothing to report: an update that says we have left gives None.
    """
    if not isinstance(update, dict):
        return None
    for key in ("message", "edited_message", "my_chat_member"):
        event = update.get(key)
        if not isinstance(event, dict) or not isinstance(event.get("chat"), dict):
            continue
        member = event.get("new_chat_member")
        if isinstance(member, dict) and member.get("status") in ("left", "kicked"):
            return None
        if isinstance(event.get("left_chat_member"), dict):
            return None
        chat = event["chat"]
        if chat.get("type") != ChatType.PRIVATE and isinstance(chat.get("id"), int):
            return int(chat["id"])
    return None


def skeleton(value: object, depth: int = 6) -> object:
    """Return the shape of an update without a word of the citizen, for the book of unreadable ones."""
    if isinstance(value, dict) and depth:
        return {str(key)[:40]: skeleton(item, depth - 1) for key, item in list(value.items())[:40]}
    if isinstance(value, list) and depth:
        return [skeleton(item, depth - 1) for item in value[:10]]
    if isinstance(value, bool | None) or (isinstance(value, int) and depth):
        return value
    return f"<{type(value).__name__}>"


def _clean(value: Any) -> Any:
    """Copy JSON without what no database or UTF-8 text can hold: NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.translate(_UNSTORABLE)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return value


def _address(user: telegram.User | None, chat_id: int) -> ChannelAddress:
    name = str(user.first_name).strip()[:_NAME_LENGTH] if user and user.first_name else None
    return ChannelAddress(ChannelName.TELEGRAM, str(_number(chat_id)), name or None)


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("not a number")
    return value


def _words(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError("not a text")
    return value or None


def _message_id(message: telegram.Message) -> str:
    return f"{_number(message.chat.id)}:{_number(message.message_id)}"


def _read_press(query: telegram.CallbackQuery, tenant: str) -> IncomingMessage | None:
    """A button's token came back. Telegram gives no time for it, so it is now."""
    message = query.message
    if message and message.chat.type != ChatType.PRIVATE:
        return None
    token = _words(query.data)
    if not token:
        return None
    pressed_on = f"{_number(message.chat.id)}:{_number(message.message_id)}" if message else None
    return IncomingMessage(
        tenant=tenant,
        sender=_address(query.from_user, message.chat.id if message else query.from_user.id),
        channel_message_id=f"cb:{_words(query.id)}",
        kind=IncomingKind.BUTTON,
        sent_at=datetime.now(UTC),
        button=token,
        reply_to=pressed_on,
        extra={"callback_id": query.id},
    )


def _read_edit(message: telegram.Message, raw: dict[str, Any], tenant: str) -> IncomingMessage | None:
    """A citizen amended a message. A live position moving on is an edit too, and none of our business."""
    if message.chat.type != ChatType.PRIVATE or message.location:
        return None
    edited_at = message.edit_date or message.date
    original = _message_id(message)
    text = _words(message.text) or _words(message.caption)
    media = _picture(message)
    if text is None and not media:
        return None
    return IncomingMessage(
        tenant=tenant,
        sender=_address(message.from_user, message.chat.id),
        channel_message_id=f"{original}:e{int(edited_at.timestamp())}",
        kind=IncomingKind.EDIT,
        sent_at=edited_at,
        text=text,
        media=media,
        edit_of=original,
        extra=_context(message),
    )


def _read_message(message: telegram.Message, raw: dict[str, Any], tenant: str) -> IncomingMessage | None:
    if message.chat.type != ChatType.PRIVATE or (message.from_user and message.from_user.is_bot):
        return None
    kind, text, extra = _kind(message, raw)
    if kind is None:
        return None
    location = message.location or (message.venue.location if message.venue else None)
    reply = message.reply_to_message
    return IncomingMessage(
        tenant=tenant,
        sender=_address(message.from_user, message.chat.id),
        channel_message_id=_message_id(message),
        kind=kind,
        sent_at=message.date,
        text=_words(text),
        location=_point(location) if location else None,
        media=_media(message, kind),
        reply_to=_message_id(reply) if reply else None,
        extra={**_context(message), **extra},
    )


def _kind(
    message: telegram.Message, raw: dict[str, Any]
) -> tuple[IncomingKind | None, str | None, dict[str, Any]]:
    """Tell the kind of a message, its text, and what else is worth knowing about it."""
    if message.text:
        return _read_text(_words(message.text) or "")
    if message.photo or _is_picture(message.document):
        return IncomingKind.PHOTO, message.caption, {}
    if message.voice or message.audio:
        return IncomingKind.VOICE, message.caption, {}
    if message.document and not message.animation:
        return IncomingKind.DOCUMENT, message.caption, {}
    if message.venue:
        return (
            IncomingKind.LOCATION,
            ", ".join(filter(None, (message.venue.title, message.venue.address))),
            {},
        )
    if message.location:
        return IncomingKind.LOCATION, None, {"live": True} if "live_period" in raw["location"] else {}
    if message.contact:
        phone_number, extra = _read_contact(message)
        return IncomingKind.CONTACT, phone_number, extra
    # A kind newer than the library is what the library does not know about the message.
    name = next((name for name in (*_UNSUPPORTED, *message.api_kwargs) if name in raw), None)
    return (IncomingKind.UNSUPPORTED if name else None), name, {}


def _read_text(text: str) -> tuple[IncomingKind, str, dict[str, Any]]:
    """Commands are told by their look: a client that sends no entities means the same.

    `/start lapor-7` is what a poster's link t.me/<bot>?start=lapor-7 sends.
    """
    match = _COMMAND.fullmatch(text)
    if not match:
        return IncomingKind.TEXT, text, {}
    command, argument = match[1].lower(), (match[2] or "").strip()
    return IncomingKind.COMMAND, f"/{command} {argument}".strip(), {"command": command, "argument": argument}


def _read_contact(message: telegram.Message) -> tuple[str | None, dict[str, Any]]:
    """Only one's own card says anything; somebody else's number is not ours to keep."""
    contact = message.contact
    own = bool(contact and message.from_user and contact.user_id == message.from_user.id)
    return (contact.phone_number if contact and own else None), {"own": own}


def _context(message: telegram.Message) -> dict[str, Any]:
    return {"album": message.media_group_id} if message.media_group_id else {}


def _point(location: telegram.Location) -> Location:
    latitude, longitude = float(location.latitude), float(location.longitude)
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise LookupError("a place that is nowhere")
    return Location(latitude, longitude)


def _is_picture(document: telegram.Document | None) -> bool:
    return document is not None and document.mime_type in _PICTURES


def _picture(message: telegram.Message) -> tuple[IncomingMedia, ...]:
    """The photo in its largest size, or a picture sent as a file."""
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        return (IncomingMedia(largest.file_id, content_type="image/jpeg", size=largest.file_size),)
    if message.document and _is_picture(message.document):
        return (_file(message.document, "image/jpeg"),)
    return ()


def _media(message: telegram.Message, kind: IncomingKind) -> tuple[IncomingMedia, ...]:
    if kind == IncomingKind.PHOTO:
        return _picture(message)
    if kind == IncomingKind.VOICE:
        return (_file(message.voice or message.audio, "audio/ogg"),)
    if kind == IncomingKind.DOCUMENT and message.document:
        return (_file(message.document, "application/octet-stream"),)
    return ()


def _file(file: Any, content_type: str) -> IncomingMedia:
    """Name and type are kept now: Telegram may have forgotten them when the file is fetched."""
    return IncomingMedia(
        remote_id=file.file_id,
        content_type=_words(file.mime_type) or content_type,
        file_name=_words(getattr(file, "file_name", None)),
        size=file.file_size,
    )
