"""*Sudah beres?*: the citizen has the last word on whether a case is closed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.conversations import closures, updates
from bot.door import Door
from bot.storage import tables
from connectors.capabilities import CaseStatus, StatusUpdate
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

APP, REFERENCE = "curhat_ning_ita", "MJK-2611-000123"
OPENED = {
    "type": "case_opened",
    "connector": APP,
    "reference": REFERENCE,
    "kind": "complaint",
    "status": "received",
    "topic": "lampu_jalan",
    "promised_at": "2026-11-30T16:00:00+07:00",
}


async def does(door: Door, engine: ScriptedEngine, citizen: Citizen, kind: str, **fields: Any) -> str:
    effect = (
        OPENED
        if kind == "case_opened"
        else {"type": kind, "connector": APP, "reference": REFERENCE, **fields}
    )
    engine.effects = lambda turn: [effect]
    await citizen.say("x")
    await answer_all(door)
    engine.effects = lambda turn: []
    return (await citizen.texts())[-1]


async def report(door: Door, status: str, event: str = "e1", ago: timedelta = timedelta(0)) -> None:
    moment = datetime.now(UTC) - ago
    await updates.record(door, StatusUpdate(APP, "case", event, REFERENCE, status, moment))


async def row(door: Door) -> Any:
    async with door.database.reading() as conn:
        return (await conn.execute(sa.select(tables.cases))).one()


async def told(door: Door) -> list[tuple[str, str]]:
    async with door.database.reading() as conn:
        query = sa.select(tables.notes.c.kind, tables.notes.c.text).order_by(tables.notes.c.created_at)
        return [(note.kind, note.text) for note in await conn.execute(query)]


@pytest.fixture
async def citizen(door: Door, engine: ScriptedEngine) -> Citizen:
    """Somebody whose report was declared done."""
    citizen = Citizen(door)
    await does(door, engine, citizen, "case_opened")
    await report(door, CaseStatus.DONE)
    await citizen.replies()
    return citizen


async def test_not_mended_opens_it_again_and_counts_as_a_false_closure(
    door: Door, engine: ScriptedEngine, citizen: Citizen
) -> None:
    said = await does(door, engine, citizen, "case_reopened", text="masih mati", key="k1")
    assert "dibuka kembali" in said
    case = await row(door)
    assert (case.status, case.false_closures) == ("reopened", 1)
    assert await told(door) == [("reopened", "Pelapor menyatakan belum beres: masih mati")]


async def test_a_word_of_the_city_from_before_does_not_close_it_again(
    door: Door, engine: ScriptedEngine, citizen: Citizen
) -> None:
    await does(door, engine, citizen, "case_reopened", text="masih mati", key="k1")
    await report(door, CaseStatus.DONE, "e0", timedelta(hours=1))
    assert (await row(door)).status == "reopened"
    await report(door, CaseStatus.DONE, "e2")
    assert (await row(door)).status == "done"
    assert "selesai lagi" in (await citizen.texts())[-1]


async def test_opening_it_again_moves_no_promise(
    door: Door, engine: ScriptedEngine, citizen: Citizen
) -> None:
    before = (await row(door)).promised_at
    await does(door, engine, citizen, "case_reopened", text="masih mati", key="k1")
    assert (await row(door)).promised_at == before


async def test_after_the_window_a_new_report_is_offered(
    door: Door, engine: ScriptedEngine, citizen: Citizen
) -> None:
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(tables.cases).values(done_at=datetime.now(UTC) - timedelta(days=60)))
    said = await does(door, engine, citizen, "case_reopened", text="masih mati", key="k1")
    assert "hanya bisa dibuka kembali sampai" in said
    assert (await row(door)).status == "done"
    assert await told(door) == []


def test_the_window_is_counted_in_working_days(door: Door) -> None:
    closed = datetime(2026, 12, 21, 8, tzinfo=UTC)
    # The 24th and 25th are off, and of the new year nothing is known yet.
    assert closures.window(door, "kota_mojokerto", closed).date().isoformat() >= "2027-01-04"
    assert closures.window(
        door, "kota_mojokerto", datetime(2026, 11, 23, 8, tzinfo=UTC)
    ).date().isoformat() == ("2026-12-07")


async def test_mended_is_noted_once_and_asks_how_content(
    door: Door, engine: ScriptedEngine, citizen: Citizen
) -> None:
    for _ in range(3):
        assert "Seberapa puas" in await does(door, engine, citizen, "case_confirmed")
    assert (await row(door)).confirmed_at is not None
    assert [kind for kind, _ in await told(door)] == ["confirmed"]
    assert "Terima kasih" in await does(door, engine, citizen, "case_rated", stars=1)
    assert (await row(door)).rating == 1


async def test_who_joined_only_stops_following(door: Door, engine: ScriptedEngine) -> None:
    first, second = Citizen(door, "warga-1"), Citizen(door, "warga-2")
    await does(door, engine, first, "case_opened")
    await does(door, engine, second, "case_joined")
    said = await does(door, engine, second, "case_withdrawn", key="k1")
    assert "tidak lagi mengikuti" in said
    assert "withdrawn" not in [kind for kind, _ in await told(door)]
    said = await does(door, engine, first, "case_withdrawn", key="k2")
    assert "sudah ditarik" in said
    assert "withdrawn" in [kind for kind, _ in await told(door)]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("case_reopened", {"text": "x", "key": "k"}),
        ("case_confirmed", {}),
        ("case_rated", {"stars": 5}),
        ("case_withdrawn", {"key": "k"}),
        ("case_noted", {"kind": "comment", "text": "x", "key": "k"}),
    ],
)
async def test_nobody_speaks_for_anothers_case(
    door: Door, engine: ScriptedEngine, citizen: Citizen, kind: str, fields: dict[str, Any]
) -> None:
    fields = dict(fields)
    engine.effects = lambda turn: [{"type": kind, "connector": APP, "reference": REFERENCE, **fields}]
    stranger = Citizen(door, "orang-lain")
    await stranger.say("x")
    await answer_all(door)
    assert "tidak dibuat dari percakapan ini" in (await stranger.texts())[-1]
    assert await told(door) == []
    assert (await row(door)).status == "done"
