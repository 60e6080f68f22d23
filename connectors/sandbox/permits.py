"""The permit tracker: files on their ladder, moved by the desk, followed by whoever subscribed or asked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox import outbox
from connectors.sandbox.city import City, Stage
from connectors.sandbox.database import upsert
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import permits, subscriptions


async def seed(conn: AsyncConnection, city: City, now: datetime) -> None:
    """Put the demo files in place, once."""
    rows = [
        {
            "nomor": permit.nomor,
            "jenis": permit.kind,
            "judul": permit.title,
            "stage": permit.stage,
            "note": permit.note,
            "updated_at": now,
        }
        for permit in city.permits
    ]
    await conn.execute(upsert(conn, permits).on_conflict_do_nothing(), rows)


async def find(conn: AsyncConnection, nomor: str) -> Row[Any]:
    """One file.

    Raises:
        Refusal: 404, no such number.
    """
    row = (await conn.execute(select(permits).where(permits.c.nomor == nomor.strip().upper()))).one_or_none()
    if row is None:
        raise Refusal(404, "permit_not_found", "no file with this number")
    return row


async def listed(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """All files, last touched first."""
    return (await conn.execute(select(permits).order_by(permits.c.updated_at.desc(), permits.c.nomor))).all()


def stage_of(city: City, row: Row[Any]) -> Stage:
    """Where the file is on its ladder."""
    stage: int = row.stage
    return city.ladders[row.jenis].stages[stage]


async def asked(conn: AsyncConnection, nomor: str, now: datetime) -> Row[Any]:
    """One file, and a note that the app with the key asked for it: it is told when the file moves."""
    row = await find(conn, nomor)
    if row.asked_at is None:
        await conn.execute(update(permits).where(permits.c.nomor == row.nomor).values(asked_at=now))
    return row


async def subscribe(conn: AsyncConnection, nomor: str, callback_reference: str, now: datetime) -> Row[Any]:
    """From now on every move of this file is announced. Subscribing twice is once."""
    row = await find(conn, nomor)
    values = {"nomor": row.nomor, "callback_reference": callback_reference, "created_at": now}
    await conn.execute(upsert(conn, subscriptions).values(values).on_conflict_do_nothing())
    return row


async def move(
    conn: AsyncConnection, city: City, nomor: str, stage: int, note: str, now: datetime
) -> Row[Any]:
    """Put a file on a step of its ladder, with a word to its owner. The same again is no change.

    Raises:
        Refusal: 404 no such number, 400 no such step.
    """
    row = await find(conn, nomor)
    if not 0 <= stage < len(city.ladders[row.jenis].stages):
        raise Refusal(400, "unknown_stage", "no such stage on this ladder")
    note = note.strip()[:500]
    if stage == row.stage and note in ("", row.note):
        return row
    changed = update(permits).where(permits.c.nomor == row.nomor)
    changed = changed.values(stage=stage, note=note or None, updated_at=now).returning(permits)
    new: Row[Any] = (await conn.execute(changed)).one()
    followed = select(subscriptions.c.nomor).where(subscriptions.c.nomor == row.nomor).limit(1)
    if row.asked_at is not None or (await conn.execute(followed)).first() is not None:
        step = stage_of(city, new)
        words = f"{step.title} ({step.holder})." + (f" {note}" if note else "")
        at = now.astimezone(city.timezone)
        await outbox.announce(conn, outbox.PERMITS_APP, "case", new.nomor, step.status, at, note=words)
    return new
