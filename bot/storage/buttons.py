"""The buttons under our messages: what was offered, and what a press has used up."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import buttons, messages


@dataclass(frozen=True, slots=True)
class OfferedButton:
    """A button we once showed. `used` is True after its message was answered by a press."""

    token: str
    message_id: int
    title: str
    payload: str
    reusable: bool
    used: bool
    created_at: datetime
    is_latest: bool


async def add(
    conn: AsyncConnection, message_id: int, conversation_id: str, rows: list[dict[str, Any]], now: datetime
) -> None:
    """Remember the buttons under an outbound message."""
    if rows:
        await conn.execute(
            buttons.insert(),
            [
                {"message_id": message_id, "conversation_id": conversation_id, "created_at": now, **row}
                for row in rows
            ],
        )


async def find(conn: AsyncConnection, conversation_id: str, token: str) -> OfferedButton | None:
    """The button behind a token, if it was offered in this conversation."""
    newest = (
        sa.select(sa.func.max(buttons.c.message_id))
        .where(buttons.c.conversation_id == conversation_id)
        .scalar_subquery()
    )
    query = sa.select(buttons, newest.label("newest")).where(
        buttons.c.token == token, buttons.c.conversation_id == conversation_id
    )
    row = (await conn.execute(query)).first()
    return None if row is None else _offered(row)


async def conversation_of(conn: AsyncConnection, token: str) -> str | None:
    """The conversation in which a token was offered."""
    query = sa.select(buttons.c.conversation_id).where(buttons.c.token == token)
    found: str | None = (await conn.execute(query)).scalar()
    return found


async def newest(conn: AsyncConnection, conversation_id: str) -> list[OfferedButton]:
    """The buttons under the newest outbound message, in their order; empty when it has none."""
    newest = (
        sa.select(sa.func.max(messages.c.id))
        .where(messages.c.conversation_id == conversation_id, messages.c.direction == "out")
        .scalar_subquery()
    )
    query = (
        sa.select(buttons, newest.label("newest"))
        .where(buttons.c.message_id == newest)
        .order_by(buttons.c.position)
    )
    return [_offered(row) for row in await conn.execute(query)]


def _offered(row: Any) -> OfferedButton:
    return OfferedButton(
        token=row.token,
        message_id=row.message_id,
        title=row.title,
        payload=row.payload,
        reusable=row.reusable,
        used=row.used_by is not None,
        created_at=row.created_at,
        is_latest=row.message_id == row.newest,
    )


async def use(conn: AsyncConnection, message_id: int, turn_id: str) -> None:
    """A press answers its whole message: no button under it counts again (reusable ones do)."""
    await conn.execute(
        buttons.update()
        .where(buttons.c.message_id == message_id, buttons.c.used_by.is_(None), buttons.c.reusable.is_(False))
        .values(used_by=turn_id)
    )
