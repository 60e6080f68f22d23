"""A place in the queue from the first word to the counter, through the real model and the stand-in city."""

import io
import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import icalendar
import pytest
import zxingcpp
from babel.dates import get_month_names
from PIL import Image

from intents.calendar_days import Calendar
from tests.journeys.talking import Journey, journey, number
from tests.system.running import ROOT, System

pytestmark = pytest.mark.system

ZONE = ZoneInfo("Asia/Jakarta")
CODE = r"MPP-[A-Z0-9]{4}"
CALENDAR = Calendar.load(ROOT)
MONTHS = get_month_names("wide", locale="id")


def working_day(ahead: int, *, weekday: int | None = None) -> date:
    """A working day at least so many days from today, with one after it that is one too."""
    day = datetime.now(ZONE).date() + timedelta(days=ahead)
    while not CALENDAR.is_working_day(day) or weekday not in (None, day.weekday()):
        day += timedelta(days=1)
    return day


def spoken(day: date) -> str:
    """As people write it: 3 Desember."""
    return f"{day.day} {MONTHS[day.month]}"


class Hall:
    """The stand-in queue as its own desk and other visitors use it."""

    def __init__(self, system: System) -> None:
        key = {"Authorization": "Bearer kunci-kota-tiruan"}
        self._api = httpx.Client(base_url=f"{system.city}/mpp/v1", headers=key, trust_env=False, timeout=30)
        self._desk = httpx.Client(base_url=f"{system.city}/meja", trust_env=False, timeout=30)

    def __enter__(self) -> "Hall":
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()
        self._desk.close()

    def fill(self, service: str, day: date) -> list[str]:
        """Give every free place of a day to other people; their codes."""
        codes = []
        found = self._api.get("/slots", params={"service": service, "date": day.isoformat()}).json()
        for slot in found["slots"]:
            for _ in range(slot["left"]):
                wish = {"slot_id": slot["id"], "service": service, "name": "Orang Lain"}
                answer = self._api.post("/bookings", json=wish)
                assert answer.status_code == 201, answer.text
                codes.append(answer.json()["code"])
        return codes

    def give_back(self, code: str) -> None:
        assert self._api.post(f"/bookings/{code}/cancel", json={}).status_code == 200

    def call_next(self, counter: str, day: date) -> dict[str, Any]:
        answer = self._api.post(f"/counters/{counter}/call-next", json={"date": day.isoformat()})
        assert answer.status_code == 200, answer.text
        called: dict[str, Any] = answer.json()["called"]
        return called

    def close(self, counter: str, day: date, reason: str) -> None:
        words = {"date": day.isoformat(), "reason": reason}
        answer = self._desk.post(f"/loket/{counter}/tutup", json=words)
        assert answer.status_code == 200, answer.text


async def book(talk: Journey, service: str, day: date, *, name: str = "Siti Aminah") -> str:
    """Book the first time offered on a day; the code."""
    await talk.say(f"mau antre {service} {spoken(day)}")
    times = [title for title in talk.titles if re.fullmatch(r"\d\d\.\d\d", title)]
    assert times, talk.replies
    held = await talk.press(times[0])
    assert "dipegang untuk Bapak/Ibu sampai pukul" in held
    card = await talk.say(name)
    assert "Tempat ini dipegang sampai pukul" in card
    return number(await talk.press("Ya, pesan"), CODE)


async def fetched(system: System, reply: dict[str, Any]) -> bytes:
    """The file under a bubble, as the page fetches it."""
    async with httpx.AsyncClient(base_url=system.url, trust_env=False) as client:
        answer = await client.get(reply["attachments"][0]["url"])
    assert answer.status_code == 200
    return answer.content


async def test_the_right_counter_is_found_and_the_ticket_can_be_scanned_and_kept(system: System) -> None:
    day = working_day(2)
    async with journey(system) as talk:
        papers = await talk.say("mau urus KTP hilang")
        assert "Surat keterangan kehilangan" in papers, "what to bring is said before a place is taken"
        asked = await talk.press("Ambil antrean")
        assert "Surat keterangan kehilangan" in asked
        echo = await talk.say(f"{spoken(day)} jam setengah 10")
        assert re.search(r"\w+, \d+ \w+ \d{4} pukul 09\.30 WIB dipegang", echo), echo
        await talk.say("Siti Aminah 🌸")
        card = await talk.press("Perlu didahulukan")
        assert "lansia" in card
        card = await talk.press("Lansia 60+")
        assert "Siti Aminah\n" in card, "the flower is not part of the name"
        ticket = await talk.press("Ya, pesan")
        code = number(ticket, CODE)
        assert "Didahulukan: lansia" in ticket
        assert "Jl. Gajah Mada" in ticket
        picture, entry = [reply for reply in talk.replies if reply["attachments"]]
        seen = zxingcpp.read_barcodes(Image.open(io.BytesIO(await fetched(system, picture))))
        assert [found.text for found in seen] == [code]
        (event,) = icalendar.Calendar.from_ical(await fetched(system, entry)).walk("VEVENT")
        assert event["DTSTART"].dt.astimezone(ZONE).strftime("%H:%M") == "09:30"
        assert event["DTSTART"].dt.astimezone(ZONE).date() == day


