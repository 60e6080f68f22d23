"""What a city's system asks about a topic: one question at a time, only what it requires, and mendable."""

from types import SimpleNamespace

import pytest

from connectors.capabilities import AttributeKind, Capability, Choice, ComplaintAttribute
from connectors.errors import BackendRejected, BackendUnreachable
from tests.actions.table import FakeCity, Said, Table

STORY = "banyak anjing liar di depan SMPN kelurahan Gununggedangan"
ANIMALS = (
    "Anjing",
    "Kucing",
    "Ular",
    "Sarang tawon",
    "Tawon",
    "Ternak lepas",
    "Nyamuk",
    "Monyet",
    "Musang",
    "Tikus",
)
KIND = ComplaintAttribute(
    "JENIS",
    "Hewan apa?",
    AttributeKind.ONE,
    required=True,
    choices=tuple(Choice(f"h{n}", name) for n, name in enumerate(ANIMALS)),
)
TRAITS = ComplaintAttribute(
    "SIFAT",
    "Bagaimana keadaannya?",
    AttributeKind.SEVERAL,
    required=True,
    choices=(Choice("galak", "Galak"), Choice("sakit", "Sakit"), Choice("banyak", "Bergerombol")),
)
OPTIONAL = ComplaintAttribute("NAMA", "Nama pemiliknya?")


def ask(code: str, kind: AttributeKind, question: str = "Berapa?") -> ComplaintAttribute:
    return ComplaintAttribute(code, question, kind, required=True, hint="kira-kira saja")


@pytest.fixture
def asking(city: FakeCity) -> FakeCity:
    """A city that asks about animals."""
    city.offers = frozenset({Capability.COMPLAINT_SUBMIT, Capability.COMPLAINT_ATTRIBUTES})
    city.manifest = SimpleNamespace(open311=SimpleNamespace(attributes={"SUMBER": "lawang"}))
    city.asks = {"hewan": (KIND, OPTIONAL, TRAITS)}
    return city


async def tell(table: Table) -> Said:
    return await table.say(STORY, "report_complaint", topic="hewan")


def titles(said: Said) -> list[str]:
    return [button.get("title") or button["title_key"] for button in said.buttons()]


def payload(said: Said, title: str) -> str:
    button = next(one for one in said.buttons() if (one.get("title") or one["title_key"]) == title)
    return str(button["payload"]).split('"value": "')[1].rstrip('"}')


async def test_only_what_is_required_is_asked_and_all_of_it_is_sent(asking: FakeCity, table: Table):
    said = await tell(table)
    assert said.keys == ["complaint.ask_detail"]
    said = await table.press(payload(said, "Kucing"))
    assert said.keys == ["complaint.ask_detail_several"]
    said = await table.press(payload(said, "Galak"))
    assert (said.keys, titles(said)) == (
        ["complaint.ask_detail_more"],
        ["Sakit", "Bergerombol", "button.enough"],
    )
    said = await table.press(payload(said, "Bergerombol"))
    said = await table.press("detail_done")
    assert said.keys == ["complaint.review"]
    place = said.messages[0]["values"]["place"]
    assert "Kucing" in str(place)
    assert "Galak, Bergerombol" in str(place)
    await table.press("send")
    assert asking.filed[0].attributes == {"JENIS": "h1", "SIFAT": ("galak", "banyak")}


async def test_a_long_list_is_shown_in_pages_and_comes_round_again(asking: FakeCity, table: Table):
    first = titles(await tell(table))
    second = titles(await table.press("detail_more"))
    third = titles(await table.press("detail_more"))
    assert first == [*ANIMALS[:7], "button.more_choices"]
    assert second == [*ANIMALS[7:], "button.more_choices"]
    assert third == first


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("kucing", "h1"),
        ("itu kucing kak", "h1"),
        ("sarang tawon", "h3"),
        ("tawon", "h4"),
        ("3", "h2"),
        ("ternak", "h5"),
        ("MUSANG!", "h8"),
    ],
)
async def test_a_choice_may_be_typed(asking: FakeCity, table: Table, text: str, key: str):
    await tell(table)
    assert (await table.say(text, "report_complaint", 0.9)).keys == ["complaint.ask_detail_several"]
    assert table.slots["complaint_asks"]["given"]["JENIS"]["value"] == key


@pytest.mark.parametrize("text", ["gajah", "anjing atau kucing", "99", "apa saja"])
async def test_what_names_no_choice_or_two_is_asked_again(asking: FakeCity, table: Table, text: str):
    await tell(table)
    said = await table.say(text, "unclear", 0.2)
    assert titles(said)[:1] == ["Anjing"]
    assert table.slots["complaint_asks"]["given"] == {}


async def test_several_may_be_named_at_once(asking: FakeCity, table: Table):
    await tell(table)
    await table.say("kucing")
    assert (await table.say("galak dan sakit")).keys == ["complaint.review"]
    assert table.slots["complaint_details"]["answers"]["SIFAT"] == ["galak", "sakit"]


