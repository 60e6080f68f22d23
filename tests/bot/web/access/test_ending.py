"""A session that ends, ends everywhere: also in the stream of events that a busy desk never lets rest."""

from datetime import UTC, datetime

import httpx
import pytest
from fastapi import Request

from bot.app import create_app
from bot.door import Door
from bot.storage import consoleevents
from bot.vocabulary.agents import EventKind, Role
from bot.web.access import accounts, identity
from bot.web.agent import live
from tests.bot.web.access.people import account, sign_in
from tests.bot.web.conftest import client as client


async def happens(door: Door) -> None:
    """Something that every console is told."""
    async with door.database.transaction() as conn:
        await consoleevents.append(conn, "kota_mojokerto", EventKind.SETTINGS, datetime.now(UTC))


async def test_a_closed_account_hears_nothing_more_on_a_busy_desk(
    door: Door, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.0)
    keeper, colleague = await account(door, "dewi", Role.ADMIN), await account(door, "rahayu")
    cookie = (await sign_in(client, "rahayu")).cookies["lawang_petugas"]
    app = create_app(door.settings, door)
    app.state.door = door
    headers = [(b"cookie", f"lawang_petugas={cookie}".encode())]
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": headers, "app": app})
    told = live._told(request, await identity.who(request), 0)
    assert "ping" in await anext(told)
    await happens(door)
    assert "event: desk" in await anext(told)
    await accounts.close(door, keeper, colleague.id, "-")
    await happens(door)
    assert "event: over" in await anext(told)
    with pytest.raises(StopAsyncIteration):
        await anext(told)
