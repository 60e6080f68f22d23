"""The console over HTTP: who may see and do what, what is written down, what a refusal says."""

import json
import re

import httpx
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from bot.conversations.desk import canned, writing
from bot.door import Door
from bot.storage import access_tables as tables
from bot.vocabulary.agents import CannedReply, Role, Stage
from bot.web.access import passwords
from tests.bot.desk.staff import ask, hand_off_on_request, look, set_rule
from tests.bot.web.access.people import account, sign_in
from tests.bot.web.conftest import client as client
from tests.scripted import ScriptedEngine
from tests.talk import answer_all

BY_SCRIPT = {"X-Requested-By": "lawang"}


@pytest.fixture(autouse=True)
async def desk(door: Door, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk where people take what they want."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    await door.keyvalue.delete("signin:127.0.0.1")
    hand_off_on_request(engine)
    await set_rule(door, "automatic", False)


async def enter(door: Door, client: httpx.AsyncClient, name: str = "rahayu", **who: object) -> str:
    """Sign in; the token that posts carry."""
    await account(door, name, **who)  # type: ignore[arg-type]
    await sign_in(client, name)
    shell = (await client.get("/agent/kotak/baru")).text
    token = re.findall(r'data-csrf="([0-9a-f]+)"', shell)[0]
    client.headers["X-CSRF-Token"] = token
    return token


async def acts(door: Door) -> list[tuple[str, str | None]]:
    """The audit trail: what, and of which conversation."""
    query = sa.select(tables.audit.c.act, tables.audit.c.conversation_id).order_by(tables.audit.c.id)
    async with door.database.reading() as conn:
        return [tuple(row) for row in await conn.execute(query)]  # type: ignore[misc]


@pytest.mark.parametrize(
    "path", ["/agent", "/agent/kotak/baru", "/agent/kotak/baru/x", "/agent/cari?q=x", "/agent/peristiwa"]
)
async def test_nobody_sees_anything_without_signing_in(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/agent/masuk")


async def test_what_waits_is_listed_and_taken_and_answered(door: Door, client: httpx.AsyncClient) -> None:
    await enter(door, client)
    citizen, found = await ask(door, "w1", "orang dong, KTP hilang")
    assert "KTP hilang" in (await client.get("/agent/kotak/baru")).text
    taken = await client.post(f"/agent/tugas/{found.id}/ambil", headers=BY_SCRIPT)
    assert 'data-state="mine"' in taken.text
    sent = {"teks": "Selamat pagi", "kunci": "k1"}
    for _ in range(2):
        answer = await client.post(
            f"/agent/percakapan/{found.conversation_id}/balas", data=sent, headers=BY_SCRIPT
        )
        assert answer.status_code == 204
    await answer_all(door)
    page = await client.get(f"/agent/kotak/milik-saya/{found.conversation_id}")
    assert page.text.count("Selamat pagi</p>") == 1
    assert citizen is not None


async def test_every_view_is_written_down(door: Door, client: httpx.AsyncClient) -> None:
    await enter(door, client)
    citizen, found = await ask(door, "w1")
    await client.post(f"/agent/tugas/{found.id}/ambil", headers=BY_SCRIPT)
    said = await citizen.say("NIK saya 3576011234567890")
    await answer_all(door)
    page = await client.get(f"/agent/kotak/milik-saya/{found.conversation_id}")
    assert "3576011234567890" not in page.text
    shown = await client.post(f"/agent/pesan/{said.message_id}/asli", headers=BY_SCRIPT)
    assert "3576011234567890" in shown.text
    await client.get("/agent/cari?q=saya")
    trail = [entry for entry in await acts(door) if entry[0] != "signed_in"]
    assert trail == [
        ("conversation_opened", found.conversation_id),
        ("conversation_opened", found.conversation_id),
        ("text_revealed", found.conversation_id),
        ("searched", None),
    ]


async def test_another_government_sees_nothing(door: Door, client: httpx.AsyncClient) -> None:
    await enter(door, client, "kupang", tenant="kota_kupang", role=Role.ADMIN)
    citizen, found = await ask(door, "w1", "orang dong rahasia")
    said = await citizen.say("lagi")
    await answer_all(door)
    at = f"/agent/percakapan/{found.conversation_id}"
    assert "rahasia" not in (await client.get("/agent/kotak/baru")).text
    assert "rahasia" not in (await client.get("/agent/cari?q=rahasia", headers=BY_SCRIPT)).text
    assert (await client.get(f"/agent/kotak/baru/{found.conversation_id}")).status_code == 404
    for path, data in (
        (f"/agent/tugas/{found.id}/ambil", {}),
        (f"/agent/tugas/{found.id}/selesai", {"hasil": "solved"}),
        (f"/agent/pesan/{said.message_id}/asli", {}),
        (f"/agent/pesan/{said.message_id}/maksud", {"maksud": "greet"}),
        (f"{at}/ambil-alih", {}),
        (f"{at}/catatan", {"teks": "x"}),
        (f"{at}/label", {"label": "x"}),
        (f"{at}/lacak", {"nomor": "x"}),
    ):
        answer = await client.post(path, data=data, headers=BY_SCRIPT)
        assert answer.status_code == 404, path
    assert (await look(door, found.id)).stage is Stage.WAITING


async def test_what_is_not_yours_says_what_to_do(door: Door, client: httpx.AsyncClient) -> None:
    await enter(door, client)
    _, found = await ask(door, "w1")
    answer = await client.post(
        f"/agent/percakapan/{found.conversation_id}/balas",
        data={"teks": "halo", "kunci": "k"},
        headers=BY_SCRIPT,
    )
    assert (answer.status_code, answer.text.strip()) == (
        409,
        "Percakapan ini bukan milik Anda. Ambil dahulu, baru balas.",
    )


async def test_no_deed_without_the_token_of_the_page(door: Door, client: httpx.AsyncClient) -> None:
    await enter(door, client)
    del client.headers["X-CSRF-Token"]
    _, found = await ask(door, "w1")
    for headers in ({}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": "é"}):
        sent = {name.encode(): value.encode() for name, value in headers.items()}
        answer = await client.post(f"/agent/tugas/{found.id}/ambil", headers=sent)
        assert answer.status_code == 403
    assert (await look(door, found.id)).stage is Stage.WAITING


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/agent/tugas/{handoff}/teruskan", {"tujuan": "entah"}),
        ("/agent/tugas/{handoff}/selesai", {"hasil": "abandoned"}),
        ("/agent/percakapan/{talk}/balas", {"teks": "", "kunci": "k"}),
        ("/agent/percakapan/{talk}/balas", {"teks": "x" * 4001, "kunci": "k"}),
        ("/agent/percakapan/{talk}/balas", {"teks": "tanpa kunci"}),
        ("/agent/percakapan/{talk}/jadwal", {"layanan": "ktp_hilang", "hari": "besok"}),
        ("/agent/percakapan/{talk}/antre", {"tempat": "x|kapan"}),
        ("/agent/percakapan/{talk}/label", {"label": "  "}),
        ("/agent/percakapan/{talk}/lapor", {"jenis": "x", "kunci": "k"}),
        ("/agent/keberadaan", {"keadaan": "hilang"}),
    ],
)
async def test_what_cannot_be_used_is_a_sentence(
    door: Door, client: httpx.AsyncClient, path: str, data: dict[str, str]
) -> None:
    await enter(door, client)
    _, found = await ask(door, "w1")
    await client.post(f"/agent/tugas/{found.id}/ambil", headers=BY_SCRIPT)
    at = path.format(handoff=found.id, talk=found.conversation_id)
    answer = await client.post(at, data=data, headers=BY_SCRIPT)
    assert answer.status_code == 422
    assert answer.text.strip().endswith(".")


async def test_plain_forms_work_without_scripts(door: Door, client: httpx.AsyncClient) -> None:
    await enter(door, client)
    _, found = await ask(door, "w1")
    answer = await client.post(f"/agent/tugas/{found.id}/ambil")
    assert answer.headers["location"] == f"/agent/kotak/milik-saya/{found.conversation_id}"
    done = await client.post(f"/agent/tugas/{found.id}/selesai", data={"hasil": "solved"})
    assert done.status_code == 303
    assert (await look(door, found.id)).stage is Stage.CLOSED


async def test_a_file_reaches_the_citizen_and_a_program_does_not(
    door: Door, client: httpx.AsyncClient
) -> None:
    await enter(door, client)
    _, found = await ask(door, "w1")
    await client.post(f"/agent/tugas/{found.id}/ambil", headers=BY_SCRIPT)
    at = f"/agent/percakapan/{found.conversation_id}/balas"
    good = {"berkas": ("syarat.pdf", b"%PDF-1.4 syarat", "application/pdf")}
    assert (await client.post(at, data={"kunci": "a"}, files=good, headers=BY_SCRIPT)).status_code == 204
    bad = {"berkas": ("x.html", b"<script>", "text/html")}
    assert (await client.post(at, data={"kunci": "b"}, files=bad, headers=BY_SCRIPT)).status_code == 422


async def test_a_canned_reply_knows_the_citizen(door: Door, client: httpx.AsyncClient) -> None:
    await enter(door, client, role=Role.SUPERVISOR)
    agent = await account(door, "wulan", role=Role.SUPERVISOR)
    await canned.save(
        door, agent, CannedReply("c1", agent.tenant, "salam", "Salam", "{salam}, nomor Anda {nomor}.")
    )
    _, found = await ask(door, "w1")
    answer = await client.get(f"/agent/percakapan/{found.conversation_id}/balasan/salam")
    assert f"P-{found.number}" in answer.json()["text"]
    missing = await client.get(f"/agent/percakapan/{found.conversation_id}/balasan/lain")
    assert missing.status_code == 404


async def test_events_go_on_where_a_console_left_off(door: Door, client: httpx.AsyncClient) -> None:
    from bot.web.agent import live
    from tests.bot.web.access.people import account as hire

    agent = await hire(door, "rahayu")
    _, found = await ask(door, "w1")
    from bot.conversations.desk import events

    seen = []
    async for event in events.follow(door, agent, 0):
        if event is None:
            break
        seen.append(event)
        if event.handoff_id == found.id:
            break
    told = await live._as_json(door, seen[-1])
    assert told["conversation"] == found.conversation_id
    assert json.dumps(told)
    assert writing.MAX_TEXT == 4000
