"""A channel for tests: keeps what it delivered, and refuses or delays as the test says."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from bot.channels.base import ChannelLimits, Sent
from bot.vocabulary.messages import (
    AddressChanged,
    ChannelAddress,
    ChannelName,
    DeliveryReceipt,
    IncomingKind,
    IncomingMedia,
    IncomingMessage,
    MessageStatus,
    QueuedMessage,
)


class Postman:
    """A messenger in memory. `trouble` names, per address, the errors that its next deliveries meet."""

    name = ChannelName.TELEGRAM
    limits = ChannelLimits(
        text_units=4096,
        caption_units=1024,
        buttons=10,
        button_title=20,
        per_second=10_000,
        per_citizen_second=0,
    )

    def __init__(self) -> None:
        self.delivered: list[tuple[str, str]] = []
        self.tried: list[tuple[str, str]] = []
        # When the message with this last word was delivered, by the clock of the process.
        self.arrived: dict[str, float] = {}
        self.trouble: dict[str, Iterator[Exception | None]] = {}
        self.before: Callable[[QueuedMessage], object] = lambda queued: None
        self.delay = 0.0
        self.courtesies: list[str] = []

    async def send(self, queued: QueuedMessage) -> Sent:
        """Deliver, unless there is trouble with this address."""
        address = queued.recipient.address
        self.tried.append((address, queued.message.text))
        self.before(queued)
        if self.delay:
            await asyncio.sleep(self.delay)
        error = next(self.trouble.get(address, iter(())), None)
        if error is not None:
            raise error
        self.delivered.append((address, queued.message.text))
        self.arrived[queued.message.text.rpartition(" ")[2]] = time.perf_counter()
        return Sent(f"tg-{queued.id}")

    def to(self, address: str) -> list[str]:
        """What one address was given, in order."""
        return [text for recipient, text in self.delivered if recipient == address]

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        """The secret is a word."""
        return headers.get("X-Postman") == "rahasia"

    def parse(self, payload: object) -> list[IncomingMessage | DeliveryReceipt | AddressChanged]:
        """A list of {"from","id","text"} and {"receipt","status"}."""
        if payload == "bug":
            raise RuntimeError("a bug of the channel")
        if not isinstance(payload, list):
            raise ValueError("not a list")
        return [_item(item) for item in payload]

    async def acknowledge(self, message: IncomingMessage, duplicate: bool) -> None:
        """Note that a press was acknowledged."""
        self.courtesies.append("again" if duplicate else "pressed")

    async def leave_group(self, update: object) -> None:
        """There are no groups here."""

    async def typing(self, address: str, message_id: str | None = None) -> None:
        """Note that a sign was shown."""
        self.courtesies.append(f"typing {address}")

    async def download(self, media: IncomingMedia) -> tuple[bytes, str]:
        """There is nothing to fetch."""
        raise NotImplementedError


def _item(item: dict[str, str]) -> IncomingMessage | DeliveryReceipt:
    now = datetime.now(UTC)
    if "receipt" in item:
        return DeliveryReceipt(
            ChannelName.TELEGRAM, item["receipt"], MessageStatus(item["status"]), now, item.get("reason")
        )
    return IncomingMessage(
        tenant="kota_mojokerto",
        sender=ChannelAddress(ChannelName.TELEGRAM, item["from"], "Warga"),
        channel_message_id=item["id"],
        kind=IncomingKind.BUTTON if "button" in item else IncomingKind.TEXT,
        sent_at=now,
        text=item.get("text"),
        button=item.get("button"),
    )


def letter(*items: dict[str, str]) -> bytes:
    """A webhook body of this channel."""
    return json.dumps(items).encode()
