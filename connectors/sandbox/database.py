"""The city's own store: one SQLite file in WAL mode, readers beside one writer at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from connectors.sandbox.settings import SandboxSettingsError
from connectors.sandbox.tables import SCHEMA_VERSION, metadata

BUSY_MILLISECONDS = 15_000


def _engine(file: Path, begin: str) -> AsyncEngine:
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


class Database:
    """Transactions on the city's file. Writers take SQLite's write lock from their first statement."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._readers = _engine(file, "BEGIN")
        self._writers = _engine(file, "BEGIN IMMEDIATE")
        # Only fairness inside this process; what must not happen twice is settled by the tables.
        self._turn = asyncio.Lock()

    async def prepare(self) -> None:
        """Create the tables.

        Raises:
            SandboxSettingsError: the file was written by another version of the stand-in city.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        async with self.writing() as conn:
            found = (await conn.exec_driver_sql("PRAGMA user_version")).scalar_one()
            if found not in (0, SCHEMA_VERSION):
                raise SandboxSettingsError(
                    f"{self._file} was written by another version of the stand-in city: move it away"
                )
            await conn.run_sync(metadata.create_all)
            await conn.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")

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
        """Give the file back."""
        await self._readers.dispose()
        await self._writers.dispose()
