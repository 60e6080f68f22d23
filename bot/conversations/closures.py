"""*Sudah beres?*: what the citizen says about a case in the end, and what follows from it."""

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from actions.effects import CaseConfirmed, CaseNoted, CaseRated, CaseReopened, CaseWithdrawn
from bot import metrics
from bot.conversations import speech
from bot.door import Door
from bot.storage import cases, notes
from bot.vocabulary.conversations import Conversation, Say
from connectors.capabilities import CaseStatus
from intents.calendar_days import YearUnknown, calendar

REOPEN_WORKING_DAYS = 10
STARS = (5, 3, 1)


async def reopen(
    conn: AsyncConnection, door: Door, conversation: Conversation, effect: CaseReopened, now: datetime
) -> list[Say]:
    """Open a closed case again, within its window, and tell its department; a false closure is counted."""
    row = await cases.own(conn, conversation.id, effect.connector, effect.reference)
    if row is None:
        return [Say("complaint.not_yours", {"reference": effect.reference}, (_report(),))]
    values = {"reference": row.reference}
    if CaseStatus(row.status).is_open:
        await _note(conn, conversation, effect, "comment", effect.text, now)
        return [Say("complaint.still_open", {**values, "status": {"$text": f"status.{row.status}"}})]
    ends = window(door, conversation.tenant, row.done_at or row.updated_at)
    if now > ends:
        return [
            Say("complaint.too_late_to_reopen", {**values, "date": {"$date": ends.isoformat()}}, (_report(),))
        ]
    # The state is ours until the city reports another; what it said before this moment is old.
    changed = {
        "status": CaseStatus.REOPENED,
        "moved_at": now,
        "updated_at": now,
        "confirmed_at": None,
        "rating": None,
        "false_closures": row.false_closures + (row.status == CaseStatus.DONE),
    }
    await cases.move_case(conn, row.id, **changed)
    metrics.FALSE_CLOSURES.labels(row.connector).inc()
    text = speech.sentence(door, conversation.tenant, "department.reopened", {"words": effect.text})
    await _note(conn, conversation, effect, "reopened", text, now)
    return [Say("complaint.reopened", values, (_more(row.reference),))]


async def confirm(
    conn: AsyncConnection, door: Door, conversation: Conversation, effect: CaseConfirmed, now: datetime
) -> list[Say]:
    """Note that the citizen agrees, and ask how content they are."""
    row = await cases.own(conn, conversation.id, effect.connector, effect.reference)
    if row is None:
        return [Say("complaint.not_yours", {"reference": effect.reference}, (_report(),))]
    if CaseStatus(row.status).is_open:
        status = {"$text": f"status.{row.status}"}
        return [Say("complaint.confirmed_early", {"reference": row.reference, "status": status})]
    if row.confirmed_at is None:
        await cases.move_case(conn, row.id, confirmed_at=now)
        text = speech.sentence(door, conversation.tenant, "department.confirmed")
        key = f"confirmed:{row.id}:{row.false_closures}"
        await _note(conn, conversation, effect, "confirmed", text, now, key)
    buttons = tuple(
        {
            "title_key": f"button.stars_{stars}",
            "payload": f"/rate_complaint{json.dumps({'reference': row.reference, 'stars': stars})}",
        }
        for stars in STARS
    )
    return [Say("complaint.confirmed", {"reference": row.reference}, buttons)]


async def rate(
    conn: AsyncConnection, door: Door, conversation: Conversation, effect: CaseRated, now: datetime
) -> list[Say]:
    """Keep a rating from 1 to 5; the last one counts."""
    row = await cases.own(conn, conversation.id, effect.connector, effect.reference)
    if row is None or not 1 <= effect.stars <= 5:
        return [Say("complaint.not_yours", {"reference": effect.reference}, (_report(),))]
    await cases.move_case(conn, row.id, rating=effect.stars)
    return [Say("complaint.rated_low" if effect.stars < 3 else "complaint.rated")]


async def withdraw(
    conn: AsyncConnection, door: Door, conversation: Conversation, effect: CaseWithdrawn, now: datetime
) -> list[Say]:
    """Take a report back; who only joined stops following, and nothing else changes."""
    row = await cases.own(conn, conversation.id, effect.connector, effect.reference)
    if row is None:
        return [Say("complaint.not_yours", {"reference": effect.reference}, (_report(),))]
    values = {"reference": row.reference}
    if not CaseStatus(row.status).is_open:
        return [Say("complaint.already_closed", {**values, "status": {"$text": f"status.{row.status}"}})]
    changed = {"status": CaseStatus.CANCELLED, "moved_at": now, "updated_at": now}
    await cases.move_case(conn, row.id, **changed)
    if row.origin != "filed":
        return [Say("complaint.unfollowed", values)]
    text = speech.sentence(door, conversation.tenant, "department.withdrawn")
    await _note(conn, conversation, effect, "withdrawn", text, now)
    return [Say("complaint.withdrawn", values)]


async def note(
    conn: AsyncConnection, door: Door, conversation: Conversation, effect: CaseNoted, now: datetime
) -> list[Say]:
    """Keep a citizen's words for a department whose system is away."""
    if await cases.own(conn, conversation.id, effect.connector, effect.reference) is None:
        return [Say("complaint.not_yours", {"reference": effect.reference}, (_report(),))]
    await _note(conn, conversation, effect, effect.kind[:16], effect.text, now, effect.key, effect.photos)
    return []


def window(door: Door, tenant_id: str, closed_at: datetime) -> datetime:
    """Until when a closed case can be opened again: so many working days, of the tenant's own number."""
    tenant = door.tenants[tenant_id]
    days = int((tenant.facts.get("complaint") or {}).get("reopen_working_days") or REOPEN_WORKING_DAYS)
    local = closed_at.astimezone(ZoneInfo(tenant.timezone))
    try:
        last = calendar(tenant_id).add_working_days(local.date(), days)
    except YearUnknown:
        # No promise, only patience: as many days as that many working days are at least.
        last = local.date() + timedelta(days=days * 7 // 5)
    return datetime.combine(last, datetime.max.time(), tzinfo=local.tzinfo)


async def _note(
    conn: AsyncConnection,
    conversation: Conversation,
    effect: Any,
    kind: str,
    text: str,
    now: datetime,
    key: str | None = None,
    photos: list[str] | None = None,
) -> None:
    values = {
        "conversation_id": conversation.id,
        "connector": effect.connector,
        "reference": effect.reference,
        "kind": kind,
        "text": text,
        "photos": photos or None,
    }
    await notes.add(conn, key or effect.key, values, now)


def _report() -> dict[str, Any]:
    return {"title_key": "button.report", "payload": "/report_complaint"}


def _more(reference: str) -> dict[str, Any]:
    payload = f"/add_complaint_info{json.dumps({'reference': reference})}"
    return {"title_key": "button.add_info", "payload": payload, "reusable": True}
