"""Reports of every topic through the real model, and what becomes of them."""

import asyncio
import io
import re
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.journeys.talking import Journey, journey, number
from tests.system.running import System

pytestmark = pytest.mark.system

# Each row: the topic, what a citizen writes, whose it is in Kota Mojokerto.
TOPICS = [
    ("jalan_rusak", "jalan berlubang besar di depan SDN Wates RT 3 RW 1", "DPUPR"),
    (
        "drainase_banjir",
        "selokan mampet di Jl Melati RT 2 RW 3 kelurahan Meri, airnya sampai ke jalan",
        "DPUPR",
    ),
    ("lampu_jalan", "lampu PJU mati di gang Mawar RT 4 RW 2 kelurahan Jagalan", "Dinas Perhubungan"),
    (
        "rambu_lalu_lintas",
        "lampu merah mati di perempatan Jl Majapahit kelurahan Sentanan",
        "Dinas Perhubungan",
    ),
    ("parkir_liar", "parkir liar di trotoar depan pasar kelurahan Mentikan", "Dinas Perhubungan"),
    ("sampah", "sampah menumpuk di dekat balai RW 4 kelurahan Kranggan, tidak diangkut", "Dinas Lingkungan"),
    ("pohon", "pohon miring rawan tumbang di Jl Empunala kelurahan Kedundung", "Dinas Lingkungan"),
    ("pencemaran", "limbah pabrik tahu bau menyengat di Jl Raya Meri kelurahan Meri", "Dinas Lingkungan"),
    ("wifi", "wifi gratis di balai RW 2 kelurahan Wates mati", "Komunikasi"),
    ("kebisingan", "karaoke suara keras sampai tengah malam di RT 1 RW 2 kelurahan Miji", "Satpol"),
    ("pkl_liar", "PKL jualan di trotoar depan alun-alun kelurahan Kauman kota, menutup jalan", "Satpol"),
    ("miras", "warung jual miras di RT 5 RW 1 kelurahan Surodinawan", "Satpol"),
    ("bangunan_liar", "ada bangunan liar tanpa izin di atas selokan RT 2 RW 2 kelurahan Blooto", "DPUPR"),
    ("bansos", "bansos salah sasaran di RT 3 RW 2 kelurahan Gedongan, orang kaya dapat", "Dinas Sosial"),
    ("anak_jalanan", "ada orang gila telantar di depan stasiun kelurahan Jagalan", "Dinas Sosial"),
    ("pelayanan_adminduk", "mau lapor, KTP saya tidak jadi-jadi di dukcapil MPP Gajah Mada", "Kependudukan"),
    (
        "pelayanan_kesehatan",
        "lapor, obat kosong terus di puskesmas Wates, pasien disuruh beli sendiri",
        "Kesehatan",
    ),
    ("sekolah", "lapor ada pungutan sekolah uang komite wajib di SDN Wates 1", "Dinas Pendidikan"),
    ("pungli", "ada pungli, petugas kelurahan Meri minta uang pelicin 100 ribu", "Inspektorat"),
    (
        "pelayanan_petugas",
        "mau melaporkan petugas loket kelurahan Miji judes dan membentak warga",
        "Inspektorat",
    ),
    ("pasar", "pasar Tanjung di kelurahan Mentikan becek dan atapnya bocor", "Perindustrian"),
    ("pajak", "lapor tagihan PBB saya salah luasnya, rumah di RT 2 RW 1 kelurahan Magersari", "BPKPD"),
    ("hewan", "banyak anjing liar berkeliaran di depan SMPN kelurahan Gununggedangan", "Pertanian"),
    ("keamanan", "tiap malam balap liar di Jl Benteng Pancasila kelurahan Balongsari kota", "Satpol"),
    ("fasilitas_umum", "ayunan rusak di taman dekat lapangan kelurahan Prajuritkulon", "Dinas Lingkungan"),
]
OUTSIDE = [
    ("listrik", "listrik padam dari tadi di RT 2 kelurahan Wates", "PLN"),
    ("air_bersih", "air PDAM keruh dan mati sudah 2 hari di kelurahan Kedundung", "Perumdam"),
]


