"""The WhatsApp channel: verifies, parses, sends, fetches files. Holds nothing worth keeping."""

import contextlib
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Self
from urllib.parse import quote

from bot import texts
from bot.channels import files
from bot.channels.base import ChannelError, ChannelLimits, MessageRefused, Sent
from bot.channels.fit import fit
from bot.channels.whatsapp import flows, payloads, webhooks
from bot.channels.whatsapp.flows import Flows
from bot.channels.whatsapp.graph import Graph
from bot.channels.whatsapp.payloads import Payload, Upload
from bot.channels.whatsapp.templates import Templates, load
from bot.settings import Settings
from bot.vocabulary.messages import (
    AddressChanged,
    Attachment,
    ChannelName,
    DeliveryReceipt,
    IncomingMedia,
    IncomingMessage,
    OutgoingMessage,
    QueuedMessage,
)

SIGNATURE_HEADER = "x-hub-signature-256"
MAX_IMAGE_BYTES = 5_000_000
"""What an image message takes, JPEG or PNG (Cloud API, supported media types); larger is a document."""
_IMAGES = ("image/jpeg", "image/png")
# What Meta takes as a document; anything else is called plain text and keeps its name.
_DOCUMENTS = ("application/pdf", "image/jpeg", "image/png", "image/webp", "text/plain")
_REMEMBERED = 1_000
BURST = 4
"""What may go out at once after a quiet second."""
WORD_SECONDS = 20.0
"""So long we wait for a status of a message that may have been taken. Ours: Meta names no time; `sent` comes
within a second or two of the call."""


