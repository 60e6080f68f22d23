"""What the bot says to Telegram, call by call, and what it makes of Telegram's troubles."""

import asyncio
import io
import logging
import secrets
import time
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
from PIL import Image

from bot import settings as settings_module
from bot import texts
from bot.channels.base import (
    ChannelThrottled,
    ChannelUnreachable,
    CitizenUnreachable,
    MessageRefused,
    OutcomeUnknown,
)
from bot.channels.telegram import TelegramChannel, TokenRejected
from bot.channels.telegram.channel import COMMANDS
from bot.vocabulary.messages import (
    Attachment,
    Button,
    ChannelAddress,
    ChannelName,
    IncomingMedia,
    OutgoingMessage,
    QueuedMessage,
)
from tests.channels import botapi
from tests.channels.botapi import Fault

pytestmark = pytest.mark.asyncio


def queued(text="Halo", chat="55", **parts):
    address = ChannelAddress(ChannelName.TELEGRAM, chat)
    return QueuedMessage(1, "c" * 32, address, OutgoingMessage(text, **parts))


def buttons(*titles):
    return tuple(Button(title, f"/x{n}", f"token-{n}") for n, title in enumerate(titles))


def picture():
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(out, "JPEG")
    return out.getvalue()


async def test_a_text_goes_out_as_it_is(api, channel):
    text = "harga <b>Rp10.000</b> & _dua_ 2*3 [x](y) `z` 😀"
    sent = await channel.send(queued(text))
    assert api.sent() == [{"chat_id": "55", "text": text}]
    assert sent.channel_message_id == "55:1"


async def test_our_bold_words_go_out_as_entities(api, channel):
    await channel.send(queued("😀 *Jenis*: lampu"))
    [sent] = api.sent()
    assert sent["text"] == "😀 Jenis: lampu"
    assert sent["entities"] == [{"length": 5, "offset": 3, "type": "bold"}]


async def test_links_have_no_preview(api, channel):
    await channel.send(queued("Buka https://mpp.example"))
    assert api.sent()[0]["link_preview_options"] == {"is_disabled": True}


async def test_a_night_message_makes_no_sound(api, channel):
    await channel.send(queued(silent=True))
    assert api.sent()[0]["disable_notification"] == "true"


@pytest.mark.parametrize(
    ("titles", "widths"),
    [
        (("Ya", "Tidak"), [2]),
        (("Ya", "Tidak", "Batal"), [2, 1]),
        (("Penerbitan KTP-el baru", "Batal"), [1, 1]),
        (tuple("abcdefgh"), [2, 2, 2, 2]),
    ],
)
async def test_buttons_carry_tokens_in_even_rows(api, channel, titles, widths):
    await channel.send(queued(buttons=buttons(*titles)))
    rows = api.sent()[0]["reply_markup"]["inline_keyboard"]
    assert [len(row) for row in rows] == widths
    assert [button["text"] for row in rows for button in row] == list(titles)
    assert rows[0][0]["callback_data"] == "token-0"


@pytest.mark.parametrize("token", ["", "ä" * 40])
async def test_a_button_without_a_usable_token_is_refused(channel, token):
    with pytest.raises(MessageRefused):
        await channel.send(queued(buttons=(Button("Ya", "/x", token),)))


async def test_asking_for_a_location_opens_a_keyboard_that_goes_away_again(api, channel):
    await channel.send(queued(ask_location=True, buttons=buttons("Ketik alamat", "Batal")))
    await channel.send(queued("Terima kasih"))
    await channel.send(queued("Lagi"))
    first, second, third = api.sent()
    keyboard = first["reply_markup"]
    assert keyboard["keyboard"][0] == [{"text": "telegram.send_location", "request_location": True}]
    assert [key["text"] for key in keyboard["keyboard"][1]] == ["Ketik alamat", "Batal"]
    assert keyboard["one_time_keyboard"]
    assert second["reply_markup"] == {"remove_keyboard": True}
    assert "reply_markup" not in third


async def test_five_thousand_characters_arrive_in_two_parts(api, channel):
    await channel.send(queued("Kalimat panjang 😀. " * 300, buttons=buttons("Ya")))
    first, second = api.sent()
    assert "reply_markup" not in first
    assert "reply_markup" in second


