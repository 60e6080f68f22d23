"""The puskesmas queue: our BPJS dialect against the stand-in's puskesmas, and against odd answers."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors import fktp_codes
from connectors.capabilities import Capability
from connectors.client import Client
from connectors.conformance import kit
from connectors.errors import (
    BackendChanged,
    BackendRejected,
    BackendUnreachable,
    CaseNotFound,
    PersonUnknown,
    SlotTaken,
)
from connectors.fktp_codes import NoSuchCode, Place
from connectors.queues import BookingRequest, BookingStatus, PersonNumbers, Registration, SlotQuery
from connectors.registry import Registry
from connectors.sandbox.app import create_app
from connectors.sandbox.settings import SandboxSettings
from tests.engines import available, fresh_database

KEY = "kunci-untuk-uji"
MONDAY = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
TUESDAY = date(2026, 11, 24)
SITI = PersonNumbers(nik="3576010000000011", card="0000000000011")
BUDI = PersonNumbers(nik="3576020000000022", card="0000000000022")
STRANGER = PersonNumbers(nik="3576010000000099", card="0000000000099")
SLOT = "wates_umum/2026-11-24"


def wish(numbers: PersonNumbers = SITI, slot: str = SLOT, **more: Any) -> BookingRequest:
    return BookingRequest("t-1", slot, "antrean_puskesmas", "Warga Uji", numbers=numbers, **more)


@pytest.fixture(params=available())
def store(request: Any, tmp_path: Path) -> Iterator[Path | str]:
    if request.param == "sqlite":
        yield tmp_path / "kota.db"
        return
    with fresh_database("postgresql", tmp_path) as url:
        yield url


@pytest.fixture
async def city(store: Path | str) -> AsyncIterator[Any]:
    app = create_app(SandboxSettings(database=store, api_key=KEY, faults=True), None, lambda: MONDAY)
    async with app.router.lifespan_context(app):
        yield httpx.ASGITransport(app)


@pytest.fixture
async def gayatri(city: Any) -> AsyncIterator[Any]:
    environment = {"SANDBOX_URL": "http://kota.test", "SANDBOX_API_KEY": KEY}
    registry = Registry.load(environment=environment, client=Client(city))
    yield registry.find("kota_mojokerto", Capability.BOOKING_RESERVE, "antrean_puskesmas")
    await registry.close()


@pytest.fixture
async def desk(city: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=city, base_url="http://kota.test") as client:
        yield client


async def test_a_number_is_taken_asked_for_called_and_given_back(gayatri: Any, desk: httpx.AsyncClient):
    assert gayatri.id == "gayatri"
    day = await gayatri.slots(SlotQuery("antrean_puskesmas", TUESDAY, "wates_umum"))
    assert [(slot.id, slot.counter) for slot in day.slots] == [(SLOT, "wates_umum")]
    mine, other = await gayatri.reserve(wish()), await gayatri.reserve(wish(BUDI))
    assert (mine.number, other.number) == ("A1", "A2")
    assert mine.counter_title == "Puskesmas Wates, Poli Umum"
    assert mine.note == "Mohon datang 30 menit sebelum pelayanan."
    state = await gayatri.booking_status(other.code)
    assert (state.status, state.ahead, state.now_serving) == (BookingStatus.BOOKED, 1, None)
    called = await desk.post("/meja/poli/wates_umum/panggil", json={})
    assert called.json() == {"called": "A1"}
    state = await gayatri.booking_status(mine.code)
    assert (state.status, state.ahead, state.now_serving) == (BookingStatus.CALLED, 0, "A1")
    with pytest.raises(BackendRejected, match="Sudah Dilayani"):
        await gayatri.cancel_booking(mine.code, "t-2")
    for _ in range(2):
        await gayatri.cancel_booking(other.code, "t-3")
    with pytest.raises(CaseNotFound):
        await gayatri.booking_status(other.code)
    assert (await gayatri.reserve(wish(BUDI))).number == "A3"


async def test_the_same_request_five_times_is_one_number(gayatri: Any):
    receipts = await asyncio.gather(*(gayatri.reserve(wish()) for _ in range(5)))
    assert {receipt.number for receipt in receipts} == {"A1"}
    assert len({receipt.code for receipt in receipts}) == 1


async def test_a_number_whose_answer_was_lost_is_found_again(gayatri: Any, desk: httpx.AsyncClient):
    await gayatri.counters()
    await gayatri.slots(SlotQuery("antrean_puskesmas", TUESDAY, "wates_umum"))
    await desk.post("/_faults", json={"fktp": {"mode": "error500", "after": True}})
    assert (await gayatri.reserve(wish())).number == "A1"
    await desk.post("/_faults", json={"fktp": {"mode": "error500", "times": 9}})
    with pytest.raises(BackendUnreachable) as raised:
        await gayatri.reserve(wish(BUDI))
    assert raised.value.outcome_unknown
    await desk.post("/_faults", json={})
    assert (await gayatri.reserve(wish(BUDI))).number == "A2"
    await desk.post("/_faults", json={"fktp": {"mode": "error500", "after": True}})
    code = (await gayatri.reserve(wish(BUDI))).code
    await gayatri.cancel_booking(code, "t-4")


async def test_a_patient_nobody_knows_is_registered_first(gayatri: Any):
    with pytest.raises(PersonUnknown, match="registrasi pasien baru"):
        await gayatri.reserve(wish(STRANGER))
    new = Registration("wates_umum", STRANGER, "3576010000000000", "Warga Baru", "P", date(1990, 1, 1))
    with pytest.raises(BackendRejected, match="alamat Belum Diisi"):
        await gayatri.register_person(new)
    whole = Registration(
        "wates_umum", STRANGER, "3576010000000000", "Warga Baru", "P", date(1990, 1, 1), {"alamat": "Jl. A"}
    )
    assert await gayatri.register_person(whole) == await gayatri.register_person(whole)
    assert (await gayatri.reserve(wish(STRANGER))).number == "A1"


@pytest.mark.parametrize(
    ("slot", "numbers", "error", "said"),
    [
        pytest.param("wates_umum/2026-11-29", SITI, BackendRejected, "tutup", id="a Sunday"),
        pytest.param("wates_umum/2026-12-25", SITI, BackendRejected, "Natal", id="a holiday"),
        pytest.param("wates_umum/2027-01-04", SITI, BackendRejected, "2027", id="a year that is not loaded"),
        pytest.param("wates_umum/kapan-kapan", SITI, SlotTaken, "no slot", id="not a day"),
        pytest.param("surabaya/2026-11-24", SITI, CaseNotFound, "no counter", id="another puskesmas"),
        pytest.param(SLOT, PersonNumbers(), BackendRejected, "diperlukan", id="without numbers"),
        pytest.param(SLOT, PersonNumbers("1", "2"), BackendRejected, "Format", id="numbers that are none"),
    ],
)
async def test_what_cannot_be_had_is_refused_with_a_reason(gayatri: Any, slot, numbers, error, said):
    with pytest.raises(error, match=said):
        await gayatri.reserve(wish(numbers, slot))


async def test_a_puskesmas_works_on_collective_leave_and_not_on_sundays(gayatri: Any):
    leave = await gayatri.slots(SlotQuery("antrean_puskesmas", date(2026, 12, 24)))
    assert {slot.counter for slot in leave.slots} == {one.id for one in await gayatri.counters()}
    sunday = await gayatri.slots(SlotQuery("antrean_puskesmas", date(2026, 11, 29)))
    assert (sunday.slots, sunday.closed_reason is not None) == ((), True)


async def test_the_stand_in_passes_the_kit_for_vendors(city: Any):
    client = Client(city)
    app = kit.fktp_app("http://kota.test/fktp/wates", "lawang", KEY, "001", client)
    findings = [str(finding) for finding in await kit.inspect(app, today=MONDAY.date(), patient=SITI)]
    await client.close()
    assert [line for line in findings if not line.startswith("PASS")] == []
    assert len(findings) == 11


async def test_no_number_of_a_person_reaches_a_log(gayatri: Any, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    receipt = await gayatri.reserve(wish())
    await gayatri.booking_status(receipt.code)
    ours = [
        record.getMessage() for record in caplog.records if record.name.startswith(("connectors", "http"))
    ]
    assert any("sisapeserta/***/001" in line for line in ours)
    assert not any(SITI.card in line or SITI.nik in line for line in ours)
    assert SITI.card not in receipt.code
    assert SITI.card not in repr(wish())


def test_a_code_opens_only_where_it_was_made():
    place = Place("wates_umum", TUESDAY, "0000000000011")
    code = fktp_codes.seal(place, "satu")
    assert code == fktp_codes.seal(place, "satu")
    assert len(code) <= 100
    assert fktp_codes.unseal(code, "satu") == place
    spoilt = [code[:-3], code[:-1] + "!", "MPP-7K3Q", "", "FKTP-", code.swapcase()]
    for strange, password in [*((one, "satu") for one in spoilt), (code, "dua")]:
        with pytest.raises(NoSuchCode):
            fktp_codes.unseal(strange, password)


def answered(*said: Any) -> Client:
    """A puskesmas that gives a token, then says the same thing for ever."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/auth"):
            return httpx.Response(200, json={"response": {"token": "t"}, "metadata": {"code": 200}})
        one = said[0]
        return one if isinstance(one, httpx.Response) else httpx.Response(200, content=json.dumps(one))

    async def no_pause(_: float) -> None:
        return None

    return Client(httpx.MockTransport(answer), sleep=no_pause)


