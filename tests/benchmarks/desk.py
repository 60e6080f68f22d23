"""The agents' lists, transcripts and search with a history of years, next to an empty database."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from bot.storage import agents, deskfigures, inbox, transcripts
from bot.storage.database import Database, upgrade
from bot.storage.inbox import Box
from bot.vocabulary.agents import Agent
from tests import engines
from tests.benchmarks.figures import Result, Table, number

MESSAGES, CONVERSATIONS = 1_000_000, 100_000
WAITING, ASSIGNED = 200, 150
TENANT = "kota_mojokerto"
ROUNDS = 30

_DAY = "2026-01-01 00:00:00+00:00"
_WORDS = (
    "lampu jalan mati di depan sekolah",
    "syarat membuat akta kelahiran apa saja",
    "jalan berlubang dekat pasar tanjung",
    "sampah menumpuk di pinggir sungai",
    "mau antre di mal pelayanan publik besok",
    "terima kasih banyak atas bantuannya",
    "pohon tumbang menutup jalan wates",
    "air pdam keruh sudah tiga hari",
)


def _later(engine: str, minutes: str) -> str:
    """A time so many minutes after the first, on either engine, in the engine's own way of keeping it."""
    if engine == "sqlite":
        return f"strftime('%Y-%m-%d %H:%M:%S.000000', '2026-01-01', '+' || ({minutes}) || ' minutes')"
    return f"timestamptz '{_DAY}' + ({minutes}) * interval '1 minute'"


def _statements(engine: str, messages: int, conversations: int) -> list[str]:
    words = " ".join(f"WHEN {place} THEN '{text}'" for place, text in enumerate(_WORDS))
    rest = conversations - WAITING - ASSIGNED
    per = messages // conversations
    asked = _later(engine, "n")
    return [
        f"INSERT INTO citizens (id, tenant, created_at) SELECT 'd' || n, '{TENANT}', {asked}"
        f" FROM numbers WHERE n <= {conversations}",
        "INSERT INTO conversations (id, tenant, citizen_id, channel, address, display_name, owner, failures,"
        f" consented, created_at, updated_at) SELECT 'd' || n, '{TENANT}', 'd' || n, 'webchat', 'd' || n,"
        f" 'Warga ' || n, CASE WHEN n > {rest} THEN 'agent' ELSE 'bot' END, 0, true, {asked}, {asked}"
        f" FROM numbers WHERE n <= {conversations}",
        "INSERT INTO messages (uid, conversation_id, channel, direction, kind, text, status, attempts,"
        " created_at, updated_at, channel_message_id)"
        f" SELECT 'd' || n, 'd' || (1 + (n - 1) / {per}), 'webchat',"
        " CASE n % 2 WHEN 0 THEN 'in' ELSE 'out' END, 'text',"
        f" CASE n % 8 {words} END || ' nomor ' || n, CASE n % 2 WHEN 0 THEN 'handled' ELSE 'sent' END, 1,"
        f" {asked}, {asked}, 'd' || n FROM numbers",
        "INSERT INTO handoffs (id, number, tenant, conversation_id, stage, rank, reason, requested_at,"
        " queued_at, agent_id, claimed_at, first_claimed_at, first_reply_at, unanswered_since,"
        " last_message_at, transfers,"
        f" closed_at, outcome, rating) SELECT 'd' || n, n, '{TENANT}', 'd' || n,"
        f" CASE WHEN n > {rest + ASSIGNED} THEN 'waiting' WHEN n > {rest} THEN 'assigned' ELSE 'closed' END,"
        f" 5, 'asked', {asked}, {asked}, CASE WHEN n > {rest + ASSIGNED} THEN NULL ELSE 'a' || (n % 50) END,"
        f" {asked}, {asked}, {asked}, CASE WHEN n > {rest} THEN {asked} END, {asked}, 0,"
        f" CASE WHEN n <= {rest} THEN {asked} END, CASE WHEN n <= {rest} THEN 'solved' END, 1 + n % 5"
        f" FROM numbers WHERE n <= {conversations}",
    ]


