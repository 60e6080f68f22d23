"""A person is asked for in the middle of a form, comes, goes, and the form is still there."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot import settings as settings_module
from bot.conversations.desk import handing, presence, writing
from bot.door import Door, open_door
from bot.storage import agents, handoffs
from bot.vocabulary.agents import Agent, PresenceState
from tests.journeys.talking import journey, number
from tests.system.running import System

pytestmark = pytest.mark.system

REPORT = "lampu jalan mati di depan SDN Wates RT 3 RW 1"
SARI = Agent("5a21" * 8, "kota_mojokerto", "Sari Dewi", capacity=100)


@pytest.fixture
async def desk(system: System, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    """The running system's own desk, with one agent who is away until called."""
    for name, value in system.environment.items():
        monkeypatch.setenv(name, value)
    async with open_door(settings_module.load()) as door:
        async with door.database.transaction() as conn:
            await agents.save(conn, SARI, datetime.now(UTC))
        yield door
        await presence.change(door, SARI, PresenceState.OFFLINE)


@pytest.mark.parametrize(
    "wish", ["minta petugas", "saya mau bicara dengan petugas saja", "pengen ngomong sama orang"]
)
async def test_the_draft_waits_while_a_person_is_asked_for(system: System, wish: str) -> None:
    async with journey(system) as talk:
        await talk.say(REPORT)
        answer = await talk.say(wish)
        assert "urutan ke-" in answer, answer
        assert "simpan untuk petugas" in await talk.say("lampunya yang di pojok")
        assert "masih tersimpan" in await talk.press("Kembali ke Lawang")
        await talk.say("lewati")
        number(await talk.press("Kirim"))


async def test_a_person_comes_answers_and_gives_back_and_the_report_is_filed(
    system: System, desk: Door
) -> None:
    async with journey(system) as talk:
        await talk.say(REPORT)
        await talk.say("minta petugas")
        await presence.change(desk, SARI, PresenceState.AVAILABLE)
        assert "Sari" in await talk.pushed("terhubung dengan")
        async with desk.database.reading() as conn:
            # Others of this system may have waited before; all come to her, ours asked last.
            found = max(await handoffs.had_by(conn, [SARI.id]), key=lambda one: one.queued_at)
        await writing.reply(desk, SARI, found.conversation_id, "Cukup kirim laporannya, Pak.", key="1")
        await talk.pushed("Cukup kirim")
        await handing.to_bot(desk, SARI, found.id, "Silakan lanjutkan laporannya.")
        await talk.pushed("lanjutkan laporannya")
        await talk.say("lewati")
        number(await talk.press("Kirim"))
