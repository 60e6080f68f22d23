"""Sessions of signed-in people, kept on our side: ended at once when they have to be."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.access_tables import sessions


class Step(StrEnum):
    """How far a sign-in is."""

    # Proven by a password, or by the city; the code is still to come.
    PASSWORD = "password"  # noqa: S105
    # Has to choose a password of their own, has to set a second step up.
    RENEW = "renew"
    ENROL = "enrol"
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
    address: str | None = None
    browser: str | None = None


def _session(row: Any) -> Session:
    return Session(
        row.token_hash,
        row.user_id,
        Step(row.stage),
        row.created_at,
        row.used_at,
        row.expires_at,
        row.address,
        row.browser,
    )


async def open(conn: AsyncConnection, session: Session) -> None:
    """Begin a session."""
    await conn.execute(
        sessions.insert().values(
            token_hash=session.token_hash,
            user_id=session.user_id,
            stage=session.step,
            created_at=session.created_at,
            used_at=session.used_at,
            expires_at=session.expires_at,
            address=session.address,
            browser=session.browser,
        )
    )


async def find(
    conn: AsyncConnection, token_hashes: Collection[str], now: datetime, used_after: datetime
) -> list[Session]:
    """The sessions with these tokens, but for those that have expired or were not used after a time."""
    query = sa.select(sessions).where(
        sessions.c.token_hash.in_(token_hashes),
        sessions.c.expires_at > now,
        sessions.c.used_at > used_after,
    )
    return [_session(row) for row in await conn.execute(query)]


async def of(conn: AsyncConnection, user_id: str, now: datetime, used_after: datetime) -> list[Session]:
    """Where somebody is signed in, the last used first."""
    query = sa.select(sessions).where(
        sessions.c.user_id == user_id,
        sessions.c.stage == Step.FULL,
        sessions.c.expires_at > now,
        sessions.c.used_at > used_after,
    )
    return [_session(row) for row in await conn.execute(query.order_by(sessions.c.used_at.desc()))]


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