async def _to_the_card(talk: Journey, text: str) -> str:
    """Say it; answer at most what is asked on the way to the card."""
    answer = await talk.say(text)
    for step in ("Anonim", "Tidak perlu"):
        if step in talk.titles:
            answer = await talk.press(step)
    while "Untuk dinasnya" in answer or "Sejauh ini" in answer:
        answer = await talk.press("Cukup" if "Cukup" in talk.titles else talk.titles[0])
    return answer


async def test_a_report_of_each_topic_reaches_its_department(system: System) -> None:
    room = asyncio.Semaphore(4)
    wrong: list[str] = []

    async def one(topic: str, text: str, agency: str) -> None:
        async with room, journey(system) as talk:
            card = await _to_the_card(talk, text)
            if "Kirim" not in talk.titles:
                wrong.append(f"{topic}: {card}")
                return
            filed = await talk.press("Kirim")
            case = httpx.get(f"{system.city}/open311/v2/requests/{number(filed)}.json", trust_env=False)
            if agency not in filed or case.json()[0]["service_code"] != topic:
                wrong.append(f"{topic}: {case.json()[0]['service_code']}, {filed}")

    await asyncio.gather(*(one(*row) for row in TOPICS))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("text", "owner"), [row[1:] for row in OUTSIDE], ids=[row[0] for row in OUTSIDE])
async def test_what_is_not_the_citys_is_pointed_out_and_not_filed(
    system: System, text: str, owner: str
) -> None:
    async with journey(system) as talk:
        assert owner in await talk.say(text)
        assert "Kirim" not in talk.titles


async def test_ten_troubles_in_one_message_become_a_report_each(system: System) -> None:
    told = (
        "Di RT 3 RW 1 kelurahan Wates jalan berlubang, lampu jalan mati, sampah menumpuk, selokan mampet, "
        "pohon tumbang, wifi gratis mati, parkir liar tiap sore, anjing liar berkeliaran, PKL menutup "
        "trotoar dan bangunan liar di atas selokan"
    )
    async with journey(system) as talk:
        assert "satu per satu" in await talk.say(told)
        left = [title for title in talk.titles if title != "Batal"]
        assert len(left) == 10, left
        references = []
        while left:
            await talk.press(left[0])
            while "Kirim" not in talk.titles:
                await talk.press("Cukup" if "Cukup" in talk.titles else talk.titles[0])
            references.append(number(await talk.press("Kirim")))
            left = [title for title in talk.titles if title in left]
    assert len(set(references)) == 10


@pytest.mark.parametrize("words", ["kota", "yang di kota"])
async def test_which_of_two_places_is_meant_is_said_in_words(system: System, words: str) -> None:
    async with journey(system) as talk:
        await talk.say("lampu jalan mati di Balongsari dekat masjid")
        assert "Kirim" not in talk.titles
        assert "Magersari" in await talk.say(words)
        assert "Kirim" in talk.titles


async def test_a_neighbour_joins_and_hears_the_same(system: System) -> None:
    place = {"location": {"lat": -7.4655, "lon": 112.4402}}
    async with journey(system) as first, journey(system) as second:
        await first.say("pohon besar tumbang menutup jalan")
        await first.send(place)
        reference = number(await first.press("Kirim"))
        await second.say("ada pohon tumbang di jalan sini")
        offered = await second.send(place)
        assert "laporan serupa" in offered
        joined = await second.press("Saya juga")
        assert reference in joined
        assert "2 warga" in joined
        httpx.post(
            f"{system.city}/meja/laporan/{reference}/status", json={"status": "diproses"}, trust_env=False
        ).raise_for_status()
        for citizen in (first, second):
            assert "sedang dikerjakan" in await citizen.pushed(reference)


async def test_not_mended_opens_it_again_and_words_and_photos_are_added(
    system: System, tmp_path: Path
) -> None:
    async with journey(system) as talk:
        await talk.say("lampu jalan mati di Jl Teratai RT 1 RW 5 kelurahan Meri")
        reference = number(await talk.press("Kirim"))
        httpx.post(
            f"{system.city}/meja/laporan/{reference}/status", json={"status": "selesai"}, trust_env=False
        ).raise_for_status()
        await talk.pushed("Sudah beres")
        assert "dibuka kembali" in await talk.press("Belum beres")
        assert "Tuliskan keterangannya" in await talk.press("Tambah keterangan")
        # Words that sound like another report belong to the question that waits for them.
        assert "ditambahkan" in await talk.say("sekarang sampah juga menumpuk di sebelahnya")
        path = tmp_path / "bukti.jpg"
        Image.new("RGB", (320, 240), "black").save(path)
        await talk.press("Tambah keterangan")
        assert "ditambahkan" in await talk.send({"photo": str(path)})
        assert "Dibuka kembali" in await talk.say("laporan saya") or reference in talk.replies[0]["text"]


