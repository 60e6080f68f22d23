"""How far a database has been migrated, and how far the code wants it to be."""

from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import MIGRATIONS


def file_missing(url: str) -> bool:
    """True when this is an SQLite file that nobody has made yet."""
    file = make_url(url).database if url.startswith("sqlite") else None
    return bool(file) and not Path(str(file)).exists()


async def current(conn: AsyncConnection) -> str | None:
    """The migration the database is at; None before the first."""
    return await conn.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def newest() -> str | None:
    """The migration the code was written for."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()
