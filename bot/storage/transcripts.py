"""A conversation as agents read it: every message, who wrote it, what the bot made of it."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import persons
from bot.storage.desk_tables import agents, proposed_examples
from bot.storage.messages import StoredMessage, stored_message
from bot.storage.tables import messages, turns


@dataclass(frozen=True, slots=True)
class Line:
    """One message. `understanding` is the bot's reading of what a citizen wrote, `taught` what it meant."""

    message: StoredMessage
    agent_name: str | None = None
    outcome: str | None = None
    understanding: dict[str, Any] | None = None
    taught: str | None = None


async def page(
    conn: AsyncConnection, conversation_id: str, *, before: int | None = None, limit: int = 50
) -> list[Line]:
    """The newest messages before an id, the newest last."""
    return await _lines(conn, conversation_id, before, limit)


async def line(conn: AsyncConnection, message_id: int) -> Line:
    """One message as a line. Raises LookupError."""
    query = _query().where(messages.c.id == message_id)
    row = (await conn.execute(query)).first()
    if row is None:
        raise LookupError(message_id)
    return _line(row)


async def _lines(conn: AsyncConnection, conversation_id: str, before: int | None, limit: int) -> list[Line]:
    # Whoever helps a citizen reads what was said on all the channels they linked.
    query = _query().where(messages.c.conversation_id.in_(persons.conversations_of(conversation_id)))
    if before is not None:
        query = query.where(messages.c.id < before)
    rows = await conn.execute(query.order_by(messages.c.id.desc()).limit(limit))
    return [_line(row) for row in rows][::-1]


def _query() -> sa.Select[Any]:
    return (
        sa.select(
            messages,
            agents.c.name.label("agent_name"),
            turns.c.outcome,
            turns.c.understanding,
            proposed_examples.c.intent.label("taught"),
        )
        .outerjoin(agents, agents.c.id == messages.c.agent_id)
        # A turn carries the id of the first message it answers.
        .outerjoin(turns, turns.c.id == messages.c.uid)
        .outerjoin(proposed_examples, proposed_examples.c.message_id == messages.c.id)
    )


def _line(row: Any) -> Line:
    return Line(stored_message(row), row.agent_name, row.outcome, row.understanding, row.taught)
