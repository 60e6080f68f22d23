"""From the first words to a number and a date, and every way a citizen leaves that road."""

import pytest

from connectors.errors import BackendRejected, BackendUnreachable
from tests.actions.table import FakeCity, Table

LAMP = "lampu jalan mati di depan SDN Wates RT 3 RW 1"


async def to_review(table: Table) -> None:
    await table.say(LAMP, "report_complaint")
    await table.press("skip")
    assert table.question == "complaint_review"


async def test_everything_said_at_once_is_used(table: Table) -> None:
    said = await table.say(LAMP, "report_complaint")
    assert said.keys == ["complaint.ask_photo"]
    assert table.slots["complaint_topic"] == "lampu_jalan"
    assert table.slots["complaint_place"]["region"].startswith("35.76.02")


async def test_a_filed_complaint_has_a_number_and_a_date(table: Table, city: FakeCity) -> None:
    await to_review(table)
    said = await table.press("send")
    assert said.keys == ["complaint.filed"]
    assert said.effect("case_opened")["promised_at"] == "2026-11-30T16:00:00+07:00"
    assert [draft.topic for draft in city.filed] == ["lampu_jalan"]
    assert table.form is None
    assert not table.slots["complaint_description"]


async def test_the_same_turn_gives_the_same_key(table: Table, city: FakeCity) -> None:
    await to_review(table)
    slots, form, question, turns = dict(table.slots), table.form, table.question, table.turns
    await table.press("send")
    table.slots, table.form, table.question, table.turns = slots, form, question, turns
    await table.press("send")
    assert len({draft.idempotency_key for draft in city.filed}) == 1


async def test_an_unreachable_city_loses_nothing(table: Table, city: FakeCity) -> None:
    await to_review(table)
    city.fail = BackendUnreachable("kota", outcome_unknown=True)
    said = await table.press("send")
    assert said.keys == ["complaint.queued"]
    assert said.effect("case_queued")["draft"]["description"] == LAMP


async def test_a_refused_complaint_keeps_the_draft(table: Table, city: FakeCity) -> None:
    await to_review(table)
    city.fail = BackendRejected("kota", "lokasi di luar kota")
    said = await table.press("send")
    assert said.keys == ["error.backend_rejected", "complaint.kept"]
    said = await table.say("", "report_complaint")
    assert said.keys == ["complaint.review"]


@pytest.mark.parametrize("word", ["batal", "gak jadi", "Batal."])
async def test_cancelling_says_that_the_draft_is_gone(table: Table, word: str) -> None:
    await to_review(table)
    said = await table.say(word, "unclear", 0.2)
    assert said.keys == ["complaint.cancelled"]
    assert table.slots["complaint_description"] is None


@pytest.mark.parametrize(
    ("text", "intent", "key"),
    [
        ("makasih ya", "thanks", "form.welcome"),
        ("halo", "greet", "greeting.short_morning"),
        ("jam buka mpp?", "ask_hours_location", "service.mpp"),
        ("laporan saya", "check_status", "status.ask_number"),
        ("kamu robot?", "bot_identity", "identity.who"),
    ],
)
async def test_an_aside_is_answered_and_the_question_comes_back(
    table: Table, text: str, intent: str, key: str
) -> None:
    await table.say(LAMP, "report_complaint")
    said = await table.say(text, intent)
    assert said.keys == [key, "complaint.ask_photo"]
    assert table.slots["complaint_description"] == LAMP


@pytest.mark.parametrize(
    ("intent", "keys"),
    [("emergency", ["urgent.call", "form.kept"]), ("crisis", ["urgent.crisis"]), ("talk_to_agent", [])],
)
async def test_danger_and_a_call_for_a_person_are_not_followed_by_a_question(
    table: Table, intent: str, keys: list[str]
) -> None:
    await table.say(LAMP, "report_complaint")
    said = await table.say("tolong", intent)
    assert said.keys == keys
    assert (table.form, table.question) == ("complaint_form", "complaint_photo")


async def test_a_correction_changes_only_its_part(table: Table) -> None:
    await to_review(table)
    said = await table.say("bukan, RT 5", "correct", 0.66)
    assert said.keys == ["complaint.review"]
    assert table.slots["complaint_place"]["text"] == "di depan SDN Wates RT 5 RW 1"
    assert table.slots["complaint_description"] == LAMP


