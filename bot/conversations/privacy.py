"""A citizen's own data: seen on request, erased on request (UU 27/2022 articles 7 and 8)."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.door import Door
from bot.storage import cases, messages, privacy
from bot.vocabulary.conversations import Conversation, Say


async def export(conn: AsyncConnection, door: Door, conversation: Conversation) -> list[Say]:
    """Make a file of everything kept about this citizen's conversation, and hand it over as an attachment.

    The file holds the citizen's own raw words: it goes to nobody but the one who wrote them.
    """
    thread = await messages.stream(conn, conversation.id, 0, limit=100_000)
    document = {
        "pemerintah": door.tenants[conversation.tenant].name,
        "kanal": conversation.address.channel,
        "pesan": [
            {
                "waktu": message.created_at.isoformat(),
                "arah": "dari Anda" if message.direction == "in" else "dari Lawang",
                "isi": door.sealer.open(message.sealed_text) if message.sealed_text else message.text,
                "lokasi": message.location,
                "foto": len(message.media),
            }
            for message in thread
        ],
        "laporan": [_row(item) for item in await cases.cases_of(conn, conversation.id, limit=1000)],
        "antrean": [_row(item) for item in await cases.bookings_of(conn, conversation.id, limit=1000)],
        "persetujuan": await privacy.consent_of(conn, conversation.citizen_id),
    }
    data = json.dumps(document, ensure_ascii=False, indent=2, default=str).encode()
    media_id = await door.media.write(conn, data, "application/json", conversation.id)
    attachment = {
        "kind": "document",
        "media_id": media_id,
        "content_type": "application/json",
        "title": "data-saya.json",
    }
    return [Say("privacy.export_ready", attachments=(attachment,))]


async def erase(conn: AsyncConnection, conversation: Conversation, now: datetime) -> list[str]:
    """Erase what identifies the citizen; ids of files to delete after the commit.

    Cases stay with the city under their number, without the citizen's words: official records have their own
    retention (UU 43/2009).
    """
    return await privacy.erase(conn, conversation, now)


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
