"""The city's own sign-in, against a provider written by others, over HTTP: in comes whom it vouches for."""

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa

from bot.app import create_app
from bot.door import Door
from bot.storage import access_tables as tables
from bot.vocabulary.agents import Role
from bot.web.access import oidc
from tests.bot.web.access import city
from tests.bot.web.access.people import account
from tests.bot.web.conftest import client as client
from tests.conftest import DATABASES

CLIENT = "lawang-uji"
# One engine: nothing here is the database's own.
pytestmark = pytest.mark.parametrize("database_url", DATABASES[:1], indirect=True)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider of its own process."""
    with city.running() as address:
        yield address


@pytest.fixture
def town(door: Door, issuer: str) -> Door:
    """A door whose city has a sign-in."""
    told = {"oidc_issuer": issuer, "oidc_client_id": CLIENT, "oidc_client_secret": "rahasia-uji"}
    return replace(door, settings=replace(door.settings, public_url="http://kota.test", **told))


@pytest.fixture
async def browser(town: Door) -> AsyncIterator[httpx.AsyncClient]:
    """A browser before that door."""
    app = create_app(town.settings, town)
    app.state.door = town
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://kota.test") as opened:
        yield opened


async def known(town: Door, name: str = "sari", **values: Any) -> None:
    """Somebody who comes in through the city."""
    subject = oidc.named(town.settings, f"{name}@kota")
    await account(town, name, values.pop("role", Role.PETUGAS), oidc_subject=subject, **values)


async def come(browser: httpx.AsyncClient, name: str = "sari", onward: str = "") -> httpx.Response:
    """The whole way there and back."""
    return await browser.get(await city.vouch(browser, f"{name}@kota", onward))


async def test_whom_the_city_vouches_for_comes_in(town: Door, browser: httpx.AsyncClient) -> None:
    await known(town)
    answer = await come(browser, onward="/agent/akun")
    assert (answer.status_code, answer.headers["location"]) == (303, "/agent/akun")
    assert (await browser.get("/agent/akun")).status_code == 200
    async with town.database.reading() as conn:
        row = (await conn.execute(sa.select(tables.audit))).one()
    assert (row.act, row.subject, row.detail) == ("signed_in", "sari", "city")


async def test_the_way_there_carries_state_nonce_and_challenge(
    town: Door, browser: httpx.AsyncClient
) -> None:
    away = [(await browser.get("/agent/masuk/kota")).headers["location"] for _ in range(2)]
    first, second = (parse_qs(urlsplit(address).query) for address in away)
    assert first["response_type"] == ["code"]
    assert first["redirect_uri"] == ["http://kota.test/agent/masuk/kota/kembali"]
    assert first["code_challenge_method"] == ["S256"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) >= 43
        assert first[name] != second[name]


async def test_the_code_is_worth_nothing_without_the_browser_that_left(
    town: Door, browser: httpx.AsyncClient, issuer: str
) -> None:
    await known(town)
    code = parse_qs(urlsplit(await city.vouch(browser, "sari@kota")).query)["code"][0]
    stolen = {"grant_type": "authorization_code", "code": code, "client_id": CLIENT}
    stolen |= {"redirect_uri": "http://kota.test/agent/masuk/kota/kembali", "code_verifier": "x" * 43}
    async with httpx.AsyncClient(trust_env=False) as thief:
        assert (await thief.post(f"{issuer}/oauth2/token", data=stolen)).status_code == 400


@pytest.mark.parametrize(
    "bent",
    [
        {"claims": {"iss": "https://lain.example"}},
        {"claims": {"iss": None}},
        {"claims": {"aud": "aplikasi-lain"}},
        {"claims": {"aud": ["aplikasi-lain"]}},
        {"claims": {"aud": [CLIENT, "aplikasi-lain"]}},
        {"claims": {"azp": "aplikasi-lain"}},
        {"claims": {"nonce": "yang-kemarin"}},
        {"claims": {"nonce": None}},
        {"claims": {"exp": 1_700_000_000}},
        {"claims": {"exp": None}},
        {"claims": {"iat": 4_000_000_000}},
        {"claims": {"sub": None}},
        {"foreign_key": True},
    ],
    ids=lambda bent: "-".join(f"{k}={v}" for k, v in bent.get("claims", {"key": "foreign"}).items()),
)
async def test_a_token_that_proves_nothing_opens_nothing(
    town: Door, browser: httpx.AsyncClient, issuer: str, bent: dict[str, Any]
) -> None:
    await known(town)
    city.bend(issuer, **bent)
    answer = await come(browser)
    assert answer.status_code == 401
    assert "Tekan lagi tombol akun kota" in answer.text
    assert (await browser.get("/agent/akun")).status_code == 303
    # Left as it is, the same token would have let them in.
    assert (await come(browser)).status_code == 303


async def test_a_clock_half_a_minute_off_is_forgiven(
    town: Door, browser: httpx.AsyncClient, issuer: str
) -> None:
    await known(town)
    city.bend(issuer, claims={"exp": int(time.time()) - 30})
    assert (await come(browser)).status_code == 303


async def test_a_token_for_several_names_us_as_the_one(
    town: Door, browser: httpx.AsyncClient, issuer: str
) -> None:
    await known(town)
    city.bend(issuer, claims={"aud": [CLIENT, "aplikasi-lain"], "azp": CLIENT})
    assert (await come(browser)).status_code == 303


async def test_an_unknown_person_is_told_to_ask_an_admin(town: Door, browser: httpx.AsyncClient) -> None:
    answer = await come(browser, "siapa")
    assert answer.status_code == 401
    assert "Minta admin menambahkannya" in answer.text


async def test_a_closed_account_stays_closed_to_the_city(town: Door, browser: httpx.AsyncClient) -> None:
    await known(town, active=False)
    answer = await come(browser)
    assert answer.status_code == 401
    assert "sedang tidak aktif" in answer.text
    async with town.database.reading() as conn:
        row = (await conn.execute(sa.select(tables.audit))).one()
    assert (row.act, row.subject, row.detail) == ("sign_in_refused", "sari", "city_closed")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("state=tebakan&code=apa-saja", "Tekan lagi tombol akun kota"),
        ("error=access_denied&state=x", "dibatalkan"),
        ("error=server_error&state=x", "beri tahu admin"),
        ("", "Tekan lagi tombol akun kota"),
    ],
)
async def test_coming_back_with_something_else_opens_nothing(
    town: Door, browser: httpx.AsyncClient, query: str, sentence: str
) -> None:
    await known(town)
    await city.vouch(browser, "sari@kota")
    answer = await browser.get(f"/agent/masuk/kota/kembali?{query}")
    assert answer.status_code == 401
    assert sentence in answer.text
    assert (await browser.get("/agent/akun")).status_code == 303


async def test_a_link_back_that_somebody_else_prepared_opens_nothing(
    town: Door, browser: httpx.AsyncClient
) -> None:
    await known(town)
    back = await city.vouch(browser, "sari@kota")
    browser.cookies.clear()
    answer = await browser.get(back)
    assert answer.status_code == 401
    assert "lebih dari 10 menit" in answer.text


async def test_a_way_back_is_good_once(town: Door, browser: httpx.AsyncClient) -> None:
    await known(town)
    back = await city.vouch(browser, "sari@kota")
    assert (await browser.get(back)).status_code == 303
    assert (await browser.get(back)).status_code == 401


async def test_a_city_that_is_away_says_so(town: Door) -> None:
    away = replace(town, settings=replace(town.settings, oidc_issuer="http://127.0.0.1:9"))
    app = create_app(away.settings, away)
    app.state.door = away
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://kota.test") as browser:
        answer = await browser.get("/agent/masuk/kota")
    assert answer.status_code == 502
    assert "masuk dengan kata sandi" in answer.text


async def test_an_issuer_that_calls_itself_otherwise_is_not_trusted(
    town: Door, browser: httpx.AsyncClient, issuer: str
) -> None:
    other = issuer.replace("127.0.0.1", "localhost")
    assert oidc.named(town.settings, "x") == f"{issuer} x"
    lost = replace(town, settings=replace(town.settings, oidc_issuer=f"{other}/realms/kota"))
    with pytest.raises(oidc.CityAway):
        await oidc.depart(lost.settings, "http://kota.test/kembali", "")


@pytest.mark.parametrize(
    ("ways", "to"),
    [
        (["pwd"], "/agent/dua-langkah"),
        (["pwd", "otp"], "/agent"),
        ("mfa", "/agent/dua-langkah"),
        (None, "/agent/dua-langkah"),
    ],
)
async def test_a_supervisor_brings_a_second_step_from_the_city_or_has_one_here(
    town: Door, issuer: str, ways: Any, to: str
) -> None:
    strict = replace(town, settings=replace(town.settings, second_step=("supervisor", "admin")))
    await known(strict, role=Role.SUPERVISOR)
    app = create_app(strict.settings, strict)
    app.state.door = strict
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://kota.test") as browser:
        city.bend(issuer, claims={"amr": ways})
        answer = await come(browser)
    assert answer.status_code == 303
    assert answer.headers["location"].split("?")[0] == to


async def test_without_a_city_sign_in_there_is_no_such_page(door: Door, client: httpx.AsyncClient) -> None:
    assert (await client.get("/agent/masuk/kota")).status_code == 404
    assert "akun kota" not in (await client.get("/agent/masuk")).text
