"""Accounts kept in the console: by who may, for their own government, and never without an admin left."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
import sqlalchemy as sa

from bot.conversations.desk.errors import NotAllowed, Unusable
from bot.door import Door
from bot.storage import access_tables as tables
from bot.storage import agents, users
from bot.vocabulary.agents import Agent, Role
from bot.web.access import accounts, signin
from tests.bot.web.access.people import PASSWORD, account, sign_in, token
from tests.bot.web.conftest import client as client

PEOPLE = "/agent/pengaturan/pengguna"
NEW = {"nama_pengguna": "Sari.D", "nama": "Sari Dewi", "peran": "petugas", "muat": "6", "bahasa": "jv"}


async def post(browser: httpx.AsyncClient, path: str, **values: str) -> httpx.Response:
    """Send a form from the page of people."""
    page = await browser.get("/agent/akun")
    return await browser.post(f"{PEOPLE}{path}", data={"csrf": token(page), **values})


async def known(door: Door, agent_id: str) -> Agent:
    """An agent as stored."""
    async with door.database.reading() as conn:
        return await agents.get(conn, agent_id)


async def trail(door: Door) -> list[tuple[str, str | None, str | None]]:
    """Act, subject and detail of every line that is no sign-in."""
    async with door.database.reading() as conn:
        rows = await conn.execute(sa.select(tables.audit).order_by(tables.audit.c.id))
        return [(r.act, r.subject, r.detail) for r in rows if not r.act.startswith("sign")]


def form_of(agent: Agent, **changed: str) -> dict[str, str]:
    """What the person's form sends when only `changed` was touched."""
    return {"nama": agent.name, "peran": agent.role, "muat": str(agent.capacity), **changed}


async def test_who_is_added_comes_in_with_a_password_shown_once(
    door: Door, admin: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    page = await post(admin, "", **NEW)
    assert page.status_code == 200
    [first] = re.findall(r"<code>([a-z0-9]{4}(?:-[a-z0-9]{4}){3})</code>", page.text)
    everybody = await admin.get(PEOPLE)
    assert "Sari Dewi" in everybody.text
    assert first not in everybody.text
    answer = await sign_in(client, "sari.d", first)
    assert answer.headers["location"].startswith("/agent/sandi-baru")
    async with door.database.reading() as conn:
        user = await users.named(conn, "sari.d")
        assert user is not None
        made = await agents.get(conn, user.agent_id)
    assert (made.name, made.role, made.capacity, made.languages) == ("Sari Dewi", Role.PETUGAS, 6, ("jv",))
    assert await trail(door) == [("account_added", "sari.d", "Sari Dewi")]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"nama_pengguna": "dewi"}, "sudah dipakai"),
        ({"nama_pengguna": "<b>"}, "2 sampai 32 huruf kecil"),
        ({"nama": " "}, "nama lengkapnya"),
        ({"muat": "banyak"}, "angka 0 sampai 50"),
        ({"muat": "51"}, "angka 0 sampai 50"),
        ({"akun_kota": "8f2c"}, "belum disiapkan"),
    ],
)
async def test_what_cannot_be_used_says_why_and_keeps_what_was_typed(
    admin: httpx.AsyncClient, changed: dict[str, str], sentence: str
) -> None:
    page = await post(admin, "", **(NEW | changed))
    assert page.status_code == 422
    assert sentence in page.text
    if "nama" not in changed:
        assert 'value="Sari Dewi"' in page.text


