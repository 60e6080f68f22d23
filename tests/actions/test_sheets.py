"""A form filled in elsewhere fills the same draft, by the same reading, as its answers in the chat."""

import pytest

from connectors.errors import BackendUnreachable
from connectors.queues import Counter
from tests.actions.table import FakeCity, Table

STORY = "lampu jalan mati sejak Senin, gelap sekali"
PLACE = "depan SDN Wates RT 3 RW 1"


async def fill_report(table: Table, photos: int = 0, **fields: object):
    return await table.say("", "report_complaint", photos=photos, form=fields)


async def fill_booking(table: Table, **fields: object):
    return await table.say("", "book_queue", form=fields)


async def test_a_whole_report_leads_to_the_usual_card(table: Table, city: FakeCity) -> None:
    said = await fill_report(
        table, photos=2, description=STORY, topic="lampu_jalan", place=PLACE, village="35.76.02.1010"
    )
    assert said.keys == ["complaint.review"]
    assert table.question == "complaint_review"
    await table.press("send")
    [filed] = city.filed
    assert (filed.topic, filed.description, len(filed.photos)) == ("lampu_jalan", STORY, 2)


async def test_the_draft_is_the_same_as_the_chats(table: Table, city: FakeCity) -> None:
    await fill_report(table, description=STORY, topic="lampu_jalan", place=PLACE)
    chat = type(table)()
    chat.sentences = table.sentences  # type: ignore[attr-defined]
    await chat.say("", "report_complaint", topic="lampu_jalan")
    await chat.press("lampu_jalan") if chat.question == "complaint_topic" else None
    await chat.say(STORY)
    await chat.say(PLACE)
    assert chat.question == "complaint_review"
    parts = ("topic", "description", "place", "photo", "anonymous", "confidential", "details")
    for part in parts:
        assert table.slots[f"complaint_{part}"] == chat.slots[f"complaint_{part}"], part


@pytest.mark.parametrize(
    ("fields", "question", "words"),
    [
        ({"description": "mati", "place": PLACE}, "complaint_description", "complaint.too_short"),
        ({"topic": "tidak_ada", "description": STORY, "place": PLACE}, "complaint_topic", None),
        ({"topic": "lampu_jalan", "description": STORY, "place": "x"}, "complaint_place", None),
        ({"topic": "lampu_jalan", "description": STORY}, "complaint_place", None),
        ({}, "complaint_description", None),
    ],
)
async def test_a_field_that_the_chat_would_not_take_is_asked_for_in_the_chat(
    table: Table, fields: dict[str, object], question: str, words: str | None
) -> None:
    said = await fill_report(table, **fields)
    assert table.question == question
    if words:
        assert said.messages[0]["values"]["first"]["$text"] == words


async def test_without_a_topic_the_story_names_it(table: Table) -> None:
    await fill_report(table, description=STORY, place=PLACE)
    assert table.slots["complaint_topic"] == "lampu_jalan"


async def test_ticks_keep_a_name_out_and_empty_ones_decide_nothing(table: Table, city: FakeCity) -> None:
    await fill_report(
        table, description=STORY, topic="lampu_jalan", place=PLACE, anonymous=True, confidential=False
    )
    await table.press("send")
    assert city.filed[0].anonymous
    assert not city.filed[0].confidential


async def test_a_second_form_replaces_the_first_draft(table: Table) -> None:
    await fill_report(table, description=STORY, topic="lampu_jalan", place=PLACE)
    before = table.slots["draft_key"]
    said = await fill_report(
        table, description=f"{STORY} lagi", topic="lampu_jalan", place="depan SDN Wates RT 4"
    )
    assert said.keys == ["complaint.review"]
    assert table.slots["complaint_place"]["text"] == "depan SDN Wates RT 4"
    assert table.slots["draft_key"] != before


async def test_a_form_sent_in_mid_question_ends_at_the_card(table: Table) -> None:
    await table.say("", "report_complaint")
    assert table.question == "complaint_description"
    said = await fill_report(table, description=STORY, topic="lampu_jalan", place=PLACE)
    assert said.keys == ["complaint.review"]


