"""Complaints that are filed after the turn, with the same key, until the city system answers."""

import asyncio
import hashlib
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from actions.effects import CaseQueued
from bot import metrics
from bot.conversations import outbound, rounds, speech
from bot.door import Door
from bot.storage import cases, conversations
from bot.vocabulary.conversations import Conversation, Say
from connectors.capabilities import CaseReceipt, CaseStatus, ComplaintDraft, Photo, Place
from connectors.errors import BackendRejected, ConnectorError, may_have_happened

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 900
AT_ONCE = 10
LOOK_EVERY_SECONDS = 2


async def run(door: Door, stop: asyncio.Event) -> None:
    """File what is due, again and again, until `stop`."""

    async def look() -> bool:
        async with door.database.transaction() as conn:
            due = await cases.due_filings(conn, datetime.now(UTC), AT_ONCE)
        await asyncio.gather(*(_try(door, row) for row in due))
        return bool(due)

    await rounds.go(stop, look, LOOK_EVERY_SECONDS, "complaints could not be filed")


async def keep(
    conn: AsyncConnection,
    conversation: Conversation,
    effect: CaseQueued,
    promised: dict[str, datetime | None],
    now: datetime,
) -> list[Say]:
    """Keep a complaint that is yet to be filed under a number of our own; what to tell the citizen."""
    draft = read_draft(effect.draft)
    case_id, number = await _numbered(conn, effect.connector, draft.idempotency_key, now)
    until = promised.get("promised_at")
    payload = f"/check_status{json.dumps({'reference': number})}"
    status = ({"title_key": "button.status", "payload": payload, "reusable": True},)
    taken = "queued" if effect.away else "taken"
    say = Say(f"complaint.{taken}", {"number": number}, status)
    if until is not None:
        values = {"number": number, "promised": {"$date": until.isoformat()}}
        say = Say(f"complaint.{taken}_with_date", values, status)
    row = {
        "idempotency_key": draft.idempotency_key,
        "conversation_id": conversation.id,
        "connector": effect.connector,
        "case_id": case_id,
        "draft": effect.draft,
    }
    if await cases.queue_filing(conn, row, now):
        case = {
            "id": case_id,
            "tenant": conversation.tenant,
            "conversation_id": conversation.id,
            "connector": effect.connector,
            "reference": number,
            "number": number,
            "kind": "complaint",
            "topic": draft.topic,
            "status": CaseStatus.RECEIVED,
            "description": draft.description,
            "place": draft.place.text,
            "latitude": draft.place.latitude,
            "longitude": draft.place.longitude,
            "region": draft.place.region_code,
            "filed_at": None,
            **promised,
        }
        await cases.follow(conn, case, now)
    return [say, Say("complaint.rest", buttons=tuple(effect.more))] if effect.more else [say]


async def _numbered(conn: AsyncConnection, connector: str, key: str, now: datetime) -> tuple[str, str]:
    """The id and the number of a complaint, the same whenever its turn is done again."""
    for attempt in range(100):
        digest = hashlib.sha256(f"case {attempt} {key}".encode()).hexdigest()
        case_id, number = digest[:32], f"LWG-{now:%y%m}-{int(digest, 16) % 1_000_000:06d}"
        holder = await cases.holder(conn, connector, number)
        if holder in (None, case_id):
            return case_id, number
    raise ValueError("no number is free")


async def _try(door: Door, filing: Any) -> None:
    """One complaint that cannot be filed for a reason of its own must not keep the others waiting."""
    try:
        await file(door, filing)
    except Exception as error:
        log.exception("filing %s failed", filing.idempotency_key)
        await _later(door, filing, error)


async def file(door: Door, filing: Any) -> None:
    """Try to file one complaint. The idempotency key makes an unknown outcome safe to ask again.

    Where no key is honoured, the time of this try is: it is stored before the desk is asked, so that whoever
    tries next, also after a crash in between, looks for what became of this one.
    """
    draft = read_draft(filing.draft)
    try:
        connector = door.registry.by_id(filing.connector)
        async with door.database.transaction() as conn:
            await cases.note_try(conn, filing.idempotency_key, _asked(filing, datetime.now(UTC)))
        receipt = await connector.submit_complaint(draft)
    except BackendRejected as error:
        await _close(door, filing, draft, None, error)
    except ConnectorError as error:
        await _later(door, filing, error)
    else:
        await _close(door, filing, draft, receipt, None)


