"""The engine, its transactions and its migrations, the same on SQLite (WAL) and PostgreSQL."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.storage.turnstile import Turnstile

MIGRATIONS = Path(__file__).with_name("migrations")
_READ = "lawang_read"


class Database:
    """One engine. `transaction()` writes and commits at the end, `reading()` only looks.

    On SQLite a writer takes its lock at BEGIN (IMMEDIATE): a lock taken later can fail with "database is
    locked" without waiting, because SQLite refuses to upgrade a reader whose snapshot has aged. Writers queue
    up before they take a connection (`turnstile`), also those of other processes: in SQLite's own waiting
    some starve, and a crowd of waiting writers would leave no connection for readers. So never open a
    transaction inside another one.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _create_engine(url)
        file = self.engine.url.database
        self._turnstile = Turnstile(Path(file)) if self.is_sqlite and file and file != ":memory:" else None

    @property
    def is_sqlite(self) -> bool:
        """True on the embedded default."""
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits at the end and rolls back on any error."""
        async with self._turnstile or contextlib.nullcontext(), self.engine.begin() as conn:
            yield conn

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for reading only; it never waits for a writer."""
        async with self.engine.connect() as conn:
            yield await conn.execution_options(**{_READ: True})

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()
        if self._turnstile is not None:
            self._turnstile.close()


def _create_engine(url: str) -> AsyncEngine:
    # Parameters are what citizens wrote: an error message must not carry them into a log.
    if not url.startswith("sqlite"):
        return create_async_engine(
            url,
            # PostgreSQL takes 100 connections unless told otherwise: room for a front door and three workers.
            pool_size=10,
            max_overflow=10,
            pool_pre_ping=True,
            hide_parameters=True,
            # A process that was stopped in mid-transaction must not hold a citizen's row for ever.
            # Compiling costs more than our small queries do.
            connect_args={"server_settings": {"idle_in_transaction_session_timeout": "60000", "jit": "off"}},
        )
    file = make_url(url).database
    if file and file != ":memory:":
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        url, connect_args={"timeout": 30}, pool_size=12, max_overflow=20, hide_parameters=True
    )
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


def values_at_fault(error: BaseException) -> bool:
    """True when what was to be stored was at fault, and trying again would only fail again.

    Too long, out of range, not writable (a NUL in PostgreSQL), against a constraint. A database that is away,
    locked or out of room is another matter.
    """
    if not isinstance(error, StatementError):
        return isinstance(error, ArithmeticError | AttributeError | LookupError | TypeError | ValueError)
    if not isinstance(error, DBAPIError):
        return True
    # SQLSTATE classes: 22 data exception, 23 integrity constraint violation.
    state = str(getattr(error.orig, "sqlstate", None) or "")
    cause = getattr(error.orig, "__cause__", None)
    if isinstance(error, IntegrityError) or state[:2] in ("22", "23") or isinstance(cause, ValueError):
        return True
    # SQLite has no codes of its own for a value of a type it does not know.
    return "binding parameter" in str(error.orig)


async def insert_once(
    conn: AsyncConnection, table: sa.Table, values: dict[str, Any], unique: Sequence[str] | None = None
) -> bool:
    """Insert a row unless one with the same unique key exists; True when it was inserted.

    `unique` names the columns of the key; None means any unique constraint.
    """
    return (await conn.execute(_insert_once(conn, table, values, unique))).rowcount == 1


async def insert_once_for_id(
    conn: AsyncConnection, table: sa.Table, values: dict[str, Any], unique: Sequence[str] | None = None
) -> int | None:
    """The same for a table whose `id` the database gives: the new id, None when the row was there."""
    statement = _insert_once(conn, table, values, unique).returning(table.c.id)
    return (await conn.execute(statement)).scalar()


def _insert_once(conn: AsyncConnection, table: sa.Table, values: dict[str, Any], unique: Any) -> Any:
    dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).values(**values).on_conflict_do_nothing(index_elements=unique)


def upgrade(url: str) -> None:
    """Bring the schema to the newest revision. Safe to call at every start."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, "head")


async def upgrade_async(url: str) -> None:
    """`upgrade` from a running loop (Alembic brings a loop of its own)."""
    await asyncio.to_thread(upgrade, url)
