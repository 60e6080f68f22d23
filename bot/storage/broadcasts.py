"""Broadcasts and their receivers: planned once, taken one by one, stopped, reported."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import handedover
from bot.storage.broadcast_tables import broadcast_receivers, broadcasts, subscriptions
from bot.storage.contact_tables import contacts
from bot.storage.messages import StoredMessage
from bot.storage.persons import conversations_of
from bot.storage.tables import conversations, messages
from bot.vocabulary.broadcasts import Broadcast, BroadcastStatus, Notice, Report, Subscriber
from bot.vocabulary.messages import ChannelName, MessageStatus

PLANNED, QUEUED, SKIPPED = "planned", "queued", "skipped"
STOPPED = "SKIPPED_STOPPED"
OPTED_OUT = "SKIPPED_OPTED_OUT"
AMONG = 16
"""Workers choose among so many of the next ones, so that two rarely choose the same."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """One line: whom a broadcast goes to."""

    broadcast_id: str
    conversation_id: str
    attempt: int


def _broadcast(row: Any) -> Broadcast:
    return Broadcast(
        id=row.id,
        notice=Notice(row.tenant, row.topic, row.text, tuple(row.places), row.urgent),
        status=BroadcastStatus(row.status),
        receivers=row.receivers,
        created_by=row.created_by,
        approved_by=row.approved_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def covers(places: Sequence[str], subscribed: str) -> bool:
    """True when a notice about `places` concerns who asked for `subscribed`.

    A kelurahan lies in its kecamatan: its official code begins with the kecamatan's.
    """
    if not places or not subscribed:
        return True
    return any(
        place == subscribed or place.startswith(f"{subscribed}.") or subscribed.startswith(f"{place}.")
        for place in places
    )


async def subscribers(conn: AsyncConnection, notice: Notice) -> tuple[list[Subscriber], int]:
    """Everybody who asked for this, each conversation once, and how many stopped asking."""
    query = (
        sa.select(
            subscriptions.c.conversation_id,
            subscriptions.c.place,
            subscriptions.c.ended_at,
            conversations.c.citizen_id,
            conversations.c.channel,
            conversations.c.blocked_at,
            contacts.c.window_until,
        )
        .join(conversations, conversations.c.id == subscriptions.c.conversation_id)
        .outerjoin(contacts, contacts.c.conversation_id == subscriptions.c.conversation_id)
        .where(subscriptions.c.tenant == notice.tenant, subscriptions.c.topic == notice.topic)
        .order_by(subscriptions.c.conversation_id)
    )
    found: dict[str, Subscriber] = {}
    ended: set[str] = set()
    for row in await conn.execute(query):
        if not covers(notice.places, row.place):
            continue
        if row.ended_at is not None:
            ended.add(row.citizen_id)
            continue
        found[row.conversation_id] = Subscriber(
            row.conversation_id,
            row.citizen_id,
            ChannelName(row.channel),
            row.blocked_at is not None,
            row.window_until,
        )
    return list(found.values()), len(ended - {one.person for one in found.values()})


async def add(conn: AsyncConnection, broadcast: Broadcast, receivers: Iterable[Subscriber]) -> None:
    """Store a broadcast with everybody it goes to."""
    notice = broadcast.notice
    await conn.execute(
        broadcasts.insert().values(
            id=broadcast.id,
            tenant=notice.tenant,
            topic=notice.topic,
            places=list(notice.places),
            text=notice.text,
            urgent=notice.urgent,
            status=broadcast.status,
            receivers=broadcast.receivers,
            created_by=broadcast.created_by,
            approved_by=broadcast.approved_by,
            created_at=broadcast.created_at,
            updated_at=broadcast.updated_at,
        )
    )
    rows = [
        {
            "broadcast_id": broadcast.id,
            "conversation_id": one.conversation_id,
            "person": one.person,
            "channel": one.channel,
            "status": PLANNED,
            "attempt": 0,
        }
        for one in receivers
    ]
    await conn.execute(broadcast_receivers.insert(), rows)


async def get(conn: AsyncConnection, broadcast_id: str) -> Broadcast:
    """The broadcast with this id, or the only one whose id begins so. Raises LookupError."""
    begins = broadcasts.c.id.startswith(broadcast_id, autoescape=True)
    rows = list(await conn.execute(sa.select(broadcasts).where(begins).limit(2)))
    if not broadcast_id or len(rows) != 1:
        raise LookupError(broadcast_id)
    return _broadcast(rows[0])


async def newest(conn: AsyncConnection, tenant: str | None = None, limit: int = 20) -> list[Broadcast]:
    """The newest broadcasts first."""
    query = sa.select(broadcasts).order_by(broadcasts.c.created_at.desc(), broadcasts.c.id).limit(limit)
    if tenant is not None:
        query = query.where(broadcasts.c.tenant == tenant)
    return [_broadcast(row) for row in await conn.execute(query)]


async def sending(conn: AsyncConnection) -> list[Broadcast]:
    """The broadcasts under way: what is urgent first, then the oldest."""
    query = (
        sa.select(broadcasts)
        .where(broadcasts.c.status == BroadcastStatus.SENDING)
        .order_by(broadcasts.c.urgent.desc(), broadcasts.c.created_at)
    )
    return [_broadcast(row) for row in await conn.execute(query)]


async def same_words(conn: AsyncConnection, notice: Notice, since: datetime) -> Broadcast | None:
    """A broadcast of the same words about the same topic since then."""
    query = sa.select(broadcasts).where(
        broadcasts.c.tenant == notice.tenant,
        broadcasts.c.topic == notice.topic,
        broadcasts.c.text == notice.text,
        broadcasts.c.created_at >= since,
    )
    row = (await conn.execute(query.limit(1))).first()
    return None if row is None else _broadcast(row)


async def move(
    conn: AsyncConnection,
    broadcast_id: str,
    expected: BroadcastStatus,
    new: BroadcastStatus,
    now: datetime,
    **changes: Any,
) -> bool:
    """Compare-and-set the status; False when it was another one meanwhile."""
    statement = (
        broadcasts.update()
        .where(broadcasts.c.id == broadcast_id, broadcasts.c.status == expected)
        .values(status=new, updated_at=now, **changes)
    )
    return (await conn.execute(statement)).rowcount == 1


async def finish(conn: AsyncConnection, broadcast_id: str, now: datetime) -> bool:
    """Everybody has their message: say so, unless it was stopped meanwhile."""
    waiting = sa.exists().where(
        broadcast_receivers.c.broadcast_id == broadcast_id, broadcast_receivers.c.status == PLANNED
    )
    statement = (
        broadcasts.update()
        .where(broadcasts.c.id == broadcast_id, broadcasts.c.status == BroadcastStatus.SENDING, ~waiting)
        .values(status=BroadcastStatus.DONE, updated_at=now)
    )
    return (await conn.execute(statement)).rowcount == 1


async def hold(conn: AsyncConnection, broadcast_id: str) -> Broadcast | None:
    """The broadcast if it is still being sent; until the transaction ends nobody stops it."""
    query = sa.select(broadcasts).where(
        broadcasts.c.id == broadcast_id, broadcasts.c.status == BroadcastStatus.SENDING
    )
    row = (await conn.execute(query.with_for_update(read=True))).first()
    return None if row is None else _broadcast(row)


async def planned(conn: AsyncConnection, broadcast_id: str, channel: ChannelName) -> Receiver | None:
    """One of the next receivers on a channel, not yet anybody's: `settle` decides who has it."""
    query = (
        sa.select(broadcast_receivers)
        .where(
            broadcast_receivers.c.broadcast_id == broadcast_id,
            broadcast_receivers.c.channel == channel,
            broadcast_receivers.c.status == PLANNED,
        )
        .limit(AMONG)
    )
    rows = list(await conn.execute(query))
    if not rows:
        return None
    row = random.choice(rows)
    return Receiver(row.broadcast_id, row.conversation_id, row.attempt)


