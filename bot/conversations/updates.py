"""A city system's word on a case or a booking: recorded once, told to whoever follows it.

The rules are those of FixMyStreet's Open311 relay (perllib/Open311/UpdatesBase.pm): rows are locked and read
again; an event seen before does nothing; an older word moves no state, though its note is still told; a time
in the future is clamped to now; nothing changed means nobody is told; an unknown status moves nothing and is
counted.
"""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.conversations import outbound, speech
from bot.door import Door
from bot.storage import bookings, cases, conversations
from bot.vocabulary.conversations import Conversation, Say
from bot.vocabulary.messages import OutgoingMessage
from connectors.capabilities import BookingStatus, CaseStatus, StatusUpdate

log = logging.getLogger(__name__)

NOTE_LENGTH = 600
TOLD_WHEN_AHEAD = 3
STILL_WAITING = frozenset({BookingStatus.BOOKED, BookingStatus.CHECKED_IN, BookingStatus.RESCHEDULED})


class Recorded(StrEnum):
    """What became of an update."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    STALE = "stale"
    UNCHANGED = "unchanged"
    UNKNOWN_STATUS = "unknown_status"
    UNKNOWN_REFERENCE = "unknown_reference"


class _FollowedMeanwhile(Exception):
    """Another conversation began to follow while this update waited for the first ones."""


async def record(door: Door, update: StatusUpdate) -> Recorded:
    """Apply one update exactly once and queue the news in the same transaction."""
    while True:
        now = datetime.now(UTC)
        told: list[Conversation] = []
        try:
            async with door.database.transaction() as conn:
                clamped = replace(update, occurred_at=min(update.occurred_at, now))
                outcome = await _record(conn, door, clamped, now, told)
            break
        except _FollowedMeanwhile:
            continue
    for conversation in told:
        await outbound.announce(door, conversation)
    metrics.UPDATES.labels(update.connector, outcome).inc()
    return outcome


async def _record(
    conn: AsyncConnection, door: Door, update: StatusUpdate, now: datetime, told: list[Conversation]
) -> Recorded:
    following = await cases.following(conn, update)
    if not following:
        # Not stored: the backend tries again, and by then the turn that files the case may have committed.
        return Recorded.UNKNOWN_REFERENCE
    # Conversations first, as a turn does, and in one order: otherwise two could wait for each other.
    await conversations.lock_all(conn, following, now)
    if not await cases.add_update(conn, update, now):
        return Recorded.DUPLICATE
    outcomes: list[Recorded] = []
    if update.subject == "booking":
        booking = await bookings.find(conn, update.connector, update.reference)
        if booking is None or booking.conversation_id not in following:
            raise _FollowedMeanwhile
        outcomes.append(await _move_booking(conn, door, booking, update, now, told))
    else:
        rows = await cases.followers(conn, update.connector, update.reference)
        if not {row.conversation_id for row in rows} <= following:
            raise _FollowedMeanwhile
        outcomes += [await _move_case(conn, door, row, update, now, told) for row in rows]
    outcome = Recorded.APPLIED if Recorded.APPLIED in outcomes else [*outcomes, Recorded.UNCHANGED][0]
    await cases.close_update(conn, update, outcome)
    return outcome


def _judge(row: Any, update: StatusUpdate) -> Recorded:
    """Say what an update means for one row: only `applied` moves the state."""
    if update.status == CaseStatus.UNKNOWN:
        log.warning("%s: unknown status %r", update.connector, update.backend_status)
        return Recorded.UNKNOWN_STATUS
    if row.moved_at is not None and update.occurred_at < row.moved_at:
        return Recorded.STALE
    return Recorded.UNCHANGED if update.status == row.status else Recorded.APPLIED


async def _move_case(
    conn: AsyncConnection, door: Door, row: Any, update: StatusUpdate, now: datetime, told: list[Conversation]
) -> Recorded:
    outcome = _judge(row, update)
    changed = outcome is Recorded.APPLIED
    if changed:
        news = {"status": update.status, "backend_status": update.backend_status, "updated_at": now}
        await cases.move_case(conn, row.id, moved_at=update.occurred_at, **news)
    elif outcome is Recorded.UNCHANGED:
        # Said again later: what was said in between and comes late is old by now.
        await cases.move_case(conn, row.id, moved_at=update.occurred_at)
    if not changed and not update.note:
        return outcome
    key = f"update.case.{update.status}" if changed else "update.case.note_only"
    topic = door.catalog.topic(row.topic) if row.topic else None
    values = {"reference": row.reference, "title": topic.title if topic else row.kind}
    reopen = {
        "title_key": "button.not_done",
        "payload": f"/reopen_complaint{json.dumps({'reference': row.reference})}",
        "reusable": True,
    }
    done = changed and update.status == CaseStatus.DONE and row.kind == "complaint"
    await _tell(conn, door, row, update, Say(key, values, (reopen,) if done else ()), now, told)
    return Recorded.APPLIED if outcome is Recorded.UNCHANGED else outcome


async def _move_booking(
    conn: AsyncConnection, door: Door, row: Any, update: StatusUpdate, now: datetime, told: list[Conversation]
) -> Recorded:
    outcome = _judge(row, update)
    changed = outcome is Recorded.APPLIED
    if changed:
        news = {"status": update.status, "moved_at": update.occurred_at, "updated_at": now}
        await bookings.move(conn, update.connector, row.code, row.conversation_id, **news)
    elif outcome is Recorded.UNCHANGED:
        moved = {"moved_at": update.occurred_at}
        await bookings.move(conn, update.connector, row.code, row.conversation_id, **moved)
    near = (
        outcome is Recorded.UNCHANGED
        and row.status in STILL_WAITING
        and update.ahead is not None
        and update.ahead <= TOLD_WHEN_AHEAD
    )
    if not changed and not near and not update.note:
        return outcome
    key = f"update.booking.{update.status}" if changed else "update.booking.note_only"
    values = {
        "code": row.code,
        "number": row.number,
        "counter": row.counter,
        "ahead": update.ahead,
        "now_serving": update.now_serving,
        "when": {"$datetime": row.starts_at.isoformat()},
    }
    await _tell(conn, door, row, update, Say("update.booking.ahead" if near else key, values), now, told)
    return Recorded.APPLIED if outcome is Recorded.UNCHANGED else outcome


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
    conversation = await conversations.get(conn, row.conversation_id)
    bubble = speech.bubble(door, conversation.tenant, say)
    if update.note:
        note = speech.sentence(door, conversation.tenant, "update.note", {"note": update.note[:NOTE_LENGTH]})
        bubble = OutgoingMessage(f"{bubble.text}\n{note}", bubble.buttons)
    key = f"update:{update.connector}:{update.event_id}:{row.id}"
    await outbound.queue(conn, door, conversation, [bubble], key, now)
    told.append(conversation)
