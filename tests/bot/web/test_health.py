"""Machines are told what runs, and what is missing, and never get an error page."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from bot.app import create_app
from bot.door import Door
from bot.storage import holders
from bot.storage.database import Database


@pytest.fixture
async def actions(door: Door) -> int:
    """Somebody who answers as the action server does."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def ask(door: Door, path: str = "/readyz") -> httpx.Response:
    app = create_app(door.settings, door)
    app.state.door = door
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kota.test") as client:
        return await client.get(path)


async def test_it_is_alive(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok")


async def test_it_is_ready_once_everybody_is_there(door: Door, actions: int) -> None:
    here = replace(door, settings=replace(door.settings, actions_port=actions))
    await door.keyvalue.delete("worker")
    answer = await ask(here)
    assert (answer.status_code, answer.json()["worker"]) == (503, False)
    held = holders.take(door.settings.var / "run")
    answer = await ask(here)
    assert answer.json() == {"database": True, "rasa": True, "actions": True, "worker": True}
    assert answer.status_code == 200
    held.release()


async def test_a_worker_of_another_machine_counts(door: Door) -> None:
    await door.keyvalue.set("worker", "elsewhere", 5)
    assert (await ask(door)).json()["worker"] is True
    await door.keyvalue.delete("worker")


async def test_a_database_that_is_away_is_said_so(door: Door) -> None:
    away = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    answer = await ask(replace(door, database=away))
    assert answer.status_code == 503
    assert answer.json()["database"] is False
    await away.close()


async def test_the_counts_are_in_prometheus_format(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert "lawang_messages_total" in answer.text