async def left(conn: AsyncConnection, broadcast_id: str) -> dict[ChannelName, int]:
    """How many are still to be queued, by channel."""
    query = (
        sa.select(broadcast_receivers.c.channel, sa.func.count())
        .where(broadcast_receivers.c.broadcast_id == broadcast_id, broadcast_receivers.c.status == PLANNED)
        .group_by(broadcast_receivers.c.channel)
    )
    return {ChannelName(row[0]): int(row[1]) for row in await conn.execute(query)}


async def settle(
    conn: AsyncConnection,
    receiver: Receiver,
    status: str,
    *,
    reason: str | None = None,
    message_id: int | None = None,
) -> bool:
    """Take a planned receiver; False when another worker did. Only then may a message be queued."""
    statement = (
        broadcast_receivers.update()
        .where(
            broadcast_receivers.c.broadcast_id == receiver.broadcast_id,
            broadcast_receivers.c.conversation_id == receiver.conversation_id,
            broadcast_receivers.c.attempt == receiver.attempt,
            broadcast_receivers.c.status == PLANNED,
        )
        .values(status=status, reason=reason, message_id=message_id)
    )
    return (await conn.execute(statement)).rowcount == 1


async def name_message(conn: AsyncConnection, receiver: Receiver, message_id: int) -> None:
    """Say which message a receiver gets, once it is stored."""
    await conn.execute(
        broadcast_receivers.update()
        .where(
            broadcast_receivers.c.broadcast_id == receiver.broadcast_id,
            broadcast_receivers.c.conversation_id == receiver.conversation_id,
        )
        .values(message_id=message_id)
    )


