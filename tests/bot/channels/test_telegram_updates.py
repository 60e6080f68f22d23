"""Every kind of update, as files: what a citizen said, what needs no answer, what cannot be read."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from bot.channels.telegram import updates
from tests.channels.botapi import judge_update

PAYLOADS = Path(__file__).with_name("payloads")
MESSAGES = json.loads((PAYLOADS / "messages.json").read_text("utf-8"))
IGNORED = json.loads((PAYLOADS / "ignored.json").read_text("utf-8"))
POISON = json.loads((PAYLOADS / "poison.json").read_text("utf-8"))


@pytest.mark.parametrize("label", MESSAGES)
def test_an_update_becomes_the_message_it_is(label):
    case = MESSAGES[label]
    [message] = updates.read(case["update"], "kota_mojokerto")
    found = {
        **asdict(message),
        "sent_at": message.sent_at.isoformat(),
        "media": [asdict(m) for m in message.media],
    }
    assert message.sent_at.tzinfo is not None
    assert found["sender"].pop("phone") is None, "Telegram names nobody's phone beside the address"
    assert {name: found[name] for name in case["expect"]} == case["expect"]


@pytest.mark.parametrize("label", [label for label in MESSAGES if not MESSAGES[label].get("lenient")])
def test_the_table_holds_updates_as_telegram_sends_them(label):
    judge_update(MESSAGES[label]["update"])


@pytest.mark.parametrize("label", IGNORED)
def test_what_needs_no_answer_gives_nothing(label):
    judge_update(IGNORED[label])
    assert updates.read(IGNORED[label], "kota_mojokerto") == []


@pytest.mark.parametrize("label", POISON)
def test_an_update_that_cannot_be_read_is_a_value_error(label):
    with pytest.raises(ValueError):
        updates.read(POISON[label], "kota_mojokerto")


def test_the_same_update_twice_has_the_same_id():
    update = MESSAGES["an amended text"]["update"]
    first, second = updates.read(update, "x"), updates.read({**update, "update_id": 9999}, "x")
    assert first[0].channel_message_id == second[0].channel_message_id


@pytest.mark.parametrize(
    ("label", "group"),
    [("a message in a group", -1001), ("a citizen blocks us", None), ("another bot", None)],
)
def test_groups_are_told_from_citizens(label, group):
    assert updates.group_of(IGNORED[label]) == group


def test_a_group_that_threw_us_out_is_not_left_again():
    update = json.loads(json.dumps(IGNORED["a citizen blocks us"]))
    update["my_chat_member"]["chat"] = {"id": -1001, "type": "supergroup", "title": "RT 05"}
    assert updates.group_of(update) is None
    update["my_chat_member"]["new_chat_member"]["status"] = "member"
    assert updates.group_of(update) == -1001


def test_the_shape_of_an_unreadable_update_holds_no_word_of_the_citizen():
    shape = updates.skeleton(MESSAGES["one's own number"]["update"])
    assert "62812" not in json.dumps(shape)
    assert "Siti" not in json.dumps(shape)
    assert shape["message"]["chat"]["id"] == 55
    assert shape["message"]["contact"]["phone_number"] == "<str>"
