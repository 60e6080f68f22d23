"""A channel's call is believed only with its secret, and stored before it is answered."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import sqlalchemy as sa

from bot.app import create_app
from bot.door import Door
from bot.storage import tables
from bot.vocabulary.messages import ChannelName
from tests.postman import Postman, letter

SECRET = {"X-Postman": "rahasia"}


@pytest.fixture
def postman() -> Postman:
    """The channel that calls."""
    return Postman()


@pytest.fixture
async def city(open_doors: Callable[..., Door], postman: Postman) -> Door:
    """A door with that channel."""
    return open_doors(channels={ChannelName.TELEGRAM: postman})


@pytest.fixture
async def caller(city: Door) -> AsyncIterator[httpx.AsyncClient]:
    """The channel's server."""
    app = create_app(city.settings, city)
    app.state.door = city
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://kota.test", headers=SECRET
    ) as opened:
        yield opened


async def stored(door: Door) -> list[str]:
    async with door.database.reading() as conn:
        query = sa.select(tables.messages.c.text).order_by(tables.messages.c.id)
        return list((await conn.execute(query)).scalars())


def is_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:lawang:{code}"
    assert answer.json()["status"] == status


async def test_a_message_is_stored_when_200_is_said(caller: httpx.AsyncClient, city: Door) -> None:
    answer = await caller.post("/channels/telegram", content=letter({"from": "1", "id": "1", "text": "halo"}))
    assert answer.status_code == 200
    assert await stored(city) == ["halo"]


@pytest.mark.parametrize("headers", [{"X-Postman": ""}, {"X-Postman": "salah"}, {"X-Postman": "rahasia "}])
async def test_a_call_without_the_secret_is_refused_and_nothing_stored(
    caller: httpx.AsyncClient, city: Door, headers: dict[str, str]
) -> None:
    caller.headers.update(headers)
    body = letter({"from": "1", "id": "1", "text": "halo"})
    if headers["X-Postman"].strip() != "rahasia":
        is_problem(await caller.post("/channels/telegram", content=body), 401, "not_from_the_channel")
        assert await stored(city) == []


@pytest.mark.parametrize("name", ["whatsapp", "webchat", "pigeon", "telegram%00", "t" * 300])
async def test_an_unknown_channel_is_refused(caller: httpx.AsyncClient, name: str) -> None:
    is_problem(await caller.post(f"/channels/{name}", content=b"[]"), 404, "no_such_channel")


async def test_a_wrong_address_or_method_is_refused_the_same_way(caller: httpx.AsyncClient) -> None:
    is_problem(await caller.post("/channel/telegram"), 404, "no_such_address")
    is_problem(await caller.delete("/channels/telegram"), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": 1}', b'"bug"', b"null"], ids=range(7)
)
async def test_a_call_nobody_can_read_is_said_yes_to_and_not_delivered_for_ever(
    caller: httpx.AsyncClient, city: Door, body: bytes
) -> None:
    assert (await caller.post("/channels/telegram", content=body)).status_code == 200
    assert await stored(city) == []


async def test_a_huge_body_is_refused_before_it_is_read(caller: httpx.AsyncClient) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(10_000):
            read += 65_536
            yield b"x" * 65_536

    answer = await caller.post("/channels/telegram", content=endless())
    is_problem(answer, 413, "body_too_big")
    assert read < 4 * 1024 * 1024
    declared = await caller.post("/channels/telegram", content=b"[]", headers={"Content-Length": "99999999"})
    is_problem(declared, 413, "body_too_big")


async def test_a_batch_is_stored_in_order_and_a_repeated_one_adds_nothing(
    caller: httpx.AsyncClient, city: Door
) -> None:
    body = letter(*({"from": "1", "id": str(number), "text": f"pesan {number}"} for number in range(5)))
    # The same again, batched differently.
    again = letter({"from": "1", "id": "3", "text": "pesan 3"}, {"from": "1", "id": "5", "text": "pesan 5"})
    for content in (body, again, body):
        await caller.post("/channels/telegram", content=content)
    assert await stored(city) == [f"pesan {number}" for number in range(6)]


async def test_a_hundred_deliveries_at_once_are_one_message(
    caller: httpx.AsyncClient, city: Door, postman: Postman
) -> None:
    body = letter({"from": "1", "id": "1", "text": "halo"})
    answers = await asyncio.gather(*(caller.post("/channels/telegram", content=body) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert await stored(city) == ["halo"]
    # In such a crowd nobody may be shown that we write; never twice.
    assert postman.courtesies in ([], ["typing 1"])


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("nul\x00di tengah", "nuldi tengah"),
        ("separuh \ud83d emoji", "separuh  emoji"),
        ("😀🇮🇩👨‍👩‍👧", "😀🇮🇩👨‍👩‍👧"),
        ("ꦲꦤꦕꦫꦏ", "ꦲꦤꦕꦫꦏ"),
        ("x" * 6000, "x" * 5000),
    ],
    ids=["nul", "half a surrogate", "emoji", "javanese script", "long"],
)
async def test_every_text_can_be_stored(caller: httpx.AsyncClient, city: Door, text: str, kept: str) -> None:
    body = json.dumps([{"from": "1", "id": "1", "text": text}]).encode()
    assert (await caller.post("/channels/telegram", content=body)).status_code == 200
    assert await stored(city) == [kept]


async def test_a_receipt_for_nothing_of_ours_is_said_yes_to(caller: httpx.AsyncClient) -> None:
    body = letter({"receipt": "unknown", "status": "read"}, {"receipt": "x", "status": "handled"})
    assert (await caller.post("/channels/telegram", content=body)).status_code == 200


async def test_one_who_writes_sees_that_we_write(caller: httpx.AsyncClient, postman: Postman) -> None:
    body = letter({"from": "1", "id": "1", "text": "halo"})
    await caller.post("/channels/telegram", content=body)
    await caller.post("/channels/telegram", content=body)
    assert postman.courtesies == ["typing 1"]


async def test_a_press_is_acknowledged(caller: httpx.AsyncClient, postman: Postman) -> None:
    for _ in range(2):
        await caller.post("/channels/telegram", content=letter({"from": "1", "id": "1", "button": "t"}))
    assert postman.courtesies == ["pressed", "again"]
