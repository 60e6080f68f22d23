"""The Telegram channel: verifies, parses, sends, fetches files. Holds nothing worth keeping."""

import asyncio
import contextlib
import hmac
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Self

import telegram
from telegram.constants import ChatAction
from telegram.error import ChatMigrated, TelegramError

from bot import texts
from bot.channels import emphasis, files
from bot.channels.base import (
    ChannelError,
    ChannelLimits,
    ChannelThrottled,
    MessageRefused,
    OutcomeUnknown,
    Sent,
)
from bot.channels.fit import fit
from bot.channels.telegram import keyboards, updates
from bot.channels.telegram.wire import (
    CallLog,
    PollWire,
    TokenRejected,
    Wire,
    failures_translated,
    hush_loggers,
    last_answer,
    raw_updates,
)
from bot.settings import Settings
from bot.vocabulary.messages import (
    AddressChanged,
    ChannelName,
    DeliveryReceipt,
    IncomingMedia,
    IncomingMessage,
    OutgoingMessage,
    QueuedMessage,
)

log = logging.getLogger(__name__)

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - the name of a header
WEBHOOK_PATH = "/channels/telegram"
COMMANDS = ("lapor", "antre", "status", "syarat", "petugas", "hubungkan", "privasi", "batal", "bantuan")
MENUS = ("en", "jv")
"""Languages of phones for which the menu is written too; answers stay Indonesian unless asked otherwise."""
MAX_DOWNLOAD_BYTES = 20_000_000
"""What getFile gives (core.telegram.org/bots/api#getfile: "up to 20MB in size")."""
MAX_PHOTO_BYTES = 10_000_000
"""What sendPhoto takes (core.telegram.org/bots/api#sendphoto: "at most 10 MB in size")."""
_REMEMBERED = 10_000
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_GEO = re.compile(r"geo:(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)")


