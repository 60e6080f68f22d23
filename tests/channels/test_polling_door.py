"""Citizens on Telegram and the whole front door between them and a scripted dialogue, by long polling."""

import asyncio
import io
import os
import random
import re
import signal
import sqlite3
import sys
from dataclasses import replace

import pytest
from PIL import Image

from tests.channels import botapi
from tests.channels.botapi import Fault
from tests.channels.running import scripted, with_telegram, working


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
async def api():
    server = botapi.BotApi()
    async with botapi.serving(server.app()) as server.url:
        yield server
    assert server.problems == []


@pytest.fixture
def engine():
    return scripted()


@pytest.fixture
async def talking(door, settings, api):
    """A door that polls the strict Bot API."""
    settings = replace(
        settings, telegram_token=botapi.TOKEN, telegram_api_url=api.url, telegram_mode="webhook"
    )
    door, channel = with_telegram(door, settings)
    async with working(door, channel):
        yield door
    await channel.close()


def buttons(call):
    return [item for row in call["reply_markup"]["inline_keyboard"] for item in row]


async def test_a_dialogue_with_commands_buttons_a_photo_a_place_and_an_edit(api, talking, engine):
    await api.say("/start")
    [greeting] = await api.wait_for(1)
    assert "/privasi" in greeting["text"]

    first = await api.say("lapor jalan rusak")
    question = (await api.wait_for(2))[1]
    yes, no = buttons(question)
    assert (yes["text"], no["text"]) == ("Benar", "Bukan")

    await api.press(yes["callback_data"], 2)
    assert "/affirm" in (await api.wait_for(3))[2]["text"]
    assert "text" not in (await api.wait_for(1, method="answerCallbackQuery"))[0]

    await api.send_picture(picture(), "lubang di depan pasar")
    assert "lubang di depan pasar (1 foto)" in (await api.wait_for(4))[3]["text"]
    [photo] = engine.turns[-1].photos
    assert Image.open(talking.media.path(photo["media_id"])).format == "JPEG"

    await api.say("di mana?")
    assert (await api.wait_for(5))[4]["reply_markup"]["keyboard"][0][0]["request_location"]
    place = {"latitude": -7.4722, "longitude": 112.4336}
    await api.put(message=api.message(location=place))
    await api.wait_for(6)
    assert engine.turns[-1].location.latitude == pytest.approx(-7.4722)

    amended = {**first["message"], "text": "lapor jalan berlubang", "edit_date": first["message"]["date"] + 9}
    await api.put(edited_message=amended)
    await api.wait_for(7)


async def test_a_button_pressed_twice_counts_once(api, talking, engine):
    await api.say("lapor")
    yes, _ = buttons((await api.wait_for(1))[0])
    await api.press(yes["callback_data"], 2)
    await api.wait_for(2)
    await api.press(yes["callback_data"], 2)
    await api.wait_for(3)
    assert [turn.text for turn in engine.turns] == ["lapor", "/affirm"]
    await api.wait_for(2, method="answerCallbackQuery")


async def test_typed_words_count_as_the_button_and_a_typed_payload_does_not(api, talking, engine):
    await api.say("lapor")
    await api.wait_for(1)
    await api.say("benar")
    await api.wait_for(2)
    await api.say("/affirm")
    await api.wait_for(3)
    assert [turn.text for turn in engine.turns][1] == "/affirm"
    assert not engine.turns[2].text.startswith("/")


async def test_the_same_update_delivered_again_is_answered_once(api, talking, engine):
    update = await api.say("halo")
    await api.wait_for(1)
    await api.put(message=update["message"])
    await api.say("lagi")
    await api.wait_for(2)
    assert [turn.text for turn in engine.turns] == ["halo", "lagi"]


async def test_five_thousand_characters_are_answered_in_parts_that_fit(api, talking):
    await api.say("Jalan di depan rumah saya rusak 😀. " * 130)
    parts = await api.wait_for(2)
    assert all(len(part["text"]) <= 4096 for part in parts)


async def test_one_throttled_chat_a_silent_one_and_a_blocked_one_stall_nobody(api, talking):
    api.faults += [
        Fault("sendMessage", 429, "Too Many Requests", {"retry_after": 1}, chat_id=1, times=1),
        Fault("sendMessage", 500, hang=4, chat_id=2, times=1),
        Fault("sendMessage", 403, "Forbidden: bot was blocked by the user", chat_id=3, times=-1),
    ]
    for chat in range(1, 9):
        await api.say(f"halo dari {chat}", chat)
    async with asyncio.timeout(4):
        for chat in range(4, 9):
            await api.wait_for(1, chat)
        await api.wait_for(2, 1)
    assert len(api.sent(3)) == 1


async def test_a_citizen_who_comes_back_is_answered_again(api, talking):
    blocked = Fault("sendMessage", 403, "Forbidden: bot was blocked by the user", chat_id=3, times=1)
    api.faults.append(blocked)
    await api.say("halo", 3)
    await api.wait_for(1, 3)
    await asyncio.sleep(0.3)
    await api.say("saya kembali", 3)
    assert "saya kembali" in (await api.wait_for(2, 3))[-1]["text"]


async def test_an_emergency_is_answered_though_the_dialogue_is_dead(api, talking, engine):
    engine.delay = 60
    await api.say("tolong kebakaran di pasar")
    [answer] = await api.wait_for(1)
    assert "113" in answer["text"] or "112" in answer["text"]


async def test_a_process_killed_at_any_moment_loses_and_doubles_nothing(api, tmp_path):
    """Twice killed right after Telegram handed over a batch: every message is stored once and answered."""
    environment = {
        **os.environ,
        "LAWANG_VAR": str(tmp_path),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "TELEGRAM_BOT_TOKEN": botapi.TOKEN,
        "TELEGRAM_API_URL": api.url,
        "TELEGRAM_MODE": "polling",
    }
    expected = []

    async def start():
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.channels.running", env=environment, stdout=asyncio.subprocess.PIPE
        )

    for round_number in range(2):
        for number in range(6):
            text = f"pesan {round_number}-{number}"
            expected.append(text)
            await api.say(text, 60 + number % 3)
        api.on_delivery.clear()
        process = await start()
        await asyncio.wait_for(api.on_delivery.wait(), 60)
        await asyncio.sleep(random.uniform(0, 0.03))
        process.send_signal(signal.SIGKILL)
        await process.wait()
    process = await start()
    try:
        async with asyncio.timeout(60):
            while not all(any(text in call["text"] for call in api.sent()) for text in expected):
                await asyncio.sleep(0.05)
    finally:
        process.terminate()
        await process.wait()
    with sqlite3.connect(tmp_path / "lawang.db") as database:
        stored = database.execute("SELECT text FROM messages WHERE direction = 'in' ORDER BY id").fetchall()
        turns = database.execute("SELECT count(*) FROM turns").fetchone()
    assert sorted(text for (text,) in stored) == sorted(expected)
    assert turns == (len(expected),)
    for chat in (60, 61, 62):
        order = [int(re.search(r"(\d+): pesan", call["text"])[1]) for call in api.sent(chat)]
        assert order == sorted(order)
        assert set(order) == {1, 2, 3, 4}
