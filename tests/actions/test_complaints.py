"""From the first words to a number and a date, and every way a citizen leaves that road."""

import pytest

from connectors.errors import BackendRejected, BackendUnreachable
from tests.actions.table import FakeCity, Table

LAMP = "lampu jalan mati di depan SDN Wates RT 3 RW 1"


async def to_review(table: Table) -> None:
    await table.say(LAMP, "report_complaint")
    assert table.question == "complaint_review"


async def test_everything_said_at_once_leads_straight_to_the_card(table: Table) -> None:
    said = await table.say(LAMP, "report_complaint")
    assert said.keys == ["complaint.review"]
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
    assert said.keys == []  # the front door gives it a number and says so
    queued = said.effect("case_queued")
    assert queued["draft"]["description"] == LAMP
    assert queued["promised_at"] == "2026-11-30T16:00:00+07:00"


async def test_a_city_that_knows_no_keys_is_asked_only_after_the_turn(table: Table, city: FakeCity) -> None:
    city.files_once = False
    await to_review(table)
    said = await table.press("send")
    assert said.keys == []  # the front door gives it a number and says so
    queued = said.effect("case_queued")
    assert queued["away"] is False
    assert queued["promised_at"] == "2026-11-30T16:00:00+07:00"
    assert city.filed == []
    assert not table.slots["complaint_description"]


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
    assert said.keys == [key, "complaint.review"]
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
    assert (table.form, table.question) == ("complaint_form", "complaint_review")


async def test_a_correction_changes_only_its_part(table: Table) -> None:
    await to_review(table)
    said = await table.say("bukan, RT 5", "correct", 0.66)
    assert said.keys == ["complaint.review"]
    assert table.slots["complaint_place"]["text"] == "di depan SDN Wates RT 5 RW 1"
    assert table.slots["complaint_description"] == LAMP


async def test_going_back_asks_the_earlier_question(table: Table) -> None:
    await to_review(table)
    said = await table.say("kembali", "go_back")
    assert said.keys == ["complaint.ask_place"]
    said = await table.say("kembali", "go_back")
    assert said.keys == ["complaint.ask_description_of"]


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
    assert said.keys == ["complaint.review"]


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
    assert said.keys == ["complaint.review"]
    assert table.slots["complaint_place"]["text"] == "di jalan majapahit, pokoknya di situ"


BRIBE = "dimintai uang 50 ribu di kantor kelurahan Meri dekat pasar"


@pytest.mark.parametrize(
    ("answer", "anonymous"),
    [("yes", True), ("no", False), ("anonim saja", True), ("boleh pakai nama", False)],
)
async def test_a_bribe_is_kept_secret_by_itself_and_only_the_name_is_asked_about(
    table: Table, city: FakeCity, answer: str, anonymous: bool
) -> None:
    said = await table.say(BRIBE, "report_complaint", topic="pungli")
    assert said.keys == ["complaint.ask_anonymous_kept"]
    said = await (table.press(answer) if len(answer) < 4 else table.say(answer, "unclear", 0.2))
    assert said.keys == ["complaint.review"]
    await table.press("send")
    assert (city.filed[0].confidential, city.filed[0].anonymous) == (True, anonymous)
    assert city.filed[0].reporter is None


async def test_secrecy_is_asked_about_where_it_matters_and_the_name_is_not(
    table: Table, city: FakeCity
) -> None:
    said = await table.say(
        "perawat puskesmas Wates membentak pasien di loket", "report_complaint", topic="pelayanan_kesehatan"
    )
    assert said.keys == ["complaint.ask_confidential"]
    await table.press("yes")
    await table.press("send")
    assert (city.filed[0].confidential, city.filed[0].anonymous) == (True, False)


async def test_nobody_is_asked_about_secrecy_because_of_a_lamp(table: Table, city: FakeCity) -> None:
    await to_review(table)
    await table.press("send")
    assert (city.filed[0].confidential, city.filed[0].anonymous) == (False, False)
    assert city.filed[0].reporter == "Siti"