async def test_a_place_is_moved_in_one_sentence_and_given_back(system: System) -> None:
    first, second = working_day(3), working_day(5)
    async with journey(system) as talk:
        code = await book(talk, "KK hilang", first)
        sure = await talk.say(f"pindah ke {spoken(second)} jam 10 ya")
        assert "pukul 10.00 WIB?" in sure
        moved = await talk.say("ya")
        assert code in moved
        assert spoken(second) in moved
        await talk.press("Batalkan antrean")
        assert "sudah dibatalkan" in await talk.press("Ya, batalkan")
        assert len(talk.replies) == 1, "who gave the place back is not told of it a second time"
        assert "belum punya antrean" in await talk.say("antrean saya")


async def test_five_taps_take_one_place(system: System) -> None:
    day = working_day(3)
    async with journey(system) as talk:
        code = await book(talk, "KK hilang", day)
        for _ in range(4):
            again = await talk.press("Ya, pesan")
            assert "MPP-" not in again
        assert code in await talk.say("antrean saya")
        assert len(talk.replies) == 1


async def test_on_a_full_day_a_freed_place_is_offered_and_taken(system: System) -> None:
    day = working_day(4)
    with Hall(system) as hall:
        others = hall.fill("paspor", day)
        async with journey(system) as talk:
            full = await talk.say(f"mau antre paspor {spoken(day)}")
            assert "sudah penuh" in full
            await talk.press("Daftar tunggu")
            assert "yang pertama" in await talk.say("Rudi Hartono")
            assert "Daftar tunggu" in await talk.say("antrean saya")
            hall.give_back(others[0])
            offer = await talk.pushed("Ada tempat kosong", 30)
            assert re.search(r"sampai pukul \d\d\.\d\d WIB", offer)
            ticket = await talk.press("Ambil tempat ini")
            assert "atas nama rudi hartono" in ticket.lower()
            assert spoken(day) in ticket


async def test_the_line_is_told_live_and_by_itself(system: System) -> None:
    day = working_day(6)
    with Hall(system) as hall:
        async with journey(system) as talk:
            await book(talk, "SKCK", day)
            assert "belum mulai memanggil" in await talk.say("sekarang nomor berapa?")
            called = hall.call_next("polres", day)
            news = await talk.pushed("dipanggil sekarang", 30)
            assert called["number"] in news
            assert "dipanggil" in await talk.say("sekarang nomor berapa?")


async def test_whoever_is_close_hears_that_their_turn_is_near(system: System) -> None:
    day = working_day(7)
    with Hall(system) as hall:
        async with journey(system) as first, journey(system) as second, journey(system) as third:
            for talk in (first, second, third):
                await book(talk, "SIM", day)
            hall.call_next("polres", day)
            news = await third.pushed("sebentar lagi", 30)
            assert "orang di depan" in news
            live = await third.say("sekarang nomor berapa?")
            assert "Sekarang dilayani nomor" in live
            assert "Perkiraan" in live


async def test_a_weekend_counter_opens_and_an_office_does_not(system: System) -> None:
    async with journey(system) as talk:
        sunday = await talk.say("mau antre KTP hilang hari minggu")
        if "Hari yang mana" in sunday:
            sunday = await talk.press(talk.titles[-1])
        assert re.search(r"Minggu, \d+ \w+ \d{4}\. Jam yang masih kosong", sunday), sunday
        await talk.say("batal")
        closed = await talk.say("mau antre paspor hari sabtu")
        if "Hari yang mana" in closed:
            closed = await talk.press(talk.titles[-1])
        assert "tidak ada antrean" in closed
        assert talk.titles, "the next open day can be tapped"


async def test_a_day_that_is_closed_after_booking_is_told_with_a_new_time(system: System) -> None:
    day = working_day(8)
    with Hall(system) as hall:
        async with journey(system) as talk:
            await book(talk, "NPWP", day)
            hall.close("pajak_pusat", day, "Listrik padam")
            news = await talk.pushed("waktu baru", 30)
            assert "Listrik padam" in news
            assert spoken(day) not in news.split("\n")[0]
            await talk.say("antrean saya")
            assert "Ganti jadwal" in talk.titles


async def test_a_puskesmas_gives_a_number_for_masked_numbers(system: System) -> None:
    day = working_day(1, weekday=2)
    async with journey(system) as talk:
        await talk.say(f"mau antri ke puskesmas wates poli gigi {spoken(day)}")
        if "08.00" in talk.titles:
            await talk.press("08.00")
        card = await talk.say("nik 3576010000000011")
        assert "Nomor kartu BPJS/JKN-nya" in card
        await talk.say("kartu bpjs 0000000000011")
        await talk.say("sakit gigi tiga hari")
        card = await talk.say("Joko Susilo")
        assert "3576010000000011" not in card
        await talk.press("Kirim")
        ticket = await talk.pushed(r"Nomor \*B\d+\*", 30)
        assert "Puskesmas Wates, Poli Gigi" in ticket
        assert "FKTP-" not in ticket, "a code for programs is not shown"


async def test_somebody_elses_code_opens_nothing(system: System) -> None:
    async with journey(system) as talk:
        code = await book(talk, "akta kelahiran", working_day(3))
    async with journey(system) as stranger:
        for words in (f"cek antrean {code}", f"batalkan antrean {code}", f"pindah antrean {code} ke kamis"):
            seen = await stranger.say(words)
            assert "bukan dari percakapan ini" in seen, words
