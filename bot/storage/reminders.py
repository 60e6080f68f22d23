"""Reminders of bookings: each is a row before it is a message, and is settled once."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import insert_once
from bot.storage.tables import reminders


@dataclass(frozen=True, slots=True)
class Reminder:
    """One reminder that is due. `kind` is day_before or hour_before."""

    id: str
    booking_id: str
    conversation_id: str
    kind: str
    due_at: datetime


async def plan(
    conn: AsyncConnection, booking_id: str, conversation_id: str, due: Iterable[tuple[str, datetime]]
) -> None:
    """Replace what a booking still has to be reminded of. What was sent stays on record."""
    await drop(conn, booking_id)
    for kind, due_at in due:
        row = {
            "id": uuid.uuid4().hex,
            "booking_id": booking_id,
            "conversation_id": conversation_id,
            "kind": kind,
            "due_at": due_at,
        }
        await insert_once(conn, reminders, row, ["booking_id", "kind", "due_at"])


async def drop(conn: AsyncConnection, booking_id: str) -> None:
    """Forget the reminders of a booking that were not sent yet."""
    statement = reminders.delete().where(reminders.c.booking_id == booking_id, reminders.c.done_at.is_(None))
    await conn.execute(statement)


async def due(conn: AsyncConnection, now: datetime, limit: int) -> list[Reminder]:
    """What is due, oldest first. Nothing is locked: `settle` decides who sends."""
    query = (
        sa.select(reminders)
        .where(reminders.c.done_at.is_(None), reminders.c.due_at <= now)
        .order_by(reminders.c.due_at)
        .limit(limit)
    )
    return [
        Reminder(row.id, row.booking_id, row.conversation_id, row.kind, row.due_at)
        for row in await conn.execute(query)
    ]


async def settle(conn: AsyncConnection, reminder_id: str, outcome: str, now: datetime) -> bool:
    """Close a reminder; False when another worker did, or the booking moved meanwhile."""
    statement = (
        reminders.update()
        .where(reminders.c.id == reminder_id, reminders.c.done_at.is_(None))
        .values(done_at=now, outcome=outcome)
    )
    return (await conn.execute(statement)).rowcount == 1