@pytest.mark.parametrize(
    ("kind", "text", "sent"),
    [
        (AttributeKind.NUMBER, "sekitar 3 ekor", "3"),
        (AttributeKind.NUMBER, "dua belas", "12"),
        (AttributeKind.NUMBER, "2,5", "2.5"),
        (AttributeKind.STRING, "milik  Pak\nRT", "milik Pak RT"),
        (AttributeKind.TEXT, "baris satu\nbaris dua", "baris satu\nbaris dua"),
        (AttributeKind.DATETIME, "kemarin jam 19.30", "2026-11-22T19:30:00+07:00"),
        (AttributeKind.DATETIME, "hari jumat", "2026-11-20T00:00:00+07:00"),
    ],
)
async def test_a_free_answer_is_sent_as_its_kind_wants_it(
    asking: FakeCity, table: Table, kind: AttributeKind, text: str, sent: str
):
    asking.asks = {"hewan": (ask("A", kind),)}
    said = await tell(table)
    assert said.keys == [f"complaint.ask_detail_{kind}"]
    assert (await table.say(text)).keys == ["complaint.review"]
    await table.press("send")
    assert asking.filed[0].attributes == {"A": sent}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (AttributeKind.NUMBER, "banyak sekali"),
        (AttributeKind.NUMBER, "antara 3 dan 5"),
        (AttributeKind.DATETIME, "entah kapan"),
        (AttributeKind.DATETIME, "30 Februari"),
    ],
)
async def test_an_answer_that_is_none_is_asked_for_again(
    asking: FakeCity, table: Table, kind: AttributeKind, text: str
):
    asking.asks = {"hewan": (ask("A", kind),)}
    await tell(table)
    said = await table.say(text, "unclear", 0.2)
    assert table.slots.get("complaint_details") is None
    assert table.question == "complaint_details"
    assert said.messages


@pytest.mark.parametrize("word", ["ya", "tidak"])
async def test_yes_and_no_are_answers_where_they_are_choices(asking: FakeCity, table: Table, word: str):
    yes_no = (Choice("y", "Ya"), Choice("n", "Tidak"))
    asking.asks = {
        "hewan": (ComplaintAttribute("A", "Menggigit?", AttributeKind.ONE, required=True, choices=yes_no),)
    }
    await tell(table)
    intent = "affirm" if word == "ya" else "deny"
    assert (await table.say(word, intent)).keys == ["complaint.review"]
    assert table.slots["complaint_details"]["answers"] == {"A": word[0].replace("t", "n")}


async def test_it_cannot_be_skipped_and_back_takes_one_answer_back(asking: FakeCity, table: Table):
    await tell(table)
    assert "complaint.needed" in str((await table.say("lewati", "skip")).messages)
    await table.say("kucing")
    said = await table.say("kembali", "go_back")
    assert titles(said)[:2] == ["Anjing", "Kucing"]


async def test_an_answer_is_mended_on_the_card_in_words_and_by_button(asking: FakeCity, table: Table):
    await tell(table)
    await table.say("kucing")
    await table.say("galak")
    said = await table.say("bukan kucing, ular", "correct")
    assert said.keys == ["complaint.review"]
    assert "Ular" in str(said.messages)
    said = await table.press("edit")
    assert "button.edit_details" in titles(said)
    said = await table.press("details")
    assert titles(said)[:1] == ["Anjing"]
    await table.say("musang")
    await table.say("sakit")
    await table.press("send")
    assert asking.filed[0].attributes == {"JENIS": "h8", "SIFAT": ("sakit",)}


async def test_another_topic_asks_its_own_questions(asking: FakeCity, table: Table):
    asking.asks = {**asking.asks, "sampah": (ask("BERAT", AttributeKind.NUMBER),)}
    await tell(table)
    await table.say("kucing")
    await table.say("galak")
    await table.press("edit")
    await table.press("topic")
    said = await table.press("sampah")
    assert said.keys == ["complaint.ask_detail_number"]
    await table.say("3")
    await table.press("send")
    assert (asking.filed[0].topic, asking.filed[0].attributes) == ("sampah", {"BERAT": "3"})


async def test_what_the_manifest_answers_is_not_asked(asking: FakeCity, table: Table):
    asking.asks = {"hewan": (ask("SUMBER", AttributeKind.STRING),)}
    assert (await tell(table)).keys == ["complaint.review"]
    assert "button.edit_details" not in titles(await table.press("edit"))


async def test_a_city_that_cannot_say_what_it_asks_gets_the_report_without(asking: FakeCity, table: Table):
    asking.fail = BackendUnreachable("kota")
    assert (await tell(table)).keys == ["complaint.review"]
    await table.press("send")
    assert asking.filed[0].attributes == {}


async def test_a_city_that_asks_otherwise_by_now_is_asked_again(asking: FakeCity, table: Table):
    asking.asks = {"hewan": (ask("A", AttributeKind.NUMBER),)}
    await tell(table)
    await table.say("3")
    asking.fail = BackendRejected("kota", "attribute[B] is required")
    asking.asks = {"hewan": (ask("B", AttributeKind.NUMBER),)}
    refused = await table.press("send")
    assert "complaint.kept" in refused.keys
    assert (await table.say("", "report_complaint")).keys == ["complaint.ask_detail_number"]
    assert table.question == "complaint_details"
    assert (await table.say("4")).keys == ["complaint.review"]
    await table.press("send")
    assert asking.filed[0].attributes == {"B": "4"}


async def test_nothing_of_it_stays_once_the_report_is_filed(asking: FakeCity, table: Table):
    await tell(table)
    await table.say("kucing")
    await table.say("galak")
    await table.press("send")
    assert (table.slots.get("complaint_details"), table.slots.get("complaint_asks")) == (None, None)
