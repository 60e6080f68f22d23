"""The same key gets the same answer, and the work is done once."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.sandbox.clock import wall_clock
from connectors.sandbox.database import upsert
from connectors.sandbox.problems import Refusal
from connectors.sandbox.tables import idempotency

LONGEST_KEY = 200
BEGUN = 0


def checked(key: str | None) -> str | None:
    """The key as sent, or None when there is none.

    Raises:
        Refusal: 400, longer than `LONGEST_KEY` characters.
    """
    if key is not None and len(key) > LONGEST_KEY:
        raise Refusal(400, "bad_idempotency_key", f"Idempotency-Key has at most {LONGEST_KEY} characters")
    return key or None


async def recall(conn: AsyncConnection, scope: str, key: str | None) -> tuple[int, Any] | None:
    """The answer given to this key before: status code and body. None means: do the work, then `remember`.

    The key is taken at once, so that the same request beside this one waits for its outcome.
    """
    if key is None:
        return None
    row = {"scope": scope, "key": key, "status_code": BEGUN, "body": None, "created_at": wall_clock()}
    begin = upsert(conn, idempotency).values(row).on_conflict_do_nothing().returning(idempotency.c.key)
    if (await conn.execute(begin)).first() is not None:
        return None
    query = select(idempotency.c.status_code, idempotency.c.body)
    found = (await conn.execute(query.where(idempotency.c.scope == scope, idempotency.c.key == key))).one()
    return None if found.status_code == BEGUN else (found.status_code, found.body)


async def remember(
    conn: AsyncConnection, scope: str, key: str | None, status_code: int, body: Any, now: datetime
) -> None:
    """Keep an answer for its key, in the transaction that did the work."""
    if key is not None:
        mine = (idempotency.c.scope == scope) & (idempotency.c.key == key)
        values = {"status_code": status_code, "body": body, "created_at": now}
        await conn.execute(update(idempotency).where(mine).values(values))
