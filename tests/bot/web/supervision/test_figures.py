"""What supervisors see: honest figures of their own government, and nobody else's."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversations import handoff
from bot.door import Door
from bot.storage import conversations
from bot.web.supervision import figures, period
from tests.talk import Citizen

JAKARTA = ZoneInfo("Asia/Jakarta")
PAGES = ("/agent/pimpinan", "/agent/pimpinan/saat-ini", "/agent/pimpinan/permintaan.csv", "/agent/pengaturan")


async def waiting(door: Door, name: str = "warga-1") -> None:
    """Somebody who asked for a person."""
    accepted = await Citizen(door, name).say("halo")
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        conversation = await conversations.get(conn, accepted.conversation_id)
        await handoff.request(conn, door, conversation, "asked", {"topic": "<b>uji</b>"}, now)


@pytest.mark.parametrize("page", PAGES)
async def test_agents_are_told_to_ask_a_supervisor(agent: httpx.AsyncClient, page: str) -> None:
    answer = await agent.get(page)
    assert answer.status_code == 403
    assert "penyelia" in answer.text


@pytest.mark.parametrize("page", PAGES)
async def test_nobody_looks_without_signing_in(client: httpx.AsyncClient, page: str) -> None:
    answer = await client.get(page)
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/agent/masuk")


async def test_who_waits_is_counted_at_once(door: Door, supervisor: httpx.AsyncClient) -> None:
    before = await supervisor.get("/agent/pimpinan/saat-ini")
    await waiting(door)
    after = await supervisor.get("/agent/pimpinan/saat-ini")
    assert "<dt>Menunggu</dt><dd>0</dd>" in before.text
    assert "<dt>Menunggu</dt><dd>1</dd>" in after.text


async def test_an_empty_desk_shows_dashes_not_zero_percent(supervisor: httpx.AsyncClient) -> None:
    page = await supervisor.get("/agent/pimpinan")
    assert page.status_code == 200
    assert "<dd>–</dd>" in page.text
    assert "0%" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_the_csv_opens_in_a_spreadsheet(door: Door, supervisor: httpx.AsyncClient) -> None:
    await waiting(door)
    answer = await supervisor.get("/agent/pimpinan/permintaan.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    heading, row, *rest = answer.content.decode("utf-8-sig").splitlines()
    assert heading.startswith("nomor;diminta;kanal")
    assert len(row.split(";")) == len(heading.split(";"))
    assert rest == []


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        ("2026-11-01", "2026-11-20", (date(2026, 11, 1), date(2026, 11, 20))),
        ("", "", (date(2026, 11, 26), date(2026, 11, 26))),
        ("kemarin", "2026-13-40", (date(2026, 11, 26), date(2026, 11, 26))),
        ("2026-11-20", "2026-11-01", (date(2026, 11, 1), date(2026, 11, 1))),
        ("2026-11-20", "2030-01-01", (date(2026, 11, 20), date(2026, 11, 26))),
        ("2020-01-01", "2026-11-26", (date(2025, 11, 25), date(2026, 11, 26))),
    ],
)
def test_a_period_is_whole_days_of_at_most_a_year(first: str, last: str, found: tuple[date, date]) -> None:
    now = datetime(2026, 11, 25, 18, tzinfo=UTC)  # 01.00 on the 26th in Mojokerto
    days = period.read(first, last, JAKARTA, now)
    assert (days.first, days.last) == found
    assert days.since.astimezone(JAKARTA).date() == days.first
    assert (days.until - days.since).days == (days.last - days.first).days + 1


@given(st.text(max_size=12), st.text(max_size=12))
def test_whatever_a_form_sends_is_a_period(first: str, last: str) -> None:
    days = period.read(first, last, JAKARTA, datetime(2026, 11, 26, tzinfo=UTC))
    assert days.first <= days.last
    assert days.since < days.until


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "–"), (0, "0 dtk"), (59, "59 dtk"), (60, "1 mnt"), (7800, "2 j 10 mnt")]
)
def test_times_are_said_as_people_say_them(seconds: float | None, said: str) -> None:
    assert figures.span(seconds) == said
