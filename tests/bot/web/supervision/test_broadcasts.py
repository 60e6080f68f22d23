"""What supervisors send to those who asked: counted, confirmed with the number, stopped with a button."""

from datetime import UTC, datetime

import httpx
import pytest

from bot.conversations import broadcasting, noticedata
from bot.door import Door
from bot.settings import ROOT
from bot.storage import audit, broadcasts, conversations, subscriptions
from bot.vocabulary.agents import Role
from bot.vocabulary.broadcasts import Broadcast, BroadcastStatus, Notice
from bot.vocabulary.messages import ChannelAddress, ChannelName
from tests.bot.web.access.people import token
from tests.bot.web.supervision.conftest import _browser

TENANT = "kota_mojokerto"
WORDS = {"topik": "air", "wilayah": "Wates, Meri", "isi": "Air mati hari ini pukul 09.00-15.00 WIB."}


async def asked(door: Door, *names: str, tenant: str = TENANT) -> None:
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        for name in names:
            address = ChannelAddress(ChannelName.WEBCHAT, name, None)
            talk = await conversations.find_or_create(conn, tenant, address, now)
            await subscriptions.add(conn, talk.id, tenant, "air", "", now)


async def post(browser: httpx.AsyncClient, path: str, **values: str) -> httpx.Response:
    page = await browser.get("/agent/kabar")
    return await browser.post(f"/agent/kabar{path}", data={"csrf": token(page), **values})


async def newest(door: Door) -> list[Broadcast]:
    async with door.database.reading() as conn:
        return await broadcasts.newest(conn)


async def test_a_check_counts_shows_the_words_and_keeps_nothing(
    door: Door, supervisor: httpx.AsyncClient
) -> None:
    await asked(door, "a", "b")
    page = await post(supervisor, "/periksa", **WORDS)
    assert page.status_code == 200
    assert "2 orang akan menerima" in page.text
    assert "Kabar gangguan air bersih (Wates, Meri)" in page.text
    assert await newest(door) == []


async def test_it_is_confirmed_with_the_number_stopped_and_resumed_and_written_down(
    door: Door, supervisor: httpx.AsyncClient
) -> None:
    await asked(door, "a", "b")
    assert (await post(supervisor, "/kirim", **WORDS, jumlah="2")).status_code == 303
    [made] = await newest(door)
    assert (made.created_by, made.receivers, made.status) == ("ratna", 2, BroadcastStatus.SENDING)
    assert made.notice.places == ("35.76.02.1010", "35.76.03.1003")
    assert (await post(supervisor, f"/{made.id}/berhenti")).status_code == 303
    assert (await newest(door))[0].status is BroadcastStatus.STOPPED
    assert "dihentikan" in (await supervisor.get("/agent/kabar")).text
    assert (await post(supervisor, f"/{made.id}/lanjut")).status_code == 303
    await broadcasting.feed(door)
    assert "2 terkirim" in (await supervisor.get("/agent/kabar")).text
    async with door.database.reading() as conn:
        acts = [
            entry.act
            for entry in await audit.newest(conn, TENANT)
            if entry.subject and made.id in entry.subject
        ]
    assert acts == ["broadcast_resumed", "broadcast_stopped", "broadcast_started"]


REFUSED = [
    ("another number", {"jumlah": "3"}, "2 orang"),
    ("no number", {"jumlah": "semua"}, "2 orang"),
    ("no such place", {"jumlah": "2", "wilayah": "Atlantis"}, "Atlantis"),
    ("no such topic", {"jumlah": "2", "topik": "gempa"}, "Topik"),
    ("no words", {"jumlah": "2", "isi": " "}, "belum ada isinya"),
    ("too many words", {"jumlah": "2", "isi": "a" * 900}, "terlalu panjang"),
]


@pytest.mark.parametrize(("change", "why"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
async def test_what_cannot_be_sent_is_refused_in_a_sentence(
    door: Door, supervisor: httpx.AsyncClient, change: dict[str, str], why: str
) -> None:
    await asked(door, "a", "b")
    answer = await post(supervisor, "/kirim", **{**WORDS, **change})
    assert answer.status_code == 422
    assert why in answer.text
    assert await newest(door) == []


async def test_the_same_words_need_a_tick_of_their_own(door: Door, supervisor: httpx.AsyncClient) -> None:
    await asked(door, "a")
    await post(supervisor, "/kirim", **WORDS, jumlah="1")
    assert (await post(supervisor, "/kirim", **WORDS, jumlah="1")).status_code == 422
    assert (await post(supervisor, "/kirim", **WORDS, jumlah="1", lagi="on")).status_code == 303


async def test_a_second_supervisor_approves_and_the_first_cannot(
    door: Door, supervisor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = noticedata.of(ROOT, TENANT)
    four = noticedata.Notices(plain.topics, plain.signs, four_eyes=True)
    monkeypatch.setattr(noticedata, "of", lambda root, tenant: four)
    await asked(door, "a")
    await post(supervisor, "/kirim", **WORDS, jumlah="1")
    [made] = await newest(door)
    assert made.status is BroadcastStatus.PROPOSED
    assert (await post(supervisor, f"/{made.id}/setujui", jumlah="1")).status_code == 422
    second = await _browser(door, "wulan", Role.ADMIN)
    assert (await post(second, f"/{made.id}/setujui", jumlah="1")).status_code == 303
    await second.aclose()
    [made] = await newest(door)
    assert (made.status, made.approved_by) == (BroadcastStatus.SENDING, "wulan")


async def test_another_governments_broadcast_is_not_there(door: Door, supervisor: httpx.AsyncClient) -> None:
    await asked(door, "x", tenant="kota_kupang")
    notice = Notice("kota_kupang", "air", "Air mati di Oesapa.")
    made = await broadcasting.start(door, notice, 1, "nona", datetime.now(UTC))
    assert "Oesapa" not in (await supervisor.get("/agent/kabar")).text
    assert (await post(supervisor, f"/{made.id}/berhenti")).status_code == 404
    assert (await newest(door))[0].status is BroadcastStatus.SENDING


@pytest.mark.parametrize("path", ["/periksa", "/kirim", "/abc/berhenti", "/abc/lanjut", "/abc/setujui"])
async def test_agents_send_nothing(door: Door, agent: httpx.AsyncClient, path: str) -> None:
    await asked(door, "a")
    assert (await agent.get("/agent/kabar")).status_code == 403
    page = await agent.get("/agent/akun")
    answer = await agent.post(f"/agent/kabar{path}", data={"csrf": token(page), **WORDS, "jumlah": "1"})
    assert answer.status_code == 403
    assert await newest(door) == []


async def test_a_form_from_elsewhere_sends_nothing(door: Door, supervisor: httpx.AsyncClient) -> None:
    await asked(door, "a")
    answer = await supervisor.post("/agent/kabar/kirim", data={"csrf": "0" * 64, **WORDS, "jumlah": "1"})
    assert answer.status_code == 403
    assert await newest(door) == []


async def test_what_is_typed_is_shown_as_text(door: Door, supervisor: httpx.AsyncClient) -> None:
    await asked(door, "a")
    evil = '"><script>alert(1)</script>'
    page = await post(supervisor, "/periksa", **{**WORDS, "isi": evil})
    assert "<script>alert" not in page.text
    await post(supervisor, "/kirim", **{**WORDS, "isi": evil}, jumlah="1")
    page = await supervisor.get("/agent/kabar")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text
