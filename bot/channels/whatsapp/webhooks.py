"""From one webhook body to what citizens said and what became of our messages. Pure: no network, no state.

A body holds entries, each with changes, each with messages and statuses: all are read, each by itself,
so one that cannot be read never takes the others with it. Both shapes of a sender are known: with a
business-scoped user id (since April 2026; the phone may then be missing) and with the phone alone.
"""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bot import metrics
from bot.channels.whatsapp import trouble
from bot.vocabulary.messages import (
    AddressChanged,
    ChannelAddress,
    ChannelName,
    DeliveryReceipt,
    IncomingKind,
    IncomingMedia,
    IncomingMessage,
    Location,
    MessageStatus,
)

log = logging.getLogger(__name__)

OBJECT = "whatsapp_business_account"
Item = IncomingMessage | DeliveryReceipt | AddressChanged

_STATUSES = {
    "sent": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.READ,
    "played": MessageStatus.READ,
    "failed": MessageStatus.FAILED,
}
_PICTURES = ("image/jpeg", "image/png", "image/webp")
_NAME_LENGTH = 64
# The free words of our forms, in the order a person reads them.
_WORDS = ("description", "place", "name")
_FORM_FIELDS, _FORM_TEXT, _FORM_PHOTOS = 40, 2000, 10
_REFERRAL = ("source_url", "source_id", "source_type", "headline")
# What breaks while reading foreign JSON; none of it says more than "unreadable".
_BROKEN = (AttributeError, IndexError, KeyError, LookupError, OSError, OverflowError, TypeError, ValueError)


def read(payload: object, tenant: str, number_id: str) -> list[Item]:
    """Return what a webhook body says to the number `number_id`, in its order.

    Raises:
        ValueError: this is no webhook body of WhatsApp.
    """
    if not isinstance(payload, dict) or payload.get("object") != OBJECT:
        raise ValueError("not a WhatsApp webhook")
    entries = payload.get("entry")
    if not isinstance(entries, list):
        raise ValueError("a WhatsApp webhook without entries")
    found: list[Item] = []
    for value in _values(entries):
        number = value.get("metadata")
        if not isinstance(number, dict) or str(number.get("phone_number_id")) != number_id:
            continue
        contacts = [item for item in _list(value, "contacts") if isinstance(item, dict)]
        for raw in _list(value, "messages"):
            found += _each("message", partial(_message, raw, contacts, tenant))
        for raw in _list(value, "statuses"):
            found += _each("status", partial(_status, raw))
    return found


