"""The agents' desk with a history of years next to a young and an empty one; events to fifty consoles."""

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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
from tests.benchmarks import console
from tests.benchmarks.figures import Result, Table, number, quantile

MESSAGES = int(os.environ.get("BENCH_DESK_MESSAGES", "1000000"))
CONVERSATIONS = int(os.environ.get("BENCH_DESK_CONVERSATIONS", "100000"))
# As many wait and are answered as with the whole history: pages of the same length.
YOUNG = 4_000, 400
WAITING, ASSIGNED = 200, 150
AGENTS = 50
LONG_TALK = "d50"
PAGE = 60
TENANT = "kota_mojokerto"
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "30"))

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
        _long_talk(engine),
        "INSERT INTO handoffs (id, number, tenant, conversation_id, stage, rank, reason, requested_at,"
        " queued_at, agent_id, claimed_at, first_claimed_at, first_reply_at, unanswered_since,"
        " last_message_at, transfers,"
        f" closed_at, outcome, rating) SELECT 'd' || n, n, '{TENANT}', 'd' || n,"
        f" CASE WHEN n > {rest + ASSIGNED} THEN 'waiting' WHEN n > {rest} THEN 'assigned' ELSE 'closed' END,"
        f" 5, 'asked', {asked}, {asked},"
        f" CASE WHEN n > {rest + ASSIGNED} THEN NULL ELSE 'a' || (n % {AGENTS}) END,"
        f" {asked}, {asked}, {asked}, CASE WHEN n > {rest} THEN {asked} END, {asked}, 0,"
        f" CASE WHEN n <= {rest} THEN {asked} END, CASE WHEN n <= {rest} THEN 'solved' END, 1 + n % 5"
        f" FROM numbers WHERE n <= {conversations}",
    ]


def _long_talk(engine: str) -> str:
    """One talk is long enough to fill a page of its transcript."""
    asked = _later(engine, "n")
    return (
        "INSERT INTO messages (uid, conversation_id, channel, direction, kind, text, status, attempts,"
        " created_at, updated_at, channel_message_id)"
        f" SELECT 'e' || n, '{LONG_TALK}', 'webchat', 'in', 'text', 'pesan panjang ' || n, 'handled', 1,"
        f" {asked}, {asked}, 'e' || n FROM numbers WHERE n <= {PAGE}"
    )


def _one_talk(engine: str) -> list[str]:
    """All that an empty desk has: the long talk, closed."""
    asked, number = _later(engine, "n"), LONG_TALK[1:]
    one = f"FROM numbers WHERE n = {number}"
    return [
        f"INSERT INTO citizens (id, tenant, created_at) SELECT '{LONG_TALK}', '{TENANT}', {asked} {one}",
        "INSERT INTO conversations (id, tenant, citizen_id, channel, address, display_name, owner, failures,"
        f" consented, created_at, updated_at) SELECT '{LONG_TALK}', '{TENANT}', '{LONG_TALK}', 'webchat',"
        f" '{LONG_TALK}', 'Warga {number}', 'bot', 0, true, {asked}, {asked} {one}",
        _long_talk(engine),
        "INSERT INTO handoffs (id, number, tenant, conversation_id, stage, rank, reason, requested_at,"
        " queued_at, transfers, closed_at, outcome)"
        f" SELECT '{LONG_TALK}', {number}, '{TENANT}', '{LONG_TALK}', 'closed', 5, 'asked', {asked}, {asked},"
        f" 0, {asked}, 'solved' {one}",
    ]


async def fill(database: Database, messages: int, conversations: int) -> None:
    """Put a history into an empty database, with fifty agents, and let its planner know.

    Without any messages there is still one talk that was closed, so that an empty desk has a transcript too.
    """
    engine = "sqlite" if database.is_sqlite else "postgresql"
    now = datetime.now(UTC)
    async with database.transaction() as conn:
        for place in range(max(AGENTS, console.AGENTS)):
            await agents.save(conn, Agent(f"a{place}", TENANT, f"Petugas {place}"), now)
    count = max(messages, PAGE)
    numbers = (
        f"WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
        if engine == "sqlite"
        else f"WITH numbers AS (SELECT generate_series(1, {count}) AS n)"
    )
    statements = _statements(engine, messages, conversations) if messages else _one_talk(engine)
    for statement in statements:
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


