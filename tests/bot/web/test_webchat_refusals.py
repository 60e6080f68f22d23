"""What the web chat refuses and serves without touching a conversation: one engine is enough for it."""

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bot.app import create_app
from bot.door import Door
from bot.storage.database import upgrade
from bot.web import passes, webchat
from tests import engines
from tests.bot.web.letters import message, picture


@pytest.fixture
def database_url(tmp_path: Path) -> Iterator[str]:
    """SQLite only."""
    with engines.fresh_database("sqlite", tmp_path) as url:
        upgrade(url)
        yield url


async def test_a_session_names_its_tenant_and_only_its_hash_is_kept(
    client: httpx.AsyncClient, door: Door
) -> None:
    answer = (await client.post("/chat/sessions", json={"tenant": "kota_kupang"})).json()
    assert answer["tenant"] == "kota_kupang"
    session = passes.read(door.settings.secret_key, answer["token"])
    assert session.tenant == "kota_kupang"
    assert len(session.address) == 64
    assert session.address not in answer["token"]


async def test_a_session_for_an_unknown_tenant_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/chat/sessions", json={"tenant": "kota_khayalan"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "kota_khayalan" in answer.json()["detail"]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer x", "Basic abc", "Bearer a.b.c", "Bearer a.kota_kupang.b", "Bearer é.ü.ö"],
)
async def test_a_forged_pass_opens_nothing(client: httpx.AsyncClient, header: str) -> None:
    headers = {"Authorization": header.encode()} if header else {}
    for method, path in (
        ("POST", "/chat/messages"),
        ("POST", "/chat/photos"),
        ("GET", "/chat/history"),
        ("GET", "/chat/stream"),
    ):
        answer = await client.request(method, path, headers=headers, json={} if method == "POST" else None)
        assert answer.status_code == 401, path
        assert answer.json()["detail"]


async def test_a_pass_cannot_be_moved_to_another_tenant(citizen: httpx.AsyncClient) -> None:
    random, _, proof = citizen.headers["Authorization"].removeprefix("Bearer ").split(".")
    answer = await citizen.get(
        "/chat/history", headers={"Authorization": f"Bearer {random}.kota_kupang.{proof}"}
    )
    assert answer.status_code == 401


async def test_a_photo_of_somebody_else_is_refused(citizen: httpx.AsyncClient) -> None:
    upload = await citizen.post("/chat/photos", files={"photo": ("a.png", picture("PNG"), "image/png")})
    other = (await citizen.post("/chat/sessions")).json()["token"]
    answer = await citizen.post(
        "/chat/messages",
        json=message(photo=upload.json()["media_id"]),
        headers={"Authorization": f"Bearer {other}"},
    )
    assert answer.status_code == 422
    assert answer.json()["code"] == "webchat.error.photo_unknown"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        pytest.param(b"bukan gambar", "image/jpeg", 422, id="no picture"),
        pytest.param(picture()[:200], "image/jpeg", 422, id="cut off"),
        pytest.param(b"%PDF-1.7", "application/pdf", 415, id="a document"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", 415, id="svg"),
        pytest.param(b"", "image/png", 422, id="empty"),
        pytest.param(b"x" * (webchat.MAX_PHOTO + 1), "image/jpeg", 413, id="too big"),
    ],
)
async def test_what_is_no_photo_gets_a_sentence(
    citizen: httpx.AsyncClient, content: bytes, kind: str, status: int
) -> None:
    answer = await citizen.post("/chat/photos", files={"photo": ("x", content, kind)})
    assert answer.status_code == status
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "malformed"),
        (b"[]", 422, "malformed"),
        (b"{", 422, "malformed"),
        (b"\xff\xfe", 422, "malformed"),
        (b'{"text": "halo"}', 422, "malformed"),
        (b'{"client_id": "bukan-uuid", "text": "halo"}', 422, "malformed"),
        (b'{"client_id": "%ID%", "text": 5}', 422, "malformed"),
        (b'{"client_id": "%ID%", "teks": "halo"}', 422, "malformed"),
        (b'{"client_id": "%ID%"}', 422, "empty"),
        (b'{"client_id": "%ID%", "text": " \\u0000 \\n "}', 422, "empty"),
        (b'{"client_id": "%ID%", "text": "a", "button": "b"}', 422, "mixed"),
        (b'{"client_id": "%ID%", "location": {"lat": 91, "lon": 0}}', 422, "location"),
        (b'{"client_id": "%ID%", "location": {"lat": "x", "lon": 0}}', 422, "location"),
        (b'{"client_id": "%ID%", "location": {"lat": NaN, "lon": 0}}', 422, "location"),
        (b'{"client_id": "%ID%", "photo": "a.b"}', 422, "photo_unknown"),
        (b'{"client_id": "%ID%", "text": "' + b"a" * 5001 + b'"}', 413, "too_long"),
        (b'{"client_id": "%ID%", "text": "' + b"a" * 70_000 + b'"}', 413, "body_too_big"),
    ],
)
async def test_a_message_that_is_none_gets_a_sentence(
    citizen: httpx.AsyncClient, body: bytes, status: int, code: str
) -> None:
    answer = await citizen.post(
        "/chat/messages", content=body.replace(b"%ID%", uuid.uuid4().bytes.hex().encode())
    )
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == f"webchat.error.{code}"
    assert problem["status"] == status


