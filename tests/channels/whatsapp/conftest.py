"""A front door with a business number, a stand-in Cloud API, and judges at the end of each test."""

from dataclasses import replace

import httpx
import pytest

from bot.app import create_app
from bot.channels.whatsapp import WhatsAppChannel
from bot.settings import WhatsAppSettings
from bot.storage.database import upgrade
from bot.vocabulary.messages import ChannelName
from tests import engines
from tests.channels.botapi import serving
from tests.channels.running import scripted
from tests.channels.whatsapp import graphapi
from tests.channels.whatsapp.graphapi import GraphApi


@pytest.fixture
def database_url(tmp_path):
    """One engine is enough here: the channel is what is new."""
    with engines.fresh_database("sqlite", tmp_path) as url:
        upgrade(url)
        yield url


@pytest.fixture
def engine():
    return scripted()


@pytest.fixture
async def api():
    server = GraphApi()
    async with serving(server.app()) as server.url:
        yield server
    assert server.problems == []
    for payload in server.sent_webhooks:
        graphapi.judge_webhook(payload)


@pytest.fixture
async def city(open_doors, settings, api):
    """A door with the business number at it."""
    given = WhatsAppSettings(
        graphapi.TOKEN, graphapi.NUMBER, graphapi.SECRET, graphapi.VERIFY, f"{api.url}/v23.0"
    )
    settings = replace(settings, whatsapp=given)
    door = open_doors()
    channel = WhatsAppChannel.from_settings(settings, door.media)
    door = replace(door, settings=settings, channels={ChannelName.WHATSAPP: channel})
    await door.wakeups.start()
    yield door
    await channel.close()


@pytest.fixture
async def meta(city):
    """Meta's side of the webhook."""
    app = create_app(city.settings, city)
    app.state.door = city
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://lawang") as client:
        yield client
