"""Conversations: finding them, claiming them for a turn, and closing the turn."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import insert_once
from bot.storage.tables import citizens, consents, conversations, messages
from bot.vocabulary.conversations import Conversation, Owner
from bot.vocabulary.messages import ChannelAddress, ChannelName


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer one conversation until `until`; `holder` is who has it."""

    conversation_id: str
    holder: str
    until: datetime


class ClaimLost(Exception):
    """Somebody else answers this conversation now: drop the work, it is being done again."""


def stored_conversation(row: Any) -> Conversation:
    """A whole row of the table as what it stands for."""
    return Conversation(
        id=row.id,
        tenant=row.tenant,
        citizen_id=row.citizen_id,
        address=ChannelAddress(ChannelName(row.channel), row.address, row.display_name),
        owner=Owner(row.owner),
        language=row.language,
        failures=row.failures,
        state=row.state,
        consented=row.consented,
    )


async def find_by_address(conn: AsyncConnection, tenant: str, address: ChannelAddress) -> Conversation | None:
    """The conversation of one address, or None before the first message."""
    query = sa.select(conversations).where(
        conversations.c.tenant == tenant,
        conversations.c.channel == address.channel,
        conversations.c.address == address.address,
    )
    row = (await conn.execute(query)).first()
    return None if row is None else stored_conversation(row)


async def get(conn: AsyncConnection, conversation_id: str) -> Conversation:
    """The conversation with this id. Raises LookupError when there is none."""
    row = (await conn.execute(sa.select(conversations).where(conversations.c.id == conversation_id))).first()
    if row is None:
        raise LookupError(conversation_id)
    return stored_conversation(row)


async def find_or_create(
    conn: AsyncConnection, tenant: str, address: ChannelAddress, now: datetime
) -> Conversation:
    """The conversation of one address; the first message creates it with its citizen."""
    found = await find_by_address(conn, tenant, address)
    if found is not None:
        return found
    citizen_id = uuid.uuid4().hex
    await conn.execute(citizens.insert().values(id=citizen_id, tenant=tenant, created_at=now))
    created = await insert_once(
        conn,
        conversations,
        {
            "id": uuid.uuid4().hex,
            "tenant": tenant,
            "citizen_id": citizen_id,
            "channel": address.channel,
            "address": address.address,
            "display_name": (address.display_name or "")[:128] or None,
            "owner": Owner.BOT,
            "failures": 0,
            "consented": False,
            "created_at": now,
            "updated_at": now,
        },
        ["tenant", "channel", "address"],
    )
    if not created:
        await conn.execute(citizens.delete().where(citizens.c.id == citizen_id))
    found = await find_by_address(conn, tenant, address)
    if found is None:
        raise LookupError(address.address)
    return found


async def lock(conn: AsyncConnection, conversation_id: str, now: datetime) -> None:
    """Hold the conversation's row until the transaction ends.

    Every writer of its messages does this first, so their ids grow in the order in which they become
    visible: a reader that asks for "all after N" misses none.
    """
    await lock_all(conn, [conversation_id], now)


async def lock_all(conn: AsyncConnection, conversation_ids: Iterable[str], now: datetime) -> None:
    """Hold the rows of several conversations, always in one order: two who do cannot block each other.

    Rows of cases and bookings are locked after their conversations, never before: so does every turn.
    """
    for conversation_id in sorted(set(conversation_ids)):
        await conn.execute(
            conversations.update().where(conversations.c.id == conversation_id).values(updated_at=now)
        )


async def mark_pending(conn: AsyncConnection, conversation_id: str, now: datetime) -> None:
    """Say that a message waits for an answer; whoever writes has not blocked us."""
    await conn.execute(
        conversations.update()
        .where(conversations.c.id == conversation_id)
        .values(
            pending_since=sa.func.coalesce(conversations.c.pending_since, now),
            blocked_at=None,
            updated_at=now,
        )
    )


async def heard_from(conn: AsyncConnection, conversation_id: str) -> None:
    """The citizen writes, so they have not blocked us, or no longer do."""
    await conn.execute(
        conversations.update()
        .where(conversations.c.id == conversation_id, conversations.c.blocked_at.is_not(None))
        .values(blocked_at=None)
    )


async def is_blocked(conn: AsyncConnection, conversation_id: str) -> bool:
    """True while the citizen wants to hear nothing from us."""
    query = sa.select(conversations.c.blocked_at).where(conversations.c.id == conversation_id)
    return (await conn.execute(query)).scalar() is not None


