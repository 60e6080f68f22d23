"""Sessions of signed-in people, kept on our side: ended at once when they have to be."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.access_tables import sessions


class Step(StrEnum):
    """How far a sign-in is."""

    PASSWORD = "password"  # noqa: S105
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Session:
    """One browser of one person."""

    token_hash: str
    user_id: str
    step: Step
    created_at: datetime
    used_at: datetime
    expires_at: datetime


async def open(
    conn: AsyncConnection, token_hash: str, user_id: str, step: Step, now: datetime, expires_at: datetime
) -> None:
    """Begin a session."""
    await conn.execute(
        sessions.insert().values(
            token_hash=token_hash,
            user_id=user_id,
            stage=step,
            created_at=now,
            used_at=now,
            expires_at=expires_at,
        )
    )


async def find(conn: AsyncConnection, token_hash: str, now: datetime, used_after: datetime) -> Session | None:
    """The session, unless it has expired or was not used after a time."""
    query = sa.select(sessions).where(
        sessions.c.token_hash == token_hash,
        sessions.c.expires_at > now,
        sessions.c.used_at > used_after,
    )
    row = (await conn.execute(query)).first()
    if row is None:
        return None
    return Session(row.token_hash, row.user_id, Step(row.stage), row.created_at, row.used_at, row.expires_at)


async def used(conn: AsyncConnection, token_hash: str, now: datetime) -> None:
    """Note that a person did something."""
    await conn.execute(sessions.update().where(sessions.c.token_hash == token_hash).values(used_at=now))


async def end(conn: AsyncConnection, token_hash: str) -> None:
    """Sign one browser out."""
    await conn.execute(sessions.delete().where(sessions.c.token_hash == token_hash))


async def end_all(conn: AsyncConnection, user_id: str) -> int:
    """Sign a person out everywhere; how many sessions that ended."""
    return (await conn.execute(sessions.delete().where(sessions.c.user_id == user_id))).rowcount


async def sweep(conn: AsyncConnection, now: datetime) -> None:
    """Forget what has expired."""
    await conn.execute(sessions.delete().where(sessions.c.expires_at <= now))
