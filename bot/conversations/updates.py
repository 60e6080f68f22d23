"""A city system's word on a case or a booking: recorded once, told to whoever follows it.

The rules are those of FixMyStreet's Open311 relay (perllib/Open311/UpdatesBase.pm): rows are locked and read
again; an event seen before does nothing; an older word moves no state; a time in the future is clamped to now;
nothing changed means nobody is told; an unknown status moves nothing and is counted.
"""

import logging
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.conversations import outbound, speech
from bot.door import Door
from bot.storage import cases, conversations
from bot.vocabulary.conversations import Conversation, Say
from bot.vocabulary.messages import OutgoingMessage
from connectors.capabilities import CaseStatus, StatusUpdate

log = logging.getLogger(__name__)

NOTE_LENGTH = 600
TOLD_WHEN_AHEAD = 3


class Recorded(StrEnum):
    """What became of an update."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    STALE = "stale"
    UNCHANGED = "unchanged"
    UNKNOWN_STATUS = "unknown_status"
    UNKNOWN_REFERENCE = "unknown_reference"


async def record(door: Door, update: StatusUpdate) -> Recorded:
    """Apply one update exactly once and queue the news in the same transaction."""
    now = datetime.now(UTC)
    told: list[Conversation] = []
    async with door.database.transaction() as conn:
        if update.subject == "booking":
            outcome = await _record_booking(conn, door, update, now, told)
        else:
            outcome = await _record_case(conn, door, update, now, told)
    for conversation in told:
        await outbound.announce(door, conversation)
    metrics.UPDATES.labels(update.connector, outcome).inc()
    return outcome


async def _record_case(
    conn: AsyncConnection, door: Door, update: StatusUpdate, now: datetime, told: list[Conversation]
) -> Recorded:
    rows = await cases.followers(conn, update.connector, update.reference)
    if not rows:
        # Not stored: the backend tries again, and by then the turn that files the case may have committed.
        return Recorded.UNKNOWN_REFERENCE
    if not await cases.add_update(conn, update, now):
        return Recorded.DUPLICATE
    outcome = Recorded.UNCHANGED
    for row in rows:
        outcome = await _move_case(conn, door, row, update, now, told)
    await cases.close_update(conn, update, outcome)
    return outcome


async def _move_case(
    conn: AsyncConnection, door: Door, row: Any, update: StatusUpdate, now: datetime, told: list[Conversation]
) -> Recorded:
    occurred = min(update.occurred_at, now)
    if row.moved_at is not None and occurred < row.moved_at:
        return Recorded.STALE
    if update.status == CaseStatus.UNKNOWN and not update.note:
        log.warning("%s: unknown status %r", update.connector, update.backend_status)
        return Recorded.UNKNOWN_STATUS
    changed = update.status not in (row.status, CaseStatus.UNKNOWN)
    if not changed and not update.note:
        return Recorded.UNCHANGED
    values: dict[str, Any] = {"moved_at": occurred, "updated_at": now}
    if changed:
        values |= {"status": update.status, "backend_status": update.backend_status}
    await cases.move_case(conn, row.id, **values)
    status = update.status if changed else row.status
    key = f"update.case.{status}" if changed else "update.case.note_only"
    topic = door.catalog.topic(row.topic) if row.topic else None
    values = {"reference": row.reference, "title": topic.title if topic else row.kind}
    reopen = {
        "title_key": "button.not_done",
        "payload": f'/reopen_complaint{{"reference": "{row.reference}"}}',
        "reusable": True,
    }
    buttons = (reopen,) if changed and status == CaseStatus.DONE and row.kind == "complaint" else ()
    await _tell(conn, door, row, update, Say(key, values, buttons), now, told)
    return Recorded.APPLIED


async def _record_booking(
    conn: AsyncConnection, door: Door, update: StatusUpdate, now: datetime, told: list[Conversation]
) -> Recorded:
    row = await cases.find_booking(conn, update.connector, update.reference)
    if row is None:
        return Recorded.UNKNOWN_REFERENCE
    if not await cases.add_update(conn, update, now):
        return Recorded.DUPLICATE
    outcome = await _move_booking(conn, door, row, update, now, told)
    await cases.close_update(conn, update, outcome)
    return outcome


async def _move_booking(
    conn: AsyncConnection, door: Door, row: Any, update: StatusUpdate, now: datetime, told: list[Conversation]
) -> Recorded:
    occurred = min(update.occurred_at, now)
    if row.moved_at is not None and occurred < row.moved_at:
        return Recorded.STALE
    changed = update.status not in (row.status, "unknown")
    near = not changed and update.ahead is not None and update.ahead <= TOLD_WHEN_AHEAD
    if not changed and not near:
        return Recorded.UNCHANGED
    values: dict[str, Any] = {"moved_at": occurred, "updated_at": now}
    if changed:
        values["status"] = update.status
    await cases.move_booking(conn, update.connector, row.code, **values)
    key = f"update.booking.{update.status}" if changed else "update.booking.ahead"
    values = {
        "code": row.code,
        "number": row.number,
        "counter": row.counter,
        "ahead": update.ahead,
        "now_serving": update.now_serving,
        "when": {"$datetime": row.starts_at.isoformat()},
    }
    if not door.texts.has(key):
        return Recorded.UNCHANGED
    await _tell(conn, door, row, update, Say(key, values), now, told)
    return Recorded.APPLIED


async def _tell(
    conn: AsyncConnection,
    door: Door,
    row: Any,
    update: StatusUpdate,
    say: Say,
    now: datetime,
    told: list[Conversation],
) -> None:
    """Queue the news for one follower, once per event."""
    await conversations.lock(conn, row.conversation_id, now)
    conversation = await conversations.get(conn, row.conversation_id)
    bubble = speech.bubble(door, conversation.tenant, say)
    if update.note:
        note = speech.sentence(door, conversation.tenant, "update.note", {"note": update.note[:NOTE_LENGTH]})
        bubble = OutgoingMessage(f"{bubble.text}\n{note}", bubble.buttons)
    key = f"update:{update.connector}:{update.event_id}:{row.id}"
    await outbound.queue(conn, door, conversation, [bubble], key, now)
    told.append(conversation)
