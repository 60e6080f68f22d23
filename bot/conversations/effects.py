"""What an action asked for, written once per turn: the front door is the only writer of a citizen's state."""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from actions import effects
from bot import metrics
from bot.conversations import handoff, privacy
from bot.door import Door
from bot.storage import cases
from bot.storage.conversations import set_language
from bot.vocabulary.conversations import Conversation, Say

log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What applying effects adds to the answer, and files to delete once it is committed."""

    says: list[Say] = field(default_factory=list)
    forgotten_media: list[str] = field(default_factory=list)


async def apply(
    conn: AsyncConnection,
    door: Door,
    conversation: Conversation,
    turn_id: str,
    asked: tuple[dict[str, Any], ...],
    now: datetime,
) -> Outcome:
    """Apply every effect of a turn inside its transaction. One that cannot be read is counted and left out."""
    outcome = Outcome()
    for data in asked:
        try:
            effect = effects.from_json(data)
        except ValueError as error:
            log.error("turn %s: %s", turn_id, error)
            metrics.BAD_INPUT.labels("effects", "unknown").inc()
            continue
        await _apply_one(conn, door, conversation, effect, outcome, now)
    return outcome


async def _apply_one(
    conn: AsyncConnection,
    door: Door,
    conversation: Conversation,
    effect: effects.Effect,
    outcome: Outcome,
    now: datetime,
) -> None:
    owner = {"tenant": conversation.tenant, "conversation_id": conversation.id}
    row: dict[str, Any]
    match effect:
        case effects.CaseOpened():
            row = {
                "connector": effect.connector,
                "reference": effect.reference,
                "kind": effect.kind,
                "topic": effect.topic,
                "status": effect.status,
                "description": effect.description,
                "place": effect.place,
                "latitude": effect.latitude,
                "longitude": effect.longitude,
                "promised_at": _moment(effect.promised_at),
            }
            await cases.follow(conn, {**owner, **row}, now)
        case effects.CaseFollowed():
            row = {
                "connector": effect.connector,
                "reference": effect.reference,
                "kind": effect.kind,
                "status": effect.status,
            }
            await cases.follow(conn, {**owner, **row}, now)
        case effects.CaseQueued():
            key = str(effect.draft["idempotency_key"])
            row = {"idempotency_key": key, "connector": effect.connector, "draft": effect.draft}
            await cases.queue_filing(conn, {"conversation_id": conversation.id, **row}, now)
        case effects.BookingMade():
            row = {
                "connector": effect.connector,
                "code": effect.code,
                "number": effect.number,
                "counter": effect.counter,
                "service": effect.service,
                "name": effect.name,
                "starts_at": _moment(effect.starts_at),
            }
            await cases.book(conn, {**owner, **row}, now)
        case effects.BookingMoved():
            await cases.move_booking(
                conn,
                effect.connector,
                effect.code,
                number=effect.number,
                starts_at=_moment(effect.starts_at),
                status="booked",
                updated_at=now,
            )
        case effects.BookingCancelled():
            await cases.move_booking(conn, effect.connector, effect.code, status="cancelled", updated_at=now)
        case effects.HandoffRequested():
            outcome.says += await handoff.request(
                conn, door, conversation, effect.reason, effect.summary, now
            )
        case effects.HandoffEnded():
            await handoff.end(conn, conversation, effect.reason, now)
        case effects.LanguageChosen():
            await set_language(conn, conversation.id, effect.language)
        case effects.DataExportRequested():
            outcome.says += await privacy.export(conn, door, conversation)
        case effects.DataErasureRequested():
            outcome.forgotten_media += await privacy.erase(conn, conversation, now)
        case effects.ServiceShown():
            pass  # the turn's understanding already keeps it


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
