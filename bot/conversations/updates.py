"""A city system's word on a case or a booking: recorded once, told to whoever follows it.

The rules are those of FixMyStreet's Open311 relay (perllib/Open311/UpdatesBase.pm):

1. rows are locked and read again;
2. an event seen before does nothing;
3. an older word moves no state, though its note is still told;
4. a time in the future is clamped to now;
5. what was hidden stays hidden; an unknown status moves nothing and is counted;
6. nothing changed means nobody is told, and the same words said again are no change;
7. the wording is chosen by the backend's own code, else by old and new state, else by the new state;
8. a backend may move a case to another topic or desk, never its promised date;
9. history that is only loaded is told to nobody.
"""

import asyncio
import json
import logging
import re
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.conversations import outbound, queuenews, quiet, speech
from bot.door import Door
from bot.storage import bookings, cases, conversations, waitings
from bot.vocabulary.conversations import Conversation, Say
from bot.vocabulary.messages import OutgoingMessage
from connectors.capabilities import CaseStatus, StatusUpdate

log = logging.getLogger(__name__)

NOTE_LENGTH = 600
TURN_SECONDS = 3.0


class Recorded(StrEnum):
    """What became of an update."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    STALE = "stale"
    UNCHANGED = "unchanged"
    HIDDEN = "hidden"
    UNKNOWN_STATUS = "unknown_status"
    UNKNOWN_REFERENCE = "unknown_reference"


class _FollowedMeanwhile(Exception):
    """Another conversation began to follow while this update waited for the first ones."""


async def record(door: Door, update: StatusUpdate) -> Recorded:
    """Apply one update exactly once and queue the news in the same transaction."""
    if update.subject != "case":
        await _after_the_turn(door, update)
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


async def _after_the_turn(door: Door, update: StatusUpdate) -> None:
    """Wait while the citizen's own turn is under way: it may be what the queue reports.

    A place given back in the chat would else be news to the one who gave it back. Waiting saves a sentence;
    whoever waits in vain only says one too many.
    """
    deadline = asyncio.get_running_loop().time() + TURN_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        async with door.database.reading() as conn:
            following = await cases.following(conn, update)
            if not await conversations.any_claimed(conn, following, datetime.now(UTC)):
                return
        await asyncio.sleep(0.1)


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
    elif update.subject == "waiting":
        place = await waitings.find(conn, update.connector, update.reference)
        if place is None or place.conversation_id not in following:
            raise _FollowedMeanwhile
        outcomes.append(await _move_waiting(conn, door, place, update, now, told))
    else:
        if update.note and await cases.said_before(conn, update):
            # The same words by another way, a feed after a webhook: they are no news.
            update = replace(update, note=None)
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
    if row.hidden_at is not None:
        # What was hidden from the public stays so, whatever its backend says.
        return Recorded.HIDDEN
    outcome = _judge(row, update)
    changed = outcome is Recorded.APPLIED
    news: dict[str, Any] = {}
    if changed:
        news = {"status": update.status, "backend_status": update.backend_status, "updated_at": now}
        if update.status == CaseStatus.DONE:
            news |= {"done_at": update.occurred_at, "confirmed_at": None}
    if outcome in (Recorded.APPLIED, Recorded.UNCHANGED):
        # Said again later: what was said in between and comes late is old by now.
        news["moved_at"] = update.occurred_at
    moved = {} if outcome is Recorded.STALE else _moved_to(door, row, update)
    if news or moved:
        await cases.move_case(conn, row.id, **news, **moved)
    if not changed and not moved and not update.note:
        return outcome
    if not update.silent:
        says = _case_news(door, row, update, changed, moved)
        await _tell(conn, door, row, update, says, now, told)
    return Recorded.APPLIED if outcome is Recorded.UNCHANGED else outcome


def _moved_to(door: Door, row: Any, update: StatusUpdate) -> dict[str, str]:
    """What a backend changed about where a case belongs: its topic, or the desk that has it."""
    moved = {}
    if update.topic and update.topic != row.topic and door.catalog.topic(update.topic):
        moved["topic"] = update.topic
    if update.agency and update.agency != row.agency:
        moved["agency"] = update.agency
    return moved


def _case_news(door: Door, row: Any, update: StatusUpdate, changed: bool, moved: dict[str, str]) -> list[Say]:
    """The bubble's lines: the new state in the words that fit best, and where the case went."""
    topic = door.catalog.topic(moved.get("topic") or row.topic or "")
    values = {"reference": row.reference, "title": topic.title if topic else row.kind}
    says = []
    if changed:
        key = _wording(door, row, update)
        says.append(Say(key, values, _choices(row, update.status)))
    if "topic" in moved:
        says.append(Say("update.moved.topic" if changed else "update.moved.topic_only", values))
    if "agency" in moved:
        values = {**values, "agency": moved["agency"]}
        says.append(Say("update.moved.agency" if says else "update.moved.agency_only", values))
    return says or [Say("update.case.note_only", values)]


