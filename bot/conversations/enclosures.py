"""What only a person can hear or read: voice notes and documents are kept for an agent, and it is said so."""

import zipfile
from datetime import datetime, timedelta
from io import BytesIO

from bot.storage.messages import StoredMessage
from bot.vocabulary.conversations import Say
from bot.vocabulary.messages import IncomingKind

SETTLE = timedelta(seconds=1.5)
"""Parts of an album arrive one by one and no part says that it is the last (tdlib/telegram-bot-api #629)."""
LONGEST = timedelta(seconds=8)

KEPT = {IncomingKind.VOICE: "kept.voice", IncomingKind.DOCUMENT: "kept.document"}
ASK_PERSON = {"title_key": "button.talk_to_agent", "payload": "/talk_to_agent", "reusable": True}

_SIGNATURES = (b"%PDF-", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xd8\xff", b"\x89PNG")
_OFFICE = ("word/", "xl/", "ppt/")


def readable(data: bytes) -> bool:
    """Say whether an agent may open this: PDF, Office without macros, sound, picture; labels are not read."""
    if data.startswith(_SIGNATURES) or data[4:8] == b"ftyp":
        return True
    if not data.startswith(b"PK\x03\x04"):
        return False
    try:
        names = zipfile.ZipFile(BytesIO(data)).namelist()
    except (zipfile.BadZipFile, ValueError):
        return False
    macros = any(name.endswith("vbaProject.bin") for name in names)
    return not macros and any(name.startswith(_OFFICE) for name in names)


def answer(kind: IncomingKind, kept: int, refused: str | None) -> Say:
    """What the citizen hears: kept for a person, or why not. Never that somebody has listened."""
    if not kept:
        return Say(refused or "kept.nothing", buttons=(ASK_PERSON,))
    return Say(KEPT[kind], buttons=(ASK_PERSON,))


def unsettled(batch: list[StoredMessage], now: datetime) -> float:
    """Seconds to wait for more parts of an album; 0 when it is complete as far as one can know.

    Counted from the arrival of the parts, not from their download, with an upper bound.
    """
    parts = [message for message in batch if message.extra.get("album")]
    if not parts:
        return 0.0
    until = min(parts[-1].created_at + SETTLE, parts[0].created_at + LONGEST)
    return max((until - now).total_seconds(), 0.0)
