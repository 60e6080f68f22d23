"""How the stand-in queue treats people: holds, limits, waiting list, priority, no-shows, closed days."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.sandbox import tidying
from connectors.sandbox.app import create_app
from connectors.sandbox.city import load_city
from connectors.sandbox.hall import CityHall
from connectors.sandbox.outbox import heads
from connectors.sandbox.settings import SandboxSettings
from tests.engines import available, fresh_database

from .conftest import KEY, Citizen, TurnableClock

# Imigrasi of this suite: one place at 08.00 and one at 11.00, so that a day is soon full.
EIGHT, ELEVEN = "imigrasi-20261124-0800", "imigrasi-20261124-1100"


@dataclass
class Desk:
    """The queue from outside and from inside."""

    citizen: Citizen
    hall: CityHall
    clock: TurnableClock

    async def ask(self, path: str, status: int = 200, **body: Any) -> Any:
        answer = await self.citizen.post(f"/mpp/v1/{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def hold(self, slot: str = EIGHT, person: str = "siti", status: int = 201) -> Any:
        return await self.ask("holds", status, slot_id=slot, service="paspor", person=person)

    async def book(self, slot: str = EIGHT, person: str | None = None, status: int = 201, **more: Any) -> Any:
        who = {"name": "Warga", "person": person} | more
        return await self.ask("bookings", status, slot_id=slot, service="paspor", **who)

    async def wait(self, person: str, status: int = 201, **more: Any) -> Any:
        who = {"name": "Warga", "person": person} | more
        return await self.ask("waiting-list", status, service="paspor", date="2026-11-24", **who)

    async def get(self, path: str) -> Any:
        return (await self.citizen.get(f"/mpp/v1/{path}")).json()

    async def left(self, day: str = "2026-11-24") -> list[str]:
        found = await self.get(f"slots?service=paspor&date={day}")
        return [slot["id"][-4:] for slot in found["slots"]]

    async def pass_time(self, **step: float) -> None:
        self.clock.turn(**step)
        await tidying.tidy(self.hall)

    async def news(self) -> list[tuple[str, str]]:
        """First undelivered event of every reference: reference and body."""
        async with self.hall.database.reading() as conn:
            return [(event.reference, event.body) for event in await heads(conn)]


@pytest.fixture(params=available())
def store(request: Any, tmp_path: Path) -> Iterator[Path | str]:
    if request.param == "sqlite":
        yield tmp_path / "kota.db"
        return
    with fresh_database("postgresql", tmp_path) as url:
        yield url


@pytest.fixture
async def desk(store: Path | str, clock: TurnableClock) -> AsyncIterator[Desk]:
    city = load_city()
    imigrasi = replace(
        city.counters["imigrasi"], places_per_slot=1, slot_minutes=180, hours=city.counters["taspen"].hours
    )
    city = replace(city, counters=city.counters | {"imigrasi": imigrasi})
    app = create_app(SandboxSettings(database=store, api_key=KEY), city, clock)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        app.router.lifespan_context(app),
        Citizen(transport=transport, base_url="http://kota.test", headers=headers) as citizen,
    ):
        yield Desk(citizen, app.state.hall, clock)


async def test_a_hold_ends_by_itself_and_its_place_is_free_before_anybody_tidies(desk: Desk):
    held = await desk.hold()
    assert held["expires_at"] == "2026-11-23T07:10:00+07:00"
    assert await desk.left() == ["1100"]
    desk.clock.turn(minutes=10)
    assert await desk.left() == ["0800", "1100"]
    assert (await desk.get(f"bookings/{held['code']}"))["status"] == "kedaluwarsa"
    refused = await desk.ask(f"holds/{held['code']}/confirm", 409, name="Siti")
    assert refused["error"] == "hold_expired"
    assert (await desk.hold(person="budi"))["slot_id"] == EIGHT


async def test_a_second_hold_replaces_the_first_and_gives_its_place_back(desk: Desk):
    first = await desk.hold(EIGHT)
    assert (await desk.hold(EIGHT))["code"] == first["code"]
    second = await desk.hold(ELEVEN)
    assert second["code"] != first["code"]
    assert await desk.left() == ["0800"]
    assert (await desk.ask(f"holds/{first['code']}/confirm", 409, name="Siti"))["error"] == "hold_expired"


async def test_somebody_elses_code_is_not_confirmed_again(desk: Desk):
    code = (await desk.hold())["code"]
    mine = await desk.ask(f"holds/{code}/confirm", name="Siti 🌸", priority="pregnant")
    assert (mine["status"], mine["priority"]) == ("dipesan", "pregnant")
    assert (await desk.ask(f"holds/{code}/confirm", name="Siti 🌸"))["code"] == code
    assert (await desk.ask(f"holds/{code}/confirm", 409, name="Calo"))["error"] == "move_not_allowed"
    assert (await desk.ask(f"holds/{code}/release", 409))["error"] == "move_not_allowed"
    assert (await desk.ask("holds/MPP-0000/confirm", 404, name="Calo"))["error"] == "booking_not_found"


async def test_a_clock_that_jumps_sells_nothing_twice(desk: Desk):
    code = (await desk.hold())["code"]
    desk.clock.turn(hours=-3)
    await desk.hold(person="budi", status=409)
    desk.clock.turn(hours=3, minutes=9)
    await desk.ask(f"holds/{code}/confirm", name="Siti")
    desk.clock.turn(hours=-5)
    assert (await desk.book(EIGHT, "budi", 409))["error"] == "slot_taken"
    await desk.pass_time(days=400)
    assert (await desk.get(f"bookings/{code}"))["status"] == "tidak_hadir"


async def test_who_comes_too_late_hears_of_the_next_free_places(desk: Desk):
    await desk.book(EIGHT)
    refused = await desk.hold(EIGHT, "budi", 409)
    assert [slot["id"] for slot in refused["alternatives"]] == [ELEVEN]
    await desk.book(ELEVEN)
    refused = await desk.hold(EIGHT, "budi", 409)
    assert [slot["id"][9:] for slot in refused["alternatives"]] == ["20261125-0800", "20261125-1100"]


async def test_one_person_holds_two_places_and_a_third_is_refused_with_the_rule(desk: Desk):
    await desk.book(EIGHT, "siti")
    await desk.book(ELEVEN, "siti")
    refused = await desk.book("imigrasi-20261125-0800", "siti", 409)
    assert (refused["error"], refused["detail"]) == ("limit_reached", "Satu orang dapat memegang 2 antrean.")
    assert (await desk.hold("imigrasi-20261125-0800", "siti", 409))["error"] == "limit_reached"
    await desk.book("imigrasi-20261125-0800", "budi")


async def test_three_visits_not_kept_narrow_the_next_booking_until_one_is_kept(desk: Desk):
    for day in (24, 25, 26):
        await desk.book(f"imigrasi-202611{day}-0800", "siti")
        await desk.pass_time(days=1)
    await desk.pass_time(days=1)
    far = await desk.book("imigrasi-20261204-0800", "siti", 409)
    assert "Setelah 3 kali tidak hadir" in far["detail"]
    near = await desk.book("imigrasi-20261130-0800", "siti")
    assert (await desk.book("imigrasi-20261130-1100", "siti", 409))["error"] == "limit_reached"
    await desk.pass_time(days=3)
    for status in ("dipanggil", "selesai"):
        await desk.citizen.post(f"/meja/antrean/{near['code']}/status", json={"status": status})
    await desk.book("imigrasi-20261209-0800", "siti")


async def test_who_checked_in_and_was_not_reached_did_come(desk: Desk):
    code = (await desk.book("imigrasi-20261123-0800", "siti"))["code"]
    await desk.ask(f"bookings/{code}/checkin")
    await desk.pass_time(days=1)
    assert (await desk.get(f"bookings/{code}"))["status"] == "selesai"


async def test_who_was_called_in_vain_comes_back_behind_those_who_are_there(desk: Desk):
    slots = ("dukcapil-20261123-0800", "dukcapil-20261123-0830", "dukcapil-20261123-0900")
    codes = [await desk.citizen.code(slot) for slot in slots]
    desk.clock.turn(hours=2, minutes=30)
    assert (await desk.citizen.call())["called"]["code"] == codes[0]
    await desk.citizen.post(f"/meja/antrean/{codes[0]}/status", json={"status": "terlewat"})
    assert (await desk.ask(f"bookings/{codes[0]}/checkin"))["status"] == "checkin"
    assert [(await desk.citizen.call())["called"]["code"] for _ in range(3)] == [codes[1], codes[2], codes[0]]


@pytest.mark.parametrize("priority", ["disability", "elderly", "pregnant"])
async def test_priority_is_a_head_start_of_an_hour(desk: Desk, priority: str):
    async def book(slot: str, priority: str) -> str:
        body = {"slot_id": f"dukcapil-20261123-{slot}", "service": "kia", "name": "W", "priority": priority}
        return str((await desk.ask("bookings", 201, **body))["code"])

    plain, early = await book("0830", "none"), await book("0800", "none")
    first = await book("0900", priority)
    late = await book("1000", priority)
    called = [(await desk.citizen.call())["called"]["code"] for _ in range(4)]
    assert called == [early, first, plain, late]


async def test_a_full_day_has_a_waiting_list_that_is_offered_what_is_freed(desk: Desk):
    assert (await desk.wait("siti", 409))["error"] == "places_left"
    first, _ = [await desk.book(slot) for slot in (EIGHT, ELEVEN)]
    late = await desk.wait("siti", earliest="10:00")
    place, other = await desk.wait("budi"), await desk.wait("ani")
    assert [one["ahead"] for one in (late, place, other)] == [0, 1, 2]
    assert (await desk.wait("budi"))["id"] == place["id"]
    await desk.ask(f"bookings/{first['code']}/cancel")
    assert (await desk.get(f"waiting-list/{late['id']}"))["status"] == "menunggu"
    offered = await desk.get(f"waiting-list/{place['id']}")
    assert offered["status"] == "ditawarkan"
    assert offered["offer"] == {
        "slot_id": EIGHT,
        "counter": "imigrasi",
        "starts_at": "2026-11-24T08:00:00+07:00",
        "expires_at": "2026-11-23T07:30:00+07:00",
    }
    assert (await desk.hold(EIGHT, "calo", 409))["error"] == "slot_taken"
    await desk.pass_time(minutes=30)
    assert (await desk.get(f"waiting-list/{place['id']}"))["status"] == "lewat"
    assert (await desk.ask(f"waiting-list/{place['id']}/accept", 409))["error"] == "hold_expired"
    for _ in range(2):
        ticket = await desk.ask(f"waiting-list/{other['id']}/accept")
    assert (ticket["status"], ticket["starts_at"]) == ("dipesan", "2026-11-24T08:00:00+07:00")
    taken = await desk.get(f"waiting-list/{other['id']}")
    assert (taken["status"], taken["code"]) == ("diterima", ticket["code"])
    heard = dict(await desk.news())
    assert '"event": "offered"' in heard[place["id"]]
    assert (await desk.ask(f"waiting-list/{other['id']}/leave", 409))["error"] == "move_not_allowed"


async def test_leaving_the_list_passes_the_offer_on(desk: Desk):
    first = await desk.book(EIGHT)
    await desk.book(ELEVEN)
    place, other = await desk.wait("budi"), await desk.wait("ani")
    await desk.ask(f"bookings/{first['code']}/cancel")
    for _ in range(2):
        assert (await desk.ask(f"waiting-list/{place['id']}/leave"))["status"] == "keluar"
    assert (await desk.get(f"waiting-list/{other['id']}"))["status"] == "ditawarkan"


async def test_nobody_is_offered_a_place_at_night(desk: Desk):
    first = await desk.book(EIGHT)
    await desk.book(ELEVEN)
    place = await desk.wait("budi")
    await desk.pass_time(hours=16)
    await desk.ask(f"bookings/{first['code']}/cancel")
    await desk.pass_time(minutes=1)
    assert (await desk.get(f"waiting-list/{place['id']}"))["status"] == "menunggu"
    await desk.pass_time(hours=7)
    assert (await desk.get(f"waiting-list/{place['id']}"))["status"] == "ditawarkan"


async def test_a_place_given_back_is_not_public_at_once_yet_early_enough(desk: Desk):
    first = await desk.book(EIGHT)
    await desk.ask(f"bookings/{first['code']}/cancel")
    assert await desk.left() == ["1100"]
    desk.clock.turn(minutes=30)
    assert await desk.left() == ["0800", "1100"]
    soon = await desk.book(EIGHT)
    desk.clock.turn(hours=23, minutes=30)
    await desk.ask(f"bookings/{soon['code']}/cancel")
    assert await desk.left() == ["0800", "1100"]


async def test_a_holiday_declared_after_booking_moves_everybody_and_tells_why(desk: Desk):
    codes = [(await desk.book(slot))["code"] for slot in (EIGHT, ELEVEN)]
    hold = await desk.hold("imigrasi-20261125-0800", "budi")
    place = await desk.wait("ani")
    form = {"date": "2026-11-24", "reason": "libur yang baru ditetapkan"}
    answer = await desk.citizen.post("/meja/loket/semua/tutup", json=form)
    assert answer.json() == {"moved": 2, "cancelled": 0}
    starts = [(await desk.get(f"bookings/{code}"))["starts_at"] for code in codes]
    assert starts == ["2026-11-25T11:00:00+07:00", "2026-11-26T11:00:00+07:00"]
    assert (await desk.get(f"waiting-list/{place['id']}"))["status"] == "lewat"
    assert (await desk.book(EIGHT, status=409))["error"] == "slot_closed"
    await desk.ask(f"holds/{hold['code']}/confirm", name="Budi")
    said = dict(await desk.news())
    assert "libur yang baru ditetapkan. Dipindahkan ke Rabu, 25 November 2026 pukul 11.00" in said[codes[0]]


async def test_who_cannot_be_moved_is_told_so(desk: Desk):
    code = (await desk.book("imigrasi-20261231-0800"))["code"]
    form = {"date": "2026-12-31", "reason": "banjir"}
    answer = await desk.citizen.post("/meja/loket/imigrasi/tutup", json=form)
    assert answer.json() == {"moved": 0, "cancelled": 1}
    ((reference, body),) = await desk.news()
    assert reference == code
    assert '"event": "closed"' in body
    assert "Tidak ada tempat kosong" in body


async def test_walk_ins_use_up_the_same_places_and_are_refused_when_none_is_left(desk: Desk):
    await desk.book("imigrasi-20261123-0800")
    came = await desk.ask("counters/imigrasi/walk-in", 201, service="paspor", priority="disability")
    assert (came["number"], came["slot_id"]) == ("E002", "imigrasi-20261123-1100")
    assert await desk.left("2026-11-23") == []
    assert (await desk.ask("counters/imigrasi/walk-in", 409))["error"] == "day_full"


async def test_the_pace_is_measured_from_the_calls(desk: Desk):
    for slot in ("0800", "0830"):
        for _ in range(6):
            await desk.citizen.book(f"dukcapil-20261123-{slot}")
    for minutes in (4, 6, 5, 45, 5):
        await desk.citizen.call()
        desk.clock.turn(minutes=minutes)
    await desk.citizen.call()
    board = await desk.get("counters/dukcapil/live")
    assert board["pace"] == {"seconds_per_number": 300, "spread_seconds": 49, "samples": 4}
    assert board["waiting"] == 6
