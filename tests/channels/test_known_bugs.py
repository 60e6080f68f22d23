"""The bugs that other adapters had, one by one, and the test of ours that each would fail.

Each line: what went wrong elsewhere, and where it is tried here. A test that is renamed or removed is
missed here.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent

POLLING = "bot/channels/test_polling.py"
TELEGRAM_CHANNEL = "bot/channels/test_telegram_channel.py"
ENCLOSURES = "bot/conversations/test_enclosures.py"
INBOUND = "bot/conversations/test_inbound.py"
OUTBOUND = "bot/conversations/test_outbound.py"
GRAMLAB = "channels/test_gramlab.py"
KNOWN_BUGS = "channels/test_known_bugs.py"
POLLING_DOOR = "channels/test_polling_door.py"
TELEMELYA = "channels/test_telemelya.py"
WHATSAPP = "channels/whatsapp/test_citizens.py"
WINDOW = "channels/whatsapp/test_window.py"
FLOWS = "channels/whatsapp/test_flows.py"

LIST = [
    ("the same update twice", POLLING_DOOR, "test_the_same_update_delivered_again_is_answered_once"),
    ("the same update a hundred times at once", INBOUND, "test_a_hundred_deliveries_at_once_are_one_message"),
    (
        "kill -9 between acknowledgement and reply",
        POLLING_DOOR,
        "test_a_process_killed_at_any_moment_loses_and_doubles_nothing",
    ),
    (
        "restart with queued updates, in order",
        GRAMLAB,
        "test_a_dialogue_survives_a_rival_and_a_restart_in_order",
    ),
    (
        "a poison update in a batch",
        POLLING,
        "test_a_poison_update_is_put_aside_and_the_rest_of_the_batch_read",
    ),
    ("an edited text", POLLING_DOOR, "test_a_dialogue_with_commands_buttons_a_photo_a_place_and_an_edit"),
    (
        "an edited caption; a live location that moves",
        KNOWN_BUGS,
        "test_an_edited_caption_amends_and_a_live_location_that_moves_says_nothing",
    ),
    ("a button pressed twice", POLLING_DOOR, "test_a_button_pressed_twice_counts_once"),
    ("a button pressed after a restart", KNOWN_BUGS, "test_a_button_pressed_after_a_restart_counts_once"),
    (
        "a button under an Indonesian title with emoji",
        TELEGRAM_CHANNEL,
        "test_long_and_colourful_titles_stay_within_64_bytes_of_data",
    ),
    (
        "a button whose data has 64 bytes or more",
        TELEGRAM_CHANNEL,
        "test_a_button_without_a_usable_token_is_refused",
    ),
    ("text with _ * [ < & `", TELEGRAM_CHANNEL, "test_a_text_goes_out_as_it_is"),
    (
        "five thousand characters, emoji across the split",
        TELEGRAM_CHANNEL,
        "test_five_thousand_characters_arrive_in_two_parts",
    ),
    ("an album of ten with one slow part", ENCLOSURES, "test_an_album_of_ten_with_one_slow_part_is_one_turn"),
    (
        "a late part of an album",
        ENCLOSURES,
        "test_a_late_part_of_an_album_is_taken_with_the_photos_and_repeats_no_word",
    ),
    ("a voice note", ENCLOSURES, "test_a_voice_note_or_document_is_kept_for_a_person_and_said_so"),
    ("a sticker", INBOUND, "test_what_cannot_be_read_gets_one_helpful_sentence"),
    ("another person's contact", KNOWN_BUGS, "test_another_persons_contact_is_not_kept"),
    ("a group that mentions the bot", TELEGRAM_CHANNEL, "test_a_group_is_told_and_left_once"),
    ("migrate_to_chat_id", TELEGRAM_CHANNEL, "test_a_chat_that_moved_is_followed"),
    (
        "migrate_to_chat_id is forgotten again",
        OUTBOUND,
        "test_a_chat_that_moved_is_written_to_at_its_new_address_and_nothing_is_lost",
    ),
    ("403 blocked", OUTBOUND, "test_a_citizen_who_blocked_us_is_left_alone_until_they_write"),
    ("429 on one chat stalls the others", OUTBOUND, "test_a_throttled_chat_waits_and_stalls_nobody"),
    ("429 with retry_after is obeyed", TELEMELYA, "test_429_on_one_chat_is_obeyed_and_stalls_nobody"),
    (
        "an album whose parts come in no order",
        TELEMELYA,
        "test_an_album_is_one_thing_said_and_every_photo_is_kept",
    ),
    ("409 at the start", POLLING, "test_the_loop_outlives_the_troubles_of_telegram"),
    (
        "a timeout after the write",
        OUTBOUND,
        "test_an_unknown_outcome_is_never_sent_again_by_itself_and_the_next_bubble_goes_out",
    ),
    ("read, then a late delivered", OUTBOUND, "test_a_receipt_moves_a_bubble_only_forward"),
    (
        "a status before the answer to the call",
        OUTBOUND,
        "test_a_receipt_that_comes_before_the_channels_own_answer_is_not_lost",
    ),
    (
        "WhatsApp: the same body batched anew",
        WHATSAPP,
        "test_the_same_message_twice_and_batched_anew_is_answered_once",
    ),
    (
        "WhatsApp: a bad or missing signature",
        WHATSAPP,
        "test_bad_or_missing_signature_is_refused_and_nothing_is_kept",
    ),
    (
        "WhatsApp: several entries, messages and statuses in one POST",
        WHATSAPP,
        "test_several_entries_messages_and_statuses_in_one_post",
    ),
    ("WhatsApp: a poison message in a batch", WHATSAPP, "test_poison_in_a_batch_costs_only_itself"),
    (
        "WhatsApp: a status before the answer to the call",
        WHATSAPP,
        "test_status_before_send_response_is_not_forgotten",
    ),
    ("WhatsApp: read, then delivered", WHATSAPP, "test_read_then_delivered_stays_read"),
    ("WhatsApp: failed 131047", WINDOW, "test_failed_131047_takes_the_template_path"),
    ("WhatsApp: 131056", WHATSAPP, "test_131056_pacing_holds_up_one_citizen_only"),
    ("WhatsApp: 130429", WHATSAPP, "test_130429_waits_and_nothing_is_lost"),
    ("WhatsApp: 190, the token expired", WHATSAPP, "test_190_token_expired_keeps_every_message"),
    (
        "WhatsApp: a media id that expired, a URL that is gone",
        WHATSAPP,
        "test_media_id_expired_or_url_404_is_fetched_again",
    ),
    (
        "WhatsApp: a message without a phone",
        WHATSAPP,
        "test_a_message_without_phone_is_answered_by_its_user_id",
    ),
    ("WhatsApp: unsupported kinds", WHATSAPP, "test_unsupported_kinds_are_answered_once"),
    ("WhatsApp: a new number", WHATSAPP, "test_system_number_change_carries_the_talk_over"),
    ("WhatsApp: 131050, wants no more", WHATSAPP, "test_131050_ends_every_subscription"),
    ("an nfm_reply with a foreign flow_token", FLOWS, "test_nfm_reply_with_foreign_flow_token"),
]


@cache
def _names(path: str) -> set[str]:
    tree = ast.parse((TESTS / path).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("bug", "path", "name"), LIST, ids=[row[0] for row in LIST])
def test_each_known_bug_has_its_test(bug, path, name):
    assert name in _names(path), bug


def _channel():
    from bot.channels.telegram import TelegramChannel
    from tests.channels import botapi

    return TelegramChannel(botapi.TOKEN, "kota_mojokerto", phrase=str)


def _update(kind, **content):
    from tests.channels import botapi

    update = {"update_id": 7, kind: {**botapi.BotApi().message(), **content}}
    botapi.judge_update(update)
    return update


def test_an_edited_caption_amends_and_a_live_location_that_moves_says_nothing():
    channel = _channel()
    photo = [{"file_id": "p", "file_unique_id": "u", "width": 9, "height": 9}]
    edited = _update("edited_message", photo=photo, caption="di RT 03", edit_date=1_795_000_000)
    [message] = channel.parse(edited)
    assert (message.kind, message.text) == ("edit", "di RT 03")
    place = {"latitude": -7.47, "longitude": 112.43, "live_period": 900}
    [first] = channel.parse(_update("message", location=place))
    assert first.kind == "location"
    assert channel.parse(_update("edited_message", location=place, edit_date=1_795_000_000)) == []


@pytest.mark.parametrize(("owner", "kept"), [(55, "+628123"), (56, None), (None, None)])
def test_another_persons_contact_is_not_kept(owner, kept):
    card = {"phone_number": "+628123", "first_name": "Siti", **({"user_id": owner} if owner else {})}
    [message] = _channel().parse(_update("message", contact=card))
    assert (message.text, message.extra["own"]) == (kept, kept is not None)


async def test_a_button_pressed_after_a_restart_counts_once(open_doors, engine):
    from tests.talk import Citizen, answer_all

    engine.buttons = ({"title": "Benar", "payload": "/affirm"},)
    before = open_doors()
    citizen = Citizen(before)
    await citizen.say("lapor lampu mati")
    await answer_all(before)
    [question] = await citizen.replies()
    await before.database.close()
    citizen.door = after = open_doors()
    for _ in range(2):
        await citizen.press(question.buttons[0]["token"])
        await answer_all(after)
    assert [turn.text for turn in engine.turns] == ["lapor lampu mati", "/affirm"]
    _, refused = await citizen.texts()
    assert "sudah Bapak/Ibu tekan" in refused
