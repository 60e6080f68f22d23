"""Accounts of the people who sign in; each belongs to one agent of the desk."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.access_tables import users
from bot.storage.database import insert_once


@dataclass(frozen=True, slots=True)
class User:
    """An account. Without `password_hash` only the city's own sign-in opens it.

    `first_password_until` is set while the password is one that somebody else made.
    """

    id: str
    agent_id: str
    username: str
    password_hash: str | None
    totp_sealed: str | None
    totp_step: int | None
    recovery_hashes: tuple[str, ...]
    oidc_subject: str | None
    failures: int
    locked_until: datetime | None
    active: bool
    development: bool
    signed_in_at: datetime | None
    first_password_until: datetime | None = None


def _user(row: Any) -> User:
    return User(
        id=row.id,
        agent_id=row.agent_id,
        username=row.username,
        password_hash=row.password_hash,
        totp_sealed=row.totp_sealed,
        totp_step=row.totp_step,
        recovery_hashes=tuple(row.recovery_hashes),
        oidc_subject=row.oidc_subject,
        failures=row.failures,
        locked_until=row.locked_until,
        active=row.active,
        development=row.development,
        signed_in_at=row.signed_in_at,
        first_password_until=row.first_password_until,
    )


async def add(
    conn: AsyncConnection,
    agent_id: str,
    username: str,
    password_hash: str | None,
    now: datetime,
    *,
    development: bool = False,
    first_until: datetime | None = None,
) -> bool:
    """Add an account; False when the name is taken. Names know no capitals."""
    row: dict[str, Any] = {
        "id": uuid.uuid4().hex,
        "agent_id": agent_id,
        "username": username.lower(),
        "password_hash": password_hash,
        "first_password_until": first_until,
        "recovery_hashes": [],
        "failures": 0,
        "active": True,
        "development": development,
        "created_at": now,
        "updated_at": now,
    }
    return await insert_once(conn, users, row, ["username"])


async def named(conn: AsyncConnection, username: str) -> User | None:
    """The account with this name."""
    row = (await conn.execute(sa.select(users).where(users.c.username == username.lower()))).first()
    return None if row is None else _user(row)


async def get(conn: AsyncConnection, user_id: str) -> User:
    """The account with this id. Raises LookupError."""
    row = (await conn.execute(sa.select(users).where(users.c.id == user_id))).first()
    if row is None:
        raise LookupError(user_id)
    return _user(row)


async def some(conn: AsyncConnection, user_ids: Collection[str]) -> dict[str, User]:
    """The accounts with these ids, by id; those there are."""
    rows = await conn.execute(sa.select(users).where(users.c.id.in_(user_ids)))
    return {row.id: _user(row) for row in rows}


async def by_subject(conn: AsyncConnection, subject: str) -> User | None:
    """The account that the city's own sign-in calls so."""
    row = (await conn.execute(sa.select(users).where(users.c.oidc_subject == subject))).first()
    return None if row is None else _user(row)


async def of_agents(conn: AsyncConnection, agent_ids: list[str]) -> dict[str, User]:
    """The accounts of these agents, by agent."""
    query = sa.select(users).where(users.c.agent_id.in_(agent_ids))
    return {row.agent_id: _user(row) for row in await conn.execute(query)}


async def every(conn: AsyncConnection) -> list[User]:
    """All accounts, by name."""
    return [_user(row) for row in await conn.execute(sa.select(users).order_by(users.c.username))]


async def change(conn: AsyncConnection, user_id: str, now: datetime, **values: Any) -> None:
    """Change columns of an account."""
    await conn.execute(users.update().where(users.c.id == user_id).values(updated_at=now, **values))


async def failed(conn: AsyncConnection, user_id: str, now: datetime, delays: tuple[int, ...]) -> int:
    """Count a failed sign-in and lock the account for the delay (seconds) its count has earned; the count."""
    statement = (
        users.update()
        .where(users.c.id == user_id)
        .values(failures=users.c.failures + 1, updated_at=now)
        .returning(users.c.failures)
    )
    failures = int((await conn.execute(statement)).scalar_one())
    delay = delays[min(failures, len(delays)) - 1]
    if delay:
        await change(conn, user_id, now, locked_until=now + timedelta(seconds=delay))
    return failures


async def use_totp_step(conn: AsyncConnection, user_id: str, step: int, now: datetime) -> bool:
    """Use up a time step; False when it, or a later one, was used before."""
    statement = (
        users.update()
        .where(users.c.id == user_id, sa.or_(users.c.totp_step.is_(None), users.c.totp_step < step))
        .values(totp_step=step, updated_at=now)
    )
    return (await conn.execute(statement)).rowcount == 1
