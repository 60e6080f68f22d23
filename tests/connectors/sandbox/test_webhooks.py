"""News to Lawang: signed, in order, again until taken, and not lost with the process."""

import asyncio
import hashlib
import hmac
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors import updates
from connectors.registry import read_all
from connectors.sandbox import courier
from connectors.sandbox.settings import SandboxSettings
from tests.ports import free_port

from .conftest import KEY, MONDAY, SECRET, Citizen, Listener, listening

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
async def pushing(
    settings: SandboxSettings, lawang: Listener, open_city: Callable[..., Any]
) -> AsyncIterator[Citizen]:
    async with open_city(replace(settings, lawang_url=lawang.url, webhook_secret=SECRET)) as citizen:
        yield citizen


def bodies(heard: list[tuple[str, dict[str, str], bytes]]) -> list[dict[str, Any]]:
    return [json.loads(body) for _, _, body in heard]


async def test_a_moved_case_is_announced_and_signed(pushing: Citizen, lawang: Listener):
    reference = await pushing.reference()
    await pushing.move(reference, "diproses", "Petugas di lokasi")
    ((app_id, headers, body),) = await lawang.wait_for(1)
    assert app_id == "curhat_ning_ita"
    event = json.loads(body)
    assert len(event.pop("event_id")) == 32
    assert event == {
        "subject": "case",
        "reference": reference,
        "status": "diproses",
        "occurred_at": "2026-11-23T07:00:00+07:00",
        "note": "Petugas di lokasi",
    }
    timestamp = headers["x-lawang-timestamp"]
    assert abs(int(timestamp) - time.time()) < 30
    expected = hmac.new(SECRET.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["x-lawang-signature"] == f"sha256={expected}"


async def test_the_connectors_read_what_the_city_writes(pushing: Citizen, lawang: Listener):
    nomor = "PBG-357601-2611-0042"
    await pushing.move(await pushing.reference(), "butuh_info", "Di sisi mana?")
    await pushing.code()
    await pushing.call()
    await pushing.get(f"/perizinan/v1/berkas/{nomor}")
    await pushing.post(f"/meja/berkas/{nomor}/tahap", json={"stage": 7})
    manifests = {manifest.id: manifest for manifest in read_all()}
    read = {}
    for app_id, headers, body in await lawang.wait_for(3):
        updates.verify(headers, body, [SECRET], datetime.now(UTC))
        read[app_id] = updates.parse(manifests[app_id], body)
    assert {app_id: (update.subject, update.status) for app_id, update in read.items()} == {
        "curhat_ning_ita": ("case", "waiting_for_citizen"),
        "mpp_gajah_mada": ("booking", "called"),
        "perizinan": ("case", "done"),
    }
    assert (read["mpp_gajah_mada"].ahead, read["mpp_gajah_mada"].now_serving) == (0, "A013")
    assert all(update.occurred_at == MONDAY for update in read.values())


async def test_a_refused_move_and_a_repeated_one_are_no_news(pushing: Citizen, lawang: Listener):
    reference = await pushing.reference()
    await pushing.move(reference, "selesai")
    await pushing.move(reference, "selesai")
    await pushing.move(reference, "terverifikasi")
    await pushing.move(reference, "diproses")
    await lawang.wait_for(2)
    await asyncio.sleep(0.2)
    assert [event["status"] for event in bodies(lawang.heard)] == ["selesai", "diproses"]


async def test_news_of_one_reference_stays_in_order_through_failures(
    pushing: Citizen, lawang: Listener, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(courier, "FIRST_PAUSE_SECONDS", 0.05)
    lawang.answers = [500, 404, 429, 408, 503]
    one, other = await pushing.reference(), await pushing.reference()
    for status in ("terverifikasi", "didisposisi", "diproses", "selesai"):
        await pushing.move(one, status)
        await pushing.move(other, status)
    await lawang.wait_for(13)
    taken: dict[str, dict[str, str]] = {one: {}, other: {}}
    for event in bodies(lawang.heard):
        taken[event["reference"]][event["event_id"]] = event["status"]
    for reference in (one, other):
        assert list(taken[reference].values()) == ["terverifikasi", "didisposisi", "diproses", "selesai"]


async def test_what_lawang_refuses_is_set_aside(pushing: Citizen, lawang: Listener):
    lawang.answers = [422]
    reference = await pushing.reference()
    await pushing.move(reference, "diproses")
    await pushing.move(reference, "selesai")
    async with asyncio.timeout(10):
        while "<dt>Terkirim</dt><dd>1</dd>" not in (page := (await pushing.get("/")).text):
            await asyncio.sleep(0.05)
    assert "<dt>Ditolak</dt><dd>1</dd>" in page
    assert [event["status"] for event in bodies(lawang.heard)] == ["diproses", "selesai"]


async def test_what_was_taken_is_not_sent_again(pushing: Citizen, lawang: Listener):
    references = [await pushing.reference() for _ in range(10)]
    steps = ("terverifikasi", "didisposisi", "diproses", "selesai", "diproses", "selesai")
    for status in steps:
        await asyncio.gather(*(pushing.move(reference, status) for reference in references))
    await lawang.wait_for(60)
    await asyncio.sleep(0.2)
    events = bodies(lawang.heard)
    assert len({event["event_id"] for event in events}) == len(events) == 60
    for reference in references:
        assert tuple(event["status"] for event in events if event["reference"] == reference) == steps


def test_back_off_grows_and_is_capped():
    assert 0.4 <= courier.pause(1) <= 0.5
    assert 1.6 <= courier.pause(3) <= 2.0
    assert courier.pause(5000) <= courier.LONGEST_PAUSE_SECONDS
    assert courier.pause(5000, "HTTP 404") > courier.LONGEST_PAUSE_SECONDS


async def test_those_close_to_the_desk_hear_their_place(pushing: Citizen, lawang: Listener):
    codes = [await pushing.code("dukcapil-20261124-0900") for _ in range(6)]
    await pushing.call()
    await lawang.wait_for(5)
    await asyncio.sleep(0.2)
    heard = {event["reference"]: event for event in bodies(lawang.heard)}
    assert heard[codes[0]] | {"event_id": ""} == {
        "event_id": "",
        "subject": "booking",
        "reference": codes[0],
        "status": "dipanggil",
        "occurred_at": "2026-11-23T07:00:00+07:00",
        "now_serving": "A013",
        "ahead": 0,
        "event": "called",
    }
    assert {heard[code]["event"] for code in codes[1:5]} == {"almost"}
    assert {code: heard[code]["ahead"] for code in codes[1:5]} == dict(zip(codes[1:5], range(4), strict=True))
    assert codes[5] not in heard
    lawang.heard.clear()
    await pushing.post(f"/mpp/v1/bookings/{codes[1]}/cancel")
    await lawang.wait_for(5)
    heard = {event["reference"]: event for event in bodies(lawang.heard)}
    assert heard[codes[1]]["status"] == "batal"
    assert [heard[code]["ahead"] for code in codes[2:]] == [0, 1, 2, 3]


async def test_a_place_in_a_line_that_has_not_begun_is_no_news(pushing: Citizen, lawang: Listener):
    first, _second = await pushing.code(), await pushing.code()
    await pushing.post(f"/mpp/v1/bookings/{first}/cancel")
    await lawang.wait_for(1)
    await asyncio.sleep(0.2)
    assert [(event["reference"], event["status"]) for event in bodies(lawang.heard)] == [(first, "batal")]


async def test_closing_a_counter_tells_everyone_why(pushing: Citizen, lawang: Listener):
    codes = {await pushing.code(), await pushing.code()}
    await pushing.post(
        "/meja/loket/dukcapil/tutup", json={"date": "2026-11-24", "reason": "gangguan jaringan"}
    )
    events = bodies(await lawang.wait_for(2))
    assert {event["reference"] for event in events} == codes
    assert {(event["event"], event["status"]) for event in events} == {("moved", "dijadwal_ulang")}
    assert {event["starts_at"] for event in events} == {"2026-11-25T09:00:00+07:00"}
    assert {event["number"] for event in events} == {"A013", "A014"}
    said = "Loket Dukcapil tutup: gangguan jaringan. Dipindahkan ke Rabu, 25 November 2026 pukul 09.00."
    assert {event["note"] for event in events} == {said}


async def test_a_permit_is_announced_to_who_follows_or_asked(pushing: Citizen, lawang: Listener):
    followed, asked, ignored = "PBG-357601-2611-0042", "SIP-357602-2611-0105", "REK-357603-2610-0031"
    path = f"/perizinan/v1/berkas/{followed}/langganan"
    await pushing.post(path, json={"callback_reference": "kasus-1"})
    await pushing.get(f"/perizinan/v1/berkas/{asked}")
    await pushing.post(f"/meja/berkas/{ignored}/tahap", json={"stage": 0})
    await pushing.post(f"/meja/berkas/{followed}/tahap", json={"stage": 5, "note": "SKRD terbit."})
    await pushing.post(f"/meja/berkas/{asked}/tahap", json={"stage": 4})
    await lawang.wait_for(2)
    await asyncio.sleep(0.2)
    heard = {event["reference"]: event for event in bodies(lawang.heard)}
    assert set(heard) == {followed, asked}
    assert {app_id for app_id, _, _ in lawang.heard} == {"perizinan"}
    assert (heard[followed]["subject"], heard[followed]["status"]) == ("case", "menunggu_bayar")
    assert heard[followed]["note"] == "Pembayaran retribusi (Pemohon). SKRD terbit."


async def test_a_killed_city_still_delivers_its_news(tmp_path: Path):
    """The real process: moved while Lawang is away, killed with -9, started again: all arrives, in order."""
    port, door = free_port(), free_port()
    environ = os.environ | {
        "SANDBOX_PORT": str(port),
        "SANDBOX_DATABASE": str(tmp_path / "kota.db"),
        "SANDBOX_WEBHOOK_SECRET": SECRET,
        "SANDBOX_API_KEY": KEY,
        "LAWANG_URL": f"http://127.0.0.1:{door}",
    }

    async def start() -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "connectors.sandbox",
            cwd=ROOT,
            env=environ,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(60), httpx.AsyncClient() as probe:
            while True:
                try:
                    await probe.get(f"http://127.0.0.1:{port}/healthz")
                    return process
                except httpx.TransportError:
                    await asyncio.sleep(0.1)

    city = await start()
    try:
        async with Citizen(base_url=f"http://127.0.0.1:{port}") as citizen:
            reference = await citizen.reference(key="turn-1")
            for status in ("terverifikasi", "didisposisi", "diproses", "selesai"):
                assert (await citizen.move(reference, status)).status_code == 200
        city.send_signal(signal.SIGKILL)
        await city.wait()
        async with listening(door) as lawang:
            city = await start()
            events = bodies(await lawang.wait_for(4, 40))
            assert [event["status"] for event in events] == [
                "terverifikasi",
                "didisposisi",
                "diproses",
                "selesai",
            ]
            assert len({event["event_id"] for event in events}) == 4
            async with Citizen(base_url=f"http://127.0.0.1:{port}") as citizen:
                assert await citizen.reference(key="turn-1") == reference
    finally:
        if city.returncode is None:
            city.terminate()
            await city.wait()
