"""What every channel can do, and what can go wrong while sending.

ChannelError
├── ChannelThrottled     wait `retry_after` seconds, this citizen only
├── ChannelUnreachable   network, timeout, 5xx: try again with back-off
├── CitizenUnreachable   blocked us, left, unknown: stop sending to this address
└── MessageRefused       the channel will never take this message: give up and count
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.vocabulary.messages import (
    ChannelName,
    DeliveryReceipt,
    IncomingMedia,
    IncomingMessage,
    QueuedMessage,
)


class ChannelError(Exception):
    """Root of the tree."""


class ChannelThrottled(ChannelError):
    """The channel asks for patience. `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"throttled for {retry_after:g} s")
        self.retry_after = retry_after


class ChannelUnreachable(ChannelError):
    """No answer, or an answer that says 'later'."""


class CitizenUnreachable(ChannelError):
    """The citizen blocked us or left."""


class MessageRefused(ChannelError):
    """The channel refused this message for good."""


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """What fits into one message. `text_units` counts UTF-16 code units, as Telegram and WhatsApp do."""

    text_units: int
    caption_units: int
    buttons: int
    button_title: int
    per_second: float
    per_citizen_second: float


@dataclass(frozen=True, slots=True)
class Sent:
    """The channel took the message under this id."""

    channel_message_id: str


class Channel(Protocol):
    """The citizen's side. Implementations translate and nothing else: no storage, no dialogue."""

    name: ChannelName
    limits: ChannelLimits

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Say whether a webhook call really comes from the channel (constant-time)."""
        ...

    def parse(self, payload: object) -> list[IncomingMessage | DeliveryReceipt]:
        """Translate one webhook body or update. Raises ValueError for what cannot be one."""
        ...

    async def send(self, queued: QueuedMessage) -> Sent:
        """Deliver one message that already fits `limits`. Raises ChannelError."""
        ...

    async def acknowledge(self, message: IncomingMessage, duplicate: bool) -> None:
        """Tell the channel that a press has arrived; failures are nobody's business."""
        ...

    async def leave_group(self, update: object) -> None:
        """If a call comes from a group, say politely where to write instead, and leave."""
        ...

    async def typing(self, address: str) -> None:
        """Show that an answer is coming; failures are nobody's business."""
        ...

    async def download(self, media: IncomingMedia) -> tuple[bytes, str]:
        """Fetch a citizen's file: bytes and content type. Raises ChannelError."""
        ...