async def wanted(conn: AsyncConnection, broadcast: Broadcast, conversation_id: str) -> bool:
    """True while the person still asks for what the broadcast is about."""
    query = sa.select(subscriptions.c.place).where(
        subscriptions.c.conversation_id.in_(conversations_of(conversation_id)),
        subscriptions.c.topic == broadcast.notice.topic,
        subscriptions.c.ended_at.is_(None),
    )
    return any(covers(broadcast.notice.places, row.place) for row in await conn.execute(query))


async def told_elsewhere(conn: AsyncConnection, broadcast_id: str, conversation_id: str) -> bool:
    """True when the person gets the broadcast in another conversation: they linked it meanwhile."""
    query = sa.select(broadcast_receivers.c.conversation_id).where(
        broadcast_receivers.c.broadcast_id == broadcast_id,
        broadcast_receivers.c.conversation_id != conversation_id,
        broadcast_receivers.c.conversation_id.in_(conversations_of(conversation_id)),
        broadcast_receivers.c.status == QUEUED,
    )
    return (await conn.execute(query.limit(1))).first() is not None


async def recall(conn: AsyncConnection, message: StoredMessage, now: datetime) -> bool:
    """Take a notice back that is about to be sent, if it was stopped or is no longer wanted.

    Asked for every message just before its channel is called; most are no notice.
    """
    # Handed on to a linked channel, it is another message, which stands in for the first.
    ids = [one for one in (message.id, handedover.source_of(message.effect_key)) if one is not None]
    query = (
        sa.select(broadcasts)
        .join(broadcast_receivers, broadcast_receivers.c.broadcast_id == broadcasts.c.id)
        .where(broadcast_receivers.c.message_id.in_(ids))
    )
    row = (await conn.execute(query)).first()
    if row is None:
        return False
    broadcast = _broadcast(row)
    if broadcast.status is BroadcastStatus.STOPPED:
        reason = STOPPED
    elif await wanted(conn, broadcast, message.conversation_id):
        return False
    else:
        reason = OPTED_OUT
    await conn.execute(
        messages.update()
        .where(messages.c.id.in_(ids))
        .values(status=MessageStatus.SKIPPED, reason=reason, updated_at=now)
    )
    if reason == STOPPED:
        await _plan_again(conn, broadcast.id)
    return True


async def withdraw(conn: AsyncConnection, broadcast_id: str, now: datetime) -> None:
    """Take back every message of a stopped broadcast that its channel does not have yet."""
    mine = sa.select(broadcast_receivers.c.message_id).where(
        broadcast_receivers.c.broadcast_id == broadcast_id, broadcast_receivers.c.status == QUEUED
    )
    await conn.execute(
        messages.update()
        .where(messages.c.id.in_(mine), messages.c.status.in_([MessageStatus.QUEUED, MessageStatus.WAITING]))
        .values(status=MessageStatus.SKIPPED, reason=STOPPED, updated_at=now)
    )
    await _plan_again(conn, broadcast_id)


