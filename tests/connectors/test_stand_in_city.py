"""Our apps against the stand-in city: the two sides of one contract, written by different hands."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors import updates
from connectors.capabilities import (
    BookingRequest,
    BookingStatus,
    CaseComment,
    CaseStatus,
    ComplaintDraft,
    Photo,
    Place,
    SlotQuery,
    UpdateQuery,
)
from connectors.client import Client
from connectors.conformance import kit
from connectors.conformance.open311_extras import variant
from connectors.errors import BackendChanged, BackendRejected, BackendUnreachable, CaseNotFound, SlotTaken
from connectors.manifest import APPS, read
from connectors.registry import Registry
from connectors.sandbox.app import create_app
from connectors.sandbox.city import load_city
from connectors.sandbox.courier import signature
from connectors.sandbox.settings import SandboxSettings

MONDAY = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
TUESDAY = date(2026, 11, 24)
KEY = "kunci-untuk-uji"
DRAFT = ComplaintDraft(
    "t-1",
    "lampu_jalan",
    "Lampu mati",
    Place("Jl. Majapahit", -7.47, 112.43),
    (Photo("http://foto.example/1.jpg"),),
    "Siti",
)
BOOKING = BookingRequest("t-1", "dukcapil-20261124-0900", "ktp_hilang", "Siti")


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[Any]:
    """The stand-in city on a Monday at 07.00 WIB, in-process."""
    app = create_app(SandboxSettings(database=tmp_path / "kota.db", api_key=KEY), None, lambda: MONDAY)
    async with app.router.lifespan_context(app):
        yield httpx.ASGITransport(app)


@pytest.fixture
async def apps(city: Any) -> AsyncIterator[Registry]:
    """The shipped apps, pointed at it."""
    environment = {"SANDBOX_URL": "http://kota.test", "SANDBOX_API_KEY": KEY}
    registry = Registry.load(environment=environment, client=Client(city))
    yield registry
    await registry.close()


async def test_a_complaint_is_filed_once_found_again_and_commented(apps: Registry, city: Any):
    desk = apps.by_id("curhat_ning_ita")
    receipt = await desk.submit_complaint(DRAFT)
    assert receipt == await desk.submit_complaint(DRAFT)
    state = await desk.complaint_status(receipt.reference)
    assert (state.reference, state.status, state.backend_status) == (
        receipt.reference,
        CaseStatus.RECEIVED,
        "diterima",
    )
    assert state.title == "Lampu jalan"
    assert state.holder == "Dinas Perhubungan"
    await desk.add_comment(CaseComment("t-2", receipt.reference, "Tiang nomor 12", DRAFT.photos))
    async with httpx.AsyncClient(transport=city, base_url="http://kota.test") as clerk:
        await clerk.post(f"/meja/laporan/{receipt.reference}/status", json={"status": "diproses", "note": ""})
    assert (await desk.complaint_status(receipt.reference)).status is CaseStatus.IN_PROGRESS
    with pytest.raises(CaseNotFound):
        await desk.complaint_status("MJK-2611-999999")


async def test_a_report_whose_answer_was_lost_is_found_and_not_filed_twice(tmp_path: Path):
    settings = SandboxSettings(database=tmp_path / "kota.db", api_key=KEY, faults=True)
    app = create_app(settings, None, lambda: MONDAY)
    async with app.router.lifespan_context(app):
        city = httpx.ASGITransport(app)
        client = Client(city)
        desk = variant(kit.open311_app("http://kota.test/open311/v2", KEY, client), idempotency=False)
        async with httpx.AsyncClient(transport=city, base_url="http://kota.test") as person:
            await person.post("/_faults", json={"open311": {"mode": "error500", "after": True}})
            with pytest.raises(BackendUnreachable) as raised:
                await desk.submit_complaint(DRAFT)
            assert raised.value.outcome_unknown
            receipt = await desk.submit_complaint(replace(DRAFT, asked_at=MONDAY))
            filed = (await person.get("/open311/v2/requests.json")).json()
        await client.close()
    assert [case["service_request_id"] for case in filed] == [receipt.reference]


async def test_what_the_desk_did_is_heard_from_its_feed_once(apps: Registry, city: Any):
    desk = apps.by_id("curhat_ning_ita")
    receipt = await desk.submit_complaint(DRAFT)
    async with httpx.AsyncClient(transport=city, base_url="http://kota.test") as clerk:
        for status in ("diproses", "selesai"):
            await clerk.post(f"/meja/laporan/{receipt.reference}/status", json={"status": status, "note": ""})
    query = UpdateQuery((receipt.reference,), MONDAY, MONDAY)
    news = await desk.complaint_updates(query)
    assert [(one.status, one.backend_status) for one in news] == [
        (CaseStatus.IN_PROGRESS, "diproses"),
        (CaseStatus.DONE, "selesai"),
    ]
    assert news == await desk.complaint_updates(query)


@pytest.mark.parametrize(
    ("place", "description", "said"),
    [
        (Place(latitude=51.5, longitude=-0.1), "x", "Indonesia"),
        (Place("sini"), "x" * 50_000, "characters"),
        (Place("sini"), " ", "description"),
    ],
)
async def test_a_complaint_the_city_cannot_take_comes_back_with_its_reason(
    apps: Registry, place, description, said
):
    with pytest.raises(BackendRejected, match=said):
        await apps.by_id("curhat_ning_ita").submit_complaint(
            ComplaintDraft("k", "sampah", description, place)
        )


async def test_a_place_is_booked_once_moved_and_given_back(apps: Registry):
    queue = apps.by_id("mpp_gajah_mada")
    day = await queue.slots(SlotQuery("ktp_hilang", TUESDAY))
    assert day.slots[0].starts_at.isoformat() == "2026-11-24T08:00:00+07:00"
    receipt = await queue.reserve(BOOKING)
    assert receipt == await queue.reserve(BOOKING)
    assert receipt.status is BookingStatus.BOOKED
    moved = await queue.reschedule(receipt.code, "dukcapil-20261124-1000", "t-3")
    assert (moved.code, moved.starts_at.isoformat()) == (receipt.code, "2026-11-24T10:00:00+07:00")
    state = await queue.booking_status(receipt.code)
    assert (state.status, state.ahead) == (BookingStatus.RESCHEDULED, 0)
    await queue.cancel_booking(receipt.code, "t-4")
    assert (await queue.booking_status(receipt.code)).status is BookingStatus.CANCELLED
    assert (await queue.live("dukcapil")).waiting == 0


async def test_a_full_slot_is_taken(apps: Registry):
    queue = apps.by_id("mpp_gajah_mada")
    for number in range(6):
        await queue.reserve(BookingRequest(f"k-{number}", BOOKING.slot_id, "ktp_hilang", "Siti"))
    with pytest.raises(SlotTaken):
        await queue.reserve(BookingRequest("k-7", BOOKING.slot_id, "ktp_hilang", "Siti"))
    with pytest.raises(SlotTaken):
        await queue.reserve(BookingRequest("k-8", "dukcapil-20261124-2300", "ktp_hilang", "Siti"))
    day = await queue.slots(SlotQuery("ktp_hilang", TUESDAY))
    assert BOOKING.slot_id not in {slot.id for slot in day.slots}


@pytest.mark.parametrize(
    ("service", "day", "closed"),
    [("nib", date(2026, 11, 28), True), ("ktp_hilang", date(2026, 12, 25), True), ("nib", TUESDAY, False)],
)
async def test_a_closed_day_says_why_and_when_next(apps: Registry, service, day, closed):
    found = await apps.by_id("mpp_gajah_mada").slots(SlotQuery(service, day))
    assert (not found.slots, found.closed_reason is not None) == (closed, closed)
    if closed:
        assert found.next_open is not None
        assert found.next_open > day


async def test_a_permit_is_found_by_its_number(apps: Registry):
    state = await apps.by_id("perizinan").permit_status("PBG-357601-2611-0042")
    assert (state.status, state.holder) == (CaseStatus.IN_PROGRESS, "DPUPR")
    with pytest.raises(CaseNotFound):
        await apps.by_id("perizinan").permit_status("PBG-000000-0000-0000")


async def test_a_wrong_key_is_for_the_operator(city: Any):
    wrong = {"SANDBOX_URL": "http://kota.test", "SANDBOX_API_KEY": "salah"}
    apps = Registry.load(environment=wrong, client=Client(city))
    for ask in (
        apps.by_id("curhat_ning_ita").submit_complaint(DRAFT),
        apps.by_id("mpp_gajah_mada").reserve(BOOKING),
        apps.by_id("perizinan").permit_status("PBG-357601-2611-0042"),
    ):
        with pytest.raises(BackendChanged, match="SANDBOX_API_KEY"):
            await ask
    await apps.close()


async def test_the_stand_in_city_passes_its_own_conformance_kit(city: Any):
    client = Client(city)
    targets = [
        kit.open311_app("http://kota.test/open311/v2", KEY, client),
        kit.queue_app("http://kota.test/mpp/v1", KEY, client),
        kit.rest_app(read(APPS / "perizinan" / "manifest.yml"), "http://kota.test/perizinan/v1", KEY, client),
    ]
    findings = [str(finding) for app in targets for finding in await kit.inspect(app, today=MONDAY.date())]
    await client.close()
    assert [line for line in findings if line.startswith("FAIL")] == []
    assert [line for line in findings if line.startswith("SKIP")] == []
    assert len([line for line in findings if line.startswith("PASS")]) >= 42


def test_every_word_of_the_city_is_mapped():
    city = load_city()
    desk, queue, permits = (
        read(APPS / app / "manifest.yml").values for app in ("curhat_ning_ita", "mpp_gajah_mada", "perizinan")
    )
    assert set(desk.status) == set(city.complaint_states)
    assert set(desk.topic.values()) == set(city.topics)
    assert set(queue.booking_status) == set(city.booking_states)
    assert set(permits.status) == set(city.permit_states)


def test_both_sides_sign_alike():
    assert signature("rahasia", "1764000000", b'{"a":1}') == updates.sign("rahasia", 1764000000, b'{"a":1}')