def _wording(door: Door, row: Any, update: StatusUpdate) -> str:
    """The most exact sentence there is: for the backend's own code, for this step, for the new state."""
    code = re.sub(r"\W+", "_", (update.backend_status or "").lower()).strip("_")
    exact = (f"update.code.{update.connector}.{code}", f"update.case.{update.status}_from_{row.status}")
    tenant = row.tenant
    return next((key for key in exact if door.texts.has(key, tenant)), f"update.case.{update.status}")


def _choices(row: Any, status: str) -> tuple[dict[str, Any], ...]:
    """What the citizen can answer to a state: *Sudah beres?* before a case counts as closed."""
    if row.kind != "complaint":
        return ()
    wanted = {
        CaseStatus.DONE: (("done", "confirm_complaint"), ("not_done", "reopen_complaint")),
        CaseStatus.WAITING_FOR_CITIZEN: (("answer_it", "add_complaint_info"),),
        CaseStatus.REJECTED: (("object", "add_complaint_info"), ("talk_to_agent", "talk_to_agent")),
    }
    payload = json.dumps({"reference": row.reference})
    return tuple(
        {"title_key": f"button.{title}", "payload": f"/{intent}{payload}", "reusable": True}
        for title, intent in wanted.get(CaseStatus(status), ())
    )


async def _move_booking(
    conn: AsyncConnection, door: Door, row: Any, update: StatusUpdate, now: datetime, told: list[Conversation]
) -> Recorded:
    outcome = _judge(row, update)
    if outcome is Recorded.UNCHANGED and queuenews.gives_another_time(row, update):
        outcome = Recorded.APPLIED
    say = await queuenews.booking(conn, door, row, update, outcome is Recorded.APPLIED, now, outcome)
    if say is None:
        return outcome
    await _tell(conn, door, row, update, [say], now, told)
    return Recorded.APPLIED if outcome is Recorded.UNCHANGED else outcome


async def _move_waiting(
    conn: AsyncConnection, door: Door, row: Any, update: StatusUpdate, now: datetime, told: list[Conversation]
) -> Recorded:
    outcome = _judge(row, update)
    if outcome is Recorded.APPLIED:
        say = await queuenews.waiting(conn, door, row, update, now)
        if say is not None:
            await _tell(conn, door, row, update, [say], now, told)
    return outcome


async def _tell(
    conn: AsyncConnection,
    door: Door,
    row: Any,
    update: StatusUpdate,
    says: list[Say],
    now: datetime,
    told: list[Conversation],
) -> None:
    """Queue the news for one follower as one bubble, once per event."""
    conversation = await conversations.get(conn, row.conversation_id)
    lines = [speech.bubble(door, conversation.tenant, say) for say in says]
    text = "\n".join(line.text for line in lines)
    if update.note:
        note = {"note": update.note[:NOTE_LENGTH]}
        text += "\n" + speech.sentence(door, conversation.tenant, "update.note", note)
    if any("/confirm_complaint" in button.payload for line in lines for button in line.buttons):
        text += "\n" + speech.sentence(door, conversation.tenant, "update.is_it_done")
    bubble = OutgoingMessage(text, tuple(button for line in lines for button in line.buttons))
    key = f"update:{update.connector}:{update.event_id}:{row.id}"
    topic = door.catalog.topic(getattr(row, "topic", None) or "")
    urgent = update.subject != "case" or bool(topic and topic.details.get("urgent"))
    if await quiet.tell(conn, door, conversation, bubble, key, now, urgent=urgent):
        told.append(conversation)