@pytest.mark.parametrize(
    ("word", "heard"), [("sudah, terima kasih", "Seberapa puas"), ("belum", "dibuka kembali")]
)
async def test_sudah_beres_is_answered_in_a_word(system: System, word: str, heard: str) -> None:
    async with journey(system) as talk:
        await talk.say("lampu jalan mati di Jl Seruni RT 1 RW 5 kelurahan Miji")
        reference = number(await talk.press("Kirim"))
        httpx.post(
            f"{system.city}/meja/laporan/{reference}/status", json={"status": "selesai"}, trust_env=False
        ).raise_for_status()
        await talk.pushed("Sudah beres")
        assert heard in await talk.say(word)


async def test_a_report_is_taken_back(system: System) -> None:
    async with journey(system) as talk:
        await talk.say("sampah menumpuk di depan balai RW 7 kelurahan Surodinawan")
        reference = number(await talk.press("Kirim"))
        assert reference in await talk.say("batalkan laporan saya")
        assert "sudah ditarik" in await talk.say("ya")


async def test_the_city_is_away_and_the_report_has_a_number_and_a_date_at_once(system: System) -> None:
    async with journey(system) as talk:
        await talk.say("jalan ambles di Jl Anggrek RT 2 RW 6 kelurahan Kedundung")
        plan = {"open311": {"mode": "error500", "times": 99}}
        httpx.post(f"{system.city}/_faults", json=plan, trust_env=False).raise_for_status()
        answer = await talk.press("Kirim")
        httpx.post(f"{system.city}/_faults", json={}, trust_env=False)
        ours = number(answer, r"LWG-\d{4}-\d{6}")
        assert re.search(r"paling lambat \*?\w+, \d+ \w+ 20\d\d", answer)
        assert ours in await talk.say(f"cek {ours}") or "MJK-" in talk.replies[0]["text"]
        told = await talk.pushed(ours, 40)
        theirs = number(told)
        assert theirs in await talk.say(f"cek {ours}")


def _located(kind: str) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "S", 2: (7.0, 28.0, 19.92), 3: "E", 4: (112.0, 26.0, 2.76)})
    out = io.BytesIO()
    Image.new("RGB", (800, 600), "gray").save(out, kind, exif=exif)
    return out.getvalue()


@pytest.mark.parametrize("name", ["foto.jpg", "foto.heic"])
async def test_the_place_of_a_photo_is_used_if_the_citizen_agrees(
    system: System, tmp_path: Path, name: str
) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    path = tmp_path / name
    path.write_bytes(_located("HEIF" if name.endswith("heic") else "JPEG"))
    async with journey(system) as talk:
        await talk.send({"photo": str(path)})
        assert "titik lokasi" in await talk.say("ada jalan berlubang besar sekali di sini")
        assert "📍" in await talk.press("Pakai titik foto")
        reference = number(await talk.press("Kirim"))
    case = httpx.get(f"{system.city}/open311/v2/requests/{reference}.json", trust_env=False).json()[0]
    assert (round(float(case["lat"]), 4), round(float(case["long"]), 4)) == (-7.4722, 112.4341)
    photo = httpx.get(case["media_url"].split(",")[0], trust_env=False)
    with Image.open(io.BytesIO(photo.content)) as picture:
        assert picture.format == "JPEG"
        assert not picture.getexif()


async def test_a_photo_of_twenty_megabytes_is_taken(system: System, tmp_path: Path) -> None:
    path = tmp_path / "besar.jpg"
    out = io.BytesIO()
    Image.new("RGB", (4000, 3000), "gray").save(out, "JPEG")
    path.write_bytes(out.getvalue() + b"\x00" * (19_900_000 - out.tell()))
    async with journey(system) as talk:
        await talk.say("lampu jalan mati di Jl Dahlia RT 3 RW 2 kelurahan Wates")
        assert "1 foto" in await talk.send({"photo": str(path)})
