"""A promise with a date: the department is reminded before, and a missed one is owned up to, once."""

import asyncio
import json
import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.conversations import outbound, quiet, rounds, speech
from bot.door import Door
from bot.storage import conversations, notes, promises
from bot.vocabulary.conversations import Conversation, Say

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 60.0
REMIND_BEFORE = timedelta(days=1)


async def run(door: Door, stop: asyncio.Event) -> None:
    """Look every minute, until `stop`."""

    async def once() -> bool:
        await look(door, datetime.now(UTC))
        return False

    await rounds.go(stop, once, LOOK_EVERY_SECONDS, "promises could not be looked at")


async def look(door: Door, now: datetime) -> int:
    """Do what is due at `now`; how many citizens were told that a promise was missed."""
    async with door.database.reading() as conn:
        unverified = await promises.unverified(conn, now)
        nearly = await promises.nearly_due(conn, now + REMIND_BEFORE)
        overdue = await promises.overdue(conn, now)
    for row in unverified:
        await _remind(door, row, "unverified_at", "unverified", now)
    for row in nearly:
        await _remind(door, row, "reminded_at", "reminder", now)
    return sum([await _own_up(door, row, now) for row in overdue])


async def _remind(door: Door, found: Any, column: str, kind: str, now: datetime) -> None:
    async with door.database.transaction() as conn:
        row = await promises.mark(conn, found.id, column, now)
        if row is not None:
            await _escalate(
                conn, door, row, kind, row.verify_by if kind == "unverified" else row.promised_at, now
            )


async def _own_up(door: Door, found: Any, now: datetime) -> bool:
    """Tell one citizen honestly that the date has passed, and the department that it has."""
    async with door.database.transaction() as conn:
        await conversations.lock(conn, found.conversation_id, now)
        row = await promises.mark(conn, found.id, "late_told_at", now)
        if row is None:
            return False
        await _escalate(conn, door, row, "escalation", row.promised_at, now)
        conversation = await conversations.get(conn, row.conversation_id)
        bubble = _apology(door, conversation, row)
        await quiet.tell(conn, door, conversation, bubble, f"late:{row.id}", now, urgent=False)
    metrics.MISSED_PROMISES.labels(row.connector).inc()
    await outbound.announce(door, conversation)
    return True


def _apology(door: Door, conversation: Conversation, row: Any) -> Any:
    topic = door.catalog.topic(row.topic or "")
    values = {
        "reference": row.reference,
        "title": topic.title if topic else row.kind,
        "date": {"$date": row.promised_at.isoformat()},
        "status": {"$text": f"status.{row.status}"},
    }
    payload = json.dumps({"reference": row.reference})
    buttons = (
        {"title_key": "button.status", "payload": f"/check_status{payload}", "reusable": True},
        {"title_key": "button.talk_to_agent", "payload": "/talk_to_agent", "reusable": True},
    )
    return speech.bubble(door, conversation.tenant, Say("promise.missed", values, buttons))


async def _escalate(
    conn: AsyncConnection, door: Door, row: Any, kind: str, promised: datetime | date | None, now: datetime
) -> None:
    """One row for the department, whoever of its citizens is late first: they share the case and its date."""
    when = {"$date": promised.isoformat()} if promised else "-"
    text = speech.sentence(door, row.tenant, f"department.{kind}", {"date": when})
    values = {"connector": row.connector, "reference": row.reference, "kind": kind, "text": text}
    await notes.add(conn, f"{kind}:{row.connector}:{row.reference}"[:128], values, now)
