"""The same key gets the same answer, and the work is done once."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import idempotency

LONGEST_KEY = 200


def checked(key: str | None) -> str | None:
    """The key as sent, or None when there is none.

    Raises:
        Refusal: 400, longer than `LONGEST_KEY` characters.
    """
    if key is not None and len(key) > LONGEST_KEY:
        raise Refusal(400, "bad_idempotency_key", f"Idempotency-Key has at most {LONGEST_KEY} characters")
    return key or None


async def recall(conn: AsyncConnection, scope: str, key: str | None) -> tuple[int, Any] | None:
    """The answer given to this key before: status code and body."""
    if key is None:
        return None
    query = select(idempotency.c.status_code, idempotency.c.body)
    row = (
        await conn.execute(query.where(idempotency.c.scope == scope, idempotency.c.key == key))
    ).one_or_none()
    return None if row is None else (row.status_code, row.body)


async def remember(
    conn: AsyncConnection, scope: str, key: str | None, status_code: int, body: Any, now: datetime
) -> None:
    """Keep an answer for its key, in the transaction that did the work."""
    if key is not None:
        await conn.execute(
            insert(idempotency).values(
                scope=scope, key=key, status_code=status_code, body=body, created_at=now
            )
        )