class WhatsAppChannel:
    """One business number. `phrase` gives the few sentences of WhatsApp's own (texts/id/whatsapp.yml)."""

    name = ChannelName.WHATSAPP
    # `per_second` is WHATSAPP_PER_SECOND, which leaves part of Meta's 80 to what comes in. One person takes a
    # message every six seconds, and some 45 at once (131056).
    limits = ChannelLimits(
        text_units=4096,
        caption_units=1024,
        buttons=payloads.MAX_ROWS,
        button_title=payloads.ROW_DESCRIPTION,
        per_second=64,
        per_citizen_second=1 / 6,
        burst=BURST,
        per_citizen_burst=40,
        choice_units=payloads.BODY,
        billed=True,
        word_seconds=WORD_SECONDS,
    )

    def __init__(
        self,
        graph: Graph,
        tenant: str,
        number_id: str,
        app_secret: str,
        verify_token: str,
        *,
        phrase: Callable[[str], str],
        media: files.Files | None = None,
        templates: Templates | None = None,
        forms: Flows | None = None,
    ) -> None:
        self.templates = templates or Templates()
        self.forms = forms or Flows()
        self._graph = graph
        self._tenant = tenant
        self._number_id = number_id
        self._app_secret = app_secret.encode()
        self._verify_token = verify_token.encode()
        self._phrase = phrase
        self._files = media
        # Files of ours that Meta holds already: a picture sent to many is given to it once.
        self._uploads: dict[str, Upload] = {}
        self._dialled: str | None = None

    @classmethod
    def from_settings(cls, settings: Settings, media: files.Files) -> Self:
        """Build the channel that the settings describe.

        Raises:
            ValueError: WhatsApp is not set up.
        """
        given = settings.whatsapp
        if given is None:
            raise ValueError("WHATSAPP_TOKEN is not set")
        sentences = texts.load(settings.root)
        channel = cls(
            Graph(given.api_url, given.number_id, given.token),
            settings.tenant,
            given.number_id,
            given.app_secret,
            given.verify_token,
            phrase=lambda key: sentences.render(key, settings.tenant),
            media=media,
            templates=load(settings.root),
            forms=flows.load(settings.root),
        )
        channel.limits = replace(cls.limits, per_second=given.per_second)
        return channel

    async def close(self) -> None:
        """Give the connections back."""
        await self._graph.close()

    # What comes in

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """The answer to Meta's question whether this address is ours; None to anybody else's."""
        given = query.get("hub.verify_token", "").encode("utf-8", "replace")
        ours = hmac.compare_digest(given, self._verify_token)
        return query.get("hub.challenge") if ours and query.get("hub.mode") == "subscribe" else None

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Compare the signature over the bytes as they came: JSON written again has another."""
        given = next((value for name, value in headers.items() if name.lower() == SIGNATURE_HEADER), "")
        wanted = "sha256=" + hmac.new(self._app_secret, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())

    def parse(self, payload: object) -> list[IncomingMessage | DeliveryReceipt | AddressChanged]:
        """Read every message and status of one body. Raises ValueError."""
        return [*webhooks.read(payload, self._tenant, self._number_id)]

    async def acknowledge(self, message: IncomingMessage, duplicate: bool = False) -> None:
        """A press needs no sign of its own here: it is read, and the answer is on its way."""
        if not duplicate:
            await self.typing(message.sender.address, message.channel_message_id)

    async def leave_group(self, update: object) -> None:
        """A business number is in no group that it did not open itself."""

    async def typing(self, address: str, message_id: str | None = None) -> None:
        """Set the blue ticks, and the sign that an answer comes; failures are nobody's business."""
        if message_id:
            with contextlib.suppress(ChannelError):
                await self._graph.mark_read(message_id, typing=True)

    async def download(self, media: IncomingMedia) -> tuple[bytes, str]:
        """Fetch a citizen's file: bytes, and what they really are.

        Raises:
            MessageRefused: too large, gone, or not what was promised.
            ChannelError: as in `graph`.
        """
        if not media.remote_id:
            raise MessageRefused("no such file")
        data, said = await self._graph.fetch(media.remote_id)
        return data, files.content_type(data, said or media.content_type)

    # What goes out

    async def send(self, queued: QueuedMessage) -> Sent:
        """Deliver one message; the id of its last part stands for all. Raises ChannelError.

        An earlier part's receipts name our row with the part's number: it cannot arrive for the others, only
        fail for them.
        """
        if not (queued.recipient.phone or queued.recipient.address):
            raise MessageRefused("no WhatsApp address")
        parts: list[Payload] = []
        bubbles = [queued.message] if queued.message.template else fit(queued.message, self.limits)
        for part in bubbles:
            parts += await self._payloads(part)
        if not parts:
            raise MessageRefused("nothing to send")
        message_id = ""
        for number, payload in enumerate(parts, 1):
            track = queued.track if number == len(parts) else f"{queued.track}.{number}"
            message_id = await self._graph.send(payloads.addressed(payload, queued.recipient, track))
        return Sent(message_id)

    async def invitation(self, payload: str, words: str) -> str:
        """The address that opens a talk with this number, `words` written already. Raises ChannelError."""
        if self._dialled is None:
            self._dialled = await self._graph.number()
        return f"https://wa.me/{self._dialled}?text={quote(words)}"

    async def _payloads(self, part: OutgoingMessage) -> list[Payload]:
        attachment = part.attachments[0] if part.attachments else None
        if part.template or attachment is None or attachment.kind == "location":
            return payloads.build(part, self._phrase)
        if attachment.media_id:
            return payloads.build(part, self._phrase, file=await self._upload(attachment))
        return payloads.build(part, self._phrase, link=attachment.url or "")

    async def _upload(self, attachment: Attachment) -> Upload:
        key = f"{attachment.media_id}/{attachment.title}"
        if key in self._uploads:
            return self._uploads[key]
        data, size, content_type, name = await files.load(attachment, self._files)
        if isinstance(data, str):
            raise MessageRefused("an attachment without bytes")
        as_image = attachment.kind == "image" and content_type in _IMAGES and size <= MAX_IMAGE_BYTES
        given = content_type if content_type in _DOCUMENTS else "text/plain"
        media_id = await self._graph.upload(data, given, name or "berkas")
        upload = Upload("image" if as_image else "document", media_id, None if as_image else name)
        if len(self._uploads) >= _REMEMBERED:
            self._uploads.clear()
        self._uploads[key] = upload
        return upload
