"""The queue under contention: bookings a second and p95, next to the plain transaction that is its limit.

Everybody wants the first free place of one counter, and goes on where there was one. Our side of a booking is
the connector, HTTP to the stand-in queue in a process of its own, and its transaction: in one step
(`reserve`) and in two (`hold`, `confirm`). The limit is the least a queue can do in the same store: find a
free place, lock it, write the booking, commit. BENCH_QUEUE_CLIENTS, _BOOKINGS and _ROUNDS change the size.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from connectors.client import Client
from connectors.dialects.mpp_queue import MppQueue
from connectors.errors import SlotTaken
from connectors.queues import BookingRequest, BookingSlot, Confirmation, HoldRequest, SlotQuery
from tests.benchmarks.figures import Result, Rounds, Series, Table, number, raw
from tests.engines import available, fresh_database
from tests.races.queue_city import Process

ROUNDS = int(os.environ.get("BENCH_QUEUE_ROUNDS", "3"))
CLIENTS = int(os.environ.get("BENCH_QUEUE_CLIENTS", "32"))
BOOKINGS = int(os.environ.get("BENCH_QUEUE_BOOKINGS", "320"))
SERVICE, FIRST_DAY = "ktp_hilang", date(2026, 11, 24)
PLACES = (
    "CREATE TABLE plain_places (id INTEGER PRIMARY KEY, code TEXT)",
    "CREATE TABLE plain_bookings (code TEXT PRIMARY KEY, place INTEGER NOT NULL UNIQUE, name TEXT NOT NULL)",
)

Book = Callable[[int], Awaitable[None]]


def run() -> Result:
    """Measure every store that answers, the limit and ours in turns."""
    tables, figures = [], {}
    for engine in available():
        found: dict[str, Rounds] = {"limit": Rounds(), "reserve": Rounds(), "hold + confirm": Rounds()}
        refused: list[int] = []
        for _ in range(ROUNDS):
            with TemporaryDirectory(prefix="lawang-bench-") as folder:
                _round(engine, Path(folder), found, refused)
        tables.append(_table(engine, found, refused))
        figures[engine] = {name: raw(rounds) for name, rounds in found.items()} | {"refused": refused}
    return Result("queue", tables, figures)


def _round(engine: str, folder: Path, found: dict[str, Rounds], refused: list[int]) -> None:
    with fresh_database(engine, folder) as url:
        plain = _sqlite(folder) if engine == "sqlite" else _postgres(url)
        found["limit"].series.append(asyncio.run(plain))
    for name in ("reserve", "hold + confirm"):
        own = folder / name.replace(" ", "")
        own.mkdir()
        with fresh_database(engine, own) as url:
            store: Path | str = own / "kota.db" if engine == "sqlite" else url
            found[name].series.append(asyncio.run(_ours(name, store, own, refused)))


async def _closed_loop(book: Book) -> Series:
    """CLIENTS at once, each its share of BOOKINGS, one after the other."""
    milliseconds: list[float] = []

    async def client(which: int) -> None:
        for turn in range(BOOKINGS // CLIENTS):
            started = time.perf_counter()
            await book(which * 10_000 + turn)
            milliseconds.append(1000 * (time.perf_counter() - started))

    started = time.perf_counter()
    await asyncio.gather(*(client(which) for which in range(CLIENTS)))
    return Series(milliseconds, time.perf_counter() - started)


async def _sqlite(folder: Path) -> Series:
    """One connection in one thread: SQLite has one writer, and nothing is faster than not waiting for it."""
    with closing(
        sqlite3.connect(folder / "plain.db", isolation_level=None, check_same_thread=False)
    ) as store:
        store.execute("PRAGMA journal_mode = WAL")
        store.execute("PRAGMA synchronous = NORMAL")
        for statement in PLACES:
            store.execute(statement)
        store.executemany("INSERT INTO plain_places VALUES (?, NULL)", ((n,) for n in range(BOOKINGS)))

        async def book(which: int) -> None:
            store.execute("BEGIN IMMEDIATE")
            query = "SELECT id FROM plain_places WHERE code IS NULL ORDER BY id LIMIT 1"
            (place,) = store.execute(query).fetchone()
            store.execute("INSERT INTO plain_bookings VALUES (?, ?, 'Warga')", (str(which), place))
            store.execute("UPDATE plain_places SET code = ? WHERE id = ?", (str(which), place))
            store.execute("COMMIT")
            await asyncio.sleep(0)

        return await _closed_loop(book)


async def _postgres(url: str) -> Series:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    async with asyncpg.create_pool(address, min_size=10, max_size=10) as pool:
        for statement in PLACES:
            await pool.execute(statement)
        await pool.execute(
            f"INSERT INTO plain_places SELECT n, NULL FROM generate_series(1, {BOOKINGS}) AS n"
        )

        async def book(which: int) -> None:
            async with pool.acquire() as conn, conn.transaction():
                place = await conn.fetchval(
                    "SELECT id FROM plain_places WHERE code IS NULL"
                    " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
                )
                await conn.execute("INSERT INTO plain_bookings VALUES ($1, $2, 'Warga')", str(which), place)
                await conn.execute("UPDATE plain_places SET code = $1 WHERE id = $2", str(which), place)

        return await _closed_loop(book)


async def _ours(name: str, store: Path | str, folder: Path, refused: list[int]) -> Series:
    process, client = Process(store, folder / "log"), Client()
    try:
        await process.start()
        app = process.connector(client, seconds=60)
        slots = [slot for days in range(20) for slot in await _slots(app, FIRST_DAY + timedelta(days=days))]
        lost = 0
        wanted = dict.fromkeys(range(CLIENTS), slots[0])

        async def book(which: int) -> None:
            nonlocal lost
            client, code = which // 10_000, f"b-{which}"
            while True:
                try:
                    if name == "reserve":
                        await app.reserve(
                            BookingRequest(code, wanted[client].id, SERVICE, "Warga", person=code)
                        )
                    else:
                        hold = await app.hold(HoldRequest(code, wanted[client].id, SERVICE, code))
                        await app.confirm(Confirmation(f"c-{code}", hold.code, "Warga"))
                    return
                except SlotTaken as late:
                    lost += 1
                    wanted[client] = late.alternatives[which % len(late.alternatives)]

        series = await _closed_loop(book)
        refused.append(lost)
        return series
    finally:
        process.kill()
        await client.close()


async def _slots(app: MppQueue, day: date) -> tuple[BookingSlot, ...]:
    return (await app.slots(SlotQuery(SERVICE, day))).slots


def _table(engine: str, found: dict[str, Rounds], refused: list[int]) -> Table:
    limit = found["limit"]

    def row(title: str, name: str) -> list[str]:
        rounds = found[name]
        share = rounds.middle("per_second") / limit.middle("per_second")
        return [title, rounds.both("per_second"), rounds.both("p50"), rounds.both("p95"), f"{share:.1%}"]

    names: dict[str, Any] = {
        "the plain transaction (limit)": "limit",
        "booked in one step": "reserve",
        "held, then confirmed": "hold + confirm",
    }
    return Table(
        f"Queue under contention, {engine}",
        ["", "bookings/s", "p50, ms", "p95, ms", "of the limit"],
        [row(title, name) for title, name in names.items()],
        f"{ROUNDS} rounds of {BOOKINGS} bookings by {CLIENTS} clients who all want the first free place: "
        f"median of the rounds (best round). {number(sum(refused) / max(1, len(refused)))} times a round "
        "somebody was too late and took one of the next places offered; their time counts whole.",
    )
