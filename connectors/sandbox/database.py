"""The city's own store: a SQLite file in WAL mode, or PostgreSQL for whoever tries the queue at full size."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from connectors.sandbox.settings import SandboxSettingsError
from connectors.sandbox.tables import SCHEMA_VERSION, metadata

logger = logging.getLogger(__name__)

BUSY_MILLISECONDS = 15_000
POOL = 10
# One process at a time lays out a new PostgreSQL store.
LAYING_OUT = 0x4B4F5441


def upsert(conn: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what to do about a row that is there already, in the store's own dialect."""
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)


def _sqlite(file: Path, begin: str) -> AsyncEngine:
    engine = create_async_engine(f"sqlite+aiosqlite:///{file}", pool_size=4, max_overflow=0, pool_timeout=60)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # The driver must not begin by itself: a late upgrade from read to write fails instead of waiting.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _set_older_aside(file: Path) -> None:
    """Rename a store of an earlier version. One that cannot be read is for `prepare` to complain about."""
    if not file.is_file():
        return
    try:
        with closing(sqlite3.connect(file, timeout=BUSY_MILLISECONDS / 1000)) as store:
            (version,) = store.execute("PRAGMA user_version").fetchone()
            if 0 < version < SCHEMA_VERSION:
                store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error:
        return
    if 0 < version < SCHEMA_VERSION:
        aside = file.with_name(f"{file.stem}-version-{version}{file.suffix}")
        file.replace(aside)
        logger.warning("%s is of version %d and was set aside as %s", file, version, aside.name)


class Database:
    """Transactions on the city's store. `where` is a file, or the URL of a PostgreSQL database.

    SQLite has one writer at a time, who takes the write lock with the first statement. PostgreSQL has many:
    there it is the rows that are locked, and whoever needs one says FOR UPDATE, which SQLite ignores.
    """

    def __init__(self, where: Path | str) -> None:
        self._where = where
        # Only fairness inside this process; what must not happen twice is settled by the tables.
        self._turn = asyncio.Semaphore(1 if isinstance(where, Path) else POOL)
        if isinstance(where, Path):
            self._readers, self._writers = _sqlite(where, "BEGIN"), _sqlite(where, "BEGIN IMMEDIATE")
        else:
            self._writers = create_async_engine(where, pool_size=POOL, max_overflow=0, pool_timeout=60)
            self._readers = create_async_engine(
                where, pool_size=4, max_overflow=0, pool_timeout=60, isolation_level="REPEATABLE READ"
            )

    async def prepare(self) -> None:
        """Create the tables. A file of an older version is set aside: its city was made up, a new one begins.

        Raises:
            SandboxSettingsError: the store is of another version of the stand-in city, or a folder.
        """
        if isinstance(self._where, Path):
            if self._where.is_dir():
                raise SandboxSettingsError(
                    f"{self._where} is a folder; SANDBOX_DATABASE must name a writable SQLite file"
                )
            self._where.parent.mkdir(parents=True, exist_ok=True)
            _set_older_aside(self._where)
        async with self.writing() as conn:
            found = await self._version(conn)
            if found not in (0, SCHEMA_VERSION):
                raise SandboxSettingsError(
                    f"{self._where} was written by another version of the stand-in city: move it away"
                )
            await conn.run_sync(metadata.create_all)
            if isinstance(self._where, Path):
                await conn.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
            else:
                await conn.exec_driver_sql(f"COMMENT ON TABLE places IS 'version {SCHEMA_VERSION}'")

    async def _version(self, conn: AsyncConnection) -> int:
        if isinstance(self._where, Path):
            version: int = (await conn.exec_driver_sql("PRAGMA user_version")).scalar_one()
            return version
        await conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LAYING_OUT})
        query = text("SELECT obj_description(to_regclass('places'), 'pg_class')")
        said: str | None = (await conn.execute(query)).scalar_one()
        return int(said.removeprefix("version ")) if said else 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view of the store."""
        async with self._readers.connect() as conn, conn.begin():
            yield conn

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One transaction, committed at the end and undone on any exception."""
        async with self._turn, self._writers.begin() as conn:
            yield conn

    async def close(self) -> None:
        """Give the store back."""
        await self._readers.dispose()
        await self._writers.dispose()
