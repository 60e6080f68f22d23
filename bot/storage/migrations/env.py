"""Alembic's entry: runs the revisions on the URL it is given."""

import asyncio

import sqlalchemy as sa
from alembic import context

from bot.storage.database import Database
from bot.storage.tables import metadata


def run(connection: sa.Connection) -> None:
    """Run the revisions inside one transaction."""
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            # Several processes may start at once; only one migrates.
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(571603)"))
        context.run_migrations()


async def main() -> None:
    """Open the database and hand its connection to Alembic."""
    database = Database(context.config.attributes["url"])
    async with database.transaction() as conn:
        await conn.run_sync(run)
    await database.close()


asyncio.run(main())
