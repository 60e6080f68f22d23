"""Messages in both directions, the buttons under them, and the turns that answered them."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import handedover, persons
from bot.storage.database import insert_once, insert_once_for_id
from bot.storage.tables import conversations, messages, turns
from bot.vocabulary.messages import MessageStatus

# The reason of what somebody sent again, until it is sent.
RESENT = "RESENT"

RANK = {
    MessageStatus.QUEUED: 0,
    MessageStatus.SENDING: 1,
    MessageStatus.UNKNOWN: 2,
    MessageStatus.SENT: 3,
    MessageStatus.DELIVERED: 4,
    MessageStatus.READ: 5,
    MessageStatus.FAILED: 6,
}


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One row as faces and the worker see it. `text` is masked; `sealed_text` opens to the raw one."""

    id: int
    uid: str
    conversation_id: str
    direction: str
    kind: str
    text: str | None
    status: str
    created_at: datetime
    channel_message_id: str | None
    sealed_text: str | None = None
    buttons: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    location: dict[str, float] | None = None
    media: list[dict[str, Any]] = field(default_factory=list)
    button: str | None = None
    ask_location: bool = False
    silent: bool = False
    attempts: int = 0
    calls: int = 0
    extra: dict[str, Any] = field(default_factory=dict)
    agent_id: str | None = None
    reason: str | None = None
    effect_key: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a conversation is: who owns it, how many messages wait, the last one handled."""

    owner: str
    waiting: int
    handled_upto: int


def stored_message(row: Any) -> StoredMessage:
    """Read one row of the table."""
    content = row.content or {}
    return StoredMessage(
        id=row.id,
        uid=row.uid,
        conversation_id=row.conversation_id,
        direction=row.direction,
        kind=row.kind,
        text=row.text,
        status=row.status,
        created_at=row.created_at,
        channel_message_id=row.channel_message_id,
        sealed_text=row.sealed_text,
        buttons=content.get("buttons", []),
        attachments=content.get("attachments", []),
        location=content.get("location"),
        media=content.get("media", []),
        button=content.get("button"),
        ask_location=content.get("ask_location", False),
        silent=content.get("silent", False),
        attempts=row.attempts,
        calls=row.calls,
        extra=content.get("extra", {}),
        agent_id=row.agent_id,
        reason=row.reason,
        effect_key=row.effect_key,
        updated_at=row.updated_at,
    )


async def add_inbound(conn: AsyncConnection, values: dict[str, Any]) -> tuple[int, bool]:
    """Store an inbound message once; its id, and whether it was there before."""
    created = await insert_once_for_id(conn, messages, values)
    if created is not None:
        return created, False
    query = sa.select(messages.c.id).where(
        messages.c.conversation_id == values["conversation_id"],
        messages.c.direction == "in",
        messages.c.channel_message_id == values["channel_message_id"],
    )
    return int((await conn.execute(query)).scalar_one()), True


async def add_outbound(conn: AsyncConnection, values: dict[str, Any]) -> int | None:
    """Store an outbound message once per `effect_key`; its id, or None when it was there before."""
    return await insert_once_for_id(conn, messages, values, ["effect_key"])


async def waiting(conn: AsyncConnection, conversation_id: str, limit: int = 50) -> list[StoredMessage]:
    """Inbound messages that nobody answered yet, oldest first."""
    query = (
        sa.select(messages)
        .where(messages.c.conversation_id == conversation_id, messages.c.status == MessageStatus.RECEIVED)
        .order_by(messages.c.id)
        .limit(limit)
    )
    return [stored_message(row) for row in await conn.execute(query)]


async def mark_handled(
    conn: AsyncConnection, ids: Sequence[int], now: datetime, reason: str | None = None
) -> bool:
    """Inbound messages have their answer; False when one of them had an answer already."""
    statement = (
        messages.update()
        .where(messages.c.id.in_(ids), messages.c.status == MessageStatus.RECEIVED)
        .values(status=MessageStatus.HANDLED, reason=reason, updated_at=now)
    )
    return (await conn.execute(statement)).rowcount == len(ids)


async def explained(conn: AsyncConnection, conversation_id: str, kind: str, since: datetime) -> bool:
    """True when an unsupported message of this kind was answered with an explanation since then."""
    query = sa.select(messages.c.id).where(
        messages.c.conversation_id == conversation_id,
        messages.c.direction == "in",
        messages.c.kind == "unsupported",
        messages.c.text == kind,
        messages.c.reason == "UNSUPPORTED",
        messages.c.created_at >= since,
    )
    return (await conn.execute(query.limit(1))).first() is not None


async def update_content(conn: AsyncConnection, message_id: int, content: dict[str, Any]) -> None:
    """Replace the structured part of a message, for instance once its media are ours."""
    await conn.execute(messages.update().where(messages.c.id == message_id).values(content=content))


async def get(conn: AsyncConnection, message_id: int) -> StoredMessage:
    """The message with this id. Raises LookupError."""
    row = (await conn.execute(sa.select(messages).where(messages.c.id == message_id))).first()
    if row is None:
        raise LookupError(message_id)
    return stored_message(row)


async def stream(
    conn: AsyncConnection, conversation_id: str, after: int, limit: int = 200
) -> list[StoredMessage]:
    """Messages of a conversation in both directions after an id, in order."""
    query = (
        sa.select(messages)
        .where(messages.c.conversation_id == conversation_id, messages.c.id > after)
        .order_by(messages.c.id)
        .limit(limit)
    )
    return [stored_message(row) for row in await conn.execute(query)]


async def progress(conn: AsyncConnection, conversation_id: str) -> Progress:
    """How far the conversation is."""
    received = messages.c.status == MessageStatus.RECEIVED
    query = sa.select(
        sa.select(conversations.c.owner).where(conversations.c.id == conversation_id).scalar_subquery(),
        sa.select(sa.func.count())
        .where(messages.c.conversation_id == conversation_id, received)
        .scalar_subquery(),
        sa.select(sa.func.max(messages.c.id))
        .where(
            messages.c.conversation_id == conversation_id,
            messages.c.direction == "in",
            messages.c.status == MessageStatus.HANDLED,
        )
        .scalar_subquery(),
    )
    owner, count, handled = (await conn.execute(query)).one()
    return Progress(owner=owner or "bot", waiting=count, handled_upto=handled or 0)


async def add_turn(conn: AsyncConnection, values: dict[str, Any]) -> None:
    """Note what a turn understood and how it ended."""
    await insert_once(conn, turns, values, ["id"])


async def mark_unsent(conn: AsyncConnection, conversation_id: str, now: datetime) -> None:
    """Say that messages wait for a sender."""
    await conn.execute(
        conversations.update()
        .where(conversations.c.id == conversation_id)
        .values(unsent_since=sa.func.coalesce(conversations.c.unsent_since, now))
    )


async def claim_unsent(
    conn: AsyncConnection,
    holder: str,
    now: datetime,
    seconds: float,
    limit: int,
    without: Collection[str] = (),
) -> list[Any]:
    """Take conversations with messages to send, each by one sender only, whose pause is over, of all
    channels but those `without`.
    """
    free = (
        sa.select(conversations.c.id)
        .where(
            conversations.c.unsent_since.is_not(None),
            sa.or_(conversations.c.send_after.is_(None), conversations.c.send_after <= now),
            sa.or_(conversations.c.sender_until.is_(None), conversations.c.sender_until < now),
            conversations.c.channel.not_in(list(without)),
        )
        .order_by(conversations.c.unsent_since)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("free")
    )
    statement = (
        conversations.update()
        .where(conversations.c.id.in_(sa.select(free.c.id)))
        .values(sender=holder, sender_until=now + timedelta(seconds=seconds))
        .returning(conversations)
    )
    return list(await conn.execute(statement))


async def unsent(conn: AsyncConnection, conversation_id: str) -> list[StoredMessage]:
    """Outbound messages not yet with the channel, oldest first. A row in `sending` was interrupted."""
    query = (
        sa.select(messages)
        .where(
            messages.c.conversation_id == conversation_id,
            messages.c.direction == "out",
            messages.c.status.in_([MessageStatus.QUEUED, MessageStatus.SENDING]),
        )
        .order_by(messages.c.id)
        .limit(50)
    )
    return [stored_message(row) for row in await conn.execute(query)]


async def set_status(
    conn: AsyncConnection,
    message_id: int,
    status: MessageStatus,
    now: datetime,
    *,
    reason: str | sa.ColumnElement[str] | None = None,
    channel_message_id: str | None = None,
    attempts: int = 0,
    among: Collection[MessageStatus] = tuple(MessageStatus),
) -> bool:
    """Move one outbound message to a status, and count `attempts` more; False when it is erased.

    Nor is it moved where its status is none `among` these: a receipt was faster, and knows better.
    """
    values: dict[str, Any] = {"status": status, "reason": reason, "updated_at": now}
    if channel_message_id is not None:
        values["channel_message_id"] = channel_message_id
    if attempts:
        values["attempts"] = messages.c.attempts + attempts
    statement = (
        messages.update()
        .where(messages.c.id == message_id, messages.c.status.in_(list(among)))
        .values(**values)
    )
    return (await conn.execute(statement)).rowcount == 1


async def begin_sending(conn: AsyncConnection, message_id: int, now: datetime) -> bool:
    """Say that a message is being given to its channel; False when it is erased, or was taken back."""
    statement = (
        messages.update()
        .where(
            messages.c.id == message_id,
            messages.c.status.in_([MessageStatus.QUEUED, MessageStatus.SENDING]),
        )
        .values(
            status=MessageStatus.SENDING,
            reason=None,
            attempts=messages.c.attempts + 1,
            calls=messages.c.calls + 1,
            updated_at=now,
        )
    )
    return (await conn.execute(statement)).rowcount == 1


async def effect_key_of(conn: AsyncConnection, message_id: int) -> str | None:
    """The key a message was queued under."""
    return (await conn.execute(sa.select(messages.c.effect_key).where(messages.c.id == message_id))).scalar()


async def end_waiting(conn: AsyncConnection, conversation_id: str, now: datetime) -> int:
    """Queue what waited for the citizen to write; how many there were."""
    statement = (
        messages.update()
        .where(messages.c.conversation_id == conversation_id, messages.c.status == MessageStatus.WAITING)
        .values(status=MessageStatus.QUEUED, reason="WINDOW_OPENED", updated_at=now)
    )
    return (await conn.execute(statement)).rowcount


async def requeue_failed(conn: AsyncConnection, message_id: int, reason: str, now: datetime) -> bool:
    """Queue a message again that the channel reported as failed, under an id to come. False if not."""
    statement = (
        messages.update()
        .where(messages.c.id == message_id, messages.c.status == MessageStatus.FAILED)
        .values(status=MessageStatus.QUEUED, reason=reason, channel_message_id=None, updated_at=now)
    )
    return (await conn.execute(statement)).rowcount == 1


async def pause(conn: AsyncConnection, conversation_id: str, until: datetime) -> None:
    """Send nothing to one citizen until then."""
    await conn.execute(
        conversations.update().where(conversations.c.id == conversation_id).values(send_after=until)
    )


async def end_sending(
    conn: AsyncConnection, conversation_id: str, holder: str, send_after: datetime | None, now: datetime
) -> None:
    """Give a conversation's sending back; `send_after` asks for a pause.

    A pause that a receipt asked for while a message was being sent lasts.
    """
    mine = sa.and_(conversations.c.id == conversation_id, conversations.c.sender == holder)
    # Two statements: the first waits for whoever holds the row, the second then sees what they queued.
    freed = await conn.execute(
        conversations.update()
        .where(mine)
        .values(
            sender=None,
            sender_until=None,
            send_after=sa.case(
                (conversations.c.send_after > now, conversations.c.send_after), else_=send_after
            ),
        )
    )
    if freed.rowcount == 0:
        return
    left = (
        sa.select(messages.c.id)
        .where(
            messages.c.conversation_id == conversation_id,
            messages.c.direction == "out",
            messages.c.status.in_([MessageStatus.QUEUED, MessageStatus.SENDING]),
        )
        .exists()
    )
    if not (await conn.execute(sa.select(left))).scalar():
        await conn.execute(
            conversations.update().where(conversations.c.id == conversation_id).values(unsent_since=None)
        )


async def keep_sending(
    conn: AsyncConnection, conversation_id: str, holder: str, now: datetime, seconds: float
) -> bool:
    """Prolong the right to send to one citizen; False when another sender has it."""
    statement = (
        conversations.update()
        .where(conversations.c.id == conversation_id, conversations.c.sender == holder)
        .values(sender_until=now + timedelta(seconds=seconds))
    )
    return (await conn.execute(statement)).rowcount == 1


async def block(conn: AsyncConnection, conversation_id: str, now: datetime) -> None:
    """The citizen left: what waits for them is skipped until they write again."""
    await conn.execute(
        conversations.update().where(conversations.c.id == conversation_id).values(blocked_at=now)
    )
    await conn.execute(
        messages.update()
        .where(
            messages.c.conversation_id == conversation_id,
            messages.c.direction == "out",
            messages.c.status.in_([MessageStatus.QUEUED, MessageStatus.SENDING]),
        )
        .values(status=MessageStatus.SKIPPED, reason="SKIPPED_BLOCKED", updated_at=now)
    )


def new_uid() -> str:
    """A new message id of ours."""
    return uuid.uuid4().hex


async def sealed_texts(conn: AsyncConnection, conversation_id: str, uids: Sequence[str]) -> list[str]:
    """The sealed originals of some messages of a conversation's person, in the order they came."""
    query = (
        sa.select(messages.c.sealed_text)
        .where(
            messages.c.conversation_id.in_(persons.conversations_of(conversation_id)),
            messages.c.uid.in_(uids),
            messages.c.sealed_text.is_not(None),
        )
        .order_by(messages.c.id)
    )
    return [row.sealed_text for row in await conn.execute(query)]


