"""News for Lawang, stored in the transaction that made it; `courier` carries it out."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox.clock import wall_clock
from connectors.sandbox.tables import outbox

COMPLAINTS_APP = "curhat_ning_ita"
LAPOR_APP = "damar_mojo"
MPP_APP = "mpp_gajah_mada"
PERMITS_APP = "perizinan"


@dataclass(frozen=True, slots=True)
class Event:
    """A stored event. `body` is what is sent, byte for byte, at every attempt."""

    id: int
    event_id: str
    app_id: str
    reference: str
    body: str
    attempts: int
    next_attempt_at: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    """How many events were taken, wait, were refused; and what the last unhappy attempt heard."""

    delivered: int
    waiting: int
    refused: int
    trouble: str | None


async def announce(
    conn: AsyncConnection, app_id: str, subject: str, reference: str, status: str, at: datetime, **more: Any
) -> None:
    """Store one event; values of `more` that are None are left out. `at` must carry the city's offset."""
    event_id, now = uuid.uuid4().hex, wall_clock()
    body = {"event_id": event_id, "subject": subject, "reference": reference, "status": status}
    body["occurred_at"] = at.isoformat(timespec="seconds")
    body |= {name: value for name, value in more.items() if value is not None}
    await conn.execute(
        insert(outbox).values(
            event_id=event_id,
            app_id=app_id,
            reference=reference,
            body=json.dumps(body, ensure_ascii=False),
            next_attempt_at=now,
            created_at=now,
        )
    )


async def heads(conn: AsyncConnection) -> list[Event]:
    """The first waiting event of every reference: what may be sent without overtaking, oldest first."""
    first = select(func.min(outbox.c.id)).where(outbox.c.state == "waiting")
    first = first.group_by(outbox.c.app_id, outbox.c.reference)
    query = select(outbox).where(outbox.c.id.in_(first)).order_by(outbox.c.id)
    return [
        Event(row.id, row.event_id, row.app_id, row.reference, row.body, row.attempts, row.next_attempt_at)
        for row in await conn.execute(query)
    ]


async def settle(conn: AsyncConnection, event: Event, state: str, answer: str, now: datetime) -> None:
    """The event is over: `delivered` or `refused`."""
    await conn.execute(
        update(outbox)
        .where(outbox.c.id == event.id, outbox.c.state == "waiting")
        .values(state=state, attempts=event.attempts + 1, last_answer=answer, finished_at=now)
    )


async def postpone(conn: AsyncConnection, event: Event, answer: str, until: datetime) -> None:
    """The event stays first of its reference and is tried again."""
    await conn.execute(
        update(outbox)
        .where(outbox.c.id == event.id)
        .values(attempts=event.attempts + 1, last_answer=answer, next_attempt_at=until)
    )


async def tally(conn: AsyncConnection) -> Tally:
    """The figures of the strip on *Meja Kota*."""
    query = select(outbox.c.state, func.count().label("events")).group_by(outbox.c.state)
    counts: dict[str, int] = {row.state: row.events for row in await conn.execute(query)}
    trouble = select(outbox.c.last_answer).where(outbox.c.state == "waiting", outbox.c.attempts > 0)
    return Tally(
        delivered=counts.get("delivered", 0),
        waiting=counts.get("waiting", 0),
        refused=counts.get("refused", 0),
        trouble=(await conn.execute(trouble.order_by(outbox.c.id).limit(1))).scalar_one_or_none(),
    )
