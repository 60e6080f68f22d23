"""Messages between a citizen and Lawang, before and after any channel's wire format."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class ChannelName(StrEnum):
    """The channels a citizen can write on. The terminal speaks the web chat's protocol."""

    WEBCHAT = "webchat"
    TELEGRAM = "telegram"
    WHATSAPP = "whatsapp"


class Direction(StrEnum):
    IN = "in"
    OUT = "out"


class MessageStatus(StrEnum):
    """Where a message is. Inbound: received → handled. Outbound: queued → sending → sent → delivered → read.

    `waiting` is for the citizen to write again, where the channel takes no free words until then.
    `failed` and `skipped` are final; the row's `reason` says why. A receipt only moves a status forward.
    `unknown`: the channel may have taken it and did not say so; never sent again by itself.
    """

    RECEIVED = "received"
    HANDLED = "handled"
    WAITING = "waiting"
    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    SKIPPED = "skipped"


class IncomingKind(StrEnum):
    """What a citizen sent. `unsupported` keeps the channel's own name of the kind in `text`.

    `form` is a form filled in on the channel itself; its answers are in `extra`, its free words in `text`.
    """

    TEXT = "text"
    BUTTON = "button"
    PHOTO = "photo"
    LOCATION = "location"
    CONTACT = "contact"
    DOCUMENT = "document"
    VOICE = "voice"
    COMMAND = "command"
    EDIT = "edit"
    FORM = "form"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Location:
    """A point, WGS84 degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class ChannelAddress:
    """Who a citizen is on one channel: `address` is its stable id, never a phone number by itself.

    `phone` is what the channel said beside it, digits only: an attribute that may be missing, change, and
    pass to somebody else. It is kept sealed.
    """

    channel: ChannelName
    address: str
    display_name: str | None = None
    phone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class IncomingMedia:
    """A file a citizen sent: `remote_id` is the channel's handle until we hold the bytes under `media_id`."""

    remote_id: str | None = None
    media_id: str | None = None
    content_type: str | None = None
    file_name: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """One message of a citizen, as a channel parsed it.

    `channel_message_id` is unique per channel and address: a second delivery carries the same one.
    `button` is the token of a pressed button or a filled form. `edit_of` names the message an edit amends.
    """

    tenant: str
    sender: ChannelAddress
    channel_message_id: str
    kind: IncomingKind
    sent_at: datetime
    text: str | None = None
    button: str | None = None
    location: Location | None = None
    media: tuple[IncomingMedia, ...] = ()
    edit_of: str | None = None
    reply_to: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Button:
    """A choice offered to the citizen. `payload` stays with us; channels carry `token` (64 bytes at most).

    With `form` it opens that form on the channel itself, where the channel has one.
    """

    title: str
    payload: str
    token: str = ""
    reusable: bool = False
    form: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file or link we send. `kind` is image, document, link or location."""

    kind: str
    url: str | None = None
    media_id: str | None = None
    content_type: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class FilledTemplate:
    """A sentence that the channel approved, with its values; `token` is what its button brings back."""

    name: str
    language: str
    values: tuple[str, ...]
    token: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedForm:
    """A form of the channel's own, ready to be opened: its id there, and what its first screen shows.

    Without `data` the channel asks us for the first screen.
    """

    form_id: str
    screen: str
    title: str
    token: str
    data: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One bubble, already in Indonesian. `ask_location` offers the channel's own location button."""

    text: str
    buttons: tuple[Button, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    ask_location: bool = False
    silent: bool = False
    # Sent in place of the rest, where the channel takes nothing else.
    template: FilledTemplate | None = None
    # Beside the words, in place of the buttons.
    form: OpenedForm | None = None


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """An outgoing message on its way to one address. `id` is our row, `calls` were made before."""

    id: int
    conversation_id: str
    recipient: ChannelAddress
    message: OutgoingMessage
    calls: int = 0

    @property
    def track(self) -> str:
        """What a channel that can brings back in every receipt: our row, and which call it was."""
        return f"{self.id}/{self.calls + 1}"


class Remedy(StrEnum):
    """What helps after a failure that a channel reports later, in a receipt."""

    SLOW_DOWN = "slow_down"
    LATER = "later"
    WINDOW = "window"
    STOP = "stop"
    OPT_OUT = "opt_out"
    PAYLOAD = "payload"
    TEMPLATE = "template"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class DeliveryReceipt:
    """The channel's word on a message we sent. A failure names its `remedy`."""

    channel: ChannelName
    channel_message_id: str
    status: MessageStatus
    occurred_at: datetime
    reason: str | None = None
    remedy: Remedy | None = None
    # What we gave the channel with the message, come back: it names our row before the channel's id is known.
    track: str | None = None


@dataclass(frozen=True, slots=True)
class AddressChanged:
    """The channel says that a citizen is to be found elsewhere now: a new number, a new id."""

    tenant: str
    old: ChannelAddress
    new: ChannelAddress
