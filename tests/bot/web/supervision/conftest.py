"""A supervisor and an agent in browsers of their own."""

from collections.abc import AsyncIterator

import httpx
import pytest
from argon2 import PasswordHasher

from bot.app import create_app
from bot.door import Door
from bot.vocabulary.agents import Role
from bot.web.access import passwords
from tests.bot.web.access import people


@pytest.fixture(autouse=True)
async def quick(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cheap hashes, and no memory of an earlier test's failures in a shared Redis."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    await door.keyvalue.delete("signin:127.0.0.1")


async def _browser(door: Door, username: str, role: Role) -> httpx.AsyncClient:
    app = create_app(door.settings, door)
    app.state.door = door
    transport = httpx.ASGITransport(app)
    browser = httpx.AsyncClient(
        transport=transport, base_url="http://kota.test", headers={"Origin": "http://kota.test"}
    )
    await people.account(door, username, role)
    answer = await people.sign_in(browser, username)
    assert answer.status_code == 303
    return browser


@pytest.fixture
async def supervisor(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    """The browser of a supervisor who has signed in."""
    browser = await _browser(door, "ratna", Role.SUPERVISOR)
    yield browser
    await browser.aclose()


@pytest.fixture
async def admin(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    """The browser of an admin who has signed in."""
    browser = await _browser(door, "dewi", Role.ADMIN)
    yield browser
    await browser.aclose()


@pytest.fixture
async def agent(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    """The browser of an agent who has signed in."""
    browser = await _browser(door, "budi", Role.PETUGAS)
    yield browser
    await browser.aclose()