async def claim(
    conn: AsyncConnection, holder: str, now: datetime, seconds: float, limit: int
) -> list[Conversation]:
    """Take up to `limit` conversations that wait longest and that nobody answers now."""
    free = (
        sa.select(conversations.c.id)
        .where(
            conversations.c.pending_since.is_not(None),
            sa.or_(conversations.c.claimed_until.is_(None), conversations.c.claimed_until < now),
        )
        .order_by(conversations.c.pending_since)
        .limit(limit)
        .with_for_update(skip_locked=True)
        # A plain subquery may be run once per row, and then takes more than `limit`.
        .cte("free")
    )
    statement = (
        conversations.update()
        .where(conversations.c.id.in_(sa.select(free.c.id)))
        .values(claimed_by=holder, claimed_until=now + timedelta(seconds=seconds))
        .returning(conversations)
    )
    return [stored_conversation(row) for row in await conn.execute(statement)]


async def keep(conn: AsyncConnection, claim: Claim, now: datetime, seconds: float) -> None:
    """Prolong a claim. Raises ClaimLost."""
    await _guarded(conn, claim, claimed_until=now + timedelta(seconds=seconds))


async def finish(conn: AsyncConnection, claim: Claim, now: datetime, **changes: Any) -> None:
    """Write what the turn changed, under the claim. Raises ClaimLost when it is gone, and nothing is kept."""
    await _guarded(conn, claim, updated_at=now, **changes)


async def release(conn: AsyncConnection, claim: Claim, now: datetime) -> bool:
    """Give the claim back; True when messages still wait, now behind everybody else's. Raises ClaimLost."""
    # Two statements: the first waits for whoever holds the row, the second then sees what they stored.
    await _guarded(conn, claim, claimed_by=None, claimed_until=None)
    waiting = (
        sa.select(messages.c.id)
        .where(
            messages.c.conversation_id == claim.conversation_id,
            messages.c.status == "received",
        )
        .exists()
    )
    more = bool((await conn.execute(sa.select(waiting))).scalar())
    await conn.execute(
        conversations.update()
        .where(conversations.c.id == claim.conversation_id)
        .values(pending_since=now if more else None)
    )
    return more


async def _guarded(conn: AsyncConnection, claim: Claim, **changes: Any) -> None:
    statement = (
        conversations.update()
        .where(conversations.c.id == claim.conversation_id, conversations.c.claimed_by == claim.holder)
        .values(**changes)
    )
    if (await conn.execute(statement)).rowcount != 1:
        raise ClaimLost(claim.conversation_id)


async def free_claims_of(conn: AsyncConnection, holders: Sequence[str]) -> int:
    """Give back every claim, to answer or to send, of holders known to be gone; how many there were."""
    answering = (
        conversations.update()
        .where(conversations.c.claimed_by.in_(holders))
        .values(claimed_by=None, claimed_until=None)
    )
    sending = (
        conversations.update()
        .where(conversations.c.sender.in_(holders))
        .values(sender=None, sender_until=None)
    )
    return (await conn.execute(answering)).rowcount + (await conn.execute(sending)).rowcount


async def change_owner(conn: AsyncConnection, conversation_id: str, expected: Owner, new: Owner) -> bool:
    """Compare-and-set the owner; False when it was not `expected` any more."""
    statement = (
        conversations.update()
        .where(conversations.c.id == conversation_id, conversations.c.owner == expected)
        .values(owner=new)
    )
    return (await conn.execute(statement)).rowcount == 1


async def is_busy(conn: AsyncConnection, conversation_id: str, now: datetime) -> bool:
    """Whether a conversation is being answered, or waits to be. Hold its row, and it stays so."""
    query = sa.select(conversations.c.id).where(
        conversations.c.id == conversation_id,
        sa.or_(conversations.c.claimed_until > now, conversations.c.pending_since.is_not(None)),
    )
    return (await conn.execute(query)).first() is not None


async def set_state(conn: AsyncConnection, conversation_id: str, state: dict[str, Any] | None) -> None:
    """Give a conversation another dialogue state; for whoever holds its row outside a turn of its own."""
    await conn.execute(
        conversations.update().where(conversations.c.id == conversation_id).values(state=state)
    )


async def set_language(conn: AsyncConnection, conversation_id: str, language: str) -> None:
    """Remember the language a citizen chose."""
    await conn.execute(
        conversations.update().where(conversations.c.id == conversation_id).values(language=language)
    )


async def record_consent(
    conn: AsyncConnection, conversation: Conversation, text_key: str, wording: str, now: datetime
) -> None:
    """Note that the citizen was told, in these words, what is kept."""
    await insert_once(
        conn,
        consents,
        {
            "citizen_id": conversation.citizen_id,
            "text_key": text_key,
            "wording": wording,
            "given_at": now,
        },
        ["citizen_id"],
    )
    await conn.execute(
        conversations.update().where(conversations.c.id == conversation.id).values(consented=True)
    )


async def any_claimed(conn: AsyncConnection, conversation_ids: Collection[str], now: datetime) -> bool:
    """Say whether a turn of one of these conversations is under way."""
    query = sa.select(conversations.c.id).where(
        conversations.c.id.in_(conversation_ids), conversations.c.claimed_until > now
    )
    return (await conn.execute(query.limit(1))).first() is not None
