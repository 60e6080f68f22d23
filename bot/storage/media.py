"""Files that citizens send and that we make for them: bytes on disk, one row each."""

import asyncio
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import pictures, tables
from bot.storage.database import Database, insert_once

MAX_BYTES = 20 * 1024 * 1024

# The owner of files whose citizen asked to be forgotten: nobody gets them, and the next sweep deletes them.
ERASED = "erased"


class MediaRefused(Exception):
    """The file cannot be kept; `text_key` is the sentence for the citizen."""

    def __init__(self, text_key: str) -> None:
        super().__init__(text_key)
        self.text_key = text_key


class MediaStore:
    """Keeps files under `folder`. Pictures are re-encoded: their place and camera stay with the citizen."""

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
        spot: tuple[float | None, float | None] = (None, None)
        if content_type.startswith("image/"):
            try:
                picture = await asyncio.to_thread(pictures.clean, data)
            except pictures.PictureRefused as error:
                raise MediaRefused(error.text_key) from error
            data, content_type, spot = picture.data, "image/jpeg", (picture.latitude, picture.longitude)
        media_id = uuid.uuid4().hex
        await self.write(media_id, data)
        async with self._database.transaction() as conn:
            await self.record(conn, media_id, len(data), content_type, owner, spot)
        return media_id

    async def write(self, media_id: str, data: bytes) -> None:
        """Put bytes on the disk; they are nobody's until `record`. The same id again replaces them."""
        await asyncio.to_thread(_write, self.path(media_id), data)

    async def record(
        self,
        conn: AsyncConnection,
        media_id: str,
        size: int,
        content_type: str,
        owner: str | None,
        spot: tuple[float | None, float | None] = (None, None),
    ) -> None:
        """Say whose a written file is, inside a transaction that is already open.

        `spot` is the latitude and longitude its camera noted; they are in no file that leaves us.
        """
        await insert_once(
            conn,
            tables.media,
            {
                "id": media_id,
                "owner": owner,
                "content_type": content_type[:64],
                "size": size,
                "latitude": spot[0],
                "longitude": spot[1],
                "created_at": datetime.now(UTC),
            },
            ["id"],
        )

    async def adopt(self, conn: AsyncConnection, media_ids: list[str], owner: str) -> None:
        """Give uploaded files to the conversation that sent them; files with an owner keep theirs."""
        if media_ids:
            await conn.execute(
                tables.media.update()
                .where(tables.media.c.id.in_(media_ids), tables.media.c.owner.is_(None))
                .values(owner=owner)
            )

    async def carry(self, conn: AsyncConnection, media_ids: list[str], old: str, new: str) -> None:
        """Give files of one conversation to another, where its form went on."""
        await conn.execute(
            tables.media.update()
            .where(tables.media.c.id.in_(media_ids), tables.media.c.owner == old)
            .values(owner=new)
        )

    async def find(self, media_id: str) -> tuple[Path, str, str | None] | None:
        """Return path, content type and owner, or None for an unknown id."""
        query = sa.select(tables.media.c.content_type, tables.media.c.owner).where(
            tables.media.c.id == media_id,
            sa.or_(tables.media.c.owner.is_(None), tables.media.c.owner != ERASED),
        )
        async with self._database.reading() as conn:
            row = (await conn.execute(query)).first()
        return None if row is None else (self.path(media_id), row.content_type, row.owner)

    async def taken_at(self, media_id: str) -> dict[str, float]:
        """Where the camera of a picture said it was, `latitude` and `longitude`; empty when it did not."""
        query = sa.select(tables.media.c.latitude, tables.media.c.longitude).where(
            tables.media.c.id == media_id
        )
        async with self._database.reading() as conn:
            row = (await conn.execute(query)).first()
        if row is None or row.latitude is None:
            return {}
        return {"latitude": row.latitude, "longitude": row.longitude}

    def path(self, media_id: str) -> Path:
        """Where the bytes of `media_id` lie.

        Raises:
            ValueError: not one of our ids.
        """
        return self._folder / uuid.UUID(hex=media_id).hex

    async def sweep(self) -> int:
        """Delete the files of citizens who asked to be forgotten; how many there were.

        Marked first, deleted after the commit: a process killed in between leaves work for the next sweep.
        """
        query = sa.select(tables.media.c.id).where(tables.media.c.owner == ERASED)
        async with self._database.reading() as conn:
            erased = [row.id for row in await conn.execute(query)]
        if not erased:
            return 0
        for media_id in erased:
            await asyncio.to_thread(self.path(media_id).unlink, missing_ok=True)
        async with self._database.transaction() as conn:
            await conn.execute(tables.media.delete().where(tables.media.c.id.in_(erased)))
        return len(erased)


def _write(path: Path, data: bytes) -> None:
    """Write and flush to the disk: a photo we said yes to survives a power cut, as its message does."""
    part = path.with_suffix(f".{uuid.uuid4().hex[:8]}")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
