"""Webhook calls that we said yes to and have not opened yet: kept whole and sealed, as a rule for moments."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import UtcDateTime, metadata

webhook_calls = sa.Table(
    "webhook_calls",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("sealed_body", sa.Text, nullable=False),
    sa.Column("holder", sa.String(32), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class KeptCall:
    """One call. `holder` opens it; from `due_at` on somebody else may."""

    id: str
    channel: str
    sealed_body: str
    holder: str
    received_at: datetime
    due_at: datetime
    attempts: int = 0


def new_id() -> str:
    """The id of a call."""
    return uuid.uuid4().hex


async def keep(conn: AsyncConnection, calls: Sequence[KeptCall]) -> None:
    """Store calls."""
    await conn.execute(
        webhook_calls.insert(),
        [
            {
                "id": call.id,
                "channel": call.channel,
                "sealed_body": call.sealed_body,
                "holder": call.holder,
                "attempts": call.attempts,
                "received_at": call.received_at,
                "due_at": call.due_at,
            }
            for call in calls
        ],
    )


async def done(conn: AsyncConnection, call_id: str) -> None:
    """Forget a call, in the transaction that keeps the last thing it says."""
    await conn.execute(webhook_calls.delete().where(webhook_calls.c.id == call_id))


async def later(conn: AsyncConnection, call_id: str, due_at: datetime) -> None:
    """Note that a call could not be opened, and when to try again."""
    await conn.execute(
        webhook_calls.update()
        .where(webhook_calls.c.id == call_id)
        .values(attempts=webhook_calls.c.attempts + 1, due_at=due_at)
    )


async def inherit(conn: AsyncConnection, dead: Collection[str], now: datetime) -> None:
    """What dead holders had not opened is due at once; what failed before keeps its time."""
    await conn.execute(
        webhook_calls.update()
        .where(webhook_calls.c.holder.in_(dead), webhook_calls.c.attempts == 0)
        .values(due_at=now)
    )


async def take_due(
    conn: AsyncConnection, holder: str, now: datetime, until: datetime, mine: Collection[str], limit: int
) -> list[KeptCall]:
    """Take calls that are due, as they came, and hold them `until`; `mine` are being opened here."""
    due = (
        sa.select(webhook_calls.c.id)
        .where(webhook_calls.c.due_at <= now, webhook_calls.c.id.not_in(mine))
        .order_by(webhook_calls.c.received_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = (
        webhook_calls.update()
        .where(webhook_calls.c.id.in_(sa.select(due.c.id)))
        .values(holder=holder, due_at=until)
        .returning(webhook_calls)
    )
    rows = list(await conn.execute(statement))
    return sorted((KeptCall(**row._mapping) for row in rows), key=lambda call: call.received_at)


async def unopened(conn: AsyncConnection, channel: str, until: datetime) -> bool:
    """Whether calls of a channel that came until then wait to be opened for the first time."""
    query = sa.select(webhook_calls.c.id).where(
        webhook_calls.c.channel == channel,
        webhook_calls.c.received_at <= until,
        webhook_calls.c.attempts == 0,
    )
    return (await conn.execute(query.limit(1))).first() is not None