async def fill(database: Database, messages: int, conversations: int) -> None:
    """Put a history into an empty database, with fifty agents, and let its planner know."""
    engine = "sqlite" if database.is_sqlite else "postgresql"
    now = datetime.now(UTC)
    async with database.transaction() as conn:
        for number in range(50):
            await agents.save(conn, Agent(f"a{number}", TENANT, f"Petugas {number}"), now)
    if messages:
        numbers = (
            "WITH RECURSIVE numbers (n) AS"
            f" (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {messages})"
            if engine == "sqlite"
            else f"WITH numbers AS (SELECT generate_series(1, {messages}) AS n)"
        )
        for statement in _statements(engine, messages, conversations):
            insert, select = statement.split(" SELECT ", 1)
            async with database.transaction() as conn:
                await conn.exec_driver_sql(f"{insert} {numbers} SELECT {select}")
        if database.is_sqlite:
            async with database.transaction() as conn:
                await conn.exec_driver_sql("INSERT INTO messages_words(messages_words) VALUES ('optimize')")
        else:
            # The index of words keeps a list of what was added last until it is tidied up.
            async with database.engine.connect() as conn:
                plain = await conn.execution_options(isolation_level="AUTOCOMMIT")
                await plain.execute(sa.text("VACUUM ANALYZE"))
    async with database.transaction() as conn:
        await conn.execute(sa.text("ANALYZE"))


Question = Callable[[Any], Awaitable[object]]


def questions(conversation: str) -> dict[str, Question]:
    """What a console asks, by the name of the page."""
    since, until = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=30)
    asked: dict[str, Question] = {
        f"list {box}": lambda conn, box=box: inbox.page(conn, TENANT, box, agent_id="a1") for box in Box
    }
    return asked | {
        "counts of the lists": lambda conn: inbox.counts(conn, TENANT, "a1"),
        "transcript, newest 50": lambda conn: transcripts.page(conn, conversation),
        "search, two words": lambda conn: inbox.search(conn, TENANT, "tumbang wates"),
        "search, a rare word": lambda conn: inbox.search(conn, TENANT, "nomor 7"),
        "search, a word in every message": lambda conn: inbox.search(conn, TENANT, "nomor"),
        "search, no such word": lambda conn: inbox.search(conn, TENANT, "tidakadakatanya"),
        "figures now": lambda conn: deskfigures.live(conn, TENANT, until),
        "service level of 30 days": lambda conn: deskfigures.service_level(conn, TENANT, since, until, 120),
    }


async def median_ms(database: Database, question: Question) -> float:
    """The median of ROUNDS, after one that warms up."""
    spent = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        async with database.reading() as conn:
            await question(conn)
        spent.append((time.perf_counter() - started) * 1000)
    return statistics.median(spent[1:])


def measure(engine: str, folder: Path) -> list[tuple[str, float, float]]:
    """Milliseconds of every question with nothing and with the whole history."""
    figures: list[dict[str, float]] = []
    for messages, conversations in ((0, 0), (MESSAGES, CONVERSATIONS)):
        place = folder / str(messages)
        place.mkdir()
        with engines.fresh_database(engine, place) as url:
            upgrade(url)
            figures.append(asyncio.run(_ask(url, messages, conversations)))
    empty, full = figures
    return [(name, empty[name], full[name]) for name in empty]


async def _ask(url: str, messages: int, conversations: int) -> dict[str, float]:
    database = Database(url)
    try:
        await fill(database, messages, conversations)
        return {name: await median_ms(database, one) for name, one in questions("d500").items()}
    finally:
        await database.close()


def run() -> Result:
    """Measure each engine that answers here."""
    found = {}
    for engine in engines.available():
        with TemporaryDirectory(prefix="lawang-bench-") as folder:
            found[engine] = measure(engine, Path(folder))
    tables = [
        Table(
            f"The desk on {engine}: {MESSAGES:,} messages, {CONVERSATIONS:,} conversations",
            ["", "empty, ms", "full, ms", "full / empty"],
            [[name, number(empty), number(full), number(full / empty)] for name, empty, full in rows],
            f"Median of {ROUNDS} questions of one client after one that warms up.",
        )
        for engine, rows in found.items()
    ]
    return Result("desk", tables, {engine: [list(row) for row in rows] for engine, rows in found.items()})
