"""People with accounts, and browsers that sign in as them."""

import re
import uuid
from datetime import UTC, datetime

import httpx

from bot.door import Door
from bot.storage import agents, users
from bot.vocabulary.agents import Agent, Role
from bot.web.access import passwords

PASSWORD = "kopi pagi di alun-alun"
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')
_hash: list[str] = []


async def account(
    door: Door, username: str, role: Role = Role.PETUGAS, tenant: str = "kota_mojokerto", **values: object
) -> Agent:
    """Somebody who may sign in with PASSWORD."""
    if not _hash:
        _hash.append(passwords.hashed(PASSWORD))
    now = datetime.now(UTC)
    agent = Agent(id=uuid.uuid4().hex, tenant=tenant, name=username.title(), role=role)
    async with door.database.transaction() as conn:
        await agents.save(conn, agent, now)
        assert await users.add(conn, agent.id, username, _hash[0], now)
        user = await users.named(conn, username)
        assert user is not None
        if values:
            await users.change(conn, user.id, now, **values)
    return agent


def token(page: httpx.Response) -> str:
    """The token of the first form on a page."""
    found = _CSRF.search(page.text)
    assert found, page.text[:500]
    return found[1]


async def sign_in(
    browser: httpx.AsyncClient, username: str, password: str = PASSWORD, onward: str = ""
) -> httpx.Response:
    """Fill in the form and send it."""
    page = await browser.get("/agent/masuk", params={"lanjut": onward})
    data = {"nama": username, "sandi": password, "csrf": token(page), "lanjut": onward}
    return await browser.post("/agent/masuk", data=data)
