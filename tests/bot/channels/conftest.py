"""A Telegram channel that talks to the strict Bot API of the tests."""

import pytest

from bot.channels.telegram import TelegramChannel
from tests.channels import botapi


@pytest.fixture
async def api():
    server = botapi.BotApi()
    async with botapi.serving(server.app()) as server.url:
        yield server
    assert server.problems == []


@pytest.fixture
async def channel(api, files):
    channel = TelegramChannel(
        botapi.TOKEN,
        "kota_mojokerto",
        phrase=lambda key: key,
        media=files,
        api_url=api.url,
        webhook_secret="rahasia-1",
        read_timeout=1.0,
    )
    await channel.open()
    yield channel
    await channel.close()


class Folder:
    """Files of ours by id."""

    def __init__(self, folder):
        self.folder = folder
        self.types = {}

    def add(self, media_id, data, content_type):
        (self.folder / media_id).write_bytes(data)
        self.types[media_id] = content_type

    async def find(self, media_id):
        content_type = self.types.get(media_id)
        return content_type and (self.folder / media_id, content_type, None)


@pytest.fixture
def files(tmp_path):
    return Folder(tmp_path)
