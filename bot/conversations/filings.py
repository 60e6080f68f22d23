"""Complaints that a city system could not take at once: filed later, with the same key, until it answers."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from bot import metrics
from bot.conversations import outbound, speech
from bot.door import Door
from bot.storage import cases, conversations
from bot.vocabulary.conversations import Say
from connectors.capabilities import CaseReceipt, ComplaintDraft, Photo, Place
from connectors.errors import BackendRejected, ConnectorError

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 900
AT_ONCE = 10


async def run(door: Door, stop: asyncio.Event) -> None:
    """File what is due, again and again, until `stop`."""
    while not stop.is_set():
        due: list[Any] = []
        try:
            async with door.database.transaction() as conn:
                due = await cases.due_filings(conn, datetime.now(UTC), AT_ONCE)
            await asyncio.gather(*(_try(door, filing) for filing in due))
        except Exception:
            log.exception("complaints could not be filed; again soon")
        try:
            await asyncio.wait_for(stop.wait(), 0.1 if due else 2)
        except TimeoutError:
            continue


async def _try(door: Door, filing: Any) -> None:
    """One complaint that cannot be filed for a reason of its own must not keep the others waiting."""
    try:
        await file(door, filing)
    except Exception as error:
        log.exception("filing %s failed", filing.idempotency_key)
        await _later(door, filing, error)


async def file(door: Door, filing: Any) -> None:
    """Try to file one complaint. The idempotency key makes an unknown outcome safe to ask again."""
    draft = read_draft(filing.draft)
    try:
        connector = door.registry.by_id(filing.connector)
        receipt = await connector.submit_complaint(draft)
    except BackendRejected as error:
        await _close(door, filing, draft, None, error)
    except ConnectorError as error:
        await _later(door, filing, error)
    else:
        await _close(door, filing, draft, receipt, None)


async def _later(door: Door, filing: Any, error: Exception) -> None:
    pause = min(5 * 2.0 ** min(filing.attempts, 10), LONGEST_PAUSE_SECONDS)
    log.info("filing %s: %s; again in %.0f s", filing.idempotency_key, type(error).__name__, pause)
    metrics.FILINGS.labels("later").inc()
    async with door.database.transaction() as conn:
        await cases.close_filing(
            conn,
            filing.idempotency_key,
            attempts=filing.attempts + 1,
            reason=type(error).__name__,
            next_try_at=datetime.now(UTC) + timedelta(seconds=pause),
        )


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
        if receipt is not None:
            row = {
                "tenant": conversation.tenant,
                "conversation_id": conversation.id,
                "connector": filing.connector,
                "reference": receipt.reference,
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
            say = Say("complaint.filed_later", {"reference": receipt.reference})
        else:
            say = Say("complaint.refused_later", {"reason": error.detail if error else ""})
        bubble = speech.bubble(door, conversation.tenant, say)
        await outbound.queue(conn, door, conversation, [bubble], f"filing:{filing.idempotency_key}", now)
    metrics.FILINGS.labels(outcome).inc()
    await outbound.announce(door, conversation)


def read_draft(data: dict[str, Any]) -> ComplaintDraft:
    """Rebuild a complaint from the plain data of an effect."""
    place, photos = data.get("place") or {}, data.get("photos") or ()
    plain = {key: value for key, value in data.items() if key not in ("place", "photos")}
    return ComplaintDraft(**plain, place=Place(**place), photos=tuple(Photo(**photo) for photo in photos))
