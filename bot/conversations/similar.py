"""*Saya juga*: open reports about the same thing are offered before another one is filed."""

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from actions.effects import CaseJoined, SimilarAsked
from bot.conversations import speech
from bot.door import Door
from bot.storage import cases, nearby, notes
from bot.vocabulary.conversations import Conversation, Say
from intents import places

MOST_OFFERED = 2
SAME_WORDS = 0.4
_EXACT = {"street", "landmark", "quarter", "rt_rw"}


async def offer(
    conn: AsyncConnection, door: Door, conversation: Conversation, asked: SimilarAsked, now: datetime
) -> Say | None:
    """The lines to put under the review card, each report with a button to join it; None without one.

    Of somebody else's report only its topic, age, distance and the places that the gazetteer knows are shown.
    A topic that is kept confidential, or says nothing of how near is near, is never offered.
    """
    topic = door.catalog.topic(asked.topic)
    near = topic.details.get("near") if topic else None
    if topic is None or not near or topic.details.get("confidential_default"):
        return None
    rows = await nearby.similar(
        conn,
        tenant=conversation.tenant,
        conversation_id=conversation.id,
        topic=asked.topic,
        since=now - timedelta(days=int(near["days"])),
        metres=float(near["metres"]),
        latitude=asked.latitude,
        longitude=asked.longitude,
        region=asked.region,
    )
    shown = [row for row in rows if row.latitude is not None and asked.latitude is not None]
    shown += [row for row in rows if row not in shown and _same_thing(asked, row, conversation.tenant)]
    if not shown:
        return None
    lines, buttons = [], []
    for number, row in enumerate(shown[:MOST_OFFERED], start=1):
        behind = await nearby.followers(conn, row.connector, row.reference)
        where = _where(row, conversation.tenant)
        values = {"title": topic.title, "where": where, "when": {"$date": row.created_at.isoformat()},
                  "citizens": behind}  # fmt: skip
        lines.append({"$text": "similar.line" if where else "similar.line_without_place", "values": values})
        title = "similar.join" if len(shown) == 1 else f"similar.join_{number}"
        payload = json.dumps({"value": f"join:{row.connector}:{row.reference}"})
        buttons.append({"title_key": title, "payload": f"/choose{payload}"})
    return Say("similar.offer", {"reports": {"$list": lines}}, tuple(buttons))


async def join(
    conn: AsyncConnection, door: Door, conversation: Conversation, effect: CaseJoined, now: datetime
) -> list[Say]:
    """Stand behind an open report, once; its department hears how many do."""
    first = await nearby.original(conn, conversation.tenant, effect.connector, effect.reference)
    if first is None:
        return [Say("similar.gone", buttons=(_report(),))]
    # Whoever joins counts under the lock of the report's own row: no two see the same number.
    await cases.followers(conn, effect.connector, effect.reference)
    kept = (
        "tenant",
        "connector",
        "reference",
        "kind",
        "topic",
        "status",
        "agency",
        "promised_at",
        "moved_at",
    )
    row = {name: getattr(first, name) for name in kept}
    new = await cases.follow(conn, {**row, "conversation_id": conversation.id, "origin": "joined"}, now)
    behind = await nearby.followers(conn, effect.connector, effect.reference)
    if new:
        text = speech.sentence(door, conversation.tenant, "department.joined", {"citizens": behind})
        values = {
            "conversation_id": conversation.id,
            "connector": effect.connector,
            "reference": effect.reference,
            "kind": "joined",
            "text": text,
        }
        await notes.add(conn, f"joined:{effect.reference}:{conversation.id}"[:128], values, now)
    topic = door.catalog.topic(first.topic or "")
    told: dict[str, Any] = {
        "reference": first.reference,
        "title": topic.title if topic else "",
        "citizens": behind,
        "status": {"$text": f"status.{first.status}"},
    }
    status = {"title_key": "button.status", "reusable": True,
              "payload": f"/check_status{json.dumps({'reference': first.reference})}"}  # fmt: skip
    if first.promised_at is None:
        return [Say("similar.joined", told, (status,))]
    told["promised"] = {"$date": first.promised_at.isoformat()}
    return [Say("similar.joined_with_date", told, (status,))]


def _same_thing(asked: SimilarAsked, row: Any, tenant: str) -> bool:
    """Without two pins: the same spot by name, or a kelurahan in common and mostly the same words."""
    if _spots(asked.place, tenant) & _spots(row.place, tenant):
        return True
    ours, theirs = _words(asked.description), _words(row.description)
    return bool(ours and theirs) and len(ours & theirs) / min(len(ours), len(theirs)) >= SAME_WORDS


def _spots(text: str | None, tenant: str) -> set[str]:
    found = places.find(text, tenant) if text else []
    return {mention.value.lower() for mention in found if mention.kind in _EXACT}


def _words(text: str | None) -> set[str]:
    return {word for word in (text or "").lower().split() if len(word) > 3}


def _where(row: Any, tenant: str) -> str:
    """The parts of a place that are on any map; the rest of it may be somebody's address."""
    named = [mention.value for mention in places.find(row.place, tenant)] if row.place else []
    return ", ".join(dict.fromkeys(named))[:120]


def _report() -> dict[str, Any]:
    return {"title_key": "button.report", "payload": "/report_complaint"}
