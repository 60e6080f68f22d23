"""Everything a face or the worker needs, built in one place and handed around; nothing connects at import."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from bot.channels.base import Channel
from bot.dialogue.base import DialogueEngine
from bot.dialogue.rasa import RasaEngine
from bot.helpdesk.base import Helpdesk
from bot.helpdesk.chatwoot import Chatwoot
from bot.sealing import Sealer
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.keyvalue import KeyValue, MemoryKeyValue, RedisKeyValue, connect
from bot.storage.media import MediaStore
from bot.storage.sharedreads import SharedReads
from bot.storage.wakeups import LocalWakeups, RedisWakeups, Wakeups
from bot.texts import Texts
from bot.texts import load as load_texts
from bot.vocabulary.messages import ChannelName
from connectors.registry import Registry
from intents.catalog import Catalog, Tenant
from intents.catalog import load as load_catalog


@dataclass(frozen=True, slots=True, eq=False)
class Door:
    """The open front door. Tests build one with other parts; production opens it with `open_door`."""

    settings: Settings
    database: Database
    keyvalue: KeyValue
    wakeups: Wakeups
    texts: Texts
    catalog: Catalog
    media: MediaStore
    engine: DialogueEngine
    sealer: Sealer
    registry: Registry
    channels: Mapping[ChannelName, Channel] = field(default_factory=dict)
    helpdesk: Helpdesk | None = None
    reads: SharedReads = field(default_factory=SharedReads)

    @property
    def tenants(self) -> Mapping[str, Tenant]:
        """The governments served, by id."""
        return self.catalog.tenants


@asynccontextmanager
async def open_door(settings: Settings) -> AsyncIterator[Door]:
    """Connect to everything the settings name; closes it all at the end."""
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url)
        stack.push_async_callback(database.close)
        keyvalue: KeyValue
        wakeups: Wakeups
        if settings.redis_url:
            redis = connect(settings.redis_url)
            stack.push_async_callback(redis.aclose)
            keyvalue, wakeups = RedisKeyValue(redis), RedisWakeups(redis)
        else:
            keyvalue, wakeups = MemoryKeyValue(), LocalWakeups(settings.var)
        await wakeups.start()
        stack.push_async_callback(wakeups.close)
        engine = RasaEngine(settings.rasa_url, settings.rasa_timeout_seconds)
        stack.push_async_callback(engine.close)
        registry = Registry.load(settings.root / "connectors" / "apps")
        stack.push_async_callback(registry.close)
        media = MediaStore(settings.var / "media", database)
        channels: dict[ChannelName, Channel] = {}
        if settings.telegram_token:
            # Imported only where a token is set: python-telegram-bot costs a web-chat-only city nothing.
            from bot.channels.telegram import TelegramChannel

            telegram = TelegramChannel.from_settings(settings, media)
            await telegram.open()
            stack.push_async_callback(telegram.close)
            channels[ChannelName.TELEGRAM] = telegram
        helpdesk: Helpdesk | None = None
        if settings.chatwoot_url:
            helpdesk = Chatwoot(
                settings.chatwoot_url, settings.chatwoot_inbox, settings.chatwoot_secret, settings.tenant
            )
            stack.push_async_callback(helpdesk.close)
        if settings.whatsapp:
            from bot.channels.whatsapp import WhatsAppChannel

            whatsapp = WhatsAppChannel.from_settings(settings, media)
            stack.push_async_callback(whatsapp.close)
            channels[ChannelName.WHATSAPP] = whatsapp
        yield Door(
            settings=settings,
            database=database,
            keyvalue=keyvalue,
            wakeups=wakeups,
            texts=load_texts(settings.root),
            catalog=load_catalog(settings.root),
            media=media,
            engine=engine,
            sealer=Sealer(settings.secret_key),
            registry=registry,
            channels=channels,
            helpdesk=helpdesk,
        )
