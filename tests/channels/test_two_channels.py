"""One person on WhatsApp and Telegram, each spoken as its channel wants: linked, and led in by a poster."""

import re
from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest

from bot.app import create_app
from bot.channels.telegram import TelegramChannel
from bot.channels.whatsapp import WhatsAppChannel
from bot.conversations import startlinks
from bot.conversations.startlinks import Subject
from bot.settings import WhatsAppSettings
from bot.vocabulary.messages import ChannelName
from tests.channels import botapi
from tests.channels.botapi import BotApi, serving
from tests.channels.running import scripted, working
from tests.channels.whatsapp import graphapi
from tests.channels.whatsapp.graphapi import GraphApi, letter
from tests.channels.whatsapp.stage import BUDI, talks, until


@pytest.fixture
def engine():
    return scripted()


@pytest.fixture
async def bot():
    server = BotApi()
    async with serving(server.app()) as server.url:
        yield server


@pytest.fixture
async def meta():
    server = GraphApi()
    async with serving(server.app()) as server.url:
        yield server
    assert server.problems == []


@pytest.fixture
async def city(open_doors, settings, bot, meta):
    """A door with a bot and a business number at it."""
    given = WhatsAppSettings(
        graphapi.TOKEN, graphapi.NUMBER, graphapi.SECRET, graphapi.VERIFY, f"{meta.url}/v23.0"
    )
    settings = replace(settings, whatsapp=given, telegram_token=botapi.TOKEN, telegram_api_url=bot.url)
    door = open_doors()
    telegram = TelegramChannel.from_settings(settings, door.media)
    await telegram.open()
    whatsapp = WhatsAppChannel.from_settings(settings, door.media)
    channels = {ChannelName.TELEGRAM: telegram, ChannelName.WHATSAPP: whatsapp}
    # The poller is started by the test itself.
    door = replace(door, settings=replace(settings, telegram_mode="webhook"), channels=channels)
    await door.wakeups.start()
    yield door
    await telegram.close()
    await whatsapp.close()


@pytest.fixture
async def front(city):
    app = create_app(city.settings, city)
    app.state.door = city
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://lawang") as client:
        yield client


async def test_a_link_asked_for_on_whatsapp_is_opened_confirmed_and_told_on_both(city, front, bot, meta):
    async with working(city, city.channels[ChannelName.TELEGRAM]):
        await meta.post(letter(BUDI, meta.text(BUDI, "hubungkan telegram")), front)
        await until(lambda: len(meta.calls) == 1)
        payload = re.search(r"https://t\.me/lawang_bot\?start=([A-Za-z0-9_-]{1,64})\b", meta.texts()[0])
        assert payload, meta.texts()
        await bot.say(f"/start {payload[1]}")
        [asked] = await bot.wait_for(1)
        [[button]] = asked["reply_markup"]["inline_keyboard"]
        assert button["text"] == "Ya, hubungkan"
        assert len({talk.citizen_id for talk in await talks(city)}) == 2
        await bot.press(button["callback_data"], 1)
        await until(lambda: len(meta.calls) == 2)
        told = (await bot.wait_for(2))[-1]["text"]
    assert f"WhatsApp ••••{BUDI.phone[-3:]}" in told
    assert BUDI.phone not in told
    assert "terhubung dengan *Telegram" in meta.texts()[1]
    assert len({talk.citizen_id for talk in await talks(city)}) == 1


async def test_the_other_way_round_whatsapp_opens_with_the_code_written_already(city, front, bot, meta):
    async with working(city, city.channels[ChannelName.TELEGRAM]):
        await bot.say("/hubungkan whatsapp")
        [given] = await bot.wait_for(1)
        url = re.search(r"https://wa\.me/\S+", given["text"])
        assert url, given
        words = parse_qs(urlsplit(url[0]).query)["text"][0]
        assert url[0].startswith("https://wa.me/6281200000000?")
        await meta.post(letter(BUDI, meta.text(BUDI, words)), front)
        await until(lambda: len(meta.calls) == 1)
        told = (await bot.wait_for(2))[-1]["text"]
    assert "sekarang terhubung dengan WhatsApp" in told
    assert len({talk.citizen_id for talk in await talks(city)}) == 1


@pytest.mark.parametrize(
    ("subject", "name", "wish"),
    [
        (Subject.SERVICE, "ktp_baru", '/ask_requirements{"service": "ktp_baru"}'),
        (Subject.CASE, "MJK-2611-000123", '/check_status{"reference": "MJK-2611-000123"}'),
    ],
)
async def test_a_posters_code_opens_its_subject_on_both_channels(
    city, front, bot, meta, engine, subject, name, wish
):
    payload = startlinks.make(city, "kota_mojokerto", subject, name)
    channel = city.channels[ChannelName.WHATSAPP]
    url = await channel.invitation(payload, f"/mulai {payload}")
    async with working(city, city.channels[ChannelName.TELEGRAM]):
        await bot.say(f"/start {payload}")
        await bot.wait_for(1)
        await meta.post(letter(BUDI, meta.text(BUDI, unquote(url.partition("text=")[2]))), front)
        await until(lambda: len(meta.calls) == 1)
    assert [turn.text for turn in engine.turns] == [wish, wish]
