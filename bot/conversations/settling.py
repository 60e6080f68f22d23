"""Reservations brought to their end: asked again under the same key until the queue has answered.

Two kinds end here: a confirmation whose answer was lost, and a place at a puskesmas, which is asked for with
numbers (NIK, JKN card) that nothing but the front door may open. Actions and Rasa only ever see `[NIK]`.
"""

import asyncio
import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from actions import effects
from bot import metrics
from bot.conversations import bookings, outbound, rounds, speech
from bot.door import Door
from bot.storage import conversations, messages, reservations
from bot.vocabulary.conversations import Conversation, Say
from connectors.errors import BackendRejected, CaseNotFound, ConnectorError
from connectors.queues import BookingReceipt, BookingRequest, Confirmation, PersonNumbers, Priority
from intents.masking import mask

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 300
AT_ONCE = 10
LOOK_EVERY_SECONDS = 1
NUMBERS = {"nik": "nik", "bpjs": "card"}


async def seal_numbers(door: Door, conversation: Conversation, asked: Iterable[effects.Effect]) -> str | None:
    """Take the numbers out of the sealed originals of a citizen's messages, and seal them anew.

    The last one of each kind counts: people correct themselves.
    """
    turns = [
        turn for effect in asked if isinstance(effect, effects.BookingQueued) for turn in effect.numbers_in
    ]
    if not turns:
        return None
    async with door.database.reading() as conn:
        sealed = await messages.sealed_texts(conn, conversation.id, turns)
    numbers: dict[str, str] = {}
    for text in sealed:
        try:
            raw = door.sealer.open(text)
        except ValueError:
            log.error("numbers for conversation %s were sealed with another key", conversation.id)
            continue
        for found in mask(raw).found:
            if found.kind in NUMBERS:
                numbers[NUMBERS[found.kind]] = "".join(filter(str.isdecimal, found.value))
    return door.sealer.seal(json.dumps(numbers)) if numbers else None


async def run(door: Door, stop: asyncio.Event) -> None:
    """Settle what is due, again and again, until `stop`."""

    async def look() -> bool:
        async with door.database.transaction() as conn:
            due = await reservations.due(conn, datetime.now(UTC), AT_ONCE)
        await asyncio.gather(*(_try(door, row) for row in due))
        return bool(due)

    await rounds.go(stop, look, LOOK_EVERY_SECONDS, "reservations could not be settled")


async def _try(door: Door, row: Any) -> None:
    """One reservation that fails for a reason of its own must not keep the others waiting."""
    try:
        await settle(door, row)
    except Exception as error:
        log.exception("reservation %s failed", row.idempotency_key)
        await _later(door, row, error)


async def settle(door: Door, row: Any) -> None:
    """Ask the queue once. The key makes asking again harmless, whatever became of the times before."""
    try:
        receipt = await _ask(door, row)
    except (BackendRejected, CaseNotFound) as error:
        await _refused(door, row, error)
    except ConnectorError as error:
        await _later(door, row, error)
    else:
        await _made(door, row, receipt)


async def _ask(door: Door, row: Any) -> BookingReceipt:
    connector, wish = door.registry.by_id(row.connector), row.wish
    priority = Priority(wish["priority"] or Priority.NONE)
    if wish["hold"]:
        sure = Confirmation(row.idempotency_key, wish["hold"], wish["name"], priority=priority)
        return await connector.confirm(sure)
    numbers = json.loads(door.sealer.open(row.sealed_numbers)) if row.sealed_numbers else {}
    request = BookingRequest(
        idempotency_key=row.idempotency_key,
        slot_id=wish["slot_id"],
        service=wish["service"],
        name=wish["name"],
        priority=priority,
        numbers=PersonNumbers(**numbers),
        complaint=wish["complaint"],
    )
    return await connector.reserve(request)


async def _later(door: Door, row: Any, error: Exception) -> None:
    now = datetime.now(UTC)
    if now >= datetime.fromisoformat(row.wish["starts_at"]):
        await _close(door, row, [Say("booking.never_known", {"service": _service(door, row)})], "given_up")
        return
    pause = min(3 * 2.0 ** min(row.attempts, 10), LONGEST_PAUSE_SECONDS)
    log.info("reservation %s: %s; again in %.0f s", row.idempotency_key, type(error).__name__, pause)
    async with door.database.transaction() as conn:
        values: dict[str, Any] = {"attempts": row.attempts + 1, "reason": type(error).__name__}
        next_try = now + timedelta(seconds=pause)
        await reservations.close(conn, row.idempotency_key, next_try_at=next_try, **values)


async def _refused(door: Door, row: Any, error: ConnectorError) -> None:
    why = {"$text": error.text_key, "values": {"reason": error.detail}}
    again = {
        "title_key": "button.other_time",
        "payload": f"/book_queue{json.dumps({'service': row.wish['service']})}",
        "reusable": True,
    }
    agent = {"title_key": "button.agent", "payload": "/talk_to_agent"}
    values = {"service": _service(door, row), "why": why}
    await _close(door, row, [Say("booking.not_made_after_all", values, (again, agent))], "refused")


async def _made(door: Door, row: Any, receipt: BookingReceipt) -> None:
    wish = row.wish
    effect = effects.BookingMade(
        connector=row.connector,
        code=receipt.code,
        number=receipt.number,
        counter=receipt.counter,
        service=wish["service"],
        starts_at=receipt.starts_at.isoformat(),
        name=wish["name"],
        counter_title=wish["place"] or receipt.counter_title,
        priority=wish["priority"],
        note=receipt.note,
    )
    async with door.database.reading() as conn:
        conversation = await conversations.get(conn, row.conversation_id)
    await _close(door, row, [], "made", effect, await bookings.draw(door, conversation, effect))


async def _close(
    door: Door,
    row: Any,
    says: list[Say],
    outcome: str,
    effect: effects.BookingMade | None = None,
    drawn: bookings.Drawn | None = None,
) -> None:
    """Store how it ended, and tell the citizen once. Numbers and complaint are not needed any more."""
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        await conversations.lock(conn, row.conversation_id, now)
        conversation = await conversations.get(conn, row.conversation_id)
        if not await reservations.close(
            conn, row.idempotency_key, status=outcome, sealed_numbers=None, wish={}
        ):
            log.info("reservation %s had come to its end, or its citizen was forgotten", row.idempotency_key)
            return
        if effect is not None:
            says = await bookings.made(conn, door, conversation, effect, drawn, now)
        bubbles = [speech.bubble(door, conversation.tenant, say) for say in says]
        await outbound.queue(conn, door, conversation, bubbles, f"reservation:{row.idempotency_key}", now)
    metrics.RESERVATIONS.labels(outcome).inc()
    await outbound.announce(door, conversation)


def _service(door: Door, row: Any) -> str:
    service = door.catalog.service(row.wish["service"])
    return service.title if service else str(row.wish["service"])
