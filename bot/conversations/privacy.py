"""A citizen's own data: seen on request, erased on request (UU 27/2022 articles 7 and 8)."""

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.door import Door
from bot.storage import (
    agentnotes,
    cases,
    conversations,
    handoffs,
    links,
    messages,
    persons,
    privacy,
    subscriptions,
    waitings,
)
from bot.storage.messages import StoredMessage
from bot.vocabulary.conversations import Conversation, Say

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Export:
    """A file with a citizen's data, written but nobody's until `hand_over`."""

    media_id: str
    size: int


async def export(door: Door, conversation: Conversation, turn_id: str) -> Export:
    """Write a file of everything kept about this citizen's conversation.

    The file holds the citizen's own raw words: it goes to nobody but the one who wrote them. It is written
    before the turn's transaction, which others would have to wait for, and under a name made from the turn,
    so a turn done again leaves no second copy behind.
    """
    async with door.database.reading() as conn:
        document = await _document(conn, door, conversation)
    data = json.dumps(document, ensure_ascii=False, indent=2, default=str).encode()
    media_id = hashlib.sha256(f"export {turn_id}".encode()).hexdigest()[:32]
    await door.media.write(media_id, data)
    return Export(media_id, len(data))


async def hand_over(conn: AsyncConnection, door: Door, conversation: Conversation, made: Export) -> list[Say]:
    """Give an exported file to its citizen as an attachment."""
    await door.media.record(conn, made.media_id, made.size, "application/json", conversation.id)
    attachment = {
        "kind": "document",
        "media_id": made.media_id,
        "content_type": "application/json",
        "title": "data-saya.json",
    }
    return [Say("privacy.export_ready", attachments=(attachment,))]


async def _document(conn: AsyncConnection, door: Door, conversation: Conversation) -> dict[str, Any]:
    thread = await messages.stream(conn, conversation.id, 0, limit=100_000)
    tenant = door.tenants.get(conversation.tenant)
    return {
        "pemerintah": conversation.tenant if tenant is None else tenant.name,
        "kanal": conversation.address.channel,
        "alamat": conversation.address.address,
        "nama": conversation.address.display_name,
        "bahasa": conversation.language,
        "pesan": [
            {
                "waktu": message.created_at.isoformat(),
                "arah": _from(message),
                "isi": _raw(door, message),
                "lokasi": message.location,
                "foto": len(message.media),
            }
            for message in thread
        ],
        "laporan": [_row(item) for item in await cases.cases_of(conn, conversation.id, limit=1000)],
        "antrean": await privacy.bookings_of(conn, conversation.id),
        "daftar_tunggu": [
            {"layanan": place.service, "hari": place.day.isoformat(), "nama": place.name}
            for place in await waitings.of(conn, conversation.id)
        ],
        "langganan_kabar": [
            {"topik": item.topic, "wilayah": item.place or "semua", "sejak": item.created_at.isoformat()}
            for item in await subscriptions.of(conn, conversation.id)
        ],
        "permintaan_petugas": [
            {
                "nomor": f"P-{found.number}",
                "diminta": found.asked_at.isoformat(),
                "selesai": found.closed_at.isoformat() if found.closed_at else None,
                "nilai": found.rating,
            }
            for found in await handoffs.of(conn, conversation.id, 1000)
        ],
        "catatan_petugas": [
            {"waktu": note.created_at.isoformat(), "isi": note.text}
            for note in await agentnotes.of(conn, conversation.id, 1000)
        ],
        "persetujuan": await privacy.consent_of(conn, await links.own_citizen(conn, conversation.id)),
        "kanal_terhubung": [
            (await conversations.get(conn, one)).address.channel
            for one in await persons.ids(conn, conversation.id)
            if one != conversation.id
        ],
    }


async def erase(conn: AsyncConnection, conversation: Conversation, now: datetime) -> None:
    """Erase what we keep of the citizen, files after the commit.

    Cases stay with the city under their number: official records have their own retention (UU 43/2009).
    """
    await privacy.erase(conn, conversation, now)


def _from(message: StoredMessage) -> str:
    if message.direction == "in":
        return "dari Anda"
    return "dari petugas" if message.agent_id else "dari Lawang"


def _raw(door: Door, message: StoredMessage) -> str | None:
    if message.sealed_text is None:
        return message.text
    try:
        return door.sealer.open(message.sealed_text)
    except ValueError:
        log.error("message %s was sealed with another key", message.id)
        return message.text


def _row(item: Any) -> dict[str, Any]:
    names = (
        "reference",
        "code",
        "number",
        "kind",
        "topic",
        "status",
        "description",
        "place",
        "starts_at",
        "created_at",
    )
    return {name: getattr(item, name) for name in names if getattr(item, name, None) is not None}
