"""A promised date: the department is reminded before, the citizen is told honestly after, each once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.conversations import promises, updates
from bot.door import Door
from bot.storage import tables
from connectors.capabilities import CaseStatus, StatusUpdate
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

APP, REFERENCE = "curhat_ning_ita", "MJK-2611-000123"
NOW = datetime.now(UTC)
VERIFY, PROMISED = NOW + timedelta(days=3), NOW + timedelta(days=5)


@pytest.fixture
async def citizen(door: Door, engine: ScriptedEngine) -> Citizen:
    """Somebody with a promise."""
    engine.effects = lambda turn: [
        {
            "type": "case_opened",
            "connector": APP,
            "reference": REFERENCE,
            "kind": "complaint",
            "status": "received",
            "topic": "lampu_jalan",
            "verify_by": VERIFY.isoformat(),
            "promised_at": PROMISED.isoformat(),
        },
    ]
    citizen = Citizen(door)
    await citizen.say("lampu mati")
    await answer_all(door)
    await citizen.replies()
    engine.effects = lambda turn: []
    return citizen


async def told(door: Door) -> list[str]:
    async with door.database.reading() as conn:
        query = sa.select(tables.notes.c.kind).order_by(tables.notes.c.created_at)
        return [row.kind for row in await conn.execute(query)]


# Each row: how many days later, the state by then, what the department was told, whether the citizen was.
DAYS = [
    ("before anything is due", 2.5, "received", [], False),
    ("nobody looked at it in time", 3.5, "received", ["unverified"], False),
    ("somebody did", 3.5, "verified", [], False),
    ("a day before the promise", 4.5, "in_progress", ["reminder"], False),
    ("after it", 5.5, "in_progress", ["reminder", "escalation"], True),
    ("after it, but done", 5.5, "done", [], False),
]


@pytest.mark.parametrize(
    ("days", "state", "notes", "owned_up"), [row[1:] for row in DAYS], ids=[row[0] for row in DAYS]
)
async def test_what_happens_when(
    door: Door, citizen: Citizen, days: float, state: str, notes: list[str], owned_up: bool
) -> None:
    if state != "received":
        update = StatusUpdate(APP, "case", "e1", REFERENCE, state, datetime.now(UTC))
        await updates.record(door, update)
    await citizen.replies()
    for _ in range(3):
        await promises.look(door, NOW + timedelta(days=days))
    assert await told(door) == notes
    texts = await citizen.texts()
    assert ["tidak ditepati" in text for text in texts] == ([True] if owned_up else [])


async def test_many_workers_own_up_once(door: Door, open_doors: Any, citizen: Citizen) -> None:
    doors = [door, open_doors(), open_doors()]
    late = NOW + timedelta(days=6)
    owned = await asyncio.gather(*(promises.look(each, late) for each in doors for _ in range(4)))
    assert sum(owned) == 1
    assert len(await citizen.replies()) == 1


async def test_the_date_itself_never_moves(door: Door, citizen: Citizen) -> None:
    steps = [CaseStatus.IN_PROGRESS, CaseStatus.DONE, CaseStatus.REOPENED, CaseStatus.DONE]
    for number, state in enumerate(steps):
        update = StatusUpdate(
            APP,
            "case",
            f"e{number}",
            REFERENCE,
            state,
            datetime.now(UTC),
            topic="pencemaran",
            agency=f"D{number}",
        )
        await updates.record(door, update)
        await promises.look(door, NOW + timedelta(days=6))
        async with door.database.reading() as conn:
            row = (await conn.execute(sa.select(tables.cases))).one()
        assert (row.promised_at, row.verify_by) == (PROMISED, VERIFY)