@pytest.mark.parametrize(
    ("words", "confidential", "anonymous"),
    [("tolong rahasiakan ya", True, False), ("jangan sebut nama saya", False, True)],
)
async def test_whoever_asks_for_it_is_kept_secret_whatever_the_topic(
    table: Table, city: FakeCity, words: str, confidential: bool, anonymous: bool
) -> None:
    await to_review(table)
    said = await table.say(words, "unclear", 0.3)
    assert said.keys == ["complaint.review"]
    await table.press("send")
    assert (city.filed[0].confidential, city.filed[0].anonymous) == (confidential, anonymous)


async def test_two_misses_offer_a_person(table: Table) -> None:
    await to_review(table)
    await table.say("hmmm", "unclear", 0.1)
    said = await table.say("zzz", "unclear", 0.1)
    assert said.keys[0] == "form.not_understood_twice"
    assert any("talk_to_agent" in button["payload"] for button in said.buttons())


async def test_nobody_adds_to_someone_elses_case(table: Table, city: FakeCity) -> None:
    said = await table.say("tambahan untuk MJK-2611-000009: masih bau", "add_complaint_info")
    assert said.keys == ["complaint.not_yours"]
    assert not city.comments


# Each row: what is typed at the card, which question is opened (None: the card again), the draft then.
MENDED = [
    ("tempatnya salah", "complaint_place", {}),
    ("alamatnya keliru", "complaint_place", {}),
    ("jenisnya bukan itu", "complaint_topic", {}),
    ("uraiannya kurang lengkap", "complaint_description", {}),
    ("bukan, RT 05", None, {"complaint_place": "di depan SDN Wates RT 5 RW 1"}),
    ("kelurahan Wates", None, {"complaint_place": "di depan SDN Wates RT 3 RW 1, kelurahan Wates"}),
    ("bukan di wates, di meri dekat pasar", None, {"complaint_place": "di meri dekat pasar"}),
    ("lewati", None, {}),
]


@pytest.mark.parametrize("ubah", [False, True], ids=["at the card", "after Ubah"])
@pytest.mark.parametrize(("words", "question", "draft"), MENDED, ids=[row[0] for row in MENDED])
async def test_any_part_is_mended_in_free_words(
    table: Table, words: str, question: str | None, draft: dict[str, str], ubah: bool
) -> None:
    await to_review(table)
    if ubah:
        await table.press("edit")
    await table.say(words, "correct" if "bukan" in words else "unclear", 0.7)
    assert table.question == (question or "complaint_review")
    for slot, text in draft.items():
        assert table.slots[slot]["text"] == text


async def test_ubah_and_then_the_part_in_a_word(table: Table) -> None:
    await to_review(table)
    await table.press("edit")
    said = await table.say("tempatnya", "unclear", 0.2)
    assert said.keys == ["complaint.ask_place"]
    said = await table.say("jl raya meri no 5, kelurahan meri", "unclear", 0.2)
    assert said.keys == ["complaint.review"]
    assert "meri no 5" in table.slots["complaint_place"]["text"]
    assert "Wates" not in table.slots["complaint_place"]["text"]


async def test_a_wrong_photo_is_dropped_and_the_next_one_takes_its_place(
    table: Table, city: FakeCity
) -> None:
    await table.say("", "send_photo", photos=1)
    await table.say(LAMP, "report_complaint")
    said = await table.say("fotonya salah", "correct", 0.8)
    assert said.keys == ["complaint.review"]
    assert table.slots["complaint_photo"] == []
    await table.say("", "send_photo", photos=2)
    await table.press("send")
    assert len(city.filed[0].photos) == 2


async def test_more_of_the_story_at_the_card_is_added_to_it(table: Table) -> None:
    await to_review(table)
    said = await table.say("sudah dua orang jatuh gara-gara gelap", "report_complaint", 0.8)
    assert said.keys == ["complaint.review"]
    assert table.slots["complaint_description"] == f"{LAMP}\nsudah dua orang jatuh gara-gara gelap"


async def test_many_problems_at_once_are_filed_one_by_one_and_said_once(table: Table, city: FakeCity) -> None:
    story = "lampu mati, sampah numpuk, jalan berlubang dan got mampet di kelurahan wates depan balai rw 4"
    said = await table.say(story, "report_complaint")
    assert said.keys == ["complaint.ask_which"]
    said = await table.press("sampah")
    assert said.keys == ["complaint.review"]
    said = await table.press("send")
    more = [button for button in said.buttons() if "report_complaint" in button["payload"]]
    assert len(more) == 2
    for topic in ("jalan_rusak", "drainase_banjir"):
        said = await table.say("", "report_complaint", topic=topic, rest="yes")
        assert said.keys == ["complaint.review"]
        await table.press("send")
    assert [draft.topic for draft in city.filed] == ["sampah", "jalan_rusak", "drainase_banjir"]
    assert len({draft.idempotency_key for draft in city.filed}) == 3
    assert not table.slots["complaint_rest"]


