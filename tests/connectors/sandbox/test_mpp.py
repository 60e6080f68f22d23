"""The MPP queue: calendar, places, line."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connectors.sandbox.city import load_city
from connectors.sandbox.seats import CODE_LETTERS
from connectors.sandbox.settings import SandboxSettings

from .conftest import Citizen, TurnableClock


async def slots(citizen: Citizen, service: str, day: str) -> dict[str, Any]:
    return (await citizen.get("/mpp/v1/slots", params={"service": service, "date": day})).json()


async def test_every_counter_says_what_it_takes_and_when(citizen: Citizen):
    counters = {row["id"]: row for row in (await citizen.get("/mpp/v1/counters")).json()["counters"]}
    assert "ktp_hilang" in counters["dukcapil"]["services"]
    assert counters["dukcapil"]["hours"]["minggu"] == ["08:00-11:00"]
    assert counters["dukcapil"]["hours"]["jumat"] == ["08:00-11:00", "13:00-14:00"]
    assert counters["imigrasi"]["hours"]["sabtu"] == []
    services = [service for row in counters.values() for service in row["services"]]
    assert len(services) == len(set(services))


@pytest.mark.parametrize(
    ("service", "day", "first", "count", "reason", "next_open"),
    [
        pytest.param("ktp_hilang", "2026-11-24", "08:00", 12, None, None, id="a working day"),
        pytest.param("ktp_hilang", "2026-11-27", "08:00", 8, None, None, id="Friday with its break"),
        pytest.param("ktp_hilang", "2026-11-28", "08:00", 6, None, None, id="Saturday at Dukcapil"),
        pytest.param(
            "nib", "2026-11-28", None, 0, "tutup pada hari itu", "2026-11-30", id="Saturday elsewhere"
        ),
        pytest.param("nib", "2026-12-24", None, 0, "Cuti bersama Natal", "2026-12-28", id="collective leave"),
        pytest.param("ktp_hilang", "2026-12-25", None, 0, "Hari Raya Natal", "2026-12-26", id="holiday"),
        pytest.param("nib", "2026-11-22", None, 0, "sudah lewat", "2026-11-23", id="yesterday"),
        pytest.param("nib", "2027-01-04", None, 0, "2027 belum ditetapkan", None, id="year not loaded"),
    ],
)
async def test_slots_follow_the_calendar(
    citizen: Citizen, service: str, day: str, first: str, count: int, reason: str, next_open: str
):
    answer = await slots(citizen, service, day)
    assert answer["date"] == day
    assert len(answer["slots"]) == count
    if first:
        assert answer["slots"][0]["starts_at"] == f"{day}T{first}:00+07:00"
        assert answer["closed_reason"] is None
    else:
        assert reason in answer["closed_reason"]
    assert answer["next_open"] == next_open


async def test_slots_of_today_end_with_the_day(citizen: Citizen, clock: TurnableClock):
    clock.turn(hours=5, minutes=10)
    answer = await slots(citizen, "nib", "2026-11-23")
    assert [slot["starts_at"][11:16] for slot in answer["slots"]] == ["12:30", "13:00", "13:30"]
    clock.turn(hours=5)
    answer = await slots(citizen, "nib", "2026-11-23")
    assert (answer["slots"], answer["closed_reason"], answer["next_open"]) == ([], None, "2026-11-24")


async def test_a_booking_gets_a_code_and_a_number_and_takes_a_place(citizen: Citizen):
    answer = await citizen.book("dukcapil-20261124-0900")
    assert answer.status_code == 201
    ticket = answer.json()
    code = ticket.pop("code")
    assert code.startswith("MPP-")
    assert set(code[4:]) <= set(CODE_LETTERS)
    assert ticket == {
        "number": "A013",
        "counter": "dukcapil",
        "counter_title": "Loket Dukcapil",
        "service": "ktp_hilang",
        "starts_at": "2026-11-24T09:00:00+07:00",
        "status": "dipesan",
        "priority": "none",
        "slot_id": "dukcapil-20261124-0900",
        "expires_at": None,
    }
    found = (await citizen.get(f"/mpp/v1/bookings/{code.lower()}")).json()
    assert (found["ahead"], found["now_serving"]) == (0, None)
    left = {slot["id"]: slot["left"] for slot in (await slots(citizen, "ktp_hilang", "2026-11-24"))["slots"]}
    assert left["dukcapil-20261124-0900"] == 5
    assert left["dukcapil-20261124-0930"] == 6


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        pytest.param({"slot_id": "dukcapil-20261124-0915"}, 404, "slot_not_found", id="between two slots"),
        pytest.param({"slot_id": "naga-20261124-0900"}, 404, "slot_not_found", id="no such counter"),
        pytest.param({"slot_id": "dukcapil"}, 404, "slot_not_found", id="not a slot id"),
        pytest.param(
            {"slot_id": "perizinan-20261124-0900"}, 400, "service_not_at_counter", id="wrong counter"
        ),
        pytest.param({"slot_id": "dukcapil-20261225-0900"}, 409, "slot_closed", id="holiday"),
        pytest.param({"slot_id": "dukcapil-20270104-0900"}, 409, "slot_closed", id="year not loaded"),
        pytest.param({"slot_id": "dukcapil-20261120-0900"}, 409, "slot_closed", id="past"),
        pytest.param({"name": " "}, 400, "malformed", id="no name"),
        pytest.param({"name": 7}, 400, "malformed", id="a number for a name"),
        pytest.param({"slot_id": None}, 400, "malformed", id="no slot"),
    ],
)
async def test_a_bad_booking_is_a_problem(citizen: Citizen, body: dict[str, Any], status: int, error: str):
    good = {"slot_id": "dukcapil-20261124-0900", "service": "ktp_hilang", "name": "Sri"}
    answer = await citizen.post("/mpp/v1/bookings", json=good | body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["error"] == error
    assert answer.json()["status"] == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/mpp/v1/slots?service=naga&date=2026-11-24", 404),
        ("GET", "/mpp/v1/slots?service=nib&date=besok", 400),
        ("GET", "/mpp/v1/slots?service=nib", 400),
        ("GET", "/mpp/v1/bookings/MPP-0000", 404),
        ("POST", "/mpp/v1/bookings/MPP-0000/cancel", 404),
        ("POST", "/mpp/v1/bookings/MPP-0000/checkin", 404),
        ("GET", "/mpp/v1/counters/naga/live", 404),
        ("POST", "/mpp/v1/counters/naga/call-next", 404),
        ("GET", "/mpp/v1/naga", 404),
    ],
)
async def test_what_is_not_there_is_a_problem(citizen: Citizen, method: str, path: str, status: int):
    answer = await citizen.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("header", ["", "Bearer salah", "Basic abc", "Bearer"])
async def test_the_queue_wants_its_key(citizen: Citizen, header: str):
    answer = await citizen.get("/mpp/v1/counters", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_same_key_books_once(citizen: Citizen):
    answers = await asyncio.gather(*(citizen.book(key="turn-7") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["code"] for answer in answers}) == 1
    other = await citizen.book(key="turn-8")
    assert other.json()["number"] == "A014"


async def test_one_place_goes_to_one_of_two_hundred_on_two_processes(
    settings: SandboxSettings, open_city: Callable[..., Any]
):
    city = load_city()
    single = replace(city.counters["dukcapil"], places_per_slot=1)
    city = replace(city, counters=city.counters | {"dukcapil": single})
    async with open_city(settings, city) as one, open_city(settings, city) as other:
        answers = await asyncio.gather(*((one, other)[i % 2].book(name=f"Warga {i}") for i in range(200)))
    won = [answer for answer in answers if answer.status_code == 201]
    lost = [answer for answer in answers if answer.status_code == 409]
    assert (len(won), len(lost)) == (1, 199)
    assert {answer.json()["error"] for answer in lost} == {"slot_taken"}


async def test_fifty_calls_never_call_a_number_twice(
    settings: SandboxSettings, open_city: Callable[..., Any]
):
    async with open_city(settings) as one, open_city(settings) as other:
        for slot in ("0800", "0830", "0900", "0930", "1000"):
            for _ in range(6):
                await one.book(f"dukcapil-20261123-{slot}")
        calls = await asyncio.gather(*((one, other)[i % 2].call(clerk=str(i)) for i in range(50)))
    numbers = [call["called"]["number"] for call in calls if call["called"]]
    assert len(numbers) == len(set(numbers)) == 30


async def test_cancelling_gives_the_place_back_and_twice_is_once(citizen: Citizen, clock: TurnableClock):
    booked = await citizen.book("imigrasi-20261124-0900", "paspor")
    code = booked.json()["code"]
    for _ in range(2):
        answer = await citizen.post(f"/mpp/v1/bookings/{code}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "batal")
    clock.turn(minutes=31)
    again = await citizen.book("imigrasi-20261124-0900", "paspor")
    assert again.json()["number"] == booked.json()["number"]
    late = await citizen.post(f"/mpp/v1/bookings/{code}/checkin")
    assert (late.status_code, late.json()["error"]) == (409, "move_not_allowed")


async def test_rescheduling_keeps_the_code_and_never_loses_the_old_place(
    citizen: Citizen, clock: TurnableClock
):
    code = await citizen.code("dukcapil-20261124-0900")
    path = f"/mpp/v1/bookings/{code}/reschedule"
    for _ in range(2):
        moved = await citizen.post(path, json={"slot_id": "dukcapil-20261125-0800"})
        assert moved.json() | {"service": None} == {
            "code": code,
            "number": "A001",
            "counter": "dukcapil",
            "counter_title": "Loket Dukcapil",
            "service": None,
            "starts_at": "2026-11-25T08:00:00+07:00",
            "status": "dijadwal_ulang",
            "priority": "none",
            "slot_id": "dukcapil-20261125-0800",
            "expires_at": None,
        }
    for _ in range(6):
        assert (await citizen.book("dukcapil-20261126-0800")).status_code == 201
    full = await citizen.post(path, json={"slot_id": "dukcapil-20261126-0800"})
    assert (full.status_code, full.json()["error"]) == (409, "slot_taken")
    kept = (await citizen.get(f"/mpp/v1/bookings/{code}")).json()
    assert kept["starts_at"] == "2026-11-25T08:00:00+07:00"
    assert (await citizen.book("dukcapil-20261124-0900")).json()["number"] == "A014"
    clock.turn(minutes=31)
    assert (await citizen.book("dukcapil-20261124-0900")).json()["number"] == "A013"
    elsewhere = await citizen.post(path, json={"slot_id": "perizinan-20261126-0800"})
    assert elsewhere.status_code == 400


async def test_the_line_is_served_by_time_then_number_and_the_board_shows_it(citizen: Citizen):
    late = await citizen.code("dukcapil-20261123-1000")
    early = await citizen.code("dukcapil-20261123-0800")
    walk_in = (await citizen.post("/mpp/v1/counters/dukcapil/walk-in", json={"service": "kia"})).json()
    assert (walk_in["number"], walk_in["status"]) == ("A002", "checkin")
    board = (await citizen.get("/mpp/v1/counters/dukcapil/live")).json()
    assert (board["now_serving"], board["waiting"]) == (None, 3)
    called = [(await citizen.call())["called"]["code"] for _ in range(3)]
    assert called == [early, walk_in["code"], late]
    assert (await citizen.call())["called"] is None
    states = [(await citizen.get(f"/mpp/v1/bookings/{code}")).json()["status"] for code in called]
    assert states == ["selesai", "selesai", "selesai"]
    board = (await citizen.get("/mpp/v1/counters/dukcapil/live")).json()
    assert board == {
        "counter": "dukcapil",
        "date": "2026-11-23",
        "now_serving": "A025",
        "waiting": 0,
        "pace": None,
        "as_of": "2026-11-23T07:00:00+07:00",
    }


async def test_checking_in_keeps_the_place_in_line(citizen: Citizen):
    first, second = await citizen.code(), await citizen.code()
    answer = await citizen.post(f"/mpp/v1/bookings/{second}/checkin")
    assert answer.json()["status"] == "checkin"
    found = (await citizen.get(f"/mpp/v1/bookings/{second}")).json()
    assert found["ahead"] == 1
    assert (await citizen.call())["called"]["code"] == first


async def test_a_day_can_be_closed_at_short_notice(citizen: Citizen):
    code = await citizen.code("dukcapil-20261124-0900")
    form = {"date": "2026-11-24", "reason": "gangguan jaringan"}
    closed = await citizen.post("/meja/loket/dukcapil/tutup", json=form)
    assert closed.json() == {"moved": 1, "cancelled": 0}
    moved = (await citizen.get(f"/mpp/v1/bookings/{code}")).json()
    assert (moved["status"], moved["starts_at"]) == ("dijadwal_ulang", "2026-11-25T09:00:00+07:00")
    answer = await slots(citizen, "ktp_hilang", "2026-11-24")
    assert "gangguan jaringan" in answer["closed_reason"]
    assert answer["next_open"] == "2026-11-25"
    assert (await citizen.book("dukcapil-20261124-0900")).json()["error"] == "slot_closed"
