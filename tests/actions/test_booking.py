"""Taking, moving and giving back a place in the queue."""

import pytest

from connectors.capabilities import BookingSlot, Capability
from connectors.errors import BackendUnreachable, HoldExpired, LimitReached, SlotTaken
from connectors.queues import Pace
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
    assert said.keys == [], "the front door has the ticket, and the words for it"
    assert said.effect("booking_made")["code"] == "MPP-7K3Q"
    assert city.reserved[0].slot_id == "2026-11-24T09:00"
    assert city.reserved[0].person == "warga-1"


async def test_a_place_that_was_just_taken_is_followed_by_the_next_three(
    table: Table, city: FakeCity
) -> None:
    await to_review(table)
    city.fail = SlotTaken("kota")
    said = await table.press("send")
    assert said.keys == ["booking.just_taken", "booking.time_not_free"]
    assert [button["title"] for button in said.buttons()] == ["08.00", "08.30", "09.30"]
    assert table.form == "booking_form"


async def test_silence_of_the_counter_is_settled_later_under_the_same_key(
    table: Table, city: FakeCity
) -> None:
    await to_review(table)
    city.fail = BackendUnreachable("kota", outcome_unknown=True)
    said = await table.press("send")
    assert said.keys == ["error.backend_unreachable", "booking.outcome_unknown"]
    queued = said.effect("booking_queued")
    assert queued["slot_id"] == "2026-11-24T09:00"
    assert queued["idempotency_key"]
    assert table.slots["booking_service"] is None, "it is the front door's now"


async def test_a_counter_that_is_away_for_certain_keeps_the_wish(table: Table, city: FakeCity) -> None:
    await to_review(table)
    city.fail = BackendUnreachable("kota")
    said = await table.press("send")
    assert said.keys == ["error.backend_unreachable", "booking.not_made"]
    said = await table.say("", "book_queue")
    assert said.keys[-1] == "booking.review"


HOLDS = frozenset({Capability.BOOKING_HOLD, Capability.BOOKING_CONFIRM, Capability.BOOKING_WAIT})


async def test_a_place_is_held_while_the_rest_is_asked_and_the_expiry_is_shown(
    table: Table, city: FakeCity
) -> None:
    city.offers = HOLDS
    said = await table.say("mau antre ktp hilang besok jam 9", "book_queue", services=LOST)
    assert said.keys == ["booking.bring", "booking.held_ask_name"]
    assert said.messages[1]["values"]["until"] == {"$time": "08:10"}
    assert [held.slot_id for held in city.held] == ["2026-11-24T09:00"]
    said = await table.press("Siti")
    assert said.keys == ["booking.review"]
    said = await table.press("send")
    assert said.effect("booking_made")["code"] == city.confirmed[0].code == "MPP-H1"
    assert len(city.held) == 1


async def test_a_hold_that_ran_out_is_held_again_if_it_is_still_free(table: Table, city: FakeCity) -> None:
    city.offers = HOLDS
    await to_review(table)
    city.fail = HoldExpired("kota")
    said = await table.press("send")
    assert said.keys == ["booking.hold_over", "booking.review"]
    assert len(city.held) == 2


async def test_a_place_taken_between_offer_and_tap_is_followed_by_the_next_three(
    table: Table, city: FakeCity
) -> None:
    city.offers = HOLDS
    offered = await table.say("antre ktp hilang besok", "book_queue", services=LOST)
    assert "09.30" in [button["title"] for button in offered.buttons()]
    city.taken = {"2026-11-24T09:30"}
    said = await table.press("2026-11-24T09:30")
    assert said.keys == ["booking.time_not_free"]
    assert [button["title"] for button in said.buttons()] == ["08.30", "09.00", "10.00"]


async def test_a_hold_is_given_back_when_the_citizen_changes_their_mind(table: Table, city: FakeCity) -> None:
    city.offers = HOLDS
    await to_review(table)
    await table.press("cancel")
    assert city.released == ["MPP-H1"]


async def test_whoever_has_enough_places_hears_the_rule(table: Table, city: FakeCity) -> None:
    city.offers = HOLDS
    await to_review(table)
    city.fail = LimitReached("kota", "Paling banyak dua antrean.")
    said = await table.press("send")
    assert said.keys == ["booking.limit"]
    assert said.buttons()[0]["payload"] == "/check_booking"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Siti 🌸 Aminah 💐", "Siti Aminah"),
        ("a.n. SITI AMINAH", "Siti Aminah"),
        ("nama saya nur'aini", "Nur'Aini"),
        ("José Nuñez", "José Nuñez"),
    ],
)
async def test_a_name_is_letters_whatever_a_keyboard_adds(
    table: Table, city: FakeCity, said: str, kept: str
) -> None:
    await table.say("mau antre ktp hilang besok jam 9", "book_queue", services=LOST)
    await table.say(said, "unclear", 0.2)
    assert table.slots["booking_name"] == kept


async def test_a_name_of_nothing_but_emoji_is_asked_again(table: Table) -> None:
    await table.say("mau antre ktp hilang besok jam 9", "book_queue", services=LOST)
    said = await table.say("🌸🌸🌸", "unclear", 0.2)
    assert table.question == "booking_name"
    assert said.messages[0]["values"]["first"]["$text"] == "booking.name_letters"