async def last_answer(conn: AsyncConnection, conversation_id: str) -> StoredMessage | None:
    """The last bubble of the newest turn that the dialogue engine answered."""
    turn = (
        sa.select(turns.c.id)
        .where(turns.c.conversation_id == conversation_id, turns.c.outcome == "answered")
        .order_by(turns.c.created_at.desc())
        .limit(1)
    )
    turn_id = (await conn.execute(turn)).scalar()
    query = (
        sa.select(messages)
        .where(messages.c.conversation_id == conversation_id, messages.c.effect_key.startswith(f"{turn_id}:"))
        .order_by(messages.c.id.desc())
        .limit(1)
    )
    row = (await conn.execute(query)).first() if turn_id else None
    return None if row is None else stored_message(row)


async def last_heard(conn: AsyncConnection, conversation_id: str) -> datetime | None:
    """When the citizen last wrote."""
    query = (
        sa.select(messages.c.created_at)
        .where(messages.c.conversation_id == conversation_id, messages.c.direction == "in")
        .order_by(messages.c.id.desc())
        .limit(1)
    )
    return (await conn.execute(query)).scalar()


async def by_effect_key(conn: AsyncConnection, effect_key: str) -> int:
    """The id of what was sent under a key. Raises LookupError."""
    found = (await conn.execute(sa.select(messages.c.id).where(messages.c.effect_key == effect_key))).scalar()
    if found is None:
        raise LookupError(effect_key)
    return int(found)


async def queue_again(conn: AsyncConnection, message_id: int, now: datetime) -> bool:
    """Put an outbound message that failed or was skipped back into the outbox; False when it was not.

    One whose words went out on another channel stays as it is. What an attempt cost of which nobody knows
    stays counted, and the next one is counted as well.
    """
    statement = (
        messages.update()
        .where(
            messages.c.id == message_id,
            messages.c.direction == "out",
            messages.c.status.in_([MessageStatus.FAILED, MessageStatus.SKIPPED, MessageStatus.UNKNOWN]),
            ~handedover.handed_on(messages.c.reason),
        )
        .values(
            status=MessageStatus.QUEUED,
            reason=RESENT,
            attempts=0,
            channel_message_id=None,
            counted=None,
            updated_at=now,
        )
    )
    return (await conn.execute(statement)).rowcount == 1


async def before_newest(conn: AsyncConnection, conversation_id: str, count: int) -> int:
    """The id after which the newest `count` messages of a conversation come; 0 when there are no more."""
    query = (
        sa.select(messages.c.id)
        .where(messages.c.conversation_id == conversation_id)
        .order_by(messages.c.id.desc())
        .offset(count)
        .limit(1)
    )
    return int((await conn.execute(query)).scalar() or 0)
