"""Who wants to be told of what: asked for in chat, ended by one word."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.broadcast_tables import subscriptions
from bot.storage.database import insert_once
from bot.storage.persons import conversations_of
from bot.storage.tables import messages

EVERYWHERE = ""
BROADCAST_KEY = "broadcast:"
"""How the key of a notice's message begins."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One topic, in one place or everywhere."""

    topic: str
    place: str
    created_at: datetime


async def add(
    conn: AsyncConnection, conversation_id: str, tenant: str, topic: str, place: str, now: datetime
) -> None:
    """Subscribe, or subscribe again. The whole area takes its places in: one line then, not two."""
    if place == EVERYWHERE:
        await end(conn, conversation_id, topic, "widened", now)
    key = {"conversation_id": conversation_id, "topic": topic, "place": place}
    row = {**key, "tenant": tenant, "created_at": now}
    if not await insert_once(conn, subscriptions, row, list(key)):
        await conn.execute(
            subscriptions.update()
            .where(*(subscriptions.c[name] == value for name, value in key.items()))
            .values(ended_at=None, ended_why=None, created_at=now)
        )


async def end(conn: AsyncConnection, conversation_id: str, topic: str | None, why: str, now: datetime) -> int:
    """Unsubscribe a person from a topic, or from all, on every channel they linked; how many lines ended."""
    statement = (
        subscriptions.update()
        .where(
            subscriptions.c.conversation_id.in_(conversations_of(conversation_id)),
            subscriptions.c.ended_at.is_(None),
        )
        .values(ended_at=now, ended_why=why)
    )
    if topic is not None:
        statement = statement.where(subscriptions.c.topic == topic)
    return (await conn.execute(statement)).rowcount


async def of(conn: AsyncConnection, conversation_id: str) -> list[Subscription]:
    """What a person is subscribed to now, on any channel they linked."""
    query = (
        sa.select(subscriptions.c.topic, subscriptions.c.place, sa.func.min(subscriptions.c.created_at))
        .where(
            subscriptions.c.conversation_id.in_(conversations_of(conversation_id)),
            subscriptions.c.ended_at.is_(None),
        )
        .group_by(subscriptions.c.topic, subscriptions.c.place)
        .order_by(subscriptions.c.topic, subscriptions.c.place)
    )
    return [Subscription(*row) for row in await conn.execute(query)]


async def forget(conn: AsyncConnection, conversation_id: str) -> None:
    """Delete what a citizen asked for who asks to be forgotten."""
    await conn.execute(subscriptions.delete().where(subscriptions.c.conversation_id == conversation_id))


async def heard_last(conn: AsyncConnection, conversation_id: str) -> bool:
    """True when a notice is the last thing we said: a bare "stop" answers it."""
    query = (
        sa.select(messages.c.effect_key)
        .where(messages.c.conversation_id == conversation_id, messages.c.direction == "out")
        .order_by(messages.c.id.desc())
        .limit(1)
    )
    return ((await conn.execute(query)).scalar() or "").startswith(BROADCAST_KEY)
