"""Cases that citizens follow, the updates about cases and bookings, and complaints still to be filed."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import persons
from bot.storage.database import insert_once
from bot.storage.tables import bookings, cases, filings, notes, updates, waitings
from bot.vocabulary.cases import Case
from connectors.capabilities import CaseStatus, StatusUpdate
from connectors.references import TOKEN

OPEN = tuple(status.value for status in CaseStatus if status.is_open)


def _case(row: Any) -> Case:
    return Case(
        id=row.id,
        tenant=row.tenant,
        conversation_id=row.conversation_id,
        connector=row.connector,
        reference=row.reference,
        kind=row.kind,
        topic=row.topic,
        status=CaseStatus(row.status),
        description=row.description,
        place=row.place,
        promised_at=row.promised_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        number=row.number,
        origin=row.origin,
        agency=row.agency,
        filed_at=row.filed_at,
        verify_by=row.verify_by,
        done_at=row.done_at,
        confirmed_at=row.confirmed_at,
    )


async def follow(conn: AsyncConnection, values: dict[str, Any], now: datetime) -> bool:
    """Remember a case for a conversation once; True when it is new to its person."""
    elsewhere = sa.select(cases.c.id).where(
        cases.c.connector == values["connector"],
        cases.c.reference == values["reference"],
        cases.c.conversation_id.in_(persons.conversations_of(values["conversation_id"])),
    )
    if (await conn.execute(elsewhere.limit(1))).first() is not None:
        return False
    row = {"id": uuid.uuid4().hex, "created_at": now, "updated_at": now, "filed_at": now, **values}
    return await insert_once(conn, cases, row, ["connector", "reference", "conversation_id"])


async def cases_of(conn: AsyncConnection, conversation_id: str, limit: int = 10) -> list[Case]:
    """The cases of a conversation's person: those still open first, then the newest."""
    query = (
        sa.select(cases)
        .where(cases.c.conversation_id.in_(persons.conversations_of(conversation_id)))
        .order_by(cases.c.status.in_(OPEN).desc(), cases.c.created_at.desc())
        .limit(limit)
    )
    return [_case(row) for row in await conn.execute(query)]


async def following(conn: AsyncConnection, update: StatusUpdate) -> set[str]:
    """The conversations that an update concerns; nothing is locked."""
    named: dict[str, tuple[sa.Table, sa.Column[str]]] = {
        "booking": (bookings, bookings.c.code),
        "waiting": (waitings, waitings.c.place_id),
    }
    table, reference = named.get(update.subject, (cases, cases.c.reference))
    query = sa.select(table.c.conversation_id).where(
        table.c.connector == update.connector, reference == update.reference
    )
    return {row.conversation_id for row in await conn.execute(query)}


async def followers(conn: AsyncConnection, connector: str, reference: str) -> list[Any]:
    """Every row that follows a reference, locked until the transaction ends. Lock the conversations first."""
    query = sa.select(cases).where(cases.c.connector == connector, cases.c.reference == reference)
    return list(await conn.execute(query.order_by(cases.c.id).with_for_update()))


async def move_case(conn: AsyncConnection, case_id: str, **values: Any) -> None:
    """Write what an update changed."""
    await conn.execute(cases.update().where(cases.c.id == case_id).values(**values))


async def add_update(conn: AsyncConnection, update: StatusUpdate, now: datetime) -> bool:
    """Store a backend's word once; False when this event was seen before."""
    return await insert_once(
        conn,
        updates,
        {
            "connector": update.connector,
            "event_id": update.event_id,
            "subject": update.subject,
            "reference": update.reference,
            "status": update.status,
            "backend_status": update.backend_status,
            "note": update.note,
            "outcome": "received",
            "occurred_at": update.occurred_at,
            "received_at": now,
        },
        ["connector", "event_id"],
    )


async def close_update(conn: AsyncConnection, update: StatusUpdate, outcome: str) -> None:
    """Note what became of an update."""
    await conn.execute(
        updates.update()
        .where(updates.c.connector == update.connector, updates.c.event_id == update.event_id)
        .values(outcome=outcome)
    )


async def queue_filing(conn: AsyncConnection, values: dict[str, Any], now: datetime) -> bool:
    """Keep a complaint that the backend could not take; True when it is new."""
    row = {
        "status": "waiting",
        "attempts": 0,
        "next_try_at": now + timedelta(seconds=5),
        "created_at": now,
        **values,
    }
    return await insert_once(conn, filings, row, ["idempotency_key"])