def _values(entries: list[Any]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        for change in _list(entry, "changes") if isinstance(entry, dict) else ():
            value = change.get("value") if isinstance(change, dict) else None
            if isinstance(value, dict) and change.get("field") == "messages":
                yield value


def _list(holder: dict[str, Any], name: str) -> list[Any]:
    value = holder.get(name)
    return value if isinstance(value, list) else []


def _each(what: str, reading: Callable[[], Item | None]) -> list[Item]:
    """Read one item; an unreadable one is counted and costs only itself."""
    try:
        item = reading()
    except _BROKEN as error:
        metrics.BAD_INPUT.labels(ChannelName.WHATSAPP, "unreadable").inc()
        log.warning("WhatsApp sent a %s nobody can read: %s", what, type(error).__name__)
        return []
    return [] if item is None else [item]


# Statuses


def _status(raw: dict[str, Any]) -> DeliveryReceipt | None:
    status = _STATUSES.get(raw["status"])
    if status is None:
        return None
    reason, remedy = None, None
    if status is MessageStatus.FAILED:
        reason, remedy = trouble.from_status(raw.get("errors"))
    return DeliveryReceipt(
        channel=ChannelName.WHATSAPP,
        channel_message_id=_text(raw["id"], 200),
        status=status,
        occurred_at=_time(raw.get("timestamp")),
        reason=reason,
        remedy=remedy,
        track=_optional(raw.get("biz_opaque_callback_data"), 64),
    )


# Messages


def _message(
    raw: dict[str, Any], contacts: list[Any], tenant: str
) -> IncomingMessage | AddressChanged | None:
    kind = raw["type"]
    if raw.get("group_id"):
        return None
    sender = _sender(raw, contacts)
    if kind == "system":
        return _system(raw["system"], sender, tenant)
    if kind == "reaction" and not raw["reaction"].get("emoji"):
        return None  # taken back
    if kind == "revoke":
        return None
    content = _edited(raw) if kind == "edit" else raw
    found, text, more = _content(content)
    extra = {**more, **_referral(raw)}
    original = _optional(raw["edit"].get("original_message_id"), 200) if kind == "edit" else None
    context = raw.get("context") if isinstance(raw.get("context"), dict) else {}
    return IncomingMessage(
        tenant=tenant,
        sender=sender,
        channel_message_id=_text(raw["id"], 200),
        kind=IncomingKind.EDIT if kind == "edit" else found,
        sent_at=_time(raw.get("timestamp")),
        text=_optional(text, 65536),
        button=_optional(extra.pop("button", None), 256),
        location=_location(content["location"]) if content["type"] == "location" else None,
        media=_media(content),
        edit_of=original,
        reply_to=_optional(context.get("id"), 200) if context else None,
        extra=extra,
    )


def _sender(raw: dict[str, Any], contacts: list[Any]) -> ChannelAddress:
    """Who wrote: the user id is the address, the phone an attribute. Without both nobody can be answered."""
    phone, user = _optional(raw.get("from"), 20), _optional(raw.get("from_user_id"), 140)
    contact = _contact(phone, user, contacts)
    user = user or _optional(contact.get("user_id"), 140)
    phone = phone or _optional(contact.get("wa_id"), 20)
    if not user and not phone:
        raise LookupError("a message from nobody")
    if phone and not phone.isdigit():
        raise LookupError("a phone that is none")
    profile = contact.get("profile")
    name = _optional(profile.get("name"), 256) if isinstance(profile, dict) else None
    display = (name or "").strip()[:_NAME_LENGTH] or None
    return ChannelAddress(ChannelName.WHATSAPP, user or "", display, phone)


def _contact(phone: str | None, user: str | None, contacts: list[Any]) -> dict[str, Any]:
    """The card that came along: of the same person, or the only one of a message that names nobody."""
    for contact in contacts:
        if (user and contact.get("user_id") == user) or (phone and contact.get("wa_id") == phone):
            return dict(contact)
    if not phone and not user and len(contacts) == 1:
        return dict(contacts[0])
    return {}


def _system(system: dict[str, Any], sender: ChannelAddress, tenant: str) -> AddressChanged | None:
    """A citizen has a new number; a new security code is no news."""
    if system.get("type") not in ("user_changed_number", "customer_changed_number"):
        return None
    phone = _optional(system.get("wa_id") or system.get("new_wa_id"), 20)
    user = _optional(system.get("user_id"), 140)
    if not phone and not user:
        return None
    new = ChannelAddress(ChannelName.WHATSAPP, user or "", sender.display_name, phone)
    return AddressChanged(tenant, sender, new)


def _edited(raw: dict[str, Any]) -> dict[str, Any]:
    message = raw["edit"]["message"]
    if not isinstance(message, dict):
        raise TypeError("an edit of nothing")
    return message


def _content(raw: dict[str, Any]) -> tuple[IncomingKind, str | None, dict[str, Any]]:
    """Tell the kind of a message, its words, and what else is worth knowing about it."""
    kind = raw["type"]
    if kind == "text":
        return IncomingKind.TEXT, raw["text"]["body"], {}
    if kind == "button":
        return IncomingKind.BUTTON, None, {"button": raw["button"].get("payload") or raw["button"]["text"]}
    if kind == "interactive":
        return _interactive(raw["interactive"])
    if kind in ("image", "document"):
        file = raw[kind]
        picture = kind == "image" or file.get("mime_type") in _PICTURES
        return IncomingKind.PHOTO if picture else IncomingKind.DOCUMENT, file.get("caption"), {}
    if kind == "audio":
        return IncomingKind.VOICE, None, {}
    if kind == "location":
        place = (raw["location"].get("name"), raw["location"].get("address"))
        return IncomingKind.LOCATION, ", ".join(part for part in place if part) or None, {}
    if kind == "contacts":
        # Anybody's card can be sent: it proves nothing, and a stranger's number is not ours to keep.
        return IncomingKind.CONTACT, None, {"own": False}
    return IncomingKind.UNSUPPORTED, _text(kind, 32), {}


def _interactive(reply: dict[str, Any]) -> tuple[IncomingKind, str | None, dict[str, Any]]:
    kind = reply["type"]
    if kind in ("button_reply", "list_reply"):
        return IncomingKind.BUTTON, None, {"button": reply[kind]["id"]}
    if kind == "nfm_reply":
        return _form(json.loads(reply["nfm_reply"]["response_json"]))
    return IncomingKind.UNSUPPORTED, _text(kind, 32), {}


def _form(answers: Any) -> tuple[IncomingKind, str | None, dict[str, Any]]:
    """A form that was filled in: its token, its plain answers, and the free words among them.

    Some phones leave Meta's own `flow_token` out (pywa notes it of iOS), so our forms bring it as well.
    """
    if not isinstance(answers, dict):
        raise TypeError("a form without fields")
    token = answers.get("flow_token") or answers.get("form_token")
    given: dict[str, Any] = {}
    for name, value in list(answers.items())[:_FORM_FIELDS]:
        if name.endswith("_token") or not isinstance(value, str | bool):
            continue
        given[name[:64]] = value[:_FORM_TEXT] if isinstance(value, str) else value
    words = [given[name].strip() for name in _WORDS if isinstance(given.get(name), str)]
    extra: dict[str, Any] = {"form": given, "button": token if isinstance(token, str) else None}
    return IncomingKind.FORM, "\n".join(word for word in words if word) or None, extra


def _referral(raw: dict[str, Any]) -> dict[str, Any]:
    """The advertisement or post that a citizen came from."""
    referral = raw.get("referral")
    if not isinstance(referral, dict):
        return {}
    kept = {name: str(referral[name])[:200] for name in _REFERRAL if referral.get(name)}
    return {"referral": kept} if kept else {}


def _media(raw: dict[str, Any]) -> tuple[IncomingMedia, ...]:
    kind = raw["type"]
    if kind == "interactive" and raw["interactive"].get("type") == "nfm_reply":
        return _form_photos(json.loads(raw["interactive"]["nfm_reply"]["response_json"]).get("photos"))
    if kind not in ("image", "document", "audio"):
        return ()
    file = raw[kind]
    given = _optional(file.get("mime_type"), 100)
    return (
        IncomingMedia(
            remote_id=_text(file["id"], 200),
            content_type=given.split(";")[0].strip() if given else None,
            file_name=_optional(file.get("filename"), 240),
        ),
    )


def _form_photos(photos: Any) -> tuple[IncomingMedia, ...]:
    """Files picked inside a form are kept by Meta as any others."""
    if not isinstance(photos, list):
        return ()
    return tuple(
        IncomingMedia(
            remote_id=_text(str(photo["id"]), 200),
            content_type=_optional(photo.get("mime_type"), 100),
            file_name=_optional(photo.get("file_name"), 240),
        )
        for photo in photos[:_FORM_PHOTOS]
        if isinstance(photo, dict) and photo.get("id")
    )


def _location(raw: dict[str, Any]) -> Location:
    latitude, longitude = float(raw["latitude"]), float(raw["longitude"])
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise LookupError("a place that is nowhere")
    return Location(latitude, longitude)


def _time(value: object) -> datetime:
    """Seconds since 1970, as text. A clock that runs ahead of ours is not believed."""
    now = datetime.now(UTC)
    return now if value is None else min(datetime.fromtimestamp(int(str(value)), UTC), now)


def _text(value: object, limit: int) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("not a text")
    return value[:limit]


def _optional(value: object, limit: int) -> str | None:
    return None if value in (None, "") else _text(value, limit)
