"""Roles that must, come in with a second step only; first passwords are for choosing one's own."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pyotp
import pytest
import sqlalchemy as sa

from bot.app import create_app
from bot.door import Door
from bot.storage import access_tables as tables
from bot.storage import users
from bot.vocabulary.agents import Role
from bot.web.access import secondstep, signin
from tests.bot.web.access.people import PASSWORD, account, sign_in, token

OWN = "soto ayam lamongan"


@pytest.fixture
def strict(door: Door) -> Door:
    """A door as in production: supervisors and admins bring a second step."""
    return replace(door, settings=replace(door.settings, second_step=("supervisor", "admin")))


@asynccontextmanager
async def before(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    """A browser before a door."""
    app = create_app(door.settings, door)
    app.state.door = door
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://kota.test") as browser:
        yield browser


def field(page: httpx.Response, name: str) -> str:
    """A hidden field of a form."""
    return page.text.split(f'name="{name}" value="')[1].split('"')[0]


def shown_secret(page: httpx.Response) -> str:
    """The secret beside the picture."""
    return page.text.split("<code>")[1].split("</code>")[0]


async def enrol(browser: httpx.AsyncClient) -> tuple[str, httpx.Response]:
    """Set the second step up on the way in; the secret and the answer."""
    page = await browser.get("/agent/dua-langkah")
    assert page.status_code == 200
    secret = shown_secret(page)
    code = pyotp.TOTP(secret).at(int(time.time()) - secondstep.STEP_SECONDS)
    data = {"csrf": token(page), "rahasia": field(page, "rahasia"), "kode": code}
    return secret, await browser.post("/agent/dua-langkah", data=data)


@pytest.mark.parametrize(
    ("role", "to"),
    [(Role.PETUGAS, "/agent"), (Role.SUPERVISOR, "/agent/dua-langkah"), (Role.ADMIN, "/agent/dua-langkah")],
)
async def test_who_must_is_led_to_setting_it_up(strict: Door, role: Role, to: str) -> None:
    await account(strict, "wulan", role)
    async with before(strict) as browser:
        answer = await sign_in(browser, "wulan")
        assert answer.headers["location"].split("?")[0] == to


async def test_until_it_is_set_up_nothing_else_opens(strict: Door) -> None:
    await account(strict, "wulan", Role.ADMIN)
    async with before(strict) as browser:
        await sign_in(browser, "wulan")
        for page in ("/agent/akun", "/agent/kotak/baru", "/agent/pengaturan", "/agent/pimpinan"):
            assert (await browser.get(page)).headers["location"].startswith("/agent/masuk"), page
        secret, done = await enrol(browser)
        assert done.status_code == 200
        assert done.text.count("<li><code>") == secondstep.RECOVERY_CODES
        assert (await browser.get("/agent/pengaturan")).status_code == 200
        browser.cookies.clear()
        assert (await sign_in(browser, "wulan")).headers["location"].startswith("/agent/kode")
        page = await browser.get("/agent/kode")
        data = {"csrf": token(page), "kode": pyotp.TOTP(secret).now()}
        assert (await browser.post("/agent/kode", data=data)).headers["location"] == "/agent"


async def test_the_picture_is_drawn_here(strict: Door) -> None:
    await account(strict, "wulan", Role.ADMIN)
    async with before(strict) as browser:
        await sign_in(browser, "wulan")
        page = await browser.get("/agent/dua-langkah")
    assert 'src="data:image/svg+xml' in page.text
    assert "http://" not in page.text.replace("http%3A//www.w3.org", "")


async def test_a_wrong_code_and_a_strangers_secret_turn_nothing_on(strict: Door) -> None:
    await account(strict, "wulan", Role.ADMIN)
    async with before(strict) as browser:
        await sign_in(browser, "wulan")
        page = await browser.get("/agent/dua-langkah")
        kept = {"csrf": token(page), "rahasia": field(page, "rahasia")}
        assert (await browser.post("/agent/dua-langkah", data={**kept, "kode": "000000"})).status_code == 422
        own = pyotp.random_base32(32)
        for sealed in (strict.sealer.seal(own), strict.sealer.seal(f"lain {own}"), "x", ""):
            data = {**kept, "rahasia": sealed, "kode": pyotp.TOTP(own).now()}
            assert (await browser.post("/agent/dua-langkah", data=data)).status_code == 422
    async with strict.database.reading() as conn:
        user = await users.named(conn, "wulan")
    assert user is not None
    assert user.totp_sealed is None


async def test_the_code_that_set_it_up_is_not_good_again(strict: Door) -> None:
    await account(strict, "wulan", Role.ADMIN)
    async with before(strict) as browser:
        await sign_in(browser, "wulan")
        secret, _ = await enrol(browser)
    async with strict.database.reading() as conn:
        user = await users.named(conn, "wulan")
    assert user is not None
    used = pyotp.TOTP(secret).at(int(time.time()) - secondstep.STEP_SECONDS)
    with pytest.raises(signin.Refused):
        await signin.with_code(strict, user, used, "-")


async def test_another_telephone_needs_a_code_of_the_first(strict: Door) -> None:
    await account(strict, "wulan", Role.ADMIN)
    async with before(strict) as browser:
        await sign_in(browser, "wulan")
        secret, _ = await enrol(browser)
        page = await browser.get("/agent/akun")
        refused = await browser.post("/agent/akun/dua-langkah", data={"csrf": token(page)})
        assert refused.status_code == 422
        assert "kode dari ponsel lama" in refused.text
        data = {"csrf": token(page), "kode": pyotp.TOTP(secret).now()}
        shown = await browser.post("/agent/akun/dua-langkah", data=data)
        assert shown.status_code == 200
        assert shown_secret(shown) != secret


async def test_a_first_password_is_for_choosing_ones_own(door: Door) -> None:
    await account(door, "sari", first_password_until=datetime.now(UTC) + timedelta(days=1))
    async with before(door) as browser:
        assert (await sign_in(browser, "sari")).headers["location"].startswith("/agent/sandi-baru")
        assert (await browser.get("/agent/akun")).status_code == 303
        page = await browser.get("/agent/sandi-baru")
        for bad in ("pendek", PASSWORD, "sari yang baik sekali"):
            data = {"csrf": token(page), "baru": bad}
            assert (await browser.post("/agent/sandi-baru", data=data)).status_code == 422
        done = await browser.post("/agent/sandi-baru", data={"csrf": token(page), "baru": OWN})
        assert done.headers["location"] == "/agent"
        assert (await browser.get("/agent/akun")).status_code == 200
        browser.cookies.clear()
        assert (await sign_in(browser, "sari")).status_code == 401
        assert (await sign_in(browser, "sari", OWN)).headers["location"] == "/agent"


async def test_a_first_password_ends(door: Door) -> None:
    await account(door, "sari", first_password_until=datetime.now(UTC) - timedelta(seconds=1))
    async with before(door) as browser:
        assert (await sign_in(browser, "sari")).status_code == 401


async def test_a_new_admin_chooses_a_password_and_then_a_second_step(strict: Door) -> None:
    await account(strict, "sari", Role.ADMIN, first_password_until=datetime.now(UTC) + timedelta(days=1))
    async with before(strict) as browser:
        await sign_in(browser, "sari")
        page = await browser.get("/agent/sandi-baru")
        done = await browser.post("/agent/sandi-baru", data={"csrf": token(page), "baru": OWN})
        assert done.headers["location"].startswith("/agent/dua-langkah")
        _, done = await enrol(browser)
        assert done.status_code == 200


async def test_signing_in_ends_the_session_the_browser_had(door: Door) -> None:
    await account(door, "rahayu")
    async with before(door) as browser:
        first = (await sign_in(browser, "rahayu")).cookies["lawang_petugas"]
        await sign_in(browser, "rahayu")
        browser.cookies.clear()
        planted = {"Cookie": f"lawang_petugas={first}"}
        assert (await browser.get("/agent/akun", headers=planted)).status_code == 303


async def test_a_planted_cookie_is_never_taken_over(door: Door) -> None:
    await account(door, "rahayu")
    async with before(door) as browser:
        browser.cookies.set("lawang_petugas", "ditanam-orang-lain")
        given = (await sign_in(browser, "rahayu")).cookies["lawang_petugas"]
        assert given != "ditanam-orang-lain"
        browser.cookies.clear()
        planted = {"Cookie": "lawang_petugas=ditanam-orang-lain"}
        assert (await browser.get("/agent/akun", headers=planted)).status_code == 303


async def test_leaving_everywhere_ends_every_session(door: Door) -> None:
    await account(door, "rahayu")
    async with before(door) as office, before(door) as home:
        office.headers["User-Agent"] = "Mozilla/5.0 (Linux; Android 14) Chrome/130.0 Mobile Safari/537.36"
        await sign_in(office, "rahayu")
        await sign_in(home, "rahayu")
        page = await home.get("/agent/akun")
        assert "Chrome, Android" in page.text
        assert page.text.count("(yang ini)") == 1
        assert (await home.post("/agent/akun/keluar-semua", data={"csrf": token(page)})).status_code == 303
        for browser in (office, home):
            assert (await browser.get("/agent/akun")).status_code == 303
    async with door.database.reading() as conn:
        acts = list((await conn.execute(sa.select(tables.audit.c.act))).scalars())
    assert "signed_out_everywhere" in acts