async def _plan_again(conn: AsyncConnection, broadcast_id: str) -> None:
    taken_back = sa.exists().where(
        messages.c.id == broadcast_receivers.c.message_id, messages.c.reason == STOPPED
    )
    await conn.execute(
        broadcast_receivers.update()
        .where(
            broadcast_receivers.c.broadcast_id == broadcast_id,
            broadcast_receivers.c.status == QUEUED,
            taken_back,
        )
        .values(status=PLANNED, message_id=None, attempt=broadcast_receivers.c.attempt + 1)
    )


async def recall_from(conn: AsyncConnection, conversation_id: str, now: datetime) -> None:
    """Take back every notice to a person who stopped that its channel does not have yet.

    `recall` would, too; done at once, the report says so at once.
    """
    mine = sa.select(broadcast_receivers.c.message_id).where(
        broadcast_receivers.c.conversation_id.in_(conversations_of(conversation_id)),
        broadcast_receivers.c.status == QUEUED,
    )
    await conn.execute(
        messages.update()
        .where(messages.c.id.in_(mine), messages.c.status.in_([MessageStatus.QUEUED, MessageStatus.WAITING]))
        .values(status=MessageStatus.SKIPPED, reason=OPTED_OUT, updated_at=now)
    )


async def backlog(conn: AsyncConnection, channel: ChannelName, now: datetime) -> int:
    """How many citizens of a channel wait for something that could be sent now."""
    query = sa.select(sa.func.count()).where(
        conversations.c.unsent_since.is_not(None),
        conversations.c.channel == channel,
        sa.or_(conversations.c.send_after.is_(None), conversations.c.send_after <= now),
    )
    return int((await conn.execute(query)).scalar_one())


async def forget(conn: AsyncConnection, conversation_id: str) -> None:
    """Delete the lines of a citizen who asks to be forgotten; the broadcast keeps its number."""
    await conn.execute(
        broadcast_receivers.delete().where(broadcast_receivers.c.conversation_id == conversation_id)
    )


async def report(conn: AsyncConnection, broadcast: Broadcast) -> Report:
    """What became of every receiver."""
    query = (
        sa.select(
            broadcast_receivers.c.status.label("line"),
            broadcast_receivers.c.reason.label("why"),
            messages.c.status,
            messages.c.reason,
            sa.func.count().label("people"),
        )
        .outerjoin(messages, messages.c.id == broadcast_receivers.c.message_id)
        .where(broadcast_receivers.c.broadcast_id == broadcast.id)
        .group_by(
            broadcast_receivers.c.status, broadcast_receivers.c.reason, messages.c.status, messages.c.reason
        )
    )
    counts: dict[str, int] = {}
    failed: dict[str, int] = {}
    skipped: dict[str, int] = {}
    for row in await conn.execute(query):
        if row.line == SKIPPED:
            skipped[row.why] = skipped.get(row.why, 0) + row.people
            continue
        name = PLANNED if row.line == PLANNED else _NAMES.get(row.status, "on_the_way")
        if name == "skipped" and (row.reason or "").startswith("SENT_"):
            # It went out on another channel of the same person.
            name = "sent"
        if name == "failed":
            failed[row.reason or "FAILED"] = failed.get(row.reason or "FAILED", 0) + row.people
        elif name == "skipped":
            skipped[row.reason or "SKIPPED"] = skipped.get(row.reason or "SKIPPED", 0) + row.people
        else:
            counts[name] = counts.get(name, 0) + row.people
    seen = sum(counts.values()) + sum(failed.values()) + sum(skipped.values())
    return Report(**counts, erased=max(broadcast.receivers - seen, 0), failed=failed, skipped=skipped)


_NAMES = {
    MessageStatus.SENT: "sent",
    MessageStatus.DELIVERED: "delivered",
    MessageStatus.READ: "delivered",
    MessageStatus.UNKNOWN: "unknown",
    MessageStatus.FAILED: "failed",
    MessageStatus.SKIPPED: "skipped",
}