@dataclass
class Measured:
    """What one engine did: milliseconds by question and by page, and of the events."""

    questions: dict[str, float]
    pages: dict[str, float]
    heard: console.Heard | None = None


SIZES = {"empty": (0, 0), "young": YOUNG, "full": (MESSAGES, CONVERSATIONS)}


def measure(engine: str, folder: Path) -> dict[str, Measured]:
    """Every question and page with nothing, with few and with the whole history; events with the last."""
    found = {}
    for size, (messages, conversations) in SIZES.items():
        place = folder / size
        place.mkdir()
        with engines.fresh_database(engine, place) as url:
            upgrade(url)
            listen = size == "full"
            found[size] = asyncio.run(ask(url, place, messages, conversations, listen=listen))
    return found


async def ask(url: str, folder: Path, messages: int, conversations: int, *, listen: bool) -> Measured:
    """Fill a migrated database and ask it everything; `listen` follows events through it as well."""
    database = Database(url)
    try:
        await fill(database, messages, conversations)
        questioned = {name: await median_ms(database, one) for name, one in questions(LONG_TALK).items()}
    finally:
        await database.close()
    async with console.console(url, folder) as desk:
        shown = await console.pages(desk, LONG_TALK, ROUNDS)
        heard = None
        if listen:
            longest_waiting = conversations - WAITING + 1
            heard = await console.events(desk, f"d{longest_waiting}")
    return Measured(questioned, shown, heard)


def run() -> Result:
    """Measure each engine that answers here."""
    found = {}
    for engine in engines.available():
        with TemporaryDirectory(prefix="lawang-bench-") as folder:
            found[engine] = measure(engine, Path(folder))
    tables = [table for engine, sizes in found.items() for table in _tables(engine, sizes)]
    raw = {
        engine: {
            size: {"questions": one.questions, "pages": one.pages, "heard": one.heard and vars(one.heard)}
            for size, one in sizes.items()
        }
        for engine, sizes in found.items()
    }
    return Result("desk", tables, raw)


def _tables(engine: str, sizes: dict[str, Measured]) -> list[Table]:
    history = f"{MESSAGES:,} messages, {CONVERSATIONS:,} conversations"
    columns = ["", "empty, ms", "young, ms", "full, ms", "full / empty", "full / young"]
    note = (
        f"Median of {ROUNDS} of one client after one that warms up. Empty: one closed talk of {PAGE}"
        f" messages. Young: {YOUNG[0]:,} messages in {YOUNG[1]} conversations, as many of them waiting and"
        " being answered as in the full one."
    )
    tables = [
        Table(
            f"{title} on {engine}: {history}",
            columns,
            [_row(name, *(getattr(one, kind).get(name) for one in sizes.values())) for name in kinds],
            note,
        )
        for title, kind, kinds in (
            ("The console's pages over HTTP", "pages", sizes["full"].pages),
            ("What they ask of the database", "questions", sizes["full"].questions),
        )
    ]
    heard = sizes["full"].heard
    if heard is not None:
        rows = [
            [name, *(number(quantile(series, share)) for share in (0.5, 0.95, 1))]
            for name, series in (
                (f"{console.AGENTS - 1} open consoles have the event", heard.clients),
                ("Chromium has drawn it", heard.screen),
            )
            if series
        ]
        tables.append(
            Table(
                f"Event to screen on {engine}, {console.AGENTS} agents connected, {history}",
                ["from the press of a colleague's button", "p50, ms", "p95, ms", "longest, ms"],
                rows,
                f"{console.EVENTS} acts, one every 1.5 s; each open console fetches its list after each,"
                " as the page does. The clients and Chromium share the processors with the server.",
            )
        )
    return tables


def _row(name: str, empty: float | None, young: float | None, full: float | None) -> list[str]:
    def cell(value: float | None) -> str:
        return "-" if value is None else number(value)

    ratios = [None if full is None or not before else full / before for before in (empty, young)]
    return [name, *(cell(value) for value in (empty, young, full, *ratios))]
