"""A city system's report is believed only when it is signed, and every refusal says what to mend."""

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from bot.door import Door
from bot.storage import cases, tables
from connectors.updates import MAX_BODY_BYTES, signed_headers
from tests.talk import Citizen

SECRET = "rahasia-untuk-uji"
ADDRESS = "/connectors/curhat_ning_ita/updates"


def report(**changes: Any) -> bytes:
    values = {
        "event_id": "e1",
        "subject": "case",
        "reference": "MJK-1",
        "status": "diproses",
        "occurred_at": datetime.now(UTC).isoformat(),
    }
    return json.dumps(values | changes).encode()


async def send(
    client: httpx.AsyncClient, body: bytes, *, secret: str = SECRET, age: int = 0, address: str = ADDRESS
) -> httpx.Response:
    headers = signed_headers(secret, int(time.time()) - age, body)
    return await client.post(address, content=body, headers=headers)


def is_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:lawang:{code}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


@pytest.fixture
async def citizen_with_case(door: Door) -> Citizen:
    """A citizen who follows MJK-1."""
    someone = Citizen(door)
    accepted = await someone.say("halo")
    row = {"tenant": "kota_mojokerto", "conversation_id": accepted.conversation_id, "kind": "complaint",
           "connector": "curhat_ning_ita", "reference": "MJK-1", "status": "received"}  # fmt: skip
    async with door.database.transaction() as conn:
        await cases.follow(conn, row, datetime.now(UTC))
    return someone


async def test_a_signed_report_is_told_to_the_citizen(
    client: httpx.AsyncClient, citizen_with_case: Citizen
) -> None:
    answer = await send(client, report())
    assert answer.status_code == 200
    assert answer.json() == {"event_id": "e1", "outcome": "applied"}
    assert "MJK-1" in (await citizen_with_case.texts())[0]


async def test_a_hundred_copies_at_once_are_told_once(
    client: httpx.AsyncClient, citizen_with_case: Citizen
) -> None:
    body = report()
    answers = await asyncio.gather(*(send(client, body) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(answer.json()["outcome"] for answer in answers) == ["applied", *["duplicate"] * 99]
    assert len(await citizen_with_case.replies()) == 1


async def test_an_unknown_reference_is_refused_and_later_accepted(
    client: httpx.AsyncClient, door: Door, citizen_with_case: Citizen
) -> None:
    body = report(reference="MJK-2")
    is_problem(await send(client, body), 404, "unknown_reference")
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(tables.cases).values(reference="MJK-2"))
    assert (await send(client, body)).status_code == 200


@pytest.mark.parametrize("age", [400, -400, 10_000_000])
async def test_an_old_or_future_signature_is_refused(client: httpx.AsyncClient, age: int) -> None:
    is_problem(await send(client, report(), age=age), 401, "signature_expired")


async def test_a_wrong_secret_is_refused(client: httpx.AsyncClient) -> None:
    is_problem(await send(client, report(), secret="salah"), 401, "signature_invalid")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Lawang-Timestamp": "1"},
        {"X-Lawang-Timestamp": "x", "X-Lawang-Signature": "sha256=" + "0" * 64},
        {"X-Lawang-Timestamp": "9" * 40, "X-Lawang-Signature": "sha256=" + "0" * 64},
        {"X-Lawang-Timestamp": "1", "X-Lawang-Signature": "md5=0"},
    ],
    ids=["none", "no signature", "no number", "huge number", "other hash"],
)
async def test_a_call_without_a_usable_signature_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    is_problem(await client.post(ADDRESS, content=report(), headers=headers), 401, "signature_invalid")


async def test_a_body_changed_on_the_way_is_refused(client: httpx.AsyncClient) -> None:
    headers = signed_headers(SECRET, int(time.time()), report())
    answer = await client.post(ADDRESS, content=report(status="selesai"), headers=headers)
    is_problem(answer, 401, "signature_invalid")


@pytest.mark.parametrize("app", ["no_such_app", "x" * 500, "..", "%F0%9F%98%80"])
async def test_an_unknown_app_is_refused(client: httpx.AsyncClient, app: str) -> None:
    answer = await send(client, report(), address=f"/connectors/{app}/updates")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 50_000,
        b"\xff",
        report(event_id=None),
        report(event_id="x" * 201),
        report(reference=""),
        report(status={"a": 1}),
        report(subject="weather"),
        report(occurred_at="kemarin"),
        report(occurred_at="2026-11-24T09:00:00"),
        report(occurred_at="0001-01-01T00:00:00+07:00"),
        report(occurred_at=5),
        report(ahead=-3),
        report(ahead="banyak"),
    ],
    ids=range(16),
)
async def test_a_signed_body_nobody_can_use_is_refused_with_the_reason(
    client: httpx.AsyncClient, body: bytes
) -> None:
    is_problem(await send(client, body), 422, "update_malformed")


async def test_a_huge_body_is_refused(client: httpx.AsyncClient) -> None:
    is_problem(await send(client, b"x" * (MAX_BODY_BYTES + 1)), 413, "body_too_big")


async def test_the_strangest_words_that_are_allowed_are_stored(
    client: httpx.AsyncClient, citizen_with_case: Citizen
) -> None:
    body = report(event_id="😀" * 200, status="ß" * 100, note="nul\x00 \ud83d {x} " + "n" * 5000)
    answer = await send(client, body)
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "unknown_status"
    assert "{x}" in (await citizen_with_case.texts())[0]


async def test_what_breaks_on_our_side_is_a_problem_too(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.app import create_app
    from bot.conversations import updates

    async def break_down(*_: object) -> None:
        raise RuntimeError("rahasia di dalam")

    monkeypatch.setattr(updates, "record", break_down)
    app = create_app(door.settings, door)
    app.state.door = door
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://kota.test") as client:
        answer = await send(client, report())
    is_problem(answer, 500, "internal_error")
    assert "rahasia" not in answer.text


async def test_a_flood_of_reports_is_taken_whole_and_every_event_counts_once(
    client: httpx.AsyncClient, citizen_with_case: Citizen, door: Door
) -> None:
    """What a city system does after an hour without a line: everything again, in any order, all at once."""
    words = ("diproses", "didisposisi", "terverifikasi")
    events = [
        report(
            event_id=f"e{number}",
            status=words[number % 3],
            occurred_at=datetime.fromtimestamp(1_700_000_000 + number, UTC).isoformat(),
            note=f"catatan {number}",
        )
        for number in range(200)
    ]
    flood = [*events, *reversed(events), *events[::2]]
    room = asyncio.Semaphore(32)

    async def push(body: bytes) -> int:
        async with room:
            return (await send(client, body)).status_code

    codes = await asyncio.gather(*(push(body) for body in flood))
    assert set(codes) <= {200, 202}
    async with door.database.reading() as conn:
        said = await conn.execute(
            sa.select(tables.messages.c.text).where(tables.messages.c.text.contains("catatan"))
        )
        told = [message.text.rsplit(" ", 1)[1] for message in said]
        row = (await conn.execute(sa.select(tables.cases))).one()
    assert sorted(told, key=int) == [str(number) for number in range(200)]
    assert row.moved_at == datetime.fromtimestamp(1_700_000_199, UTC)
    assert row.status == "assigned"