async def test_our_pictures_and_documents_are_uploaded(api, channel, files):
    files.add("a" * 32, picture(), "image/jpeg")
    files.add("b" * 32, b"%PDF-1.4 x", "application/pdf")
    await channel.send(queued("Foto", attachments=(Attachment("image", media_id="a" * 32),)))
    await channel.send(
        queued("", attachments=(Attachment("document", media_id="b" * 32, title="Tanda terima"),))
    )
    photo, document = api.calls
    assert photo.method == "sendPhoto"
    assert photo.files["photo"] == picture()
    assert photo.parameters["caption"] == "Foto"
    assert document.method == "sendDocument"
    assert document.files["document"] == b"%PDF-1.4 x"


async def test_a_ticket_is_a_photo_with_its_words_and_a_file_for_the_calendar(api, channel, files):
    drawn = io.BytesIO()
    Image.new("RGB", (720, 720), "white").save(drawn, "PNG")
    files.add("a" * 32, drawn.getvalue(), "image/png")
    files.add("b" * 32, b"BEGIN:VCALENDAR", "text/calendar")
    ticket = Attachment("image", media_id="a" * 32, content_type="image/png", title="tiket-A007.png")
    entry = Attachment("document", media_id="b" * 32, content_type="text/calendar", title="antrean-A007.ics")
    await channel.send(queued("Nomor *A007*", attachments=(ticket,), buttons=buttons("Ganti jadwal")))
    await channel.send(queued("Ke kalender", attachments=(entry,)))
    photo, document = api.calls
    assert photo.method == "sendPhoto"
    assert photo.parameters["caption"] == "Nomor A007"
    assert "Ganti jadwal" in str(photo.parameters["reply_markup"])
    assert document.method == "sendDocument"
    assert document.files["document"] == b"BEGIN:VCALENDAR"


async def test_a_picture_too_big_for_a_photo_is_a_document(api, channel, files):
    files.add("a" * 32, b"\xff\xd8\xff" + bytes(10_000_001), "image/jpeg")
    await channel.send(queued("", attachments=(Attachment("image", media_id="a" * 32),)))
    assert api.calls[0].method == "sendDocument"


async def test_a_file_that_is_gone_is_refused(channel):
    with pytest.raises(MessageRefused):
        await channel.send(queued("", attachments=(Attachment("image", media_id="f" * 32),)))


async def test_an_address_telegram_cannot_fetch_is_sent_as_a_link(api, channel):
    url = "http://127.0.0.1:9/peta.png"
    await channel.send(queued("Peta", attachments=(Attachment("image", url),)))
    assert [call.method for call in api.calls] == ["sendPhoto", "sendMessage"]
    assert url in api.sent()[0]["text"]


async def test_a_place_is_sent_as_a_place(api, channel):
    await channel.send(queued("Di sini", attachments=(Attachment("location", "geo:-7.47,112.43"),)))
    assert [call.method for call in api.calls] == ["sendLocation", "sendMessage"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("sendMessage", 429, "Too Many Requests", {"retry_after": 7}), ChannelThrottled),
        (Fault("sendMessage", 429, "Too Many Requests"), ChannelThrottled),
        (Fault("sendMessage", 403, "Forbidden: bot was blocked by the user"), CitizenUnreachable),
        (Fault("sendMessage", 400, "Bad Request: chat not found"), CitizenUnreachable),
        (Fault("sendMessage", 400, "Bad Request: message is too strange"), MessageRefused),
        (Fault("sendMessage", 413, "Request Entity Too Large"), MessageRefused),
        (Fault("sendMessage", 500), ChannelUnreachable),
        (Fault("sendMessage", 504, page="<html>Gateway Time-out</html>"), OutcomeUnknown),
        (Fault("sendMessage", 401, "Unauthorized"), TokenRejected),
        (Fault("sendMessage", 500, hang=3), OutcomeUnknown),
    ],
    ids=lambda value: getattr(value, "description", None),
)
async def test_a_trouble_is_told_by_what_one_can_do(api, channel, fault, error):
    api.faults.append(fault)
    with pytest.raises(error) as caught:
        await channel.send(queued())
    assert type(caught.value) is error
    assert botapi.TOKEN not in f"{caught.value!r}{caught.value.__cause__!r}"
    if fault.parameters:
        assert caught.value.retry_after == 7


async def test_nobody_there_is_unreachable(files):
    channel = TelegramChannel(
        botapi.TOKEN, "x", phrase=str, media=files, api_url="http://127.0.0.1:9", read_timeout=1
    )
    with pytest.raises(ChannelUnreachable):
        await channel.send(queued())
    await channel.typing("55")
    await channel.acknowledge(channel.parse(await botapi.BotApi().press("t", 1))[0])
    await channel.close()


