"""Long polling: nothing is confirmed before it is stored, and nothing stops the loop for good."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from bot.channels import polling
from bot.channels.polling import DeadLetters, Poller
from bot.channels.telegram import TelegramChannel
from bot.storage.keyvalue import MemoryKeyValue
from tests.channels import botapi
from tests.channels.botapi import Fault

pytestmark = pytest.mark.asyncio


class Inbox:
    """A store that remembers in order, knows duplicates, and fails when told to."""

    def __init__(self):
        self.messages = []
        self.duplicates = 0
        self.failing = lambda message: False
        self.repeated = False

    async def accept(self, message):
        if self.failing(message):
            raise OSError("the disk is full")
        if any(known.channel_message_id == message.channel_message_id for known in self.messages):
            self.duplicates += 1
            return True
        self.messages.append(message)
        return self.repeated

    @property
    def texts(self):
        return [message.text for message in self.messages]

    async def wait_for(self, count):
        async with asyncio.timeout(10):
            while len(self.messages) < count:
                await asyncio.sleep(0.01)


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def dead_letters(tmp_path):
    return tmp_path / "dead" / "telegram.jsonl"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Back off in tenths of seconds."""
    monkeypatch.setattr(polling, "LONG_POLL_SECONDS", 1)
    monkeypatch.setattr(polling, "LONGEST_BACKOFF_SECONDS", 0.1)


@pytest.fixture
def polls(channel, inbox, dead_letters):
    @asynccontextmanager
    async def run(leases=None, of=channel, into=inbox):
        stop = asyncio.Event()
        poller = Poller(
            of, leases or MemoryKeyValue(), into.accept, of.acknowledge, DeadLetters(dead_letters)
        )
        task = asyncio.create_task(poller.run(stop))
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(task, 3)

    return run


async def test_messages_arrive_in_order_and_are_confirmed_after_they_are_stored(api, polls, inbox):
    for number in range(120):
        await api.say(f"pesan {number}")
    async with polls():
        await inbox.wait_for(120)
        async with asyncio.timeout(3):
            while len(api.confirmed) < 120:
                await asyncio.sleep(0.01)
    assert inbox.texts == [f"pesan {number}" for number in range(120)]
    assert inbox.duplicates == 0
    assert max(api.deliveries.values()) == 1


async def test_it_starts_by_dropping_a_webhook_and_filling_the_menu(api, polls, inbox):
    api.webhook = "https://old.example"
    async with polls():
        await api.say("halo")
        await inbox.wait_for(1)
    assert [call.method for call in api.calls][:2] == ["deleteWebhook", "setMyCommands"]
    assert "drop_pending_updates" not in api.calls[0].parameters or (
        api.calls[0].parameters["drop_pending_updates"] == "false"
    )


async def test_a_store_that_is_away_confirms_nothing_and_loses_nothing(api, polls, inbox):
    inbox.failing = lambda message: True
    for number in range(3):
        await api.say(f"pesan {number}")
    async with polls():
        async with asyncio.timeout(5):
            while max(api.deliveries.values(), default=0) < 6:
                await asyncio.sleep(0.01)
        assert api.confirmed == []
        inbox.failing = lambda message: False
        await inbox.wait_for(3)
    assert inbox.texts == ["pesan 0", "pesan 1", "pesan 2"]


async def test_an_update_that_only_the_store_chokes_on_is_put_aside(api, polls, inbox, dead_letters):
    inbox.failing = lambda message: message.text == "racun"
    for text in ("satu", "racun", "dua"):
        await api.say(text)
    async with polls():
        await inbox.wait_for(2)
        await api.say("tiga")
        await inbox.wait_for(3)
    assert inbox.texts == ["satu", "dua", "tiga"]
    [line] = dead_letters.read_text().splitlines()
    assert json.loads(line)["reason"] == "cannot be stored: OSError"


