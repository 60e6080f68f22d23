"""The operator sees what is stuck and why, tries it again, and hides what must not be seen."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from bot.__main__ import main
from bot.door import Door
from bot.storage import tables
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

DRAFT = {"idempotency_key": "k-1", "topic": "lampu_jalan", "description": "Lampu mati",
         "place": {"text": "Wates"}, "photos": []}  # fmt: skip


@pytest.fixture
def run(door: Door, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setenv("DATABASE_URL", door.settings.database_url)
    return lambda *words: CliRunner().invoke(main, ["cases", *words])


@pytest.fixture
async def waiting(door: Door, engine: ScriptedEngine) -> str:
    """A report that its city could not take; its number."""
    engine.effects = lambda turn: [{"type": "case_queued", "connector": "curhat_ning_ita", "draft": DRAFT}]
    citizen = Citizen(door)
    await citizen.say("lampu mati")
    await answer_all(door)
    async with door.database.transaction() as conn:
        await conn.execute(
            sa.update(tables.filings).values(attempts=7, reason="BackendUnreachable", status="refused")
        )
        return str((await conn.execute(sa.select(tables.cases.c.reference))).scalar_one())


async def in_thread(run: Any, *words: str) -> str:
    result = await asyncio.to_thread(run, *words)
    return f"{result.exit_code} {result.output}"


async def test_what_is_stuck_is_listed_with_its_reason_and_tried_again(
    door: Door, waiting: str, run: Any
) -> None:
    listed = await in_thread(run, "stuck")
    assert waiting in listed
    assert "BackendUnreachable" in listed
    assert "7 tries" in listed
    assert (await in_thread(run, "again", "k-1")).startswith("0")
    async with door.database.reading() as conn:
        row = (await conn.execute(sa.select(tables.filings))).one()
    assert row.status == "waiting"
    assert row.next_try_at <= datetime.now(UTC)
    assert "Nothing is stuck" in await in_thread(run, "again", "nonsense")


async def test_a_person_who_looked_lets_a_report_be_filed_without_looking_for_it(
    door: Door, waiting: str, run: Any
) -> None:
    asked = {**DRAFT, "asked_at": "2026-11-24T08:00:00+00:00"}
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(tables.filings).values(draft=asked))
    for words, kept in ((("k-1",), asked), (("k-1", "--not-filed"), DRAFT)):
        assert (await in_thread(run, "again", *words)).startswith("0")
        async with door.database.reading() as conn:
            assert (await conn.execute(sa.select(tables.filings.c.draft))).scalar_one() == kept


async def test_late_and_hidden(door: Door, waiting: str, run: Any) -> None:
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(tables.cases).values(promised_at=datetime.now(UTC) - timedelta(days=1)))
    assert waiting in await in_thread(run, "late")
    assert "is hidden" in await in_thread(run, "hide", waiting)
    async with door.database.reading() as conn:
        assert (await conn.execute(sa.select(tables.cases.c.hidden_at))).scalar() is not None
    assert "shown again" in await in_thread(run, "hide", waiting, "--undo")
    assert "No report" in await in_thread(run, "hide", "MJK-0")
