"""Which engines the suites run on: SQLite always, PostgreSQL and Redis where they can be reached."""

import asyncio
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import redis as redis_client
from sqlalchemy.engine import make_url

from bot.storage.tables import metadata

POSTGRES = os.environ.get("LAWANG_TEST_POSTGRES", "postgresql+asyncpg://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("LAWANG_TEST_REDIS", "redis://127.0.0.1:6379/15")


def _postgres(statement: str, database: str = POSTGRES) -> None:
    url = make_url(database)

    async def run() -> None:
        conn = await asyncpg.connect(
            host=url.host,
            port=url.port or 5432,
            user=url.username,
            password=url.password,
            database=url.database,
        )
        try:
            await conn.execute(statement)
        finally:
            await conn.close()

    asyncio.run(run())


def postgres_answers() -> bool:
    """True when a PostgreSQL is there to test on."""
    try:
        _postgres("SELECT 1")
    except (OSError, asyncpg.PostgresError):
        return False
    return True


def redis_answers() -> bool:
    """True when a Redis is there to test on."""
    client = redis_client.Redis.from_url(REDIS, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except redis_client.RedisError:
        return False
    finally:
        client.close()


@contextmanager
def fresh_database(engine: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database that is dropped at the end."""
    if engine == "sqlite":
        yield f"sqlite+aiosqlite:///{folder / 'lawang.db'}"
        return
    name = f"lawang_test_{uuid.uuid4().hex[:12]}"
    _postgres(f"CREATE DATABASE {name}")
    try:
        yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    finally:
        _postgres(f"DROP DATABASE {name} WITH (FORCE)")


def emptied(url: str, folder: Path) -> str:
    """The URL of an empty database like the migrated one at `url`: SQLite is copied, PostgreSQL cleared.

    To create, migrate and drop one for every test takes PostgreSQL seconds.
    """
    if url.startswith("sqlite"):
        copy = folder / "lawang.db"
        shutil.copyfile(str(make_url(url).database), copy)
        return f"sqlite+aiosqlite:///{copy}"
    # Whoever still has a connection is a test that is over.
    _postgres(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        url,
    )
    _postgres(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY CASCADE", url)
    return url


def available() -> list[str]:
    """The database engines that answer here."""
    return ["sqlite", *(["postgresql"] if postgres_answers() else [])]