async def _later(door: Door, filing: Any, error: Exception) -> None:
    pause = min(5 * 2.0 ** min(filing.attempts, 10), LONGEST_PAUSE_SECONDS)
    now = datetime.now(UTC)
    detail = error.detail if isinstance(error, ConnectorError) else ""
    # What was surely not done is not looked for.
    sure = isinstance(error, ConnectorError) and not may_have_happened(error)
    draft = filing.draft if sure else _asked(filing, now)
    log.info("filing %s: %s; again in %.0f s", filing.idempotency_key, type(error).__name__, pause)
    metrics.FILINGS.labels("later").inc()
    async with door.database.transaction() as conn:
        await cases.close_filing(
            conn,
            filing.idempotency_key,
            attempts=filing.attempts + 1,
            reason=f"{type(error).__name__}: {detail}" if detail else type(error).__name__,
            next_try_at=now + timedelta(seconds=pause),
            draft=draft,
        )


def _asked(filing: Any, now: datetime) -> dict[str, Any]:
    return {**filing.draft, "asked_at": now.isoformat()}


async def _close(
    door: Door, filing: Any, draft: ComplaintDraft, receipt: CaseReceipt | None, error: ConnectorError | None
) -> None:
    """Store how it ended and tell the citizen once, with the number or with the reason."""
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        await conversations.lock(conn, filing.conversation_id, now)
        conversation = await conversations.get(conn, filing.conversation_id)
        outcome = "refused" if receipt is None else "filed"
        end: dict[str, Any] = {"status": outcome, "reason": error.detail if error else None}
        if receipt is not None:
            # The case has its words now; a second copy of them helps nobody.
            end["draft"] = {}
        if not await cases.close_filing(conn, filing.idempotency_key, **end):
            log.info("filing %s had come to its end, or its citizen was forgotten", filing.idempotency_key)
            return
        say = await _end(conn, door, conversation, filing, draft, receipt, error, now)
        if say is not None:
            bubble = speech.bubble(door, conversation.tenant, say)
            await outbound.queue(conn, door, conversation, [bubble], f"filing:{filing.idempotency_key}", now)
    metrics.FILINGS.labels(outcome).inc()
    await outbound.announce(door, conversation)


async def _end(
    conn: AsyncConnection,
    door: Door,
    conversation: Conversation,
    filing: Any,
    draft: ComplaintDraft,
    receipt: CaseReceipt | None,
    error: ConnectorError | None,
    now: datetime,
) -> Say | None:
    """Move the case that was numbered by us to its end; what to say, None when it was withdrawn meanwhile."""
    if receipt is None:
        reason = error.detail if error else ""
        changed = {"status": CaseStatus.REJECTED, "moved_at": now, "updated_at": now}
        await cases.move_case(conn, filing.case_id or "", **changed)
        return Say("complaint.refused_later", {"reason": reason})
    row = {"reference": receipt.reference, "filed_at": now, "updated_at": now}
    before = await cases.filed(conn, filing.case_id, row) if filing.case_id else None
    if before is None:
        # Queued by an older version, which kept no case of its own.
        row |= {
            "tenant": conversation.tenant,
            "conversation_id": conversation.id,
            "connector": filing.connector,
            "kind": "complaint",
            "topic": draft.topic,
            "status": receipt.status,
            "description": draft.description,
            "place": draft.place.text,
            "latitude": draft.place.latitude,
            "longitude": draft.place.longitude,
            "promised_at": receipt.promised_at,
        }
        await cases.follow(conn, row, now)
        return Say("complaint.filed_later", {"reference": receipt.reference})
    if not CaseStatus(before.status).is_open:
        return None
    if before.promised_at is None and receipt.promised_at is not None:
        await cases.move_case(conn, before.id, promised_at=receipt.promised_at)
    values = {"reference": receipt.reference, "number": before.number}
    return Say("complaint.filed_later_numbered", values)


def read_draft(data: dict[str, Any]) -> ComplaintDraft:
    """Rebuild a complaint from the plain data of an effect."""
    place, photos = data.get("place") or {}, data.get("photos") or ()
    plain = {
        key: value for key, value in data.items() if key not in ("place", "photos", "attributes", "asked_at")
    }
    asked_at = data.get("asked_at")
    return ComplaintDraft(
        **plain,
        place=Place(**place),
        photos=tuple(Photo(**photo) for photo in photos),
        attributes={
            code: tuple(answer) if isinstance(answer, list) else answer
            for code, answer in (data.get("attributes") or {}).items()
        },
        asked_at=datetime.fromisoformat(asked_at) if asked_at else None,
    )
