"""A database that has been in use for years: cases, their citizens and what was reported about them."""

import sqlalchemy as sa

from bot.storage.database import Database

CASES_A_CONVERSATION = 20
TOPICS = ("jalan_rusak", "lampu_jalan", "sampah", "pohon", "drainase_banjir", "parkir_liar", "hewan", "wifi")
REGIONS = ("35.76.01.1003", "35.76.02.1004", "35.76.02.1010", "35.76.03.1001", "35.76.03.1005")

# One statement for both engines, over a table of numbers: nine of ten cases are done, all are in the city.
_CITIZENS = """
INSERT INTO citizens (id, tenant, created_at)
SELECT 'f' || n, 'kota_mojokerto', '2025-01-01 00:00:00+00:00' FROM numbers WHERE n <= :conversations
"""
_CONVERSATIONS = """
INSERT INTO conversations (id, tenant, citizen_id, channel, address, owner, failures, consented, created_at,
    updated_at)
SELECT 'f' || n, 'kota_mojokerto', 'f' || n, 'webchat', 'f' || n, 'bot', 0, true, '2025-01-01 00:00:00+00:00',
    '2025-01-01 00:00:00+00:00' FROM numbers WHERE n <= :conversations
"""
_CASES = """
INSERT INTO cases (id, tenant, conversation_id, connector, reference, kind, topic, status, description, place,
    latitude, longitude, region, origin, filed_at, verify_by, promised_at, moved_at, created_at, updated_at,
    polled_at, false_closures)
SELECT 'f' || n, 'kota_mojokerto', 'f' || (1 + n % :conversations), 'curhat_ning_ita', 'MJK-F-' || n,
    'complaint', CASE n % 8 {topics} END, CASE WHEN n % 10 = 0 THEN 'in_progress' ELSE 'done' END,
    'laporan lama nomor ' || n, 'kelurahan dan jalan nomor ' || n,
    -7.50 + (n % 5000) * 0.00001, 112.41 + (n % 6000) * 0.00001, CASE n % 5 {regions} END, 'filed',
    '2025-01-01 00:00:00+00:00', '2030-01-01 00:00:00+00:00', '2030-01-01 00:00:00+00:00',
    '2025-01-01 00:00:00+00:00', '2026-10-01 00:00:00+00:00', '2025-01-01 00:00:00+00:00',
    '2030-01-01 00:00:00+00:00', 0
FROM numbers
"""
_UPDATES = """
INSERT INTO updates (connector, event_id, subject, reference, status, outcome, occurred_at, received_at)
SELECT 'curhat_ning_ita', 'f' || n, 'case', 'MJK-F-' || n, 'done', 'applied', '2025-01-01 00:00:00+00:00',
    '2025-01-01 00:00:00+00:00' FROM numbers
"""


async def fill(database: Database, rows: int) -> None:
    """Put `rows` cases with one update each into an empty database, and let its planner know."""
    if not rows:
        return
    conversations = max(1, rows // CASES_A_CONVERSATION)
    numbers = (
        f"WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})"
        if database.is_sqlite
        else f"WITH numbers AS (SELECT generate_series(1, {rows}) AS n)"
    )
    cases = _CASES.format(topics=_cases(TOPICS), regions=_cases(REGIONS))
    async with database.transaction() as conn:
        for statement in (_CITIZENS, _CONVERSATIONS, cases, _UPDATES):
            insert, select = statement.split("SELECT", 1)
            moved = f"{insert} {numbers} SELECT{select}"
            named = moved.replace(":conversations", str(conversations))
            if not database.is_sqlite:
                named = _typed(named)
            await conn.execute(sa.text(named.replace(":", r"\:")))
    async with database.transaction() as conn:
        await conn.execute(sa.text("ANALYZE"))


def _cases(values: tuple[str, ...]) -> str:
    return " ".join(f"WHEN {place} THEN '{value}'" for place, value in enumerate(values))


def _typed(statement: str) -> str:
    """PostgreSQL takes no text for a time inside a SELECT."""
    for day in ("2025-01-01", "2026-10-01", "2030-01-01"):
        moment = f"'{day} 00:00:00+00:00'"
        statement = statement.replace(moment, f"timestamptz {moment}")
    return statement
