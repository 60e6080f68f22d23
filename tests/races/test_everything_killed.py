"""kill -9 of any process at any moment loses nothing and does nothing twice."""

import asyncio
import random
import re
import sqlite3
from pathlib import Path

import pytest

from bot.chatclient import ChatError
from tests.journeys.talking import Journey, journey
from tests.system.running import System

pytestmark = pytest.mark.system

CITIZENS = 10
VICTIMS = ("worker", "rasa", "actions", "door")
QUESTIONS = (
    "syarat bikin akta kelahiran apa?",
    "jam bukanya?",
    "biayanya berapa?",
    "cara bikin KIA gimana",
    "mau urus NIB di mana",
    "paspor bisa di MPP?",
    "syarat pindah datang",
    "terima kasih",
    "KK hilang gimana",
    "menu",
)
# Made up, as ten people in one queue might be called.
NAMES = (
    "Siti Aminah",
    "Budi Santoso",
    "Dewi Lestari",
    "Agus Prasetyo",
    "Rina Wulandari",
    "Joko Susilo",
    "Maria Goreti",
    "Hendra Gunawan",
    "Nur Hidayah",
    "Yohanes Bere",
)


class Script:
    """What one citizen does: 20 turns with one complaint and one booking in them."""

    def __init__(self, talk: Journey, index: int) -> None:
        self.talk = talk
        self.index = index
        self.answered = 0
        self.street = f"Gang Uji {index + 1}"
        self.name = NAMES[index]

    async def turn(self, line: dict[str, str], pace: float) -> str:
        """One turn; an honest "terganggu" is an answer, and the citizen says it again."""
        for _ in range(6):
            answer = await self.talk.send(line)
            assert self.talk.replies, f"{line} was left without an answer"
            if "terganggu" not in answer:
                break
        self.answered += 1
        await asyncio.sleep(pace)
        return answer

    async def play(self, pace: float) -> None:
        """Walk through the 20 turns."""
        say, press = (lambda text: {"text": text}), (lambda title: {"button": title})
        await self.turn(say("selamat siang"), pace)
        await self.turn(say(f"lampu jalan mati di {self.street} kelurahan Wates RT 3 RW 1"), pace)
        await self.turn(say("lewati"), pace)
        assert "Kirim" in self.talk.titles, self.talk.replies
        filed = await self.turn(press("Kirim"), pace)
        assert re.search(r"(MJK|LWG)-\d+|tercatat", filed), filed
        for question in QUESTIONS[:5]:
            await self.turn(say(question), pace)
        await self.turn(say("mau antre di MPP urus KTP hilang hari senin depan"), pace)
        times = [title for title in self.talk.titles if re.fullmatch(r"\d\d\.\d\d", title)]
        assert times, self.talk.replies
        await self.turn(press(times[self.index % len(times)]), pace)
        await self.turn(say(self.name), pace)
        assert "Ya, pesan" in self.talk.titles, self.talk.replies
        await self.turn(press("Ya, pesan"), pace)
        await self.turn(say("antrean saya"), pace)
        for question in QUESTIONS[5:]:
            await self.turn(say(question), pace)
        await self.turn(say("laporan saya"), pace)


async def _kill(system: System, chance: random.Random, over: asyncio.Event) -> int:
    kills = 0
    while not over.is_set():
        try:
            await asyncio.wait_for(over.wait(), chance.uniform(2.0, 5.0))
        except TimeoutError:
            system.kill(chance.choice(VICTIMS))
            kills += 1
    return kills


def _count(database: Path, query: str, *values: object) -> int:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return int(connection.execute(query, values).fetchone()[0])


@pytest.mark.timeout(400)
async def test_two_hundred_turns_survive_random_kills_of_every_process(tmp_path: Path) -> None:
    system = System(tmp_path)
    system.start()
    over, chance = asyncio.Event(), random.Random(20261122)
    try:
        killer = asyncio.create_task(_kill(system, chance, over))
        scripts: list[Script] = []

        async def citizen(index: int) -> None:
            async with journey(system) as talk:
                script = Script(talk, index)
                scripts.append(script)
                try:
                    await script.play(pace=1.5)
                except ChatError as error:
                    raise AssertionError(f"citizen {index}: {error}") from error

        try:
            async with asyncio.timeout(330):
                await asyncio.gather(*(citizen(index) for index in range(CITIZENS)))
        finally:
            over.set()
        kills = await killer
        await asyncio.sleep(3)
        city, ours = tmp_path / "var" / "kota.db", tmp_path / "var" / "lawang.db"
        assert sum(script.answered for script in scripts) == CITIZENS * 20
        assert kills >= 10, "the test must have hurt"
        for script in scripts:
            complaints = _count(
                city, "SELECT count(*) FROM complaints WHERE description LIKE ?", f"%{script.street} %"
            )
            bookings = _count(city, "SELECT count(*) FROM bookings WHERE name = ?", script.name)
            assert (complaints, bookings) == (1, 1), f"{script.name}: filed and booked exactly once"
        assert _count(ours, "SELECT count(*) FROM cases") == CITIZENS
        assert _count(ours, "SELECT count(*) FROM bookings") == CITIZENS
        assert (
            _count(ours, "SELECT count(*) FROM messages WHERE direction = 'in' AND status = 'received'") == 0
        )
    finally:
        system.stop()
