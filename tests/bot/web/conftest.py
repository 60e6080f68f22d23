"""A browser at the front door, without and with a session."""

from collections.abc import AsyncIterator

import httpx
import pytest

from bot.app import create_app
from bot.door import Door


@pytest.fixture
async def client(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without a session."""
    app = create_app(door.settings, door)
    app.state.door = door
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://kota.test") as opened:
        yield opened


@pytest.fixture
async def citizen(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A browser with a session."""
    answer = await client.post("/chat/sessions")
    assert answer.status_code == 201
    client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return client