OK = {"message": "Ok", "code": 200}
PLACE = {"nomorantrean": "A1", "sisaantrean": "0", "antreanpanggil": ""}


@pytest.mark.parametrize(
    ("said", "error"),
    [
        pytest.param({"response": PLACE}, BackendChanged, id="no metadata"),
        pytest.param({"response": PLACE, "metadata": {"code": "ok"}}, BackendChanged, id="a word for a code"),
        pytest.param({"response": PLACE, "metadata": []}, BackendChanged, id="metadata that is a list"),
        pytest.param({"response": None, "metadata": OK}, BackendChanged, id="no response"),
        pytest.param({"response": [], "metadata": OK}, BackendChanged, id="a list for a response"),
        pytest.param(
            {"response": {**PLACE, "nomorantrean": ""}, "metadata": OK}, BackendChanged, id="no number"
        ),
        pytest.param(
            {"response": {**PLACE, "sisaantrean": "banyak"}, "metadata": OK},
            BackendChanged,
            id="words for a count",
        ),
        pytest.param(
            {"metadata": {"message": "Token Expired", "code": 201}}, BackendRejected, id="no token lasts"
        ),
        pytest.param(
            {"metadata": {"message": "Antrean Tidak Ditemukan", "code": 201}}, CaseNotFound, id="none"
        ),
        pytest.param({"metadata": {"message": "Gangguan", "code": 201}}, BackendRejected, id="refused"),
        pytest.param(httpx.Response(500), BackendUnreachable, id="500"),
        pytest.param(httpx.Response(200, text="<html>"), BackendChanged, id="HTML"),
        pytest.param(
            httpx.Response(401, json={"metadata": {"message": "Token Expired", "code": 401}}),
            BackendRejected,
            id="the same with an HTTP status of its own",
        ),
    ],
)
async def test_an_answer_out_of_contract_is_one_of_our_errors(said: Any, error: type[Exception]):
    client = answered(said)
    app = kit.fktp_app("http://pkm.example", "lawang", "rahasia", "001", client)
    code = fktp_codes.seal(Place("poli", TUESDAY, "0000000000011"), "rahasia")
    with pytest.raises(error) as raised:
        await app.booking_status(code)
    assert type(raised.value) is error
    assert "0000000000011" not in str(raised.value)
    await client.close()


async def test_metadata_in_the_spelling_of_the_hospital_contract_is_understood():
    client = answered({"response": PLACE, "metaData": {"message": "Ok", "code": "200"}})
    app = kit.fktp_app("http://pkm.example", "lawang", "rahasia", "001", client)
    code = fktp_codes.seal(Place("poli", TUESDAY + timedelta(days=1), "0000000000011"), "rahasia")
    assert (await app.booking_status(code)).number == "A1"
    await client.close()
