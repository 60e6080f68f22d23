"""The four things a citizen comes for, each from the first word to the end, through the real model."""

import re

import httpx
import pytest

from tests.journeys.talking import Journey, journey, number
from tests.system.running import System

pytestmark = pytest.mark.system


async def _file_a_report(talk: Journey) -> str:
    card = await talk.say("lampu jalan mati di depan SDN Wates RT 3 RW 1")
    assert "Wates" in card
    assert "Kirim" in talk.titles
    return number(await talk.press("Kirim"))


def _move(system: System, reference: str, status: str, note: str) -> None:
    answer = httpx.post(
        f"{system.city}/meja/laporan/{reference}/status",
        json={"status": status, "note": note},
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text


async def test_a_service_is_found_with_its_requirements_and_where_and_when(system: System) -> None:
    async with journey(system) as talk:
        requirements = await talk.say("ktp saya ilang gmn ngurusnya min, syaratnya apa aja")
        assert "surat keterangan kehilangan" in requirements.lower()
        assert "terakhir diperiksa" in requirements
        where = await talk.say("jam bukanya?")
        assert "Gajah Mada" in where
        assert "08.00" in where


async def test_a_report_gets_a_number_a_date_and_every_change_by_itself(system: System) -> None:
    async with journey(system) as talk:
        reference = await _file_a_report(talk)
        filed = talk.replies[0]["text"]
        assert re.search(r"(Senin|Selasa|Rabu|Kamis|Jumat), \d+ \w+ 20\d\d", filed), "a promise has a date"
        _move(system, reference, "diproses", "Tim meluncur")
        news = await talk.pushed(reference)
        assert "sedang dikerjakan" in news
        assert "Tim meluncur" in news
        _move(system, reference, "selesai", "Lampu sudah menyala")
        assert "Sudah beres?" in await talk.pushed(reference)
        assert "Seberapa puas" in await talk.press("Sudah beres")
        assert "penilaian" in (await talk.press("Puas")).lower()


async def test_a_queue_place_is_booked_and_echoed_with_weekday_and_zone(system: System) -> None:
    async with journey(system) as talk:
        offer = await talk.say("mau antre di MPP buat urus KTP hilang, hari senin depan")
        assert "Senin" in offer
        times = [title for title in talk.titles if re.fullmatch(r"\d\d\.\d\d", title)]
        assert times, talk.replies
        await talk.press(times[0])
        card = await talk.say("Siti Aminah")
        assert re.search(r"Senin, \d+ \w+ 20\d\d pukul \d\d\.\d\d WIB", card)
        booked = await talk.press("Ya, pesan")
        code = number(booked, r"MPP-[A-Z0-9]{4}")
        assert "Senin" in booked
        assert code in await talk.say("antrean saya yang mana?")


async def test_a_status_is_told_by_number_and_by_laporan_saya(system: System) -> None:
    async with journey(system) as talk:
        reference = await _file_a_report(talk)
        assert reference in await talk.say("laporan saya")
        assert reference in await talk.say(f"status {reference}")
    async with journey(system) as stranger:
        seen = await stranger.say(f"cek laporan {reference}")
        assert "Wates" not in seen, "a number alone reveals only state and date"


async def test_a_permit_is_tracked_by_its_number(system: System) -> None:
    async with journey(system) as talk:
        answer = await talk.say("berkas PBG-357601-2611-0042 sampai mana?")
        assert "PBG-357601-2611-0042" in answer


async def test_an_emergency_is_answered_in_mid_form_and_the_draft_is_kept(system: System) -> None:
    async with journey(system) as talk:
        await talk.say("lampu jalan mati di depan SDN Wates RT 3 RW 1")
        assert "112" in await talk.say("tolong ada kebakaran di rumah tetangga!!")
        await talk.say("lanjut")
        assert "Kirim" in talk.titles
        number(await talk.press("Kirim"))