async def test_going_back_asks_the_earlier_question(table: Table) -> None:
    await to_review(table)
    said = await table.say("kembali", "go_back")
    assert said.keys == ["complaint.ask_photo"]
    said = await table.say("kembali", "go_back")
    assert said.keys == ["complaint.ask_place"]


async def test_starting_over_asks_the_first_question(table: Table) -> None:
    await to_review(table)
    said = await table.say("ulang", "start_over")
    assert said.keys == ["complaint.ask_description"]
    assert table.slots["complaint_topic"] is None


async def test_a_name_is_no_command_to_start_over(table: Table) -> None:
    await to_review(table)
    await table.say("Dewi Lestari", "start_over", 0.58)
    assert table.slots["complaint_description"] == LAMP


async def test_a_change_of_mind_puts_the_draft_aside(table: Table) -> None:
    await table.say(LAMP, "report_complaint")
    said = await table.say("eh mau ambil antrean aja", "book_queue", 0.5)
    assert said.keys == ["complaint.put_aside", "booking.ask_service"]
    assert table.form == "booking_form"
    await table.say("batal", "cancel")
    said = await table.say("", "report_complaint")
    assert said.keys == ["complaint.ask_photo"]


async def test_a_photo_and_a_pin_may_come_first(table: Table) -> None:
    said = await table.say("", "send_photo", photos=1)
    assert said.keys == ["general.photo_kept"]
    await table.say("", "send_location", location=(-7.47, 112.43))
    said = await table.say("jalan berlubang besar sekali", "report_complaint", topic="jalan_rusak")
    assert said.keys == ["complaint.review"]
    assert len(table.slots["complaint_photo"]) == 1
    assert table.slots["complaint_place"]["latitude"] == -7.47


async def test_a_photo_in_mid_form_is_kept_whatever_was_asked(table: Table) -> None:
    await table.say("", "report_complaint")
    said = await table.say("", "send_photo", photos=2)
    assert said.keys == ["complaint.ask_description"]
    assert len(table.slots["complaint_photo"]) == 2


async def test_what_the_city_does_not_own_is_not_filed(table: Table, city: FakeCity) -> None:
    said = await table.say("listrik padam sejak tadi di Wates", "report_complaint", topic="listrik")
    assert said.keys == ["complaint.not_ours_pln"]
    assert table.form is None
    assert not city.filed


async def test_a_vague_place_is_asked_for_once_more_and_then_taken(table: Table) -> None:
    said = await table.say("sampah gak diangkut 2 minggu di jalan majapahit", "report_complaint")
    assert said.keys == ["complaint.ask_village"]
    said = await table.say("pokoknya di situ", "unclear", 0.2)
    assert said.keys == ["complaint.ask_photo"]
    assert table.slots["complaint_place"]["text"] == "di jalan majapahit, pokoknya di situ"


async def test_a_bribe_is_reported_without_a_name(table: Table, city: FakeCity) -> None:
    await table.say(
        "dimintai uang 50 ribu di kantor kelurahan Meri dekat pasar", "report_complaint", topic="pungli"
    )
    await table.press("skip")
    await table.press("send")
    assert city.filed[0].confidential
    assert city.filed[0].reporter is None


async def test_two_misses_offer_a_person(table: Table) -> None:
    await to_review(table)
    await table.say("hmmm", "unclear", 0.1)
    said = await table.say("zzz", "unclear", 0.1)
    assert said.keys[0] == "form.not_understood_twice"
    assert any("talk_to_agent" in button["payload"] for button in said.buttons())


@pytest.mark.parametrize("intent", ["add_complaint_info", "reopen_complaint"])
async def test_more_words_go_to_the_newest_own_case(table: Table, city: FakeCity, intent: str) -> None:
    table.cases = [
        {"kind": "complaint", "reference": "MJK-2611-000007", "connector": "kota", "status": "done"}
    ]
    await table.say("masih mati lampunya", intent)
    assert [comment.reference for comment in city.comments] == ["MJK-2611-000007"]


async def test_nobody_adds_to_someone_elses_case(table: Table, city: FakeCity) -> None:
    said = await table.say("tambahan untuk MJK-2611-000009: masih bau", "add_complaint_info")
    assert said.keys == ["complaint.not_yours"]
    assert not city.comments