async def test_an_answer_the_library_cannot_read_still_counts_as_sent(api, channel):
    """A second try would send the message twice."""
    api._on_sendMessage = lambda parameters, _: botapi.JSONResponse(
        {"ok": True, "result": {"message_id": 77, "reply_markup": {"keyboard": []}}}
    )
    assert (await channel.send(queued())).channel_message_id == "55:77"


async def test_a_chat_that_moved_is_followed(api, channel):
    moved = Fault("sendMessage", 400, "Bad Request: group chat was upgraded", {"migrate_to_chat_id": -1009})
    api.faults.append(moved)
    sent = await channel.send(queued(chat="-9"))
    assert sent.channel_message_id.startswith("-1009:")
    assert sent.moved_to == "-1009"
    assert (await channel.send(queued())).moved_to is None


async def test_long_and_colourful_titles_stay_within_64_bytes_of_data(api, channel):
    titles = ("🚰 Gangguan air bersih di Kelurahan Gununggedangan 💧" * 3, "Ngapunten, sanès punika 🙏🏽")
    offered = tuple(Button(title, "/inform" + "é" * 200, secrets.token_urlsafe(12)) for title in titles)
    await channel.send(queued(buttons=offered))
    [call] = api.sent()
    keys = [key for row in call["reply_markup"]["inline_keyboard"] for key in row]
    assert [key["callback_data"] for key in keys] == [button.token for button in offered]
    assert all(len(key["callback_data"].encode()) <= 64 for key in keys)
    assert api.problems == []


async def test_one_throttled_or_silent_chat_stalls_nobody(api, channel):
    api.faults += [
        Fault("sendMessage", 429, "Too Many Requests", {"retry_after": 30}, chat_id=1, times=-1),
        Fault("sendMessage", 500, hang=5, chat_id=2, times=-1),
    ]
    troubled = [asyncio.create_task(channel.send(queued(chat=chat))) for chat in ("1", "2")]
    started = time.monotonic()
    await asyncio.gather(*(channel.send(queued(chat=str(chat))) for chat in range(3, 33)))
    assert not troubled[1].done()
    assert len(api.sent()) == 32
    await asyncio.gather(*troubled, return_exceptions=True)
    assert time.monotonic() - started < 5


async def test_a_citizens_file_is_fetched(api, channel):
    api.files["large1"] = picture()
    data, content_type = await channel.download(IncomingMedia("large1", content_type="image/png"))
    assert (data, content_type) == (picture(), "image/jpeg")


@pytest.mark.parametrize(
    "media", [IncomingMedia(), IncomingMedia("x", size=20_000_001), IncomingMedia("unknown")]
)
async def test_a_file_that_telegram_does_not_give_is_refused(channel, media):
    with pytest.raises(MessageRefused):
        await channel.download(media)


@pytest.mark.parametrize(
    ("headers", "real"),
    [
        ({"X-Telegram-Bot-Api-Secret-Token": "rahasia-1"}, True),
        ({"x-telegram-bot-api-secret-token": "rahasia-1"}, True),
        ({"x-telegram-bot-api-secret-token": "rahasia-2"}, False),
        ({"x-telegram-bot-api-secret-token": "rahasia-é\udce9"}, False),
        ({}, False),
    ],
)
async def test_a_webhook_call_needs_the_secret(channel, headers, real):
    assert channel.verify(headers, b"{}") is real


async def test_without_a_secret_no_webhook_call_is_believed():
    channel = TelegramChannel(botapi.TOKEN, "x", phrase=str)
    assert not channel.verify({"x-telegram-bot-api-secret-token": ""}, b"{}")
    await channel.close()


async def test_a_pressed_button_stops_spinning_and_says_when_it_was_too_late(api, channel):
    for repeated in (False, True):
        [message] = channel.parse(await api.press("token-0", 6))
        await channel.acknowledge(message, repeated)
    first, second = api.sent(method="answerCallbackQuery")
    assert "text" not in first
    assert second["text"] == "telegram.already_done"


async def test_a_group_is_told_and_left_once(api, channel):
    group = {"id": -1001, "type": "supergroup", "title": "RT 05"}
    for _ in range(3):
        update = await api.put(message={**api.message(text="halo"), "chat": group})
        assert channel.parse(update) == []
        await channel.leave_group(update)
    assert [call.method for call in api.calls] == ["sendMessage", "leaveChat"]


