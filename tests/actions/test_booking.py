"""Taking, moving and giving back a place in the queue."""

import pytest

from connectors.errors import BackendUnreachable, SlotTaken
from tests.actions.table import NOW, FakeCity, Table

LOST = [("ktp_hilang", 0.9)]


async def to_review(table: Table) -> None:
    await table.say("mau antre ktp hilang besok jam 9", "book_queue", services=LOST)
    await table.press("Siti")
    assert table.question == "booking_review"


async def test_one_sentence_leaves_only_the_name(table: Table) -> None:
    said = await table.say("mau antre ktp hilang besok jam 9", "book_queue", services=LOST)
    assert said.keys == ["booking.bring", "booking.ask_name"]
    assert table.slots["booking_time"]["starts_at"].startswith("2026-11-24T09:00")


async def test_a_place_is_taken_after_the_echo(table: Table, city: FakeCity) -> None:
    await to_review(table)
    said = await table.say("ya", "affirm")
    assert said.keys == ["booking.made"]
    assert said.effect("booking_made")["code"] == "MPP-7K3Q"
    assert city.reserved[0].slot_id == "2026-11-24T09:00"


async def test_a_place_that_was_just_taken_is_followed_by_the_next_ones(table: Table, city: FakeCity) -> None:
    await to_review(table)
    city.fail = SlotTaken("kota")
    said = await table.press("send")
    assert said.keys[0] == "error.slot_taken"
    assert table.form == "booking_form"


async def test_silence_of_the_counter_does_not_lose_the_wish(table: Table, city: FakeCity) -> None:
    await to_review(table)
    city.fail = BackendUnreachable("kota", outcome_unknown=True)
    said = await table.press("send")
    assert said.keys == ["error.backend_unreachable", "booking.outcome_unknown"]
    said = await table.say("", "book_queue")
    assert said.keys[-1] == "booking.review"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kemarin", "booking.ask_day"),
        ("30 februari", "booking.ask_day"),
        ("kamis", "booking.ask_time"),
        ("tgl 3", "booking.ask_time"),
        ("4 januari 2027", "booking.ask_day"),
    ],
)
async def test_days_as_people_say_them(table: Table, text: str, expected: str) -> None:
    await table.say("antre ktp hilang", "book_queue", services=LOST)
    said = await table.say(text, "unclear", 0.3)
    assert said.keys[-1] == expected


async def test_a_closed_day_names_the_reason_and_the_next_open_day(table: Table, city: FakeCity) -> None:
    city.closed = {"2026-12-24": "Libur: Cuti bersama Natal."}
    await table.say("antre ktp hilang", "book_queue", services=LOST)
    said = await table.say("24 desember", "unclear", 0.3)
    assert said.keys == ["booking.closed"]
    assert said.buttons()[0]["payload"] == '/choose{"value": "2026-12-25"}'


async def test_a_time_that_is_not_free_gets_the_nearest_ones(table: Table) -> None:
    await table.say("antre ktp hilang kamis", "book_queue", services=LOST)
    said = await table.say("jam 4 sore", "unclear", 0.3)
    assert said.keys == ["booking.time_not_free"]
    assert len(said.buttons()) == 3


async def test_another_day_in_the_review_asks_for_a_time_again(table: Table) -> None:
    await to_review(table)
    said = await table.say("bukan, kamis", "deny", 0.8)
    assert said.keys == ["booking.ask_time"]


async def test_another_time_in_the_review_is_checked_and_echoed(table: Table) -> None:
    await to_review(table)
    said = await table.say("jam 10 aja deh", "unclear", 0.3)
    assert said.keys == ["booking.review"]
    assert table.slots["booking_time"]["starts_at"].startswith("2026-11-24T10:00")


async def test_the_service_just_shown_is_the_one_booked(table: Table) -> None:
    await table.say("ktp hilang", "find_service", services=LOST)
    said = await table.say("mau antre", "book_queue")
    assert said.keys == ["booking.bring_and_ask_day"]


async def test_going_back_from_the_name_asks_for_the_time(table: Table) -> None:
    await table.say("mau antre ktp hilang besok jam 9", "book_queue", services=LOST)
    said = await table.say("kembali", "go_back")
    assert said.keys == ["booking.ask_time"]


async def test_requirements_beside_the_form_are_those_of_its_service(table: Table) -> None:
    await table.say("antre ktp hilang", "book_queue", services=LOST)
    said = await table.say("syaratnya apa?", "ask_requirements")
    assert said.keys == ["service.requirements", "booking.ask_day"]


def booked() -> dict[str, object]:
    return {
        "connector": "kota",
        "code": "MPP-7K3Q",
        "number": "A001",
        "service": "ktp_hilang",
        "counter": "dukcapil",
        "starts_at": NOW.replace(day=24).isoformat(),
        "status": "booked",
    }


async def test_a_booking_is_moved_by_day_and_time(table: Table, city: FakeCity) -> None:
    table.bookings = [booked()]
    said = await table.say("ganti jadwal", "reschedule_booking")
    assert said.keys == ["booking.move_which_day"]
    said = await table.say("kamis", "unclear", 0.2)
    assert said.keys == ["booking.move_which_time"]
    said = await table.say("", "reschedule_booking", code="MPP-7K3Q", slot="2026-11-26T08:00")
    assert said.effect("booking_moved")["starts_at"] == "2026-11-26T08:00:00+07:00"


async def test_a_booking_is_given_back_only_after_a_yes(table: Table, city: FakeCity) -> None:
    table.bookings = [booked()]
    said = await table.say("batalin antrean saya", "cancel_booking")
    assert said.keys == ["booking.cancel_sure"]
    assert not city.cancelled
    said = await table.say("ya", "affirm")
    assert said.effect("booking_cancelled")["code"] == "MPP-7K3Q"
    assert city.cancelled == ["MPP-7K3Q"]


async def test_the_board_says_how_many_are_ahead(table: Table) -> None:
    table.bookings = [booked()]
    said = await table.say("sekarang nomor berapa", "queue_live")
    assert said.messages[0]["values"]["ahead"] == "3"