class TelegramChannel:
    """One bot. `phrase` gives the few sentences that are Telegram's own (data/texts/id/telegram.yml)."""

    name = ChannelName.TELEGRAM
    # 30 messages a second to all, one a second to each: core.telegram.org/bots/faq.
    limits = ChannelLimits(
        text_units=4096,
        caption_units=1024,
        buttons=100,
        button_title=64,
        per_second=30,
        per_citizen_second=1,
        per_citizen_burst=3,
    )

    def __init__(
        self,
        token: str,
        tenant: str,
        *,
        phrase: Callable[[str], str],
        media: files.Files | None = None,
        api_url: str = "https://api.telegram.org",
        webhook_secret: str | None = None,
        on_call: CallLog | None = None,
        read_timeout: float = 20.0,
    ) -> None:
        hush_loggers()
        self._token = token
        self._tenant = tenant
        self._phrase = phrase
        self._files = media
        self._webhook_secret = webhook_secret
        timeouts = {"read_timeout": read_timeout, "connect_timeout": 5.0, "pool_timeout": 5.0}
        self._calls = Wire(on_call, connection_pool_size=64, media_write_timeout=60.0, **timeouts)
        self._polls = PollWire(on_call, connection_pool_size=2, **{**timeouts, "read_timeout": 5.0})
        self._bot = telegram.Bot(
            token,
            base_url=f"{api_url}/bot",
            base_file_url=f"{api_url}/file/bot",
            request=self._calls,
            get_updates_request=self._polls,
        )
        self._left_groups: set[int] = set()
        self._open_keyboards: set[int] = set()
        self._username: str | None = None

    @classmethod
    def from_settings(cls, settings: Settings, media: files.Files, on_call: CallLog | None = None) -> Self:
        """Build the channel that the settings describe.

        Raises:
            ValueError: no token, or a webhook secret that Telegram would refuse.
        """
        if not settings.telegram_token:
            raise ValueError("TELEGRAM_BOT_TOKEN is not set")
        secret = settings.telegram_webhook_secret
        if secret and not _SECRET.fullmatch(secret):
            raise ValueError("TELEGRAM_WEBHOOK_SECRET may hold letters, digits, - and _ only, 256 at most")
        sentences = texts.load(settings.root)
        return cls(
            settings.telegram_token,
            settings.tenant,
            phrase=lambda key: sentences.render(key, settings.tenant),
            media=media,
            api_url=settings.telegram_api_url,
            webhook_secret=secret,
            on_call=on_call,
        )

    async def open(self) -> None:
        """Make the clients ready. Asks Telegram nothing: a city without network still starts."""
        await asyncio.gather(self._calls.initialize(), self._polls.initialize())

    async def close(self) -> None:
        """Give the connections back."""
        await asyncio.gather(self._calls.shutdown(), self._polls.shutdown())

    # What comes in

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Compare the secret that only Telegram and we know. Without a secret nothing is believed."""
        given = next((value for name, value in headers.items() if name.lower() == SECRET_HEADER), "")
        if not self._webhook_secret:
            return False
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._webhook_secret.encode())

    def parse(self, payload: object) -> list[IncomingMessage | DeliveryReceipt | AddressChanged]:
        """Read one update; an update that needs no answer gives nothing. Raises ValueError."""
        return [*updates.read(payload, self._tenant)]

    async def acknowledge(self, message: IncomingMessage, duplicate: bool = False) -> None:
        """Stop a pressed button's spinner, with "Sudah diproses" if `duplicate`. Never fails.

        Telegram wants this within seconds: after the message is stored, not after it is answered.
        """
        if callback_id := message.extra.get("callback_id"):
            with contextlib.suppress(TelegramError):
                text = self._phrase("telegram.already_done") if duplicate else None
                await self._bot.answer_callback_query(callback_id, text)

    async def leave_group(self, update: object) -> None:
        """If an update comes from a group, say there where to write instead, and leave; once per group."""
        group = updates.group_of(update)
        if group is None or group in self._left_groups:
            return
        if len(self._left_groups) >= _REMEMBERED:
            self._left_groups.clear()
        self._left_groups.add(group)
        with contextlib.suppress(TelegramError):
            await self._bot.send_message(group, self._phrase("telegram.group_farewell"))
        with contextlib.suppress(TelegramError):
            await self._bot.leave_chat(group)

    async def download(self, media: IncomingMedia) -> tuple[bytes, str]:
        """Fetch a citizen's file.

        Raises:
            MessageRefused: larger than Telegram gives, or gone.
            ChannelError: as in `wire`.
        """
        if not media.remote_id or (media.size or 0) > MAX_DOWNLOAD_BYTES:
            raise MessageRefused("no such file, or larger than 20 MB")
        with failures_translated(self._token):
            file = await self._bot.get_file(media.remote_id)
        if (file.file_size or 0) > MAX_DOWNLOAD_BYTES:
            raise MessageRefused("larger than 20 MB")
        try:
            with failures_translated(self._token):
                data = bytes(await file.download_as_bytearray())
        except TokenRejected:  # the library's reading of any 404: the token was good a moment ago
            raise MessageRefused("the file is gone") from None
        if len(data) > MAX_DOWNLOAD_BYTES:
            raise MessageRefused("larger than 20 MB")
        return data, files.content_type(data, media.content_type)

    # What goes out

    async def send(self, queued: QueuedMessage) -> Sent:
        """Deliver one message; the id of its last bubble stands for all. Raises ChannelError.

        Bold words go out as entities, never as markup: nobody can write a message that Telegram cannot read.
        """
        parts = fit(queued.message, self.limits)
        if not parts or not queued.recipient.address.lstrip("-").isdigit():
            raise MessageRefused("nothing to send" if not parts else "no Telegram address")
        chat = int(queued.recipient.address)
        message_id = 0
        for part in parts:
            try:
                chat, message_id = await self._send_wherever(chat, part)
            except MessageRefused:
                if not (part.attachments and part.attachments[0].url and not part.attachments[0].media_id):
                    raise
                # Telegram fetches addresses from its own place and may not reach ours: the link still serves.
                chat, message_id = await self._send_wherever(chat, _with_link(part))
        moved = str(chat) if str(chat) != queued.recipient.address else None
        return Sent(f"{chat}:{message_id}", moved)

    async def typing(self, address: str, message_id: str | None = None) -> None:
        """Show that an answer is coming, for five seconds at most; failures are nobody's business."""
        with contextlib.suppress(TelegramError, ValueError):
            await self._bot.send_chat_action(int(address), ChatAction.TYPING)

    async def _send_wherever(self, chat: int, part: OutgoingMessage) -> tuple[int, int]:
        """Send to a chat, or to the one it became; return it and the message's id. Raises ChannelError."""
        with failures_translated(self._token):
            try:
                return chat, await self._send_part(chat, part)
            except ChatMigrated as moved:
                return moved.new_chat_id, await self._send_part(moved.new_chat_id, part)

    async def _send_part(self, chat: int, part: OutgoingMessage) -> int:
        label = self._phrase("telegram.send_location") if part.ask_location else ""
        markup: keyboards.Keyboard | None = keyboards.build(part.buttons, label)
        if part.ask_location:
            if len(self._open_keyboards) >= _REMEMBERED:
                self._open_keyboards.clear()
            self._open_keyboards.add(chat)
        elif markup is None and chat in self._open_keyboards:
            self._open_keyboards.discard(chat)
            markup = telegram.ReplyKeyboardRemove()
        options: dict[str, Any] = {"reply_markup": markup, "disable_notification": part.silent or None}
        if part.attachments:
            return await self._send_file(chat, part, options)
        if "://" in part.text:
            options["link_preview_options"] = telegram.LinkPreviewOptions(is_disabled=True)
        text, bold = _emphasised(part.text)
        return await _message_id(self._bot.send_message(chat, text, entities=bold, **options))

    async def _send_file(self, chat: int, part: OutgoingMessage, options: dict[str, Any]) -> int:
        attachment = part.attachments[0]
        text, bold = _emphasised(part.text)
        options |= {"caption": text or None, "caption_entities": bold}
        if place := _GEO.match(attachment.url or ""):
            latitude, longitude = float(place[1]), float(place[2])
            del options["caption"], options["caption_entities"]
            return await _message_id(self._bot.send_location(chat, latitude, longitude, **options))
        source, size, content_type, name = await files.load(attachment, self._files)
        if attachment.kind == "image" and size <= MAX_PHOTO_BYTES and content_type != "image/gif":
            return await _message_id(self._bot.send_photo(chat, source, filename=name, **options))
        return await _message_id(self._bot.send_document(chat, source, filename=name, **options))

    async def invitation(self, payload: str, words: str) -> str:
        """The address that opens a talk with this bot and says `/start payload`. Raises ChannelError.

        The payload is at most 64 of A-Z a-z 0-9 _ - (core.telegram.org/bots/features#deep-linking).
        """
        if self._username is None:
            with failures_translated(self._token):
                self._username = (await self._bot.get_me()).username
        return f"https://t.me/{self._username}?start={payload}"

    # How updates reach us

    async def fetch_updates(self, offset: int | None, seconds: int) -> list[dict[str, Any]]:
        """Wait up to `seconds` for raw updates; `offset` confirms those below it. Raises ChannelError."""
        with failures_translated(self._token):
            await self._bot.get_updates(
                offset=offset, timeout=seconds, limit=100, allowed_updates=list(updates.ALLOWED_UPDATES)
            )
        return raw_updates()

    async def drop_webhook(self) -> None:
        """Switch to polling; updates that wait are kept. Raises ChannelError."""
        with failures_translated(self._token):
            await self._bot.delete_webhook(drop_pending_updates=False)

    async def register_webhook(self, settings: Settings) -> bool:
        """Tell Telegram where to deliver; waits out a 429. False, with a word in the log, if it will not.

        Updates that wait are kept and delivered.
        """
        url = f"{settings.public_url}{WEBHOOK_PATH}"
        for _ in range(3):
            try:
                with failures_translated(self._token):
                    await self._bot.set_webhook(
                        url,
                        secret_token=self._webhook_secret,
                        allowed_updates=list(updates.ALLOWED_UPDATES),
                        drop_pending_updates=False,
                    )
            except ChannelThrottled as error:
                await asyncio.sleep(min(error.retry_after, 30))
            except ChannelError as error:
                log.error("Telegram does not take the webhook address %s: %s", url, error)
                return False
            else:
                log.info("Telegram delivers to %s", url)
                await self.publish_commands()
                return True
        log.error("Telegram does not take the webhook address %s: too many requests", url)
        return False

    async def publish_commands(self) -> None:
        """Fill the menu beside the input field; failures are nobody's business."""
        # None is for phones in every language that has no menu of its own: it is an Indonesian city.
        for language in (None, "id", *MENUS):
            menu = [telegram.BotCommand(name, self._described(name, language)) for name in COMMANDS]
            with contextlib.suppress(TelegramError):
                await self._bot.set_my_commands(menu, language_code=language)

    def _described(self, command: str, language: str | None) -> str:
        """What a command does, in the language of the phone where we have the words."""
        if language in MENUS:
            with contextlib.suppress(KeyError):
                return self._phrase(f"telegram.commands_{language}.{command}")
        return self._phrase(f"telegram.commands.{command}")


def _emphasised(text: str) -> tuple[str, list[telegram.MessageEntity] | None]:
    """The plain text and its bold stretches as Telegram takes them."""
    plain, stretches = emphasis.read(text)
    found = [telegram.MessageEntity("bold", item.offset, item.length) for item in stretches]
    return plain, found or None


def _with_link(part: OutgoingMessage) -> OutgoingMessage:
    """The same bubble with its file as an address to tap."""
    words = (part.text, part.attachments[0].title, part.attachments[0].url)
    return replace(part, text="\n".join(word for word in words if word), attachments=())


async def _message_id(sending: Awaitable[telegram.Message]) -> int:
    """Return the id of the message just sent, also when the library cannot read Telegram's answer.

    Telegram took it then: an error here would send it a second time.
    """
    try:
        return (await sending).message_id
    except (AttributeError, KeyError, TypeError, ValueError):
        try:
            return int(json.loads(last_answer.get())["result"]["message_id"])
        except (KeyError, TypeError, ValueError):
            raise OutcomeUnknown("an answer that cannot be read") from None