async def test_priority_is_asked_on_the_card_and_carried(table: Table, city: FakeCity) -> None:
    await to_review(table)
    said = await table.press("priority")
    assert said.keys == ["booking.ask_priority"]
    said = await table.say("saya hamil 8 bulan", "unclear", 0.3)
    assert said.keys == ["booking.review"]
    said = await table.press("send")
    assert said.effect("booking_made")["priority"] == "pregnant"
    assert city.reserved[0].priority == "pregnant"


async def test_priority_said_at_once_is_heard(table: Table, city: FakeCity) -> None:
    words = "mau antre ktp hilang besok jam 9 buat ibu saya yang pakai kursi roda"
    await table.say(words, "book_queue", services=LOST)
    await table.press("Siti")
    said = await table.press("send")
    assert said.effect("booking_made")["priority"] == "disability"


async def test_a_week_is_narrowed_down_to_a_day(table: Table) -> None:
    await table.say("antre ktp hilang", "book_queue", services=LOST)
    said = await table.say("minggu depan", "unclear", 0.3)
    assert said.keys == ["booking.which_day_of"]
    assert len(said.buttons()) == 5
    assert said.buttons()[0]["payload"] == '/choose{"value": "2026-11-30"}'


async def test_senin_on_a_monday_is_asked_back_with_both(table: Table) -> None:
    await table.say("antre ktp hilang", "book_queue", services=LOST)
    said = await table.say("senin", "unclear", 0.3)
    assert [button["payload"][-13:-2] for button in said.buttons()] == ['"2026-11-23', '"2026-11-30']


@pytest.mark.parametrize(
    ("day", "keys", "titles"),
    [
        ("hari senin", ["booking.bring", "booking.day_ambiguous"], ["Sen 23/11", "Sen 30/11"]),
        (
            "minggu depan",
            ["booking.bring", "booking.which_day_of"],
            ["Sen 30/11", "Sel 1/12", "Rab 2/12", "Kam 3/12", "Jum 4/12"],
        ),
        ("kemarin", ["booking.bring_and_ask_day"], ["Sel 24/11", "Rab 25/11", "Kam 26/11"]),
        ("tanggal 31 februari", ["booking.bring_and_ask_day"], ["Sel 24/11", "Rab 25/11", "Kam 26/11"]),
    ],
)
async def test_an_unclear_day_in_the_first_message_is_not_passed_over(
    table: Table, day: str, keys: list[str], titles: list[str]
) -> None:
    said = await table.say(f"mau antre ktp hilang {day}", "book_queue", services=LOST)
    assert said.keys == keys
    assert [button["title"] for button in said.buttons()] == titles
    said = await table.press("2026-11-30")
    assert said.keys == ["booking.ask_time"]


async def test_a_day_that_is_over_is_called_so_in_the_first_message_too(table: Table) -> None:
    said = await table.say("mau antre ktp hilang kemarin", "book_queue", services=LOST)
    assert said.messages[0]["values"]["first"] == {"$text": "booking.day_past"}


async def test_a_part_of_the_day_narrows_the_times(table: Table) -> None:
    await table.say("antre ktp hilang", "book_queue", services=LOST)
    said = await table.say("lusa siang", "unclear", 0.3)
    assert said.keys == ["booking.ask_time"]
    assert said.buttons()[0]["title"] == "11.00"


async def test_a_full_day_offers_its_waiting_list(table: Table, city: FakeCity) -> None:
    city.offers, city.full = HOLDS, frozenset({"2026-11-26"})
    await table.say("antre ktp hilang", "book_queue", services=LOST)
    said = await table.say("kamis", "unclear", 0.3)
    assert said.keys == ["booking.full"]
    said = await table.press("wait:2026-11-26")
    assert said.keys == ["waiting.ask_name"]
    said = await table.press("Siti")
    assert said.keys == ["waiting.joined"]
    assert said.effect("waiting_joined")["place_id"] == "W-1"
    assert city.waiting[0].name == "Siti"
    assert table.form is None


WAITING = {
    "place_id": "W-1",
    "connector": "kota",
    "service": "ktp_hilang",
    "day": "2026-11-26",
    "status": "offered",
    "name": "Siti",
}


async def test_an_offered_place_is_taken_once_however_often_it_is_tapped(
    table: Table, city: FakeCity
) -> None:
    table.waitings = [WAITING]
    said = await table.say("", "waiting_list", do="accept", place="W-1")
    assert said.effect("booking_made")["waiting"] == "W-1"
    await table.say("", "waiting_list", do="accept", place="W-1")
    assert len({key for _, key in city.accepted}) == 1


async def test_an_offer_that_is_over_is_said_to_be(table: Table, city: FakeCity) -> None:
    table.waitings = [WAITING]
    city.fail = HoldExpired("kota")
    said = await table.say("", "waiting_list", do="accept", place="W-1")
    assert said.keys == ["waiting.gone"]


