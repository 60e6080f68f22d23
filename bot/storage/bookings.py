"""Queue places that citizens hold."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import persons
from bot.storage.database import insert_once
from bot.storage.tables import bookings
from bot.vocabulary.cases import Booking

ONE_MORE = bookings.c.moves + 1
"""For `move`: the booking got another time."""


def _booking(row: Any) -> Booking:
    return Booking(
        id=row.id,
        tenant=row.tenant,
        conversation_id=row.conversation_id,
        connector=row.connector,
        code=row.code,
        number=row.number,
        service=row.service,
        counter=row.counter,
        starts_at=row.starts_at,
        status=row.status,
        counter_title=row.counter_title,
        priority=row.priority,
        name=row.name,
        moves=row.moves,
    )


async def book(conn: AsyncConnection, values: dict[str, Any], now: datetime) -> Booking | None:
    """Remember a booking once; None when it was known."""
    row = {
        "id": uuid.uuid4().hex,
        "created_at": now,
        "updated_at": now,
        "status": "booked",
        "moves": 0,
        **values,
    }
    if not await insert_once(conn, bookings, row, ["connector", "code"]):
        return None
    return _booking((await conn.execute(sa.select(bookings).where(bookings.c.id == row["id"]))).one())


async def get(conn: AsyncConnection, booking_id: str) -> Booking | None:
    """One booking by our own id."""
    row = (await conn.execute(sa.select(bookings).where(bookings.c.id == booking_id))).first()
    return None if row is None else _booking(row)


async def by_code(conn: AsyncConnection, connector: str, code: str, conversation_id: str) -> Booking | None:
    """One booking of a conversation's person by the queue's code."""
    query = sa.select(bookings).where(
        bookings.c.connector == connector,
        bookings.c.code == code,
        bookings.c.conversation_id.in_(persons.conversations_of(conversation_id)),
    )
    row = (await conn.execute(query)).first()
    return None if row is None else _booking(row)


async def of(conn: AsyncConnection, conversation_id: str, limit: int = 10) -> list[Booking]:
    """The bookings of a conversation's person, newest first."""
    query = (
        sa.select(bookings)
        .where(bookings.c.conversation_id.in_(persons.conversations_of(conversation_id)))
        .order_by(bookings.c.created_at.desc())
        .limit(limit)
    )
    return [_booking(row) for row in await conn.execute(query)]


async def find(conn: AsyncConnection, connector: str, code: str) -> Any | None:
    """The row of a booking, locked until the transaction ends. Lock its conversation first."""
    query = sa.select(bookings).where(bookings.c.connector == connector, bookings.c.code == code)
    return (await conn.execute(query.with_for_update())).first()


async def move(conn: AsyncConnection, connector: str, code: str, conversation_id: str, **values: Any) -> bool:
    """Write what an effect or an update changed; False when the booking is not this person's."""
    statement = (
        bookings.update()
        .where(
            bookings.c.connector == connector,
            bookings.c.code == code,
            bookings.c.conversation_id.in_(persons.conversations_of(conversation_id)),
        )
        .values(**values)
    )
    return (await conn.execute(statement)).rowcount == 1


async def due(
    conn: AsyncConnection, connector: str, before: datetime, now: datetime, limit: int
) -> list[Any]:
    """Take today's live bookings of one app that nobody asked about since `before`."""
    asked = (
        sa.select(bookings.c.id)
        .where(
            bookings.c.connector == connector,
            bookings.c.status.in_(["booked", "checked_in", "rescheduled"]),
            bookings.c.starts_at.between(now - timedelta(hours=12), now + timedelta(hours=12)),
            sa.func.coalesce(bookings.c.polled_at, bookings.c.updated_at) <= before,
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("asked")
    )
    statement = (
        bookings.update()
        .where(bookings.c.id.in_(sa.select(asked.c.id)))
        .values(polled_at=now)
        .returning(bookings.c.id, bookings.c.code)
    )
    return list(await conn.execute(statement))
