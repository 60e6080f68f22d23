"""The ticket: its code can be scanned, its file can be put into a calendar, its words reach every channel."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
import zxingcpp
from PIL import Image

from bot.conversations import calendarfile, ticket, ticketpicture
from bot.conversations.ticket import Ticket
from bot.door import Door

STARTS = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
TICKET = Ticket(
    tenant="kota_mojokerto",
    connector="mpp_gajah_mada",
    key="MPP-7K3Q",
    code="MPP-7K3Q",
    number="A007",
    service="KTP-el hilang",
    starts_at=STARTS,
    place="Loket Dukcapil, Mal Pelayanan Publik (MPP) Gajah Mada, Jl. Gajah Mada No. 100, Kota Mojokerto",
    bring=("Surat keterangan kehilangan dari kepolisian", "Formulir F-1.02"),
)
WORDS = {
    "heading": "Pemerintah Kota Mojokerto",
    "number": "Nomor antrean",
    "when": "Selasa, 24 November 2026 pukul 09.00 WIB",
    "code": "MPP-7K3Q",
}


@pytest.mark.parametrize("code", ["MPP-7K3Q", "MPP-WXYZ", "PKM-0042-20261124"])
@pytest.mark.parametrize("width", [720, 300])
def test_a_third_partys_reader_reads_the_code_off_a_phone(code: str, width: int) -> None:
    picture = Image.open(io.BytesIO(ticketpicture.draw(replace(TICKET, code=code), WORDS)))
    shown = picture.resize((width, round(picture.height * width / picture.width)))
    assert [found.text for found in zxingcpp.read_barcodes(shown)] == [code]


def test_a_code_for_programs_only_is_not_drawn() -> None:
    picture = Image.open(io.BytesIO(ticketpicture.draw(replace(TICKET, code=None), WORDS)))
    assert zxingcpp.read_barcodes(picture) == []


def test_a_long_service_stays_on_the_paper() -> None:
    long = replace(TICKET, service="Penerbitan surat izin praktik tenaga kesehatan " * 3)
    picture = Image.open(io.BytesIO(ticketpicture.draw(long, WORDS)))
    assert picture.width == ticketpicture.SIDE
    edge = picture.crop((0, 100, 20, picture.height)).convert("L")
    assert edge.getextrema() == (255, 255), "nothing is written over the edge"


def test_a_calendar_reads_the_visit() -> None:
    read = icalendar.Calendar.from_ical(calendarfile.write(TICKET, "Antrean A007", "Bawa formulir"))
    (event,) = read.walk("VEVENT")
    assert event["DTSTART"].dt == STARTS
    assert event["UID"] == "MPP-7K3Q@mpp_gajah_mada.kota_mojokerto"
    assert event["SEQUENCE"] == 0
    (alarm,) = event.walk("VALARM")
    assert alarm["TRIGGER"].dt == -timedelta(hours=1)


def test_a_moved_visit_is_the_same_entry_later() -> None:
    later = replace(TICKET, starts_at=STARTS + timedelta(days=2), moves=1)
    first, second = (
        icalendar.Calendar.from_ical(calendarfile.write(made, "x", "y")).walk("VEVENT")[0]
        for made in (TICKET, later)
    )
    assert first["UID"] == second["UID"]
    assert second["SEQUENCE"] > first["SEQUENCE"]


async def test_drawing_twice_leaves_one_pair_of_files(door: Door) -> None:
    first = await ticket.draw(door, TICKET)
    second = await ticket.draw(door, TICKET)
    assert first.picture[0] == second.picture[0]
    assert first.calendar[0] == second.calendar[0]
    assert door.media.path(first.picture[0]).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("service", "counter", "title", "where"),
    [
        (
            "ktp_hilang",
            "dukcapil",
            None,
            "Loket Dukcapil, Mal Pelayanan Publik (MPP) Gajah Mada, Jl. Gajah Mada",
        ),
        (
            "ktp_hilang",
            "dukcapil",
            "Loket 3 Dukcapil",
            "Loket 3 Dukcapil, Mal Pelayanan Publik (MPP) Gajah Mada",
        ),
        ("antrean_puskesmas", "P1|GIGI", "Puskesmas Wates, Poli Gigi", "Puskesmas Wates, Poli Gigi"),
    ],
)
async def test_the_place_is_where_the_counter_is(
    door: Door, service: str, counter: str, title: str | None, where: str
) -> None:
    known = door.catalog.service(service)
    found = ticket.place(door, "kota_mojokerto", known, counter, title)
    assert found.startswith(where)
    if service == "antrean_puskesmas":
        assert found == where