async def test_a_second_booking_for_the_same_service_is_mentioned(table: Table) -> None:
    table.bookings = [booked()]
    said = await table.say("antre ktp hilang", "book_queue", services=LOST)
    assert said.messages[0]["values"]["first"]["$text"] == "booking.already"


async def test_where_nobody_need_come_it_is_said_first(table: Table) -> None:
    said = await table.say("mau antre buat npwp", "book_queue", services=[("npwp", 0.9)])
    assert said.messages[0]["values"]["first"]["$text"] == "booking.no_visit"


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


async def test_a_time_said_with_the_day_needs_only_a_yes(table: Table, city: FakeCity) -> None:
    table.bookings = [booked()]
    said = await table.say("pindah ke kamis jam 10 ya", "reschedule_booking")
    assert said.keys == ["booking.move_sure"]
    said = await table.say("ya", "affirm")
    assert said.effect("booking_moved")["starts_at"].startswith("2026-11-26T10:00")


async def test_a_new_time_that_was_just_taken_leaves_the_old_one(table: Table, city: FakeCity) -> None:
    table.bookings = [booked()]
    at = NOW.replace(day=26, hour=9)
    city.fail = SlotTaken("kota", "", (BookingSlot("2026-11-26T09:00", "dukcapil", at, 1),))
    said = await table.say("", "reschedule_booking", code="MPP-7K3Q", slot="2026-11-26T08:00")
    assert said.keys == ["booking.move_taken"]
    assert said.buttons()[0]["title"] == "Kam 26/11 09.00"


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


async def test_the_wait_is_told_with_its_range_or_not_at_all(table: Table, city: FakeCity) -> None:
    table.bookings = [booked()]
    said = await table.say("sekarang nomor berapa", "queue_live")
    assert said.messages[0]["values"]["wait"] == {"$text": "wait.unknown"}
    city.pace = Pace(300, 120, 20)
    said = await table.say("sekarang nomor berapa", "queue_live")
    wait = said.messages[0]["values"]["wait"]
    assert wait["$text"] == "wait.range"
    assert wait["values"]["low"] < 15 < wait["values"]["high"]


async def test_somebody_elses_code_opens_nothing(table: Table, city: FakeCity) -> None:
    table.bookings = [booked()]
    for text, intent in (
        ("cek antrean MPP-9ZZ4", "check_booking"),
        ("batalkan antrean MPP-9ZZ4", "cancel_booking"),
        ("pindah antrean MPP-9ZZ4 ke kamis", "reschedule_booking"),
        ("MPP-9ZZ4 sekarang nomor berapa", "queue_live"),
    ):
        said = await table.say(text, intent)
        assert said.keys == ["booking.not_yours"]
    assert not city.cancelled
    assert not city.moved


async def test_arriving_is_told_to_the_counter_on_the_day_only(table: Table, city: FakeCity) -> None:
    table.bookings = [booked()]
    said = await table.say("saya sudah sampai", "check_in")
    assert said.keys == ["booking.arrived_early"]
    table.bookings = [{**booked(), "starts_at": NOW.replace(hour=9).isoformat()}]
    said = await table.say("saya sudah sampai", "check_in")
    assert said.keys == ["booking.arrived"]
    assert said.effect("booking_reached")["code"] == "MPP-7K3Q"
    assert city.arrived == ["MPP-7K3Q"]


async def test_a_ticket_is_shown_again(table: Table) -> None:
    table.bookings = [booked()]
    said = await table.say("", "check_booking", code="MPP-7K3Q", ticket="yes")
    assert said.effect("ticket_wanted")["code"] == "MPP-7K3Q"


async def test_a_day_said_before_the_service_is_kept(table: Table) -> None:
    await table.say("mau antre", "book_queue")
    said = await table.say("emben isuk", "greet", 0.95)
    assert said.keys == ["booking.ask_service"]
    assert said.messages[0]["values"]["first"]["$text"] == "booking.noted"
    said = await table.say("ktp hilang", "find_service", services=LOST)
    assert said.keys == ["booking.bring", "booking.ask_time"]
    assert table.slots["booking_day"] == "2026-11-25"


async def test_another_time_instead_of_a_name_is_a_change_of_mind(table: Table, city: FakeCity) -> None:
    city.offers = HOLDS
    await table.say("mau antre ktp hilang besok jam 9", "book_queue", services=LOST)
    said = await table.say("eh jam 10 aja", "unclear", 0.3)
    assert said.keys == ["booking.held_ask_name"]
    assert table.slots["booking_time"]["starts_at"].startswith("2026-11-24T10:00")


async def test_a_code_is_a_question_about_it_and_begins_nothing(table: Table) -> None:
    said = await table.say("cek antrean MPP-9ZZ4", "book_queue")
    assert said.keys == ["booking.not_yours"]
    assert table.form is None


async def test_where_a_queue_moves_nothing_the_way_round_is_shown(table: Table, city: FakeCity) -> None:
    city.offers, table.bookings = frozenset(), [booked()]
    said = await table.say("ganti jadwal ke kamis", "reschedule_booking")
    assert said.keys == ["booking.cannot_move"]