@pytest.mark.parametrize(
    ("text", "topic", "owner"),
    [
        ("sertifikat tanah saya di BPN gak jadi-jadi", "pelayanan_adminduk", "BPN"),
        ("jalan bypass berlubang parah depan SPBU kelurahan Kedundung", "jalan_rusak", "jalan nasional"),
        ("pungutan di SMA Negeri dekat alun-alun wates", "sekolah", "SMA"),
        ("wifi indihome di rumah saya mati di kelurahan wates", "wifi", "operator"),
    ],
)
async def test_what_another_owns_is_told_before_anything_is_asked(
    table: Table, city: FakeCity, text: str, topic: str, owner: str
) -> None:
    said = await table.say(text, "report_complaint", topic=topic)
    assert said.keys == ["complaint.owner"]
    assert owner in said.messages[0]["values"]["owner"]
    await table.press("cancel")
    assert not city.filed


async def test_who_knows_better_whose_it_is_may_go_on(table: Table, city: FakeCity) -> None:
    await table.say(
        "jalan di bawah bypass berlubang depan SPBU kelurahan Kedundung",
        "report_complaint",
        topic="jalan_rusak",
    )
    said = await table.press("ours")
    assert said.keys == ["complaint.review"]
    await table.press("send")
    assert len(city.filed) == 1


async def test_a_name_on_both_sides_of_the_border_is_asked_about(table: Table, city: FakeCity) -> None:
    said = await table.say("lampu jalan mati di Balongsari dekat masjid", "report_complaint")
    assert said.keys == ["complaint.which_area"]
    titles = [button["title"] for button in said.buttons()]
    assert titles == ["Gedeg, Kab. Mojokerto", "Balongsari, Magersari"] or len(titles) == 2
    said = await table.say("yang magersari", "unclear", 0.2)
    assert said.keys == ["complaint.review"]
    await table.press("send")
    assert city.filed[0].place.region_code == "35.76.02.1008"


async def test_more_of_the_story_belongs_to_the_report_that_is_being_written(
    table: Table, city: FakeCity
) -> None:
    said = await table.say("rumah kebanjiran semata kaki gara-gara got mampet", "report_complaint")
    assert said.keys == ["complaint.ask_place"]
    said = await table.say("sekarang ya naik ke teras", "add_complaint_info", 0.9)
    assert said.keys[-1] == "complaint.ask_place"
    said = await table.say("depan SDN Wates RT 3 RW 1", "unclear", 0.3)
    assert said.keys[-1] == "complaint.review"
    said = await table.say("sekarang baunya juga sampai kamar", "add_complaint_info", 0.9)
    assert said.keys[-1] == "complaint.review"
    await table.press("send")
    assert "naik ke teras" in city.filed[0].description
    assert "baunya juga" in city.filed[0].description


async def test_a_report_can_be_dropped_where_its_parts_are_offered(table: Table) -> None:
    await table.say("jalan berlubang di depan SDN Wates RT 3 RW 1", "report_complaint")
    said = await table.say("ga usah", "deny", 0.9)
    assert "complaint.what_to_change" in said.keys
    assert said.buttons()[-1]["title_key"] == "button.cancel"


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("kota", "complaint.review"),
        ("yang di kota", "complaint.review"),
        ("yg kota aja pak", "complaint.review"),
        ("bukan yang kabupaten", "complaint.review"),
        ("yang pertama", "complaint.review"),
        ("1", "complaint.review"),
        ("kab", "complaint.elsewhere_with_brand"),
        ("nomor 2", "complaint.elsewhere_with_brand"),
        ("bukan kota", "complaint.elsewhere_with_brand"),
    ],
)
@pytest.mark.parametrize("heard", ["unclear", "ask_hours_location", "out_of_scope"])
async def test_one_of_two_places_is_picked_in_words(table: Table, words: str, key: str, heard: str) -> None:
    await table.say("lampu jalan mati di Balongsari dekat masjid", "report_complaint")
    said = await table.say(words, heard, 0.9)
    assert said.keys == [key]