async def test_the_webhook_is_registered_with_its_secret(api, channel):
    settings = SimpleNamespace(public_url="https://lawang.mojokertokota.example")
    assert await channel.register_webhook(settings)
    [call] = api.sent(method="setWebhook")
    assert call["url"] == "https://lawang.mojokertokota.example/channels/telegram"
    assert call["secret_token"] == "rahasia-1"
    assert "callback_query" in call["allowed_updates"]
    assert len(api.sent(method="setMyCommands")[0]["commands"]) == 9
    assert [call.get("language_code") for call in api.sent(method="setMyCommands")] == [
        None,
        "id",
        "en",
        "jv",
    ]


async def test_each_language_of_a_phone_has_its_menu_and_all_others_the_indonesian_one(api):
    sentences = texts.load(settings_module.ROOT)
    phrase = partial(sentences.render, tenant="kota_mojokerto")
    channel = TelegramChannel(botapi.TOKEN, "kota_mojokerto", phrase=phrase, api_url=api.url)
    await channel.open()
    await channel.publish_commands()
    await channel.close()
    menus = {
        call.get("language_code"): {item["command"]: item["description"] for item in call["commands"]}
        for call in api.sent(method="setMyCommands")
    }
    assert menus[None] == menus["id"]
    assert {name: menu["petugas"] for name, menu in menus.items() if name} == {
        "id": "Bicara dengan petugas",
        "en": "Talk to a person",
        "jv": "Omong karo petugas",
    }
    # A command that has no words in a language yet is told in Indonesian.
    assert all(menu.keys() == menus["id"].keys() for menu in menus.values())


async def test_a_menu_without_words_of_its_own_is_indonesian(api):
    def phrase(key):
        if "commands_" in key:
            raise KeyError(key)
        return key

    channel = TelegramChannel(botapi.TOKEN, "kota_mojokerto", phrase=phrase, api_url=api.url)
    await channel.open()
    await channel.publish_commands()
    await channel.close()
    first, *others = [call["commands"] for call in api.sent(method="setMyCommands")]
    assert others == [first] * 3


async def test_a_webhook_that_is_throttled_is_tried_again_and_one_refused_is_told(api, channel, caplog):
    settings = SimpleNamespace(public_url="https://x.example")
    api.faults.append(Fault("setWebhook", 429, "Too Many Requests", {"retry_after": 0.2}))
    assert await channel.register_webhook(settings)
    api.faults.append(Fault("setWebhook", 400, "Bad Request: bad webhook: HTTPS url must be provided"))
    assert not await channel.register_webhook(settings)
    assert "https url must be provided" in caplog.text


async def test_the_token_and_the_words_stay_out_of_the_logs(api, channel, caplog):
    caplog.set_level(logging.DEBUG)
    await channel.send(queued("NIK saya 3576010101900001"))
    api.faults.append(Fault("sendMessage", 401, "Unauthorized"))
    with pytest.raises(TokenRejected):
        await channel.send(queued())
    assert botapi.TOKEN not in caplog.text
    assert "3576010101900001" not in caplog.text
    assert botapi.TOKEN not in repr(channel)


async def test_every_call_can_be_watched(api, files):
    seen = []
    channel = TelegramChannel(
        botapi.TOKEN, "x", phrase=str, media=files, api_url=api.url, on_call=lambda *call: seen.append(call)
    )
    await channel.send(queued(buttons=buttons("Ya")))
    await channel.typing("55")
    await channel.close()
    assert [(name, code) for name, _, _, code, _ in seen] == [("sendMessage", 200), ("sendChatAction", 200)]
    assert all(botapi.judge_call(name, parameters) == [] for name, parameters, *_ in seen)


async def test_the_sentences_of_telegram_exist():
    settings = replace(settings_module.load(), telegram_token=botapi.TOKEN)
    channel = TelegramChannel.from_settings(settings, media=None)
    for key in (
        "already_done",
        "send_location",
        "group_farewell",
        *(f"commands.{name}" for name in COMMANDS),
    ):
        assert 0 < len(channel._phrase(f"telegram.{key}")) <= 256
    await channel.close()


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("sendMessage", {"chat_id": 1, "text": "x" * 4097}),
        ("sendMessage", {"chat_id": 1}),
        ("sendMessage", {"chat_id": 1, "text": "a", "parse_mod": "HTML"}),
        ("sendPhoto", {"chat_id": 1, "photo": "f", "caption": "x" * 1025}),
        ("answerCallbackQuery", {"callback_query_id": "1", "text": "x" * 201}),
        ("sendMesage", {"chat_id": 1, "text": "a"}),
    ],
)
async def test_the_judge_of_calls_is_strict(method, parameters):
    assert botapi.judge_call(method, parameters)
