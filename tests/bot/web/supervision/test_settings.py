"""What supervisors set: checked, in force at once, with their name beside it."""

from datetime import date, time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversations.desk import canned, rules
from bot.door import Door
from bot.web.supervision import settings
from tests.bot.web.access.people import token

TENANT = "kota_mojokerto"
WEEK = {"week": "1", "mon": "08.00–12.00, 13:00-15:30", "fri": "08:00-11:00"}


async def post(browser: httpx.AsyncClient, path: str, **values: str) -> httpx.Response:
    page = await browser.get("/agent/pengaturan")
    return await browser.post(f"/agent/pengaturan{path}", data={"csrf": token(page), **values})


async def test_hours_with_a_break_are_in_force_at_once(door: Door, supervisor: httpx.AsyncClient) -> None:
    answer = await post(supervisor, "/aturan", **WEEK, special="2026-12-24: 08:00-11:00\n2026-12-31:")
    assert answer.status_code == 303
    habits = await rules.load(door, TENANT)
    assert habits.week is not None
    assert habits.week[0] == ((time(8), time(12)), (time(13), time(15, 30)))
    assert habits.week[1] == ()
    assert habits.special[date(2026, 12, 31)] == ()


async def test_a_change_shows_who_made_it(supervisor: httpx.AsyncClient) -> None:
    await post(supervisor, "/aturan", answer_seconds="45")
    page = await supervisor.get("/agent/pengaturan")
    row = page.text.split("<tbody>")[1]
    assert ">Ratna</td>" in row
    assert ">Tepat waktu bila diambil dalam (detik)</td>" in row
    assert ">45</td>" in row


async def test_hours_and_switches_are_written_down_as_people_say_them(supervisor: httpx.AsyncClient) -> None:
    await post(supervisor, "/aturan", **WEEK, holidays_closed="1")
    for path in ("/agent/pengaturan", "/agent/pengaturan/jejak"):
        page = (await supervisor.get(path)).text
        assert "Senin 08:00-12:00, 13:00-15:30; Selasa tutup" in page
        assert "Tutup pada hari libur nasional" in page
        assert "{&#39;" not in page


async def test_every_number_of_the_desk_can_be_set(door: Door, supervisor: httpx.AsyncClient) -> None:
    assert set(settings.NUMBERS) == set(rules.LIMITS)
    for name, (low, high) in rules.LIMITS.items():
        for value in (low, high):
            assert (await post(supervisor, "/aturan", **{name: str(value)})).status_code == 303
        for value in (low - 1, high + 1):
            assert (await post(supervisor, "/aturan", **{name: str(value)})).status_code == 422
        assert getattr(await rules.load(door, TENANT), name) == high


async def test_the_page_says_which_days_off_are_known(supervisor: httpx.AsyncClient) -> None:
    page = (await supervisor.get("/agent/pengaturan")).text
    assert "Sesudahnya hari libur belum diketahui" in page


async def test_one_unusable_value_keeps_the_whole_form_out(door: Door, supervisor: httpx.AsyncClient) -> None:
    before = await rules.load(door, TENANT)
    answer = await post(supervisor, "/aturan", answer_seconds="45", silent_seconds="sebentar")
    assert answer.status_code == 422
    assert "silent_seconds" in answer.text
    assert await rules.load(door, TENANT) == before


async def test_switches_are_turned_off_by_leaving_them_out(door: Door, supervisor: httpx.AsyncClient) -> None:
    await post(supervisor, "/aturan", automatic="1")
    assert (await rules.load(door, TENANT)).automatic is False
    await post(supervisor, "/aturan", automatic="1", automatic_on="on")
    assert (await rules.load(door, TENANT)).automatic is True


async def test_a_canned_reply_is_added_changed_and_removed(door: Door, supervisor: httpx.AsyncClient) -> None:
    reply = {"pintasan": "salam", "judul": "Salam", "isi": "{salam}, {nama}. Ada yang bisa dibantu?"}
    await post(supervisor, "/jawaban", **reply)
    [kept] = await canned.of(door, TENANT)
    await post(supervisor, "/jawaban", id=kept.id, **(reply | {"judul": "Sapaan"}))
    [kept] = await canned.of(door, TENANT)
    assert kept.title == "Sapaan"
    await post(supervisor, "/jawaban/hapus", id=kept.id)
    assert await canned.of(door, TENANT) == []


async def test_an_unknown_variable_is_named(supervisor: httpx.AsyncClient) -> None:
    answer = await post(supervisor, "/jawaban", pintasan="a", judul="A", isi="Halo {nik}")
    assert answer.status_code == 422
    assert "nik" in answer.text


async def test_what_is_typed_is_shown_as_text(supervisor: httpx.AsyncClient) -> None:
    evil = '"><script>alert(1)</script>'
    await post(supervisor, "/jawaban", pintasan="x", judul=evil, isi=evil, bidang=evil)
    await post(supervisor, "/aturan", labels=evil)
    page = await supervisor.get("/agent/pengaturan")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text


async def test_a_form_from_elsewhere_changes_nothing(door: Door, supervisor: httpx.AsyncClient) -> None:
    answer = await supervisor.post(
        "/agent/pengaturan/aturan", data={"csrf": "0" * 64, "answer_seconds": "45"}
    )
    assert answer.status_code == 403
    assert (await rules.load(door, TENANT)).answer_seconds != 45


@pytest.mark.parametrize("path", ["/aturan", "/jawaban", "/jawaban/hapus"])
async def test_agents_set_nothing(agent: httpx.AsyncClient, path: str) -> None:
    page = await agent.get("/agent/akun")
    answer = await agent.post(f"/agent/pengaturan{path}", data={"csrf": token(page), "answer_seconds": "45"})
    assert answer.status_code == 403


@given(st.text(max_size=40))
def test_whatever_is_typed_as_hours_is_read_or_refused(text: str) -> None:
    shifts = settings.read_shifts(text)
    try:
        read = rules.read(TENANT, "UTC", {"week": {"mon": shifts}})
    except settings.canned.errors.Unusable:
        return
    assert read.week is not None
    assert settings.read_shifts(settings.shown_shifts(read.week[0])) == [s for s in shifts if s]
