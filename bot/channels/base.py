"""What every channel can do, and what can go wrong while sending: one class per remedy.

ChannelError
├── ChannelThrottled     wait `retry_after` seconds: this citizen only, or `everyone`
├── ChannelUnreachable   network, 5xx, surely not taken: try again with back-off
│   └── AccountTroubled  token, permission, payment, restriction: keep everything, alarm the operator
├── OutcomeUnknown       it may have been taken: wait for a receipt, never send again by yourself
├── CitizenUnreachable   blocked us, left, unknown: stop sending to this address
│   └── CitizenOptedOut  wants no more notices: also end what they subscribed to
├── WindowClosed         only an approved template may begin a talk now: use one, or wait for the citizen
└── MessageRefused       the channel will never take this message: give up and count
    └── TemplateRefused  the template is missing, paused or wrong: stop using it, alarm the operator
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.vocabulary.messages import (
    AddressChanged,
    ChannelName,
    DeliveryReceipt,
    IncomingMedia,
    IncomingMessage,
    QueuedMessage,
)


class ChannelError(Exception):
    """Root of the tree. `code` is the channel's own, for the row and the counter; never shown to citizens."""

    def __init__(self, message: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class ChannelThrottled(ChannelError):
    """The channel asks for patience: `retry_after` seconds, for this citizen or for `everyone` on it."""

    def __init__(self, retry_after: float, everyone: bool = False, code: str | None = None) -> None:
        super().__init__(f"throttled for {retry_after:g} s", code)
        self.retry_after = retry_after
        self.everyone = everyone


class ChannelUnreachable(ChannelError):
    """No answer, or an answer that says 'later'."""


class AccountTroubled(ChannelUnreachable):
    """Nothing can be sent until the operator mends our account; what waits keeps waiting."""


class OutcomeUnknown(ChannelError):
    """The request went out and no answer came back: the citizen may have it."""


class CitizenUnreachable(ChannelError):
    """The citizen blocked us, left or is unknown."""


class CitizenOptedOut(CitizenUnreachable):
    """The citizen told the channel that they want no more notices, now or later."""


class WindowClosed(ChannelError):
    """Too long since the citizen last wrote: free words are not taken, an approved template is."""


class MessageRefused(ChannelError):
    """The channel refused this message for good."""


class TemplateRefused(MessageRefused):
    """The channel does not take this template, now or as it was filled."""


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """What fits into one message, and how fast messages may follow each other.

    `text_units` counts UTF-16 code units, as Telegram and WhatsApp do. The rates are per second, 0 for none:
    `per_second` is the most that may arrive in any second. `burst` may go to everybody, `per_citizen_burst`
    to one citizen at once after a quiet time.
    """

    text_units: int
    caption_units: int
    buttons: int
    button_title: int
    per_second: float
    per_citizen_second: float
    burst: int = 1
    per_citizen_burst: int = 1
    # The text under which buttons may stand, where that is less than any text; 0 when it is not.
    choice_units: int = 0
    # Each message costs: what is said at once is said in one.
    billed: bool = False
    # So long a receipt that names our own number may take: until then it says whether a call whose answer we
    # never read was taken. 0: this channel cannot be asked.
    word_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """The channel took the message under this id. `moved_to`: the citizen has this address from now on."""

    channel_message_id: str
    moved_to: str | None = None


class Channel(Protocol):
    """The citizen's side. Implementations translate and nothing else: no storage, no dialogue."""

    name: ChannelName
    limits: ChannelLimits

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Say whether a webhook call really comes from the channel (constant-time)."""
        ...

    def parse(self, payload: object) -> list[IncomingMessage | DeliveryReceipt | AddressChanged]:
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

    async def typing(self, address: str, message_id: str | None = None) -> None:
        """Show that an answer is coming, to the message with this id; failures are nobody's business."""
        ...

    async def download(self, media: IncomingMedia) -> tuple[bytes, str]:
        """Fetch a citizen's file: bytes and content type. Raises ChannelError."""
        ...
