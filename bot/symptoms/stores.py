"""Where everything is kept: the database and its schema, the seal on personal data, Redis."""

from typing import Any
from urllib.parse import urlsplit

from bot.sealing import Sealer
from bot.settings import Settings
from bot.storage import holders, keyvalue, revisions
from bot.storage.database import Database
from bot.symptoms.finding import Finding, fail, ok, warn

UNOPENED = "SELECT count(*) FROM webhook_calls WHERE attempts > 0"
NEWEST_SEALED = "SELECT sealed_text FROM messages WHERE sealed_text IS NOT NULL ORDER BY id DESC LIMIT 1"


async def database(settings: Settings) -> list[Finding]:
    """Reachable, at the newest migration, and readable with our key."""
    place = _place(settings.database_url)
    if revisions.file_missing(settings.database_url):
        return [fail("database", f"{place} does not exist yet", "`lawang db upgrade` (part of `make setup`)")]
    database = Database(settings.database_url)
    try:
        async with database.reading() as conn:
            here = await revisions.current(conn)
            sealed = (await conn.exec_driver_sql(NEWEST_SEALED)).scalar() if here else None
            unopened = (await conn.exec_driver_sql(UNOPENED)).scalar() if here == revisions.newest() else 0
    except Exception as error:
        # Whatever the driver raises, it is one line here; its text may hold the address with the password.
        remedy = "start it, or mend DATABASE_URL (its address, user and password)"
        return [fail("database", f"{place}: {type(error).__name__}", remedy)]
    finally:
        await database.close()
    newest = revisions.newest()
    if here != newest:
        return [
            fail(
                "database",
                f"{place} is at {here or 'no migration'}, the code at {newest}",
                "`lawang db upgrade`",
            )
        ]
    return [ok("database", f"{place}, at {here}"), *_sealed(settings, sealed), *_unopened(unopened or 0)]


def _unopened(count: int) -> list[Finding]:
    """Whether something that a channel called in could not be opened; says nothing when all is well."""
    if count == 0:
        return []
    what = f"{count} webhook calls could not be opened" if count > 1 else "a webhook call could not be opened"
    remedy = "the front door's log says why; they are tried again for a week, so mend it or update Lawang"
    return [warn("webhooks", what, remedy)]


def _sealed(settings: Settings, sealed: Any) -> list[Finding]:
    """Whether the newest sealed text opens; says nothing when all is well."""
    if sealed is None:
        return []
    try:
        Sealer(settings.secret_key).open(str(sealed))
    except ValueError:
        remedy = (
            "bring the former LAWANG_SECRET_KEY (or secret.key) back: without it sealed texts stay closed"
        )
        return [fail("secrets", "personal data was sealed with another key", remedy)]
    return []


async def redis(settings: Settings) -> list[Finding]:
    """Redis, where it is configured; and whether it should be."""
    workers = holders.held(settings.var / "run")
    if settings.redis_url is None:
        remedy = "set REDIS_URL: limits are counted and wake-ups heard in one process only"
        if not settings.database_url.startswith("sqlite"):
            return [warn("Redis", "none, with PostgreSQL", remedy)]
        if workers > 1:
            return [warn("Redis", f"none, with {workers} workers", remedy)]
        return [ok("Redis", "not used: one machine, one worker")]
    place = _place(settings.redis_url)
    client = keyvalue.connect(settings.redis_url)
    try:
        await client.ping()
    except Exception as error:
        remedy = "start it, or mend REDIS_URL; nothing is lost meanwhile, answers are slower"
        return [fail("Redis", f"{place}: {type(error).__name__}", remedy)]
    finally:
        await client.aclose()
    return [ok("Redis", place)]


def _place(url: str) -> str:
    """An address without user and password."""
    parts = urlsplit(url)
    if parts.scheme.startswith("sqlite"):
        return f"SQLite {parts.path.removeprefix('/') if parts.path.startswith('//') else parts.path}"
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme.partition('+')[0]}://{parts.hostname}{port}{parts.path}"
