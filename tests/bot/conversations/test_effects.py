"""An effect that cannot be used is left out; it never keeps the citizen from an answer, now or later."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from bot.door import Door
from bot.storage import tables
from bot.vocabulary.conversations import Reply, Say
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

CASE = {
    "type": "case_opened",
    "connector": "a",
    "reference": "R-1",
    "kind": "complaint",
    "status": "received",
}
BOOKING = {"type": "booking_made", "connector": "a", "code": "C-1", "number": "1", "counter": "2",
           "service": "kk", "starts_at": "2026-11-24T09:00:00+07:00"}  # fmt: skip
UNUSABLE: list[Any] = [
    None,
    "case_opened",
    {"type": "case_queued", "connector": "a", "draft": {}},
    {"type": "case_queued", "connector": "a", "draft": None},
    BOOKING | {"starts_at": "besok"},
    BOOKING | {"starts_at": None},
    CASE | {"reference": None},
    CASE | {"reference": {"a": 1}},
    CASE | {"latitude": "utara"},
    CASE | {"promised_at": "0001-01-01T00:00:00+07:00"},
    {"type": "handoff_requested", "reason": "x", "summary": object()},
]


async def rows(door: Door, table: sa.Table) -> list[Any]:
    async with door.database.reading() as conn:
        return list(await conn.execute(sa.select(table)))


@pytest.mark.parametrize("effect", UNUSABLE, ids=range(len(UNUSABLE)))
async def test_one_that_cannot_be_used_is_left_out_and_the_others_happen(
    door: Door, engine: ScriptedEngine, effect: Any
) -> None:
    engine.effects = lambda turn: [CASE | {"reference": "before"}, effect, CASE | {"reference": "after"}]
    citizen = Citizen(door)
    await citizen.say("satu")
    await answer_all(door)
    engine.effects = lambda turn: []
    await citizen.say("dua")
    await answer_all(door)
    assert [text.splitlines()[0] for text in await citizen.texts()] == [
        "Catatan petugas: 1: satu",
        "Catatan petugas: 2: dua",
    ]
    references = {row.reference for row in await rows(door, tables.cases)}
    assert {"before", "after"} <= references


async def test_a_state_nobody_knows_is_kept_as_unknown_and_can_be_read_again(
    door: Door, engine: ScriptedEngine
) -> None:
    engine.effects = lambda turn: [CASE | {"status": "terbang"}]
    citizen = Citizen(door)
    for text in ("satu", "dua"):
        await citizen.say(text)
        await answer_all(door)
    assert len(await citizen.texts()) == 2
    assert engine.turns[1].cases[0]["status"] == "unknown"


async def test_a_time_without_an_offset_is_the_tenants(door: Door, engine: ScriptedEngine) -> None:
    engine.effects = lambda turn: [BOOKING | {"starts_at": "2026-11-24T09:00:00"}]
    citizen = Citizen(door)
    await citizen.say("satu")
    await answer_all(door)
    [booking] = await rows(door, tables.bookings)
    assert booking.starts_at == datetime(2026, 11, 24, 2, tzinfo=UTC)


async def test_effects_without_a_word_are_no_silence(door: Door, engine: ScriptedEngine) -> None:
    engine.answer = lambda turn: Reply((), (CASE,), {})
    citizen = Citizen(door)
    await citizen.say("satu")
    await answer_all(door)
    assert "terganggu" in (await citizen.texts())[0]
    assert len(await rows(door, tables.cases)) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply((Say("update.note", {"note": "x"}, ({"payload": "/a"},)),), (), {}),
        Reply((Say("update.note", {"note": "x"}, ({"title": "Ya"},)),), (), {}),
        Reply((Say("update.note", {"note": "x"}, attachments=({},)),), (), {}),
        Reply((Say("update.note", {"note": "x"}),), (), {"a": object()}),
        Reply((Say("update.note", {"note": "\ud800"}),), (), {}),
    ],
    ids=["button without title", "button without payload", "empty attachment", "odd state", "surrogate"],
)
async def test_an_answer_that_cannot_be_stored_is_replaced_by_an_honest_one(
    door: Door, engine: ScriptedEngine, reply: Reply
) -> None:
    engine.answer = lambda turn: reply
    citizen = Citizen(door)
    await citizen.say("satu")
    await answer_all(door)
    [text] = await citizen.texts()
    assert "terganggu" in text
    engine.answer = engine._count
    await citizen.say("dua")
    await answer_all(door)
    assert "1: dua" in (await citizen.texts())[0]
