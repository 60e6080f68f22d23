"""The engine, its transactions and its migrations, the same on SQLite (WAL) and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

MIGRATIONS = Path(__file__).with_name("migrations")
_READ = "lawang_read"


class Database:
    """One engine. `transaction()` writes and commits at the end, `reading()` only looks.

    On SQLite a writer takes its lock at BEGIN (IMMEDIATE): a lock taken later can fail with "database is
    locked" without waiting, because SQLite refuses to upgrade a reader whose snapshot has aged.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _create_engine(url)

    @property
    def is_sqlite(self) -> bool:
        """True on the embedded default."""
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits at the end and rolls back on any error."""
        async with self.engine.begin() as conn:
            yield conn

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for reading only; it never waits for a writer."""
        async with self.engine.connect() as conn:
            yield await conn.execution_options(**{_READ: True})

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()


def _create_engine(url: str) -> AsyncEngine:
    if not url.startswith("sqlite"):
        return create_async_engine(url, pool_size=20, max_overflow=20, pool_pre_ping=True)
    file = make_url(url).database
    if file and file != ":memory:":
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url, connect_args={"timeout": 30}, pool_size=12, max_overflow=20)
    sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    # FULL: a message we said yes to survives a power cut, not only a killed process.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(conn: sa.Connection) -> None:
    reading = conn.get_execution_options().get(_READ)
    conn.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


async def insert_once(
    conn: AsyncConnection, table: sa.Table, values: dict[str, Any], unique: Sequence[str] | None = None
) -> bool:
    """Insert a row unless one with the same unique key exists; True when it was inserted.

    `unique` names the columns of the key; None means any unique constraint.
    """
    dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).values(**values)
    result = await conn.execute(statement.on_conflict_do_nothing(index_elements=unique))
    return result.rowcount == 1


def upgrade(url: str) -> None:
    """Bring the schema to the newest revision. Safe to call at every start."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, "head")


async def upgrade_async(url: str) -> None:
    """`upgrade` from a running loop (Alembic brings a loop of its own)."""
    await asyncio.to_thread(upgrade, url)
