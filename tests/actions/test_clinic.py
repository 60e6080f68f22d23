"""A number at a puskesmas: what it asks for, and that no number of a person comes near this form."""

import pytest

from connectors.queues import Counter
from tests.actions.table import FakeCity, Said, Table

CLINIC = [("antrean_puskesmas", 0.95)]
DESKS = (
    Counter("wates_umum", "Puskesmas Wates, Poli Umum"),
    Counter("wates_gigi", "Puskesmas Wates, Poli Gigi"),
    Counter("blooto_umum", "Puskesmas Blooto, Poli Umum"),
)


@pytest.fixture
async def begun(table: Table, city: FakeCity) -> Said:
    city.desks = DESKS
    return await table.say("mau antre puskesmas", "book_queue", services=CLINIC)


async def test_the_poli_is_asked_first(table: Table, begun: Said) -> None:
    assert begun.keys == ["clinic.ask_poli"]
    assert table.form == "clinic_form"


@pytest.mark.parametrize(
    ("said", "poli"),
    [("poli gigi", "wates_gigi"), ("puskesmas blooto", "blooto_umum"), ("wates poli umum", "wates_umum")],
)
@pytest.mark.usefixtures("begun")
async def test_a_poli_is_found_by_what_sets_it_apart(table: Table, said: str, poli: str) -> None:
    await table.say(said, "unclear", 0.3)
    assert table.slots["clinic_poli"]["id"] == poli


@pytest.mark.usefixtures("begun")
async def test_a_name_of_several_is_asked_again(table: Table) -> None:
    said = await table.say("wates", "unclear", 0.3)
    assert said.keys[-1] == "clinic.ask_poli"


@pytest.mark.usefixtures("begun")
async def test_an_unclear_day_said_with_the_poli_is_asked_back(table: Table) -> None:
    said = await table.say("poli gigi hari senin", "unclear", 0.3)
    assert said.keys == ["booking.day_ambiguous"]
    assert [button["title"] for button in said.buttons()] == ["Sen 23/11", "Sen 30/11"]


@pytest.mark.usefixtures("begun")
async def test_the_whole_way_ends_in_a_request_that_names_turns_not_numbers(
    table: Table, city: FakeCity
) -> None:
    await table.press("wates_gigi")
    said = await table.say("besok", "unclear", 0.3)
    assert said.keys == ["booking.ask_time"]
    said = await table.say("jam 9", "unclear", 0.3)
    assert said.keys == ["clinic.ask_numbers"]
    first = await table.say("nik saya [NIK]", "unclear", 0.3)
    assert first.keys == ["clinic.ask_card"]
    second = await table.say("[BPJS]", "unclear", 0.3)
    assert second.keys == ["clinic.ask_complaint"]
    await table.say("sakit gigi tiga hari", "ask_medical_advice", 0.6)
    said = await table.say("Joko", "unclear", 0.3)
    assert said.keys == ["clinic.review"]
    said = await table.press("send")
    assert said.keys == ["booking.being_asked"]
    queued = said.effect("booking_queued")
    assert queued["numbers_in"] == ["turn-5", "turn-6"]
    assert queued["complaint"] == "sakit gigi tiga hari"
    assert queued["place"] == "Puskesmas Wates, Poli Gigi"
    assert not city.reserved, "only the front door can open the numbers"
    assert table.slots["clinic_complaint"] is None


@pytest.mark.parametrize(
    ("said", "heard"),
    [("sakit gigi tiga hari", "ask_medical_advice"), ("batuk pilek sejak kemarin", "report_complaint")],
)
@pytest.mark.usefixtures("begun")
async def test_what_hurts_is_an_answer_however_sure_the_model_is(table: Table, said: str, heard: str) -> None:
    for words in ("poli gigi wates", "besok", "jam 9", "nik saya [NIK]", "[BPJS]"):
        asked = await table.say(words, "unclear", 0.3)
    assert asked.keys == ["clinic.ask_complaint"]
    await table.say(said, heard, 0.97)
    assert table.slots["clinic_complaint"] == said


@pytest.mark.usefixtures("begun")
async def test_what_is_no_number_is_asked_again_with_how_long_one_is(table: Table) -> None:
    await table.press("wates_gigi")
    await table.say("besok", "unclear", 0.3)
    await table.say("jam 9", "unclear", 0.3)
    said = await table.say("nanti saya cari dulu", "unclear", 0.3)
    assert said.keys == ["clinic.ask_numbers"]
    assert said.messages[0]["values"]["first"]["$text"] == "clinic.no_number"