async def test_a_body_without_length_is_cut_off(citizen: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"x" * 1024

    answer = await citizen.post("/chat/messages", content=endless())
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://jahat.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
async def test_another_sites_page_is_refused(citizen: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await citizen.post("/chat/messages", json=message(text="halo"), headers=headers)
    assert answer.status_code == 403


async def test_our_own_page_is_welcome(citizen: httpx.AsyncClient) -> None:
    headers = {"Origin": "http://kota.test", "Sec-Fetch-Site": "same-origin"}
    assert (
        await citizen.post("/chat/messages", json=message(text="halo"), headers=headers)
    ).status_code == 202


async def test_in_production_a_flood_is_asked_to_wait(door: Door) -> None:
    busy = replace(door, settings=replace(door.settings, production=True))
    app = create_app(busy.settings, busy)
    app.state.door = busy
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kota.test") as client:
        token = (await client.post("/chat/sessions")).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        answers = [
            await client.post("/chat/messages", json=message(text=f"halo {number}"))
            for number in range(webchat.MESSAGES_PER_MINUTE + 1)
        ]
    assert [answer.status_code for answer in answers[:-1]] == [202] * webchat.MESSAGES_PER_MINUTE
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_file_opens_with_its_link_only(citizen: httpx.AsyncClient, door: Door) -> None:
    media_id = await door.media.save(picture(), "image/jpeg")
    link = passes.signed_link(door.settings.secret_key, media_id)
    assert (await citizen.get(link)).status_code == 200
    assert (await citizen.get(link[:-2] + "xx")).status_code == 403
    assert (await citizen.get(f"/chat/media/{media_id}")).status_code == 404
    assert (await citizen.get(f"/chat/media/{media_id}?until=1&signature=x")).status_code == 403
    assert (await citizen.get("/chat/media/..%2f..%2fetc%2fpasswd?until=x")).status_code in {403, 404}
    gone = passes.signed_link(door.settings.secret_key, uuid.uuid4().hex)
    assert (await citizen.get(gone)).status_code == 404


async def test_the_page_is_locked_down_and_in_indonesian(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'self'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "geolocation=(self)" in page.headers["permissions-policy"]
    assert '<html lang="id"' in page.text
    assert " style=" not in page.text
    assert "onclick" not in page.text
    for line in page.text.splitlines():
        assert "http://" not in line.replace("http://www.w3.org", "")
        assert "https://" not in line


async def test_another_tenant_has_its_own_page(client: httpx.AsyncClient) -> None:
    assert "Kota Kupang" in (await client.get("/?tenant=kota_kupang")).text
    assert (await client.get("/?tenant=<script>")).status_code == 404


async def test_embedders_are_named_in_the_policy(door: Door) -> None:
    site = "https://dinas.example.go.id"
    other = replace(door, settings=replace(door.settings, embed_origins=(site,), production=True))
    app = create_app(other.settings, other)
    app.state.door = other
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kota.test") as client:
        page = await client.get("/?sematan=1")
        assert f"frame-ancestors 'self' {site}" in page.headers["content-security-policy"]
        assert (await client.get("/widget.js")).headers["content-type"].startswith("text/javascript")
        assert (await client.get("/contoh-sematan")).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/favicon.ico", "/manifest.webmanifest", "/static/webchat/page.js", "/static/webchat/favicon.svg"],
)
async def test_files_of_the_page_are_there(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/static/../page.py", "/static/%2e%2e/page.py", "/static/nothing.js", "/static/"]
)
async def test_nothing_else_is_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404
