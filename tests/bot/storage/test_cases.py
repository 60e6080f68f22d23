"""What a case is asked for stays quick among a million: every question has an index of its own."""

import pytest
import sqlalchemy as sa

from bot.storage.cases import OPEN
from bot.storage.database import Database
from bot.storage.tables import WATCHED

QUESTIONS = {
    "promises": f"SELECT id FROM cases WHERE promised_at <= '2026-11-27 00:00:00' AND {WATCHED}",
    "nearby": "SELECT id FROM cases WHERE tenant = 'k' AND topic = 't' AND latitude BETWEEN -7.5 AND -7.4",
    "region": "SELECT id FROM cases WHERE tenant = 'k' AND topic = 't' AND region = 'r'",
    "followers": "SELECT id FROM cases WHERE connector = 'c' AND reference = 'r'",
    "mine": "SELECT id FROM cases WHERE conversation_id = 'x'",
    "notes": "SELECT key FROM notes WHERE status = 'waiting' AND next_try_at <= '2026-11-27 00:00:00'",
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
async def test_no_question_reads_the_whole_table(database: Database, question: str) -> None:
    async with database.transaction() as conn:
        if not database.is_sqlite:
            # A few rows are read faster without an index; what counts is that there is one to use.
            await conn.execute(sa.text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
        plan = "\n".join(str(row) for row in await conn.execute(sa.text(explain + question)))
    assert "USING INDEX" in plan or "USING COVERING INDEX" in plan or "Index" in plan, plan
    assert "Seq Scan" not in plan, plan


def test_what_is_watched_is_what_is_open() -> None:
    assert sorted(WATCHED.split("(")[1].rstrip(")").replace("'", "").split(", ")) == sorted(OPEN)
