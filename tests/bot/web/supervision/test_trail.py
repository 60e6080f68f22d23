"""The audit trail can be read: by who may, of their own government, whole, and safely in a spreadsheet."""

import csv
import html
import io
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.door import Door
from bot.storage import audit
from bot.storage.audit import Act
from bot.storage.users import named
from bot.web.supervision import trail
from tests.bot.web.access.people import account, sign_in, token
from tests.bot.web.conftest import client as client

TENANT = "kota_mojokerto"
PAGE = "/agent/pengaturan/jejak"


async def happened(
    door: Door, act: Act = Act.ACCOUNT_CHANGED, tenant: str = TENANT, **values: object
) -> None:
    """Write a line."""
    at = values.pop("at", datetime.now(UTC))
    async with door.database.transaction() as conn:
        await audit.write(conn, act, at, tenant=tenant, **values)  # type: ignore[arg-type]


def cells(answer: httpx.Response) -> list[list[str]]:
    """The lines of a CSV without its heading."""
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))[1:]


async def id_of(door: Door, username: str) -> str:
    """The agent behind a name."""
    async with door.database.reading() as conn:
        user = await named(conn, username)
    assert user is not None
    return user.agent_id


async def test_every_change_of_a_setting_is_there_with_before_and_after(
    supervisor: httpx.AsyncClient,
) -> None:
    form = {"csrf": token(await supervisor.get("/agent/pengaturan")), "answer_seconds": "45"}
    await supervisor.post("/agent/pengaturan/aturan", data=form)
    await supervisor.post("/agent/pengaturan/aturan", data=form | {"answer_seconds": "60"})
    reply = form | {"pintasan": "salam", "judul": "Salam", "isi": "{salam}"}
    await supervisor.post("/agent/pengaturan/jawaban", data=reply)
    page = await supervisor.get(PAGE, params={"jenis": "setting_changed"})
    assert "Mengubah pengaturan" in page.text
    assert "45 → 60" in page.text
    assert "Salam: {salam}" in (await supervisor.get(PAGE, params={"jenis": "reply_changed"})).text


async def test_whoever_looks_at_a_citizens_words_is_there(door: Door, supervisor: httpx.AsyncClient) -> None:
    me = await id_of(door, "ratna")
    await happened(door, Act.TEXT_REVEALED, agent_id=me, conversation_id="c1", subject="message 7")
    page = await supervisor.get(PAGE)
    assert "Melihat yang disamarkan" in page.text.split("<tbody>")[1]
    assert '<a href="/agent/kotak/riwayat/c1">' in page.text


async def test_it_is_filtered_by_person_kind_and_day(door: Door, supervisor: httpx.AsyncClient) -> None:
    me, other = await id_of(door, "ratna"), await account(door, "bagus")
    now = datetime.now(UTC)
    await happened(door, agent_id=me, subject="punya-ratna")
    await happened(door, agent_id=other.id, subject="punya-bagus")
    await happened(door, Act.SIGNED_OUT, agent_id=other.id, subject="keluar-bagus")
    await happened(door, agent_id=me, subject="bulan-lalu", at=now - timedelta(days=45))

    async def found(**asked: str) -> set[str]:
        page = (await supervisor.get(PAGE, params=asked)).text
        return {word for word in ("punya-ratna", "punya-bagus", "keluar-bagus", "bulan-lalu") if word in page}

    assert await found() == {"punya-ratna", "punya-bagus", "keluar-bagus"}
    assert await found(orang=other.id) == {"punya-bagus", "keluar-bagus"}
    assert await found(orang=other.id, jenis="account_changed") == {"punya-bagus"}
    long_ago = (now - timedelta(days=60)).date().isoformat()
    assert await found(dari=long_ago, jenis="account_changed") == {"punya-ratna", "punya-bagus", "bulan-lalu"}
    before = (now - timedelta(days=40)).date().isoformat()
    assert await found(dari=long_ago, sampai=before) == {"bulan-lalu"}


