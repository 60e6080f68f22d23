"""The same faults over real sockets, where nothing is simulated."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from connectors.client import Client
from connectors.errors import BackendChanged, BackendUnreachable
from connectors.exchange import Endpoint

KEYED = {"Idempotency-Key": "t-1"}
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"


@asynccontextmanager
async def city(*behaviours) -> AsyncIterator[tuple[Endpoint, list[bytes]]]:
    """A server that treats each request in turn as told; the last way repeats."""
    turns, heard, open_writers = list(behaviours), [], []

    async def serve(reader, writer):
        open_writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                heard.append(head)
                behave = turns.pop(0) if len(turns) > 1 else turns[0]
                await behave(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield Endpoint("kota", f"http://127.0.0.1:{port}/v1", timeout_seconds=1.0), heard
    server.close()
    for writer in open_writers:
        writer.close()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    opened = Client()
    yield opened
    await opened.close()


def says(*pieces: bytes, pause: float = 0.0):
    async def behave(writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return behave


async def hangs(writer):
    await asyncio.sleep(30)


async def hangs_up(writer):
    writer.close()
    await asyncio.sleep(0)


async def test_a_good_answer_is_read_on_one_connection(client):
    async with city(says(OK)) as (endpoint, heard):
        for _ in range(3):
            assert (await client.send(endpoint, "GET", "/x")).document() == []
        assert len(heard) == 3


async def test_a_city_that_never_answers_leaves_the_outcome_unknown(client):
    async with city(hangs) as (endpoint, heard):
        with pytest.raises(BackendUnreachable) as raised:
            await client.send(endpoint, "POST", "/x", headers=KEYED, body={})
        assert raised.value.outcome_unknown
        assert len(heard) == 1


async def test_a_city_that_hangs_up_is_asked_again_with_the_same_key(client):
    async with city(hangs_up, says(OK)) as (endpoint, heard):
        assert (await client.send(endpoint, "POST", "/x", headers=KEYED, body={})).ok
        assert [b"Idempotency-Key: t-1" in head for head in heard] == [True, True]


async def test_a_city_that_hangs_up_on_a_request_without_a_key_is_not_asked_again(client):
    async with city(hangs_up, says(OK)) as (endpoint, heard):
        with pytest.raises(BackendUnreachable) as raised:
            await client.send(endpoint, "POST", "/x", body={})
        assert raised.value.outcome_unknown
        assert len(heard) == 1


async def test_a_city_that_is_not_there_was_not_told_anything(client):
    async with city(hangs) as (endpoint, _):
        pass
    with pytest.raises(BackendUnreachable) as raised:
        await client.send(endpoint, "POST", "/x", headers=KEYED, body={})
    assert not raised.value.outcome_unknown


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *[b" "] * 50),
        (b"H", *[b"T"] * 50),
    ],
    ids=["stops half-way", "trickles its answer", "trickles its head"],
)
async def test_an_answer_that_does_not_arrive_in_time_is_no_answer(client, pieces):
    async with city(says(*pieces, pause=0.1)) as (endpoint, _):
        started = asyncio.get_running_loop().time()
        with pytest.raises(BackendUnreachable) as raised:
            await client.send(endpoint, "POST", "/x", body={})
        assert raised.value.outcome_unknown
        assert asyncio.get_running_loop().time() - started < 10


async def test_noise_is_no_answer(client):
    async with city(says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")) as (endpoint, _):
        with pytest.raises(BackendUnreachable):
            await client.send(endpoint, "GET", "/x")


async def test_an_endless_answer_is_cut_off(client):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    async with city(says(head, *[chunk] * 200)) as (endpoint, _):
        with pytest.raises(BackendChanged, match="larger than"):
            await client.send(endpoint, "GET", "/x")


async def test_a_cancelled_call_leaves_the_client_usable(client):
    async with city(hangs, says(OK)) as (endpoint, _):
        call = asyncio.create_task(client.send(endpoint, "GET", "/x"))
        await asyncio.sleep(0.1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await client.send(endpoint, "GET", "/x")).ok
