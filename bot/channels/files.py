"""Files on their way: our own bytes for a channel, and what a citizen's bytes really are."""

import asyncio
from pathlib import Path
from typing import Protocol

from bot.channels.base import MessageRefused
from bot.vocabulary.messages import Attachment

_EXTENSIONS = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "application/pdf": ".pdf"}
_SIGNATURES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"%PDF-": "application/pdf",
    b"OggS": "audio/ogg",
}


class Files(Protocol):
    """Where the bytes of our own files lie: the media store."""

    async def find(self, media_id: str) -> tuple[Path, str, str | None] | None:
        """Return path, content type and owner of a file, or None."""
        ...


async def load(attachment: Attachment, files: Files | None) -> tuple[bytes | str, int, str, str | None]:
    """Return what to send, its size, type and file name: our own bytes, or an address the channel fetches."""
    if attachment.media_id:
        found = await files.find(attachment.media_id) if files else None
        if found is None:
            raise MessageRefused("an attachment is gone")
        path, kind, _ = found
        try:
            data = await asyncio.to_thread(path.read_bytes)
        except FileNotFoundError:
            raise MessageRefused("an attachment is gone") from None
        extension = _EXTENSIONS.get(kind, "")
        name = attachment.title or attachment.kind
        return data, len(data), kind, name if name.endswith(extension) else name + extension
    if attachment.url:
        return attachment.url, 0, attachment.content_type or "", None
    raise MessageRefused("an attachment without a file")


def content_type(data: bytes, said: str | None) -> str:
    """Believe the bytes before the label: channels and citizens name files as they like."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    found = next((kind for mark, kind in _SIGNATURES.items() if data.startswith(mark)), None)
    return found or said or "application/octet-stream"