@pytest.mark.parametrize(
    "asked",
    [{"orang": "x' OR 1=1"}, {"jenis": "apa"}, {"dari": "kemarin"}, {"sebelum": "-1"}, {"sebelum": "9" * 30}],
)
async def test_whatever_the_address_says_it_is_a_page(
    supervisor: httpx.AsyncClient, asked: dict[str, str]
) -> None:
    assert (await supervisor.get(PAGE, params=asked)).status_code == 200


async def test_pages_miss_nothing_and_repeat_nothing(door: Door, supervisor: httpx.AsyncClient) -> None:
    count = 2 * trail.PAGE + 7
    for number in range(count):
        await happened(door, subject=f"nomor-{number:03}")
    seen: list[str] = []
    address: str | None = f"{PAGE}?jenis=account_changed"
    while address:
        page = (await supervisor.get(address)).text
        seen += [part[:9] for part in page.split(">")[1:] if part.startswith("nomor-")]
        address = None
        if "sebelum=" in page:
            query = re.search(r'href="\?([^"]*sebelum=[^"]*)"', page)
            assert query
            address = f"{PAGE}?{html.unescape(query[1])}"
    assert seen == [f"nomor-{number:03}" for number in reversed(range(count))]


async def test_another_government_is_not_shown(door: Door, supervisor: httpx.AsyncClient) -> None:
    await happened(door, tenant="kota_kupang", subject="rahasia-kupang")
    await happened(door, subject="rahasia-mojokerto")
    for path in (PAGE, f"{PAGE}.csv"):
        shown = (await supervisor.get(path)).text
        assert "rahasia-mojokerto" in shown
        assert "rahasia-kupang" not in shown


async def test_the_csv_has_all_of_it_and_computes_nothing(
    door: Door, supervisor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "CSV_PAGE", 3)
    for evil in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", 'a;b"c\r\n=1'):
        await happened(door, subject=evil, detail=evil)
    answer = await supervisor.get(f"{PAGE}.csv", params={"jenis": "account_changed"})
    assert "attachment" in answer.headers["content-disposition"]
    lines = cells(answer)
    assert len(lines) == 6
    for line in lines:
        assert len(line) == len(trail.HEADING)
        assert all(not value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in line)
    assert lines[-1][3] == "'=1+1"


async def test_taking_the_trail_along_is_written_down(supervisor: httpx.AsyncClient) -> None:
    await supervisor.get(f"{PAGE}.csv")
    lines = cells(await supervisor.get(f"{PAGE}.csv", params={"jenis": "trail_exported"}))
    assert [line[1] for line in lines] == ["Ratna", "Ratna"]


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}.csv"])
async def test_it_is_for_supervisors(agent: httpx.AsyncClient, client: httpx.AsyncClient, path: str) -> None:
    assert (await agent.get(path)).status_code == 403
    assert (await client.get(path)).status_code == 303


async def test_every_kind_has_a_name(door: Door) -> None:
    for act in Act:
        assert door.texts.has(f"console.trail.act.{act}"), act


async def test_a_refused_sign_in_is_there(
    door: Door, supervisor: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    await account(door, "bagus")
    await sign_in(client, "bagus", "keliru sekali")
    body = (await supervisor.get(PAGE)).text.split("<tbody>")[1]
    assert "Ditolak masuk" in body


async def test_every_way_in_and_every_refusal_has_words(door: Door) -> None:
    ways = ("password", "code", "city", "new_password", "second_step")
    refusals = ("city_refused", "city_trip", "city_cancelled", "city_unknown", "city_closed")
    for how in (*ways, *refusals):
        assert door.texts.has(f"console.trail.how.{how}"), how
        if how in refusals:
            assert door.texts.has(f"console.signin.{how}"), how


async def test_a_search_shows_how_long_the_word_was_and_not_the_word(
    door: Door, supervisor: httpx.AsyncClient
) -> None:
    await happened(door, Act.SEARCHED, subject="11 letters")
    assert "kata sepanjang 11 huruf" in (await supervisor.get(PAGE)).text