async def test_a_poison_update_is_put_aside_and_the_rest_of_the_batch_read(api, polls, inbox, dead_letters):
    await api.say("sebelum")
    await api.put(check=False, message={"message_id": 1, "text": "rahasia 3576010101900001", "chat": "?"})
    await api.say("sesudah")
    async with polls():
        await inbox.wait_for(2)
        await api.say("lagi")
        await inbox.wait_for(3)
    assert inbox.texts == ["sebelum", "sesudah", "lagi"]
    [line] = dead_letters.read_text().splitlines()
    assert "unreadable" in json.loads(line)["reason"]
    assert "3576010101900001" not in line
    assert dead_letters.stat().st_mode & 0o777 == 0o600


async def test_a_batch_of_nonsense_does_not_end_the_loop(api, polls, inbox):
    api.faults.append(Fault("getUpdates", 200, "not a list"))
    async with polls():
        await api.say("halo")
        await inbox.wait_for(1)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("getUpdates", 409, "Conflict: terminated by other getUpdates request", times=2),
        Fault("getUpdates", 409, "Conflict: can't use getUpdates method while webhook is active", times=2),
        Fault("getUpdates", 500, times=2),
        Fault("getUpdates", 502, "Bad Gateway", times=2),
        Fault("getUpdates", 429, "Too Many Requests", {"retry_after": 0.1}, times=2),
        Fault("getUpdates", 401, "Unauthorized", times=2),
        Fault("deleteWebhook", 500, times=2),
        Fault("setMyCommands", 500, times=-1),
    ],
    ids=lambda fault: f"{fault.method} {fault.description}",
)
async def test_the_loop_outlives_the_troubles_of_telegram(api, polls, inbox, fault):
    api.faults.append(Fault(**vars(fault)))
    await api.say("halo")
    async with polls():
        await inbox.wait_for(1)
    assert inbox.texts == ["halo"]


async def test_a_pressed_button_is_acknowledged_once_it_is_stored(api, polls, inbox):
    async with polls():
        await api.press("token-0", 6)
        await api.wait_for(1, method="answerCallbackQuery")
        assert [message.button for message in inbox.messages] == ["token-0"]
        inbox.repeated = True
        await api.press("token-0", 6)
        answers = await api.wait_for(2, method="answerCallbackQuery")
    assert [answer.get("text") for answer in answers] == [None, "telegram.already_done"]


async def test_only_the_holder_of_the_lease_polls_and_another_takes_over(api, polls, inbox, files):
    leases = MemoryKeyValue()
    second = TelegramChannel(botapi.TOKEN, "x", phrase=str, media=files, api_url=api.url)
    try:
        async with polls(leases):
            await api.say("satu")
            await inbox.wait_for(1)
            async with polls(leases, of=second):
                await api.say("dua")
                await inbox.wait_for(2)
        async with polls(leases, of=second):
            await api.say("tiga")
            await inbox.wait_for(3)
    finally:
        await second.close()
    assert inbox.texts == ["satu", "dua", "tiga"]
    assert inbox.duplicates == 0


async def test_numbers_that_start_anew_after_a_quiet_week_are_not_skipped(api, polls, inbox):
    async with polls():
        await api.say("lama")
        await inbox.wait_for(1)
        await asyncio.sleep(1.3)
        api._update_ids = iter(range(5, 100))
        await api.say("baru")
        await inbox.wait_for(2)
    assert inbox.texts == ["lama", "baru"]


async def test_stopping_does_not_wait_for_the_long_poll(api, polls, monkeypatch):
    monkeypatch.setattr(polling, "LONG_POLL_SECONDS", 30)
    async with polls():
        await asyncio.sleep(0.2)


async def test_the_book_of_dead_letters_starts_anew_when_it_is_full(dead_letters, monkeypatch):
    monkeypatch.setattr(polling, "MAX_DEAD_LETTER_BYTES", 10)
    letters = DeadLetters(dead_letters)
    letters.add({"update_id": 1}, "first")
    letters.add({"update_id": 2}, "second")
    assert "second" in dead_letters.read_text()
    assert "first" in dead_letters.with_suffix(".jsonl.1").read_text()
