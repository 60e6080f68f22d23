"""Files that citizens send and that we make for them: bytes on disk, one row each."""

import asyncio
import io
import uuid
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import tables
from bot.storage.database import Database

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
LONGEST_SIDE = 2048


class MediaRefused(Exception):
    """The file cannot be kept; `text_key` is the sentence for the citizen."""

    def __init__(self, text_key: str) -> None:
        super().__init__(text_key)
        self.text_key = text_key


class MediaStore:
    """Keeps files under `folder`. Pictures are re-encoded, so position and camera data never leave the citizen."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._database = database
        folder.mkdir(parents=True, exist_ok=True)

    async def save(self, data: bytes, content_type: str, owner: str | None = None) -> str:
        """Keep a file and return its id. `owner` is the conversation that may fetch it.

        Raises:
            MediaRefused: too big, or said to be a picture and is none.
        """
        if len(data) > MAX_BYTES:
            raise MediaRefused("media.too_big")
        if content_type.startswith("image/"):
            data, content_type = await asyncio.to_thread(_clean_picture, data)
        async with self._database.transaction() as conn:
            return await self.write(conn, data, content_type, owner)

    async def write(self, conn: AsyncConnection, data: bytes, content_type: str, owner: str | None) -> str:
        """Keep bytes of our own making inside a transaction that is already open."""
        media_id = uuid.uuid4().hex
        await asyncio.to_thread(self._folder.joinpath(media_id).write_bytes, data)
        await conn.execute(
            tables.media.insert().values(
                id=media_id,
                owner=owner,
                content_type=content_type,
                size=len(data),
                created_at=datetime.now(UTC),
            )
        )
        return media_id

    async def adopt(self, conn: AsyncConnection, media_ids: list[str], owner: str) -> None:
        """Give uploaded files to the conversation that sent them; files with an owner keep theirs."""
        if media_ids:
            await conn.execute(
                tables.media.update()
                .where(tables.media.c.id.in_(media_ids), tables.media.c.owner.is_(None))
                .values(owner=owner)
            )

    async def find(self, media_id: str) -> tuple[Path, str, str | None] | None:
        """Return path, content type and owner, or None for an unknown id."""
        query = sa.select(tables.media.c.content_type, tables.media.c.owner).where(
            tables.media.c.id == media_id
        )
        async with self._database.reading() as conn:
            row = (await conn.execute(query)).first()
        return None if row is None else (self.path(media_id), row.content_type, row.owner)

    def path(self, media_id: str) -> Path:
        """Where the bytes of `media_id` lie.

        Raises:
            ValueError: not one of our ids.
        """
        return self._folder / uuid.UUID(hex=media_id).hex

    async def forget(self, media_ids: list[str]) -> None:
        """Delete files and rows for good."""
        if not media_ids:
            return
        for media_id in media_ids:
            self.path(media_id).unlink(missing_ok=True)
        async with self._database.transaction() as conn:
            await conn.execute(tables.media.delete().where(tables.media.c.id.in_(media_ids)))


def _clean_picture(data: bytes) -> tuple[bytes, str]:
    """Turn upright, shrink to LONGEST_SIDE pixels, drop every tag, and encode as JPEG."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise MediaRefused("media.too_big")
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise MediaRefused("media.not_a_picture") from error
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=85, optimize=True)
    return out.getvalue(), "image/jpeg"
