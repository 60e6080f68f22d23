"""Only who may comes in; every try is written down and slows the next."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pyotp
import pytest
import sqlalchemy as sa

from bot.app import create_app
from bot.door import Door
from bot.storage import access_tables as tables
from bot.storage import audit, users
from bot.web.access import development, identity, passwords, secondstep, signin
from tests.bot.web.access.people import PASSWORD, account, sign_in, token
from tests.bot.web.conftest import client as client


async def acts(door: Door) -> list[str]:
    """What the audit trail says, oldest first."""
    async with door.database.reading() as conn:
        return list((await conn.execute(sa.select(tables.audit.c.act).order_by(tables.audit.c.id))).scalars())


async def test_the_right_password_opens_the_console(door: Door, client: httpx.AsyncClient) -> None:
    await account(door, "rahayu")
    answer = await sign_in(client, "Rahayu")
    assert answer.status_code == 303
    assert (await client.get("/agent/akun")).status_code == 200
    assert await acts(door) == ["signed_in"]


async def test_the_cookie_is_for_this_host_and_no_script(door: Door, client: httpx.AsyncClient) -> None:
    await account(door, "rahayu")
    cookie = (await sign_in(client, "rahayu")).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    production = replace(door, settings=replace(door.settings, production=True))
    app = create_app(production.settings, production)
    app.state.door = production
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://kota.test") as browser:
        cookie = (await sign_in(browser, "rahayu")).headers["set-cookie"]
    assert cookie.startswith("__Host-lawang=")
    assert "secure" in cookie.lower()


@pytest.mark.parametrize(("name", "word"), [("rahayu", "salah sekali"), ("siapa", PASSWORD), ("", "")])
async def test_whatever_is_wrong_the_answer_is_the_same(
    door: Door, client: httpx.AsyncClient, name: str, word: str
) -> None:
    await account(door, "rahayu")
    answer = await sign_in(client, name, word)
    assert answer.status_code == 401
    assert "Nama pengguna dan kata sandi belum cocok" in answer.text
    assert "set-cookie" not in answer.headers or "lawang_petugas" not in answer.headers["set-cookie"]
    assert await acts(door) == ["sign_in_refused"]


async def test_an_unknown_name_costs_as_much_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []

    class Hasher:
        hash = staticmethod(passwords._hasher.hash)

        def verify(self, kept: str, word: str) -> bool:
            verified.append(kept)
            return True

    monkeypatch.setattr(passwords, "_hasher", Hasher())
    assert not await passwords.matches(None, "apa saja")
    assert len(verified) == 1


async def test_an_account_rests_after_failures_and_then_opens_again(
    door: Door, client: httpx.AsyncClient
) -> None:
    await account(door, "rahayu")
    for _ in range(4):
        await sign_in(client, "rahayu", "salah sekali")
    assert (await sign_in(client, "rahayu")).status_code == 401
    async with door.database.transaction() as conn:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await conn.execute(tables.users.update().values(locked_until=past))
    assert (await sign_in(client, "rahayu")).status_code == 303
    async with door.database.reading() as conn:
        user = await users.named(conn, "rahayu")
    assert user is not None
    assert user.failures == 0


async def test_every_failure_makes_the_rest_longer(door: Door) -> None:
    await account(door, "rahayu")
    waits = []
    now = datetime.now(UTC)
    for _ in range(9):
        async with door.database.transaction() as conn:
            user = await users.named(conn, "rahayu")
            assert user is not None
            await users.failed(conn, user.id, now, signin.ACCOUNT_DELAYS)
            user = await users.get(conn, user.id)
        waits.append(0 if user.locked_until is None else (user.locked_until - now).total_seconds())
    assert waits == [0, 0, 0, 5, 15, 60, 300, 900, 900]


async def test_an_address_that_guesses_is_stopped(door: Door, client: httpx.AsyncClient) -> None:
    await account(door, "rahayu")
    for _ in range(signin.ADDRESS_TRIES):
        await door.keyvalue.increment("signin:127.0.0.1", signin.ADDRESS_SECONDS)
    assert (await sign_in(client, "rahayu")).status_code == 429


@pytest.mark.parametrize("state", [{"active": False}, {"development": True}])
async def test_a_closed_account_stays_closed(door: Door, state: dict[str, bool]) -> None:
    await account(door, "rahayu", **state)
    production = replace(door, settings=replace(door.settings, production=True))
    with pytest.raises(signin.Refused):
        await signin.with_password(production, "rahayu", PASSWORD, "-")


async def test_disabling_ends_a_session_at_once(door: Door, client: httpx.AsyncClient) -> None:
    await account(door, "rahayu")
    await sign_in(client, "rahayu")
    async with door.database.transaction() as conn:
        await conn.execute(tables.users.update().values(active=False))
    answer = await client.get("/agent/akun")
    assert (answer.status_code, answer.headers["location"]) == (303, "/agent/masuk?lanjut=/agent/akun")


@pytest.mark.parametrize("column", ["used_at", "expires_at"])
async def test_sessions_end_when_idle_and_in_any_case(
    door: Door, client: httpx.AsyncClient, column: str
) -> None:
    await account(door, "rahayu")
    await sign_in(client, "rahayu")
    async with door.database.transaction() as conn:
        past = datetime.now(UTC) - identity.IDLE - timedelta(seconds=1)
        await conn.execute(tables.sessions.update().values({column: past}))
    assert (await client.get("/agent/akun")).status_code == 303


async def test_no_copy_of_the_table_opens_a_session(door: Door, client: httpx.AsyncClient) -> None:
    await account(door, "rahayu")
    await sign_in(client, "rahayu")
    async with door.database.reading() as conn:
        kept = (await conn.execute(sa.select(tables.sessions.c.token_hash))).scalar_one()
    client.cookies.clear()
    assert (await client.get("/agent/akun", headers={"Cookie": f"lawang_petugas={kept}"})).status_code == 303


async def test_every_sign_in_gets_a_session_of_its_own(door: Door, client: httpx.AsyncClient) -> None:
    await account(door, "rahayu")
    first = (await sign_in(client, "rahayu")).cookies["lawang_petugas"]
    assert (await sign_in(client, "rahayu")).cookies["lawang_petugas"] != first


async def test_a_form_from_elsewhere_is_refused(door: Door, client: httpx.AsyncClient) -> None:
    await account(door, "rahayu")
    answer = await client.post("/agent/masuk", data={"nama": "rahayu", "sandi": PASSWORD, "csrf": "ab" * 32})
    assert answer.status_code == 403
    await sign_in(client, "rahayu")
    page = await client.get("/agent/akun")
    for data, headers in (
        ({}, {}),
        ({"csrf": "tebak"}, {}),
        ({"csrf": token(page)}, {"Origin": "https://jahat.example"}),
        ({"csrf": token(page)}, {"Sec-Fetch-Site": "cross-site"}),
    ):
        assert (await client.post("/agent/keluar", data=data, headers=headers)).status_code == 403
    assert (await client.post("/agent/keluar", data={"csrf": token(page)})).status_code == 303
    assert (await client.get("/agent/akun")).status_code == 303


@pytest.mark.parametrize(
    "onward",
    ["https://jahat.example", "//jahat.example", "/agent//jahat", "/agent\\jahat", "/lain", "/agent:x"],
)
async def test_nobody_is_sent_elsewhere_after_signing_in(
    door: Door, client: httpx.AsyncClient, onward: str
) -> None:
    await account(door, "rahayu")
    answer = await sign_in(client, "rahayu", onward=onward)
    assert answer.headers["location"].startswith("/agent")
    assert "jahat" not in answer.headers["location"]


async def enrolled(door: Door, browser: httpx.AsyncClient) -> tuple[str, list[str]]:
    """Turn the second step on in a signed-in browser; the secret and the recovery codes."""
    page = await browser.post(
        "/agent/akun/dua-langkah", data={"csrf": token(await browser.get("/agent/akun"))}
    )
    secret = page.text.split("<code>")[1].split("</code>")[0]
    sealed = page.text.split('name="rahasia" value="')[1].split('"')[0]
    # The code of the step before: the one of now is still to be used.
    code = pyotp.TOTP(secret).at(int(time.time()) - secondstep.STEP_SECONDS)
    data = {"csrf": token(page), "rahasia": sealed, "kode": code}
    done = await browser.post("/agent/akun/dua-langkah/pasang", data=data)
    assert done.status_code == 200, done.text
    return secret, [part.split("</code>")[0] for part in done.text.split("<li><code>")[1:]]


async def test_with_a_second_step_a_password_alone_opens_nothing(
    door: Door, client: httpx.AsyncClient
) -> None:
    await account(door, "rahayu")
    await sign_in(client, "rahayu")
    secret, codes = await enrolled(door, client)
    assert len(codes) == secondstep.RECOVERY_CODES
    client.cookies.clear()
    answer = await sign_in(client, "rahayu")
    assert answer.headers["location"].startswith("/agent/kode")
    assert (await client.get("/agent/akun")).status_code == 303
    page = await client.get("/agent/kode")
    wrong = await client.post("/agent/kode", data={"csrf": token(page), "kode": "000000"})
    assert wrong.status_code == 401
    right = {"csrf": token(page), "kode": pyotp.TOTP(secret).now()}
    assert (await client.post("/agent/kode", data=right)).status_code == 303
    assert (await client.get("/agent/akun")).status_code == 200


async def test_no_code_is_good_twice(door: Door, client: httpx.AsyncClient) -> None:
    await account(door, "rahayu")
    await sign_in(client, "rahayu")
    secret, codes = await enrolled(door, client)
    async with door.database.reading() as conn:
        user = await users.named(conn, "rahayu")
    assert user is not None
    for code in (pyotp.TOTP(secret).now(), codes[0]):
        await signin.with_code(door, user, code, "-")
        with pytest.raises(signin.Refused):
            await signin.with_code(door, user, code, "-")
    assert "recovery_code_used" in await acts(door)


async def test_a_new_password_signs_out_everywhere_else(door: Door, client: httpx.AsyncClient) -> None:
    await account(door, "rahayu")
    elsewhere = (await sign_in(client, "rahayu")).cookies["lawang_petugas"]
    page = await client.get("/agent/akun")
    data = {"csrf": token(page), "lama": PASSWORD, "baru": "soto ayam lamongan"}
    assert (await client.post("/agent/akun/sandi", data=data)).status_code == 303
    assert (await client.get("/agent/akun")).status_code == 200
    client.cookies.clear()
    assert (
        await client.get("/agent/akun", headers={"Cookie": f"lawang_petugas={elsewhere}"})
    ).status_code == 303
    assert (await sign_in(client, "rahayu", "soto ayam lamongan")).status_code == 303


async def test_development_sign_ins_are_none_in_production(door: Door) -> None:
    await development.prepare(door)
    await development.prepare(door)
    name, word, _ = development.sign_ins(door.settings)[0]
    assert (await signin.with_password(door, name, word, "-")).username == name
    production = replace(door, settings=replace(door.settings, production=True))
    assert development.sign_ins(production.settings) == []
    with pytest.raises(signin.Refused):
        await signin.with_password(production, name, word, "-")


async def test_the_page_allows_no_foreign_thing(client: httpx.AsyncClient) -> None:
    page = await client.get("/agent/masuk")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script>" not in page.text
    assert " style=" not in page.text
    assert page.headers["cache-control"] == "no-store"


async def test_the_trail_can_be_read_by_tenant(door: Door, client: httpx.AsyncClient) -> None:
    agent = await account(door, "rahayu")
    await sign_in(client, "rahayu", "keliru sekali")
    await sign_in(client, "siapa", "sandi yang salah ketik")
    async with door.database.reading() as conn:
        [entry] = await audit.newest(conn, "kota_mojokerto")
        subjects = list((await conn.execute(sa.select(tables.audit.c.subject))).scalars())
    assert (entry.agent_id, entry.act, entry.subject) == (agent.id, audit.Act.SIGN_IN_REFUSED, "rahayu")
    assert subjects == ["rahayu", None]
