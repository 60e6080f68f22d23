"""A form that is filled in while a person has the talk: every field is read, and begins the report."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from bot.conversations import inbound
from bot.conversations.desk import casework
from bot.door import Door
from bot.vocabulary.messages import IncomingKind, IncomingMessage
from connectors.queues import BookingSlot, DaySlots
from tests.bot.desk.staff import ask
from tests.bot.web.agent.test_console import BY_SCRIPT, enter
from tests.bot.web.agent.test_console import desk as desk
from tests.bot.web.conftest import client as client
from tests.talk import Citizen

REPORT = {
    "topic": "lampu_jalan",
    "description": "lampu mati, hubungi 3576012304950001 <b>",
    "place": "depan SDN Wates RT 3",
    "village": "35.76.02.1010",
    "photos": "",
    "confidential": True,
    "anonymous": False,
}
BOOKING = {
    "service": "ktp_hilang",
    "day": "2026-12-01",
    "time": "09:00",
    "name": "Siti",
    "priority": "elderly",
}


async def fill(door: Door, citizen: Citizen, form: dict[str, object]) -> None:
    words = "\n".join(str(form[name]) for name in ("description", "place", "name") if name in form)
    await inbound.accept(
        door,
        IncomingMessage(
            tenant="kota_mojokerto",
            sender=citizen.address,
            channel_message_id=str(form),
            kind=IncomingKind.FORM,
            sent_at=datetime.now(UTC),
            text=words,
            button="tok",
            extra={"form": form},
        ),
    )


async def filled(door: Door, client: httpx.AsyncClient, *forms: dict[str, object]) -> str:
    """The page of an agent whose citizen has filled in these forms since."""
    await enter(door, client)
    citizen, found = await ask(door, "w1")
    await client.post(f"/agent/tugas/{found.id}/ambil", headers=BY_SCRIPT)
    for form in forms:
        await fill(door, citizen, form)
    return (await client.get(f"/agent/kotak/milik-saya/{found.conversation_id}")).text


def read(page: str) -> dict[str, str]:
    """The fields of the newest form in the transcript."""
    shown = re.findall(r'<dl class="filled">(.*?)</dl>', page, re.S)[-1]
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", shown, re.S))


async def test_every_field_of_a_form_is_read_by_its_name(door: Door, client: httpx.AsyncClient) -> None:
    await enter(door, client)
    citizen, found = await ask(door, "w1")
    await client.post(f"/agent/tugas/{found.id}/ambil", headers=BY_SCRIPT)
    await fill(door, citizen, REPORT)
    page = (await client.get(f"/agent/kotak/milik-saya/{found.conversation_id}")).text
    assert read(page) == {
        "Jenis masalah": "Lampu jalan",
        "Uraian": "lampu mati, hubungi [NIK] &lt;b&gt;",
        "Tempat": "depan SDN Wates RT 3",
        "Kelurahan": "Wates",
        "Rahasiakan laporan": "Ya",
    }
    assert "3576012304950001" not in page
    await fill(door, citizen, BOOKING)
    page = (await client.get(f"/agent/kotak/milik-saya/{found.conversation_id}")).text
    assert list(read(page)) == ["Keperluan", "Hari", "Jam", "Nama", "Didahulukan"]
    assert {"Selasa, 1 Desember 2026", "09.00", "Siti", "lansia"} < set(read(page).values())


@pytest.mark.parametrize("other", [None, BOOKING], ids=["alone", "before a booking"])
async def test_the_report_to_be_filed_begins_with_what_the_form_says(
    door: Door, client: httpx.AsyncClient, other: dict[str, object] | None
) -> None:
    page = await filled(door, client, REPORT, *([other] if other else []))
    [dialog] = re.findall(r'<details id="file-case">.*?</details>', page, re.S)
    assert '<option value="lampu_jalan" selected>' in dialog
    assert "lampu mati, hubungi [NIK] &lt;b&gt;</textarea>" in dialog
    assert 'value="depan SDN Wates RT 3, Wates"' in dialog
    assert 'name="rahasia" value="1" checked>' in dialog
    assert 'name="anonim" value="1">' in dialog


async def test_a_report_without_a_name_is_filed_without_one(door: Door, client: httpx.AsyncClient) -> None:
    page = await filled(door, client, REPORT | {"confidential": False, "anonymous": True})
    [dialog] = re.findall(r'<details id="file-case">.*?</details>', page, re.S)
    assert 'name="rahasia" value="1">' in dialog
    assert 'name="anonim" value="1" checked>' in dialog


async def test_the_queue_place_to_be_taken_begins_with_what_the_form_says(
    door: Door, client: httpx.AsyncClient
) -> None:
    page = await filled(door, client, BOOKING | {"name": 'Siti "<b>"'})
    [dialog] = re.findall(r'<details id="book">.*?</details>', page, re.S)
    assert '<option value="ktp_hilang" selected>' in dialog
    assert 'value="2026-12-01"' in dialog
    assert 'name="jam" value="09:00"' in dialog
    assert 'name="nama" value="Siti &#34;&lt;b&gt;&#34;"' in dialog


async def test_the_time_and_the_name_of_the_form_are_chosen_among_the_free_places(
    door: Door, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enter(door, client)
    _, found = await ask(door, "w1")
    await client.post(f"/agent/tugas/{found.id}/ambil", headers=BY_SCRIPT)

    async def places(*_: object) -> DaySlots:
        at = [datetime(2026, 12, 1, hour, tzinfo=ZoneInfo("Asia/Jakarta")) for hour in (8, 9, 10)]
        return DaySlots(
            date(2026, 12, 1), tuple(BookingSlot(f"s{one.hour}", "loket-1", one, left=2) for one in at)
        )

    monkeypatch.setattr(casework, "places", places)
    asked = {"layanan": "ktp_hilang", "hari": "2026-12-01", "jam": "09:00", "nama": "Siti"}
    page = (
        await client.post(f"/agent/percakapan/{found.conversation_id}/jadwal", data=asked, headers=BY_SCRIPT)
    ).text
    assert re.findall(r'value="(s\d+)\|[^"]*" selected', page) == ["s9"]
    assert 'value="Siti"' in page


async def test_what_the_bot_took_before_does_not_begin_a_report(
    door: Door, client: httpx.AsyncClient
) -> None:
    await enter(door, client)
    citizen = Citizen(door, "w1")
    await fill(door, citizen, REPORT)
    _, found = await ask(door, "w1")
    await client.post(f"/agent/tugas/{found.id}/ambil", headers=BY_SCRIPT)
    page = (await client.get(f"/agent/kotak/milik-saya/{found.conversation_id}")).text
    assert read(page)["Tempat"] == "depan SDN Wates RT 3"
    assert 'value="depan SDN Wates RT 3' not in page


async def test_a_field_that_nobody_knows_is_shown_as_it_came(door: Door, client: httpx.AsyncClient) -> None:
    await enter(door, client)
    citizen, found = await ask(door, "w1")
    await fill(door, citizen, {"warna_pagar": "hijau", "day": "besok", "village": "x", "topic": "y"})
    page = (await client.get(f"/agent/kotak/baru/{found.conversation_id}")).text
    assert read(page) == {"Jenis masalah": "y", "Kelurahan": "x", "Hari": "besok", "warna pagar": "hijau"}