async def due_filings(conn: AsyncConnection, now: datetime, limit: int = 10) -> list[Any]:
    """Take complaints whose next try is due, each by one worker only."""
    due = (
        sa.select(filings.c.idempotency_key)
        .where(
            filings.c.status == "waiting",
            filings.c.next_try_at <= now,
            sa.or_(filings.c.claimed_until.is_(None), filings.c.claimed_until < now),
        )
        .order_by(filings.c.next_try_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = (
        filings.update()
        .where(filings.c.idempotency_key.in_(sa.select(due.c.idempotency_key)))
        .values(claimed_until=now + timedelta(seconds=60))
        .returning(filings)
    )
    return list(await conn.execute(statement))


async def take_filing(conn: AsyncConnection, key: str, now: datetime) -> Any | None:
    """Take one filing that waits, to try it at once; None when it has ended or is being tried."""
    statement = (
        filings.update()
        .where(
            filings.c.idempotency_key == key,
            filings.c.status == "waiting",
            sa.or_(filings.c.claimed_until.is_(None), filings.c.claimed_until < now),
        )
        .values(claimed_until=now + timedelta(seconds=60))
        .returning(filings)
    )
    return (await conn.execute(statement)).first()


async def reference_of(conn: AsyncConnection, key: str) -> str:
    """The number of what was filed under a key, as it stands now. Raises LookupError."""
    query = (
        sa.select(cases.c.reference)
        .join(filings, filings.c.case_id == cases.c.id)
        .where(filings.c.idempotency_key == key)
    )
    found = (await conn.execute(query)).scalar()
    if found is None:
        raise LookupError(key)
    return str(found)


async def of_number(conn: AsyncConnection, conversation_id: str, number: str) -> Any | None:
    """A case a conversation's person follows, by the city's number or ours."""
    query = sa.select(cases).where(
        cases.c.conversation_id.in_(persons.conversations_of(conversation_id)),
        sa.or_(cases.c.reference == number, cases.c.number == number),
    )
    return (await conn.execute(query)).first()


async def close_filing(conn: AsyncConnection, key: str, **values: Any) -> bool:
    """Write the end of a try: filed, given up, or when to try next. False when it had ended before."""
    statement = (
        filings.update()
        .where(filings.c.idempotency_key == key, filings.c.status == "waiting")
        .values(claimed_until=None, **values)
    )
    return (await conn.execute(statement)).rowcount == 1


async def note_try(conn: AsyncConnection, key: str, draft: dict[str, Any]) -> None:
    """Write what is known of a complaint before its city is asked; the claim stays."""
    statement = filings.update().where(filings.c.idempotency_key == key, filings.c.status == "waiting")
    await conn.execute(statement.values(draft=draft))


async def due_cases(
    conn: AsyncConnection,
    connector: str,
    before: datetime,
    now: datetime,
    limit: int,
    tokens_before: datetime | None = None,
) -> list[Any]:
    """Take open cases of one app that nobody asked about since `before`; each is asked about once.

    Those that have no number yet, only a token, are due by `tokens_before`, if that is another time.
    """
    asked_at = sa.func.coalesce(cases.c.polled_at, cases.c.updated_at)
    is_due = asked_at <= before
    if tokens_before is not None:
        is_due |= cases.c.reference.startswith(TOKEN) & (asked_at <= tokens_before)
    due = (
        sa.select(cases.c.id)
        .where(
            cases.c.connector == connector,
            cases.c.status.in_(OPEN),
            cases.c.filed_at.is_not(None),
            is_due,
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = (
        cases.update()
        .where(cases.c.id.in_(sa.select(due.c.id)))
        .values(polled_at=now)
        .returning(cases.c.id, cases.c.reference, cases.c.kind)
    )
    return list(await conn.execute(statement))


async def said_before(conn: AsyncConnection, update: StatusUpdate) -> bool:
    """Whether another event already brought the same words with the same state."""
    query = sa.select(sa.literal(1)).where(
        updates.c.connector == update.connector,
        updates.c.reference == update.reference,
        updates.c.event_id != update.event_id,
        updates.c.status == update.status,
        updates.c.note == update.note,
    )
    return (await conn.execute(query.limit(1))).first() is not None


async def rename_case(conn: AsyncConnection, connector: str, old: str, new: str) -> None:
    """A backend gave a case its final number after a provisional one (an Open311 token, or ours).

    Whoever asked for that number before, and so followed their own case twice, follows it once from now on.
    """
    rows = await followers(conn, connector, old)
    mine = [one for row in rows for one in await persons.ids(conn, row.conversation_id)]
    twice = cases.delete().where(
        cases.c.connector == connector,
        cases.c.reference == new,
        cases.c.origin == "followed",
        cases.c.conversation_id.in_(mine),
    )
    await conn.execute(twice)
    for table in (cases, notes):
        renamed = table.update().where(table.c.connector == connector, table.c.reference == old)
        await conn.execute(renamed.values(reference=new))


async def own(conn: AsyncConnection, conversation_id: str, connector: str, reference: str) -> Any | None:
    """The row of a case of the conversation's person, locked until the transaction ends; None without one."""
    query = sa.select(cases).where(
        cases.c.conversation_id.in_(persons.conversations_of(conversation_id)),
        cases.c.connector == connector,
        cases.c.reference == reference,
    )
    return (await conn.execute(query.with_for_update())).first()


async def holder(conn: AsyncConnection, connector: str, number: str) -> str | None:
    """The case that has a number of ours, None when it is free."""
    query = sa.select(cases.c.id).where(
        cases.c.connector == connector, sa.or_(cases.c.reference == number, cases.c.number == number)
    )
    return (await conn.execute(query.limit(1))).scalar()


async def filed(conn: AsyncConnection, case_id: str, values: dict[str, Any]) -> Any | None:
    """Give a case that waited for its city the city's number; its row as it was, or None when it is gone."""
    before = (await conn.execute(sa.select(cases).where(cases.c.id == case_id).with_for_update())).first()
    if before is not None:
        await rename_case(conn, before.connector, before.reference, values["reference"])
        await move_case(conn, case_id, **values)
    return before