async def test_a_whole_booking_leads_to_the_usual_card(table: Table, city: FakeCity) -> None:
    said = await fill_booking(
        table, service="ktp_hilang", day="2026-11-24", time="09:00", name="siti aminah", priority="elderly"
    )
    assert said.keys[-1] == "booking.review"
    await table.press("send")
    [taken] = city.reserved
    assert (taken.slot_id, taken.name, taken.priority.value) == ("2026-11-24T09:00", "Siti Aminah", "elderly")


async def test_a_time_that_went_meanwhile_is_followed_by_the_nearest(table: Table, city: FakeCity) -> None:
    city.taken = {"2026-11-24T09:00"}
    said = await fill_booking(table, service="ktp_hilang", day="2026-11-24", time="09:00", name="Siti")
    assert said.keys[-1] == "booking.time_not_free"
    assert table.question == "booking_time"


@pytest.mark.parametrize(
    ("fields", "question"),
    [
        ({"service": "tidak_ada"}, "booking_service"),
        ({"service": "ktp_hilang", "day": "kemarin dulu"}, "booking_day"),
        ({"service": "ktp_hilang", "day": "2026-11-24", "time": "sembarang"}, "booking_time"),
        ({"service": "ktp_hilang", "day": "2026-11-24", "time": "09:00", "name": "123"}, "booking_name"),
        (
            {
                "service": "ktp_hilang",
                "day": "2026-11-24",
                "time": "09:00",
                "name": "Siti",
                "priority": "raja",
            },
            "booking_priority",
        ),
    ],
)
async def test_each_field_of_a_booking_is_checked_as_its_answer(
    table: Table, fields: dict[str, object], question: str
) -> None:
    await fill_booking(table, **fields)
    assert table.question == question


async def test_a_report_by_form_puts_an_open_booking_aside(table: Table) -> None:
    await table.say("", "book_queue")
    said = await fill_report(table, description=STORY, topic="lampu_jalan", place=PLACE)
    assert said.keys[-1] == "complaint.review"


@pytest.mark.parametrize("answers", [[], ["wates_gigi"]], ids=["at once", "in mid form"])
async def test_a_booking_by_form_puts_an_open_wish_for_a_puskesmas_aside(
    table: Table, city: FakeCity, answers: list[str]
) -> None:
    city.desks = (
        Counter("wates_umum", "Puskesmas Wates, Poli Umum"),
        Counter("wates_gigi", "Puskesmas Wates, Poli Gigi"),
    )
    await table.say("mau antre puskesmas", "book_queue", services=[("antrean_puskesmas", 0.95)])
    for answer in answers:
        await table.press(answer)
    assert table.form == "clinic_form"
    said = await fill_booking(table, service="ktp_hilang", day="2026-11-24", time="09:00", name="siti aminah")
    assert said.keys[-1] == "booking.review"
    assert table.slots["clinic_poli"] is table.slots["clinic_review"] is None
    await table.press("send")
    assert [taken.slot_id for taken in city.reserved] == ["2026-11-24T09:00"]


async def test_a_counter_that_is_away_is_said(table: Table, city: FakeCity) -> None:
    city.fail = BackendUnreachable("kota")
    said = await fill_booking(table, service="ktp_hilang", day="2026-11-24", time="09:00", name="Siti")
    assert "booking.not_made" in said.keys


async def test_the_first_question_says_which_form_it_begins(table: Table) -> None:
    said = await table.say("", "report_complaint")
    assert said.messages[-1]["form"] == "complaint"
    said = await table.say("", "book_queue")
    assert said.messages[-1]["form"] == "booking"


async def test_a_kelurahan_that_was_picked_is_not_asked_for_again(table: Table, city: FakeCity) -> None:
    said = await fill_report(
        table, description=STORY, topic="lampu_jalan", place="Jl Mawar RT 3 RW 1", village="35.76.01.1004"
    )
    assert said.keys == ["complaint.review"]
    assert table.slots["complaint_place"]["region"] == "35.76.01.1004"
