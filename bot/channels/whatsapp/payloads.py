"""From a bubble to what the Cloud API takes: text, buttons, lists, a location request, files, templates.

Limits: developers.facebook.com/docs/whatsapp/cloud-api/messages (interactive messages, 2026). Some
guides give a list's body more; Meta's own OpenAPI says 1,024.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.channels.base import MessageRefused
from bot.channels.fit import shorten, shorten_titles, units
from bot.vocabulary.messages import Button, ChannelAddress, FilledTemplate, OpenedForm, OutgoingMessage

Payload = dict[str, Any]

MAX_BUTTONS = 3
BUTTON_TITLE = 20
MAX_ROWS = 10
ROW_TITLE = 24
ROW_DESCRIPTION = 72
ROW_ID = 200
BODY = 1024
FORM_TITLE = 20
FORM_MESSAGE = "3"
"""flow_message_version, the only one there is (Flows reference, 2026)."""
_GEO = re.compile(r"geo:(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of ours that Meta holds. `kind` is image or document."""

    kind: str
    media_id: str
    name: str | None = None


def build(
    message: OutgoingMessage, phrase: Callable[[str], str], file: Upload | None = None, link: str = ""
) -> list[Payload]:
    """The parts of one bubble that already fits, without their recipient; nearly always a single one.

    `file` is the uploaded attachment, `link` the address of one that Meta shall fetch.

    Raises:
        MessageRefused: there is nothing to say, or a button that cannot be carried.
    """
    if message.template:
        return [_template(message.template)]
    if any(not 1 <= len(button.token.encode()) <= ROW_ID for button in message.buttons):
        raise MessageRefused("a button without a usable token")
    place = _place(message)
    if place:
        return [place, *_words(message, phrase)]
    if file is None and not link:
        return _words(message, phrase) or _refuse()
    kind = file.kind if file else message.attachments[0].kind
    body: Payload = {"id": file.media_id} if file else {"link": link}
    if kind == "document" and (name := (file.name if file else message.attachments[0].title)):
        body["filename"] = name[:240]
    if message.text and _as_buttons(message.buttons) and not message.ask_location:
        # The picture, its words and the choice in one message: on WhatsApp each one costs.
        interactive = _buttons(message.text, message.buttons)
        return [_interactive({"header": {"type": kind, kind: body}, **interactive})]
    if message.buttons or message.ask_location:
        return [{"type": kind, kind: body}, *_words(message, phrase)]
    return [{"type": kind, kind: body | ({"caption": message.text} if message.text else {})}]


def addressed(payload: Payload, recipient: ChannelAddress, track: str) -> Payload:
    """The payload for one citizen: to their number where we know it, else to their id (no number given).

    `track` comes back in every status of the message: a lost answer is found again by it.
    """
    whom = {"to": recipient.phone} if recipient.phone else {"recipient": recipient.address}
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **whom,
        "biz_opaque_callback_data": track,
        **payload,
    }


def _template(filled: FilledTemplate) -> Payload:
    values = [{"type": "text", "text": value} for value in filled.values]
    components: list[Payload] = [{"type": "body", "parameters": values}] if values else []
    if filled.token:
        components.append(
            {
                "type": "button",
                "sub_type": "quick_reply",
                "index": "0",
                "parameters": [{"type": "payload", "payload": filled.token}],
            }
        )
    template = {"name": filled.name, "language": {"code": filled.language}, "components": components}
    return {"type": "template", "template": template}


def _refuse() -> list[Payload]:
    raise MessageRefused("nothing to send")


def _words(message: OutgoingMessage, phrase: Callable[[str], str]) -> list[Payload]:
    """The text with its choice. WhatsApp wants words above buttons: a bare choice says what it is."""
    text, buttons = message.text, message.buttons
    typed = [button for button in buttons if not button.form]
    if typed and (message.form or message.ask_location):
        # Neither a form nor a location request has room for buttons; a typed title counts as pressed.
        titles = ", ".join(f"*{button.title}*" for button in typed)
        text = f"{text}\n\n{phrase('whatsapp.or_type')} {titles}".strip()
    if message.form:
        body = shorten(text or phrase("whatsapp.choose"), BODY)
        return [_interactive({"type": "flow", "body": {"text": body}, "action": _form(message.form)})]
    if message.ask_location:
        body = shorten(text or phrase("whatsapp.choose"), BODY)
        return [
            _interactive(
                {
                    "type": "location_request_message",
                    "body": {"text": body},
                    "action": {"name": "send_location"},
                }
            )
        ]
    if buttons:
        text = text or phrase("whatsapp.choose")
        if _as_buttons(buttons):
            return [_interactive(_buttons(text, buttons))]
        return [_interactive(_list(text, buttons, phrase("whatsapp.open_list")))]
    if not text:
        return []
    return [{"type": "text", "text": {"body": text, "preview_url": False}}]


def _form(form: OpenedForm) -> Payload:
    """Opened with what its first screen shows, or by asking us for it."""
    parameters: Payload = {
        "mode": "published",
        "flow_message_version": FORM_MESSAGE,
        "flow_token": form.token,
        "flow_id": form.form_id,
        "flow_cta": shorten(form.title, FORM_TITLE),
        "flow_action": "data_exchange" if form.data is None else "navigate",
    }
    if form.data is not None:
        parameters["flow_action_payload"] = {"screen": form.screen, "data": form.data}
    return {"name": "flow", "parameters": parameters}


def _as_buttons(buttons: Sequence[Button]) -> bool:
    return 1 <= len(buttons) <= MAX_BUTTONS and all(units(item.title) <= BUTTON_TITLE for item in buttons)


def _interactive(interactive: Payload) -> Payload:
    return {"type": "interactive", "interactive": interactive}


def _buttons(text: str, buttons: Sequence[Button]) -> Payload:
    replies = [
        {"type": "reply", "reply": {"id": button.token, "title": title}}
        for button, title in zip(
            buttons, _unlike([item.title for item in buttons], BUTTON_TITLE), strict=True
        )
    ]
    return {"type": "button", "body": {"text": text}, "action": {"buttons": replies}}


def _list(text: str, buttons: Sequence[Button], opener: str) -> Payload:
    """A list of up to ten rows; a title that is cut stands whole in the line below it."""
    if len(buttons) > MAX_ROWS:
        raise MessageRefused("more than ten rows")
    rows = []
    for button, short in zip(buttons, shorten_titles(buttons, ROW_TITLE), strict=True):
        row = {"id": button.token, "title": short.title}
        if short.title != button.title:
            row["description"] = shorten(button.title, ROW_DESCRIPTION)
        rows.append(row)
    action = {"button": shorten(opener, BUTTON_TITLE), "sections": [{"rows": rows}]}
    return {"type": "list", "body": {"text": text}, "action": action}


def _unlike(titles: list[str], limit: int) -> list[str]:
    """WhatsApp refuses two buttons with the same title."""
    return [
        title if titles.count(title) == 1 else f"{shorten(title, limit - 2)} {number}"
        for number, title in enumerate(titles, 1)
    ]


def _place(message: OutgoingMessage) -> Payload | None:
    attachment = message.attachments[0] if message.attachments else None
    found = _GEO.match(attachment.url or "") if attachment and attachment.kind == "location" else None
    if not found or attachment is None:
        return None
    location: Payload = {"latitude": float(found[1]), "longitude": float(found[2])}
    if attachment.title:
        location["name"] = attachment.title
    return {"type": "location", "location": location}
