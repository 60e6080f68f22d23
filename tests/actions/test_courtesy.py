"""Everything else one can say, and what happens when nothing is understood."""

import pytest

from actions.turn import BY_INTENT, Answer
from tests.actions.table import Table


@pytest.mark.parametrize(
    ("intent", "key"),
    [
        ("greet", "greeting.morning"),
        ("help", "help.menu"),
        ("bot_identity", "identity.who"),
        ("out_of_scope", "general.out_of_scope"),
        ("abuse", "general.calm"),
        ("cancel", "general.nothing_to_cancel"),
        ("go_back", "general.nothing_open"),
        ("skip", "general.nothing_open"),
        ("choose", "general.too_late"),
        ("affirm", "general.agreed_to_nothing"),
        ("deny", "general.fine"),
        ("ask_medical_advice", "general.medical"),
        ("check_hoax", "general.hoax"),
        ("internal_system", "internal.declined_general"),
        ("emergency", "urgent.call"),
        ("emergency_info", "urgent.numbers"),
        ("crisis", "urgent.crisis"),
        ("request_public_information", "information.ppid"),
        ("check_bill", "information.bill"),
        ("query_data", "information.data"),
        ("privacy_info", "privacy.info"),
        ("change_language", "language.ask"),
        ("check_booking", "booking.none"),
        ("queue_live", "booking.none"),
        ("reopen_complaint", "complaint.none_yet"),
    ],
)
async def test_every_intent_is_answered(table: Table, intent: str, key: str) -> None:
    assert (await table.say("zzz", intent)).keys == [key]


async def test_every_intent_of_the_domain_has_a_handler(table: Table) -> None:
    forms = {"report_complaint", "book_queue"}
    assert {"unclear", "talk_to_agent", "export_my_data"} <= BY_INTENT.keys()
    assert not forms & BY_INTENT.keys() or all(callable(BY_INTENT[name]) for name in forms & BY_INTENT.keys())


async def test_data_are_erased_only_after_a_yes(table: Table) -> None:
    said = await table.say("hapus data saya", "delete_my_data")
    assert not said.effects
    said = await table.say("ya", "affirm")
    assert said.effect("data_erasure_requested")


async def test_a_yes_that_comes_too_late_erases_nothing(table: Table) -> None:
    await table.say("hapus data saya", "delete_my_data")
    await table.say("halo", "greet")
    assert not (await table.say("ya", "affirm")).effects


async def test_erasing_in_mid_form_takes_the_draft_along(table: Table) -> None:
    await table.say("lampu jalan mati di depan SDN Wates RT 3 RW 1", "report_complaint")
    await table.say("hapus data saya", "delete_my_data")
    said = await table.say("ya", "affirm")
    assert said.keys == ["privacy.erased"]
    assert table.form is None
    assert not any(table.slots.values())


async def test_starting_over_forgets_the_thread(table: Table) -> None:
    table.slots = {"service": "ktp_hilang", "misses": 1}
    await table.say("ulang", "start_over")
    assert not any(table.slots.values())


async def test_the_first_miss_asks_again_and_the_second_offers_a_person(table: Table) -> None:
    assert (await table.say("asdfgh", "unclear", 0.1)).keys == ["repair.again"]
    said = await table.say("qwerty", "unclear", 0.1)
    assert said.keys == ["repair.agent"]
    assert any("talk_to_agent" in button["payload"] for button in said.buttons())


async def test_a_call_for_a_person_takes_the_story_along(table: Table) -> None:
    table.slots = {"complaint_description": "lampu mati", "service": None}
    said = await table.say("petugas", "talk_to_agent")
    assert said.effect("handoff_requested")["summary"]["complaint_description"] == "lampu mati"


def test_an_answer_keeps_its_times_typed() -> None:
    from tests.actions.table import NOW

    answer = Answer()
    answer.open_with("form.back_to_it")
    answer.say("booking.closed", day=NOW.date(), reason="x")
    assert answer.messages[0]["values"]["second"]["values"]["day"] == {"$date": "2026-11-23"}


async def test_not_that_but_this_is_looked_up(table: Table) -> None:
    said = await table.say("bkn itu, yg pindah", "deny", services=[("pindah_keluar", 0.9)])
    assert said.keys[0].startswith("service.")
    said = await table.say("tidak usah", "deny")
    assert said.keys == ["general.fine"]