async def test_the_password_of_a_colleague_on_leave_can_be_given_again(
    door: Door, admin: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    colleague = await account(door, "rahayu")
    await sign_in(client, "rahayu")
    page = await post(admin, f"/{colleague.id}/sandi")
    [first] = re.findall(r"<code>([a-z0-9]{4}(?:-[a-z0-9]{4}){3})</code>", page.text)
    assert (await client.get("/agent/akun")).status_code == 303
    assert (await sign_in(client, "rahayu")).status_code == 401
    assert (await sign_in(client, "rahayu", first)).status_code == 303


async def test_closing_an_account_signs_out_at_once_and_opening_lets_in_again(
    door: Door, admin: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    colleague = await account(door, "rahayu")
    await sign_in(client, "rahayu")
    assert (await post(admin, f"/{colleague.id}/tutup")).status_code == 303
    assert (await client.get("/agent/akun")).status_code == 303
    assert (await sign_in(client, "rahayu")).status_code == 401
    assert not (await known(door, colleague.id)).active
    await post(admin, f"/{colleague.id}/buka")
    assert (await sign_in(client, "rahayu")).status_code == 303
    assert [act for act, _, _ in await trail(door)] == ["account_closed", "account_opened"]


async def test_another_role_counts_from_the_next_sign_in(
    door: Door, admin: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    colleague = await account(door, "rahayu", Role.SUPERVISOR)
    await sign_in(client, "rahayu")
    assert (await client.get("/agent/pimpinan")).status_code == 200
    await post(admin, f"/{colleague.id}", **form_of(colleague, peran="petugas"))
    assert (await client.get("/agent/pimpinan")).status_code == 303
    await sign_in(client, "rahayu")
    assert (await client.get("/agent/pimpinan")).status_code == 403
    assert await trail(door) == [("account_changed", "rahayu", "peran: penyelia → petugas")]


async def test_other_changes_sign_nobody_out(
    door: Door, admin: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    colleague = await account(door, "rahayu")
    await sign_in(client, "rahayu")
    await post(admin, f"/{colleague.id}", **form_of(colleague, muat="9", nama_warga="Rahayu"))
    assert (await client.get("/agent/akun")).status_code == 200
    after = await known(door, colleague.id)
    assert (after.capacity, after.public_name) == (9, "Rahayu")
    assert await trail(door) == [("account_changed", "rahayu", "nama bagi warga: – → Rahayu; muat: 4 → 9")]


async def test_a_lost_telephone_is_taken_off(
    door: Door, admin: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    sealed = door.sealer.seal("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    colleague = await account(door, "rahayu", totp_sealed=sealed, recovery_hashes=["x"])
    assert (await sign_in(client, "rahayu")).headers["location"].startswith("/agent/kode")
    await post(admin, f"/{colleague.id}/dua-langkah")
    assert (await client.get("/agent/kode")).headers["location"].startswith("/agent/masuk")
    assert (await sign_in(client, "rahayu")).headers["location"] == "/agent"
    assert (await trail(door))[0][:2] == ("second_step_reset", "rahayu")


@pytest.mark.parametrize("act", ["/tutup", "/sandi", "/dua-langkah", ""])
@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMIN])
async def test_a_supervisor_keeps_petugas_only(
    door: Door, supervisor: httpx.AsyncClient, role: Role, act: str
) -> None:
    superior = await account(door, "wulan", role)
    answer = await post(supervisor, f"/{superior.id}{act}", **form_of(superior, nama="Lain"))
    assert answer.status_code == 403
    assert (await known(door, superior.id)) == superior


@pytest.mark.parametrize("role", ["supervisor", "admin"])
async def test_a_supervisor_makes_nobody_their_equal(
    door: Door, supervisor: httpx.AsyncClient, role: str
) -> None:
    colleague = await account(door, "rahayu")
    assert (await post(supervisor, f"/{colleague.id}", **form_of(colleague, peran=role))).status_code == 403
    assert (await post(supervisor, "", **(NEW | {"peran": role}))).status_code == 403
    assert (await known(door, colleague.id)).role is Role.PETUGAS
    assert (await post(supervisor, f"/{colleague.id}/tutup")).status_code == 303


@pytest.mark.parametrize("act", ["/tutup", "/buka", "/sandi", "/dua-langkah", ""])
async def test_another_government_is_nobodys_business(door: Door, admin: httpx.AsyncClient, act: str) -> None:
    stranger = await account(door, "yohana", tenant="kota_kupang")
    assert (await admin.get(f"{PEOPLE}/{stranger.id}")).status_code == 404
    assert (await post(admin, f"/{stranger.id}{act}", **form_of(stranger))).status_code == 404
    everybody = await admin.get(PEOPLE)
    assert everybody.status_code == 200
    assert "Yohana" not in everybody.text


@pytest.mark.parametrize("path", ["", "/x", "/x/tutup"])
async def test_agents_keep_nobodys_account(agent: httpx.AsyncClient, path: str) -> None:
    assert (await post(agent, path, **NEW)).status_code == 403
    if not path.endswith("tutup"):
        assert (await agent.get(f"{PEOPLE}{path}")).status_code == 403


async def test_there_is_no_such_act(door: Door, admin: httpx.AsyncClient) -> None:
    colleague = await account(door, "rahayu")
    assert (await post(admin, f"/{colleague.id}/hapus")).status_code == 404


async def test_a_form_from_elsewhere_keeps_nothing(door: Door, admin: httpx.AsyncClient) -> None:
    colleague = await account(door, "rahayu")
    for path in ("", f"/{colleague.id}", f"/{colleague.id}/tutup", f"/{colleague.id}/sandi"):
        answer = await admin.post(f"{PEOPLE}{path}", data={"csrf": "0" * 64, **NEW})
        assert answer.status_code == 403, path
    assert await trail(door) == []


async def test_the_last_admin_stays(door: Door, admin: httpx.AsyncClient) -> None:
    async with door.database.reading() as conn:
        user = await users.named(conn, "dewi")
        assert user is not None
        me = await agents.get(conn, user.agent_id)
    for path, values in ((f"/{me.id}/tutup", {}), (f"/{me.id}", form_of(me, peran="petugas"))):
        page = await post(admin, path, **values)
        assert page.status_code == 422
        assert "admin terakhir" in page.text
    assert (await known(door, me.id)) == me
    # One whose account is closed, and one of another government, are no help.
    await account(door, "lama", Role.ADMIN, active=False)
    await account(door, "yohana", Role.ADMIN, tenant="kota_kupang")
    assert (await post(admin, f"/{me.id}/tutup")).status_code == 422
    await account(door, "baru", Role.ADMIN)
    assert (await post(admin, f"/{me.id}/tutup")).status_code == 303


async def test_two_admins_who_close_each_other_leave_one(door: Door) -> None:
    first, second = await account(door, "dewi", Role.ADMIN), await account(door, "dimas", Role.ADMIN)
    answers = await asyncio.gather(
        accounts.close(door, first, second.id, "-"),
        accounts.close(door, second, first.id, "-"),
        return_exceptions=True,
    )
    assert sorted(type(answer) for answer in answers if answer) == [Unusable]
    assert [(await known(door, one.id)).active for one in (first, second)].count(True) == 1


async def test_a_development_admin_does_not_count_in_production(door: Door) -> None:
    me = await account(door, "dewi", Role.ADMIN)
    await account(door, "dimas", Role.ADMIN, development=True)
    production = replace(door, settings=replace(door.settings, production=True))
    with pytest.raises(Unusable):
        await accounts.close(production, me, me.id, "-")
    await accounts.close(door, me, me.id, "-")


async def test_who_was_demoted_meanwhile_keeps_nothing(door: Door) -> None:
    keeper, colleague = await account(door, "dewi", Role.ADMIN), await account(door, "rahayu")
    with pytest.raises(NotAllowed):
        await accounts.close(door, replace(keeper, role=Role.PETUGAS), colleague.id, "-")


async def test_what_is_typed_is_shown_as_text(door: Door, admin: httpx.AsyncClient) -> None:
    evil = '"><script>alert(1)</script>'
    page = await post(admin, "", **(NEW | {"nama": evil, "nama_warga": evil}))
    async with door.database.reading() as conn:
        user = await users.named(conn, "sari.d")
    assert user is not None
    pages = [page, await admin.get(PEOPLE), await admin.get(f"{PEOPLE}/{user.agent_id}")]
    pages.append(await admin.get("/agent/pengaturan/jejak"))
    pages.append(await post(admin, "", **(NEW | {"nama": evil, "nama_pengguna": evil})))
    for shown in pages:
        assert "<script>alert" not in shown.text
        assert "&lt;script&gt;alert" in shown.text


async def test_a_skill_that_was_taken_off_the_list_stays_with_who_has_it(
    door: Door, admin: httpx.AsyncClient
) -> None:
    colleague = await account(door, "rahayu")
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        await agents.save(conn, replace(colleague, skills=("kependudukan",)), now)
    await post(admin, f"/{colleague.id}", **form_of(colleague, bidang="kependudukan", muat="5"))
    assert (await known(door, colleague.id)).skills == ("kependudukan",)
    await post(admin, f"/{colleague.id}", **form_of(colleague, bidang="karangan", muat="5"))
    assert (await known(door, colleague.id)).skills == ()


async def test_the_old_password_does_not_open_a_closed_account(door: Door) -> None:
    keeper, colleague = await account(door, "dewi", Role.ADMIN), await account(door, "rahayu")
    await accounts.close(door, keeper, colleague.id, "-")
    with pytest.raises(signin.Refused):
        await signin.with_password(door, "rahayu", PASSWORD, "-")