@pytest.mark.parametrize("name", ["Balongsari", "Pulorejo", "Kauman"])
async def test_the_neighbours_place_of_that_name_is_not_filed_here(
    table: Table, city: FakeCity, name: str
) -> None:
    said = await table.say(f"lampu jalan mati di {name} dekat masjid", "report_complaint")
    assert said.keys == ["complaint.which_area"]
    said = await table.say("yang kabupaten", "unclear", 0.2)
    assert said.keys == ["complaint.elsewhere_with_brand"]
    assert not city.filed


@pytest.mark.parametrize(
    ("pin", "key"),
    [
        ((-7.4722, 112.4341), "complaint.review"),
        ((-9.5, 112.4), "complaint.pin_outside"),
        ((48.85, 2.35), "complaint.pin_outside"),
        ((-7.66, 112.52), "complaint.elsewhere_with_brand"),
    ],
    ids=["in the city", "in the sea", "in another country", "in the regency"],
)
async def test_a_pin_counts_where_the_city_is(table: Table, pin: tuple[float, float], key: str) -> None:
    await table.say("jalan berlubang besar sekali", "report_complaint", topic="jalan_rusak")
    said = await table.say("", "send_location", location=pin)
    assert said.keys == [key]
    assert bool(table.slots.get("complaint_place")) == (key == "complaint.review")


async def test_an_empty_report_asks_what_happened(table: Table) -> None:
    assert (await table.say("", "report_complaint")).keys == ["complaint.ask_description"]
    assert (await table.say("aduh", "unclear", 0.1)).keys == ["complaint.ask_description"]


async def test_abuse_with_a_report_in_it_is_a_report(table: Table) -> None:
    said = await table.say(f"WOI {LAMP} GOBLOK SEMUA", "report_complaint")
    assert said.keys == ["complaint.review"]


async def test_the_card_says_when_it_began_if_it_was_said(table: Table) -> None:
    said = await table.say(f"{LAMP} sudah tiga hari", "report_complaint")
    assert said.messages[0]["values"]["time"] == "sudah tiga hari"


async def test_the_position_of_a_photo_is_used_only_when_the_citizen_agrees(
    table: Table, city: FakeCity
) -> None:
    for wish, latitude in (("photo", -7.4722), ("no_photo_place", None)):
        await table.say("", "start_over")
        photo = {"media_id": "m1", "url": "http://127.0.0.1/m1", "latitude": -7.4722, "longitude": 112.4341}
        table.slots["loose_photos"] = [photo]
        said = await table.say("jalan berlubang besar sekali", "report_complaint", topic="jalan_rusak")
        assert said.keys == ["complaint.ask_photo_place"]
        await table.press(wish)
        assert "latitude" not in table.slots["complaint_photo"][0]
        assert (table.slots["complaint_place"] or {}).get("latitude") == latitude
        await table.say("batal", "cancel")


async def test_joining_files_nothing_and_ends_the_draft(table: Table, city: FakeCity) -> None:
    await to_review(table)
    said = await table.press("join:kota:MJK-2611-000007")
    assert said.effect("case_joined")["reference"] == "MJK-2611-000007"
    assert not city.filed
    assert table.form is None
    assert table.slots["complaint_description"] is None


async def test_beyond_the_loaded_calendar_no_date_is_promised(table: Table, city: FakeCity) -> None:
    await table.say(
        "asap pabrik bau menyengat di kelurahan wates dekat pasar", "report_complaint", topic="pencemaran"
    )
    said = await table.press("send")
    assert said.keys == ["complaint.filed_without_date"]
    assert said.effect("case_opened")["promised_at"] is None


async def test_lapor_and_a_thing_is_a_report_whatever_the_model_thinks(table: Table) -> None:
    said = await table.say("lapor sampah", "find_service", 0.73, topic="sampah")
    assert said.keys == ["complaint.ask_place"]
    assert table.slots["complaint_topic"] == "sampah"


async def test_lapor_alone_names_nothing_to_report(table: Table) -> None:
    said = await table.say("lapor kehilangan dompet", "find_service", 0.9)
    assert table.form is None, said.keys
