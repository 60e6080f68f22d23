"""Contacts: the phone beside an address, and until when a citizen may be written to freely."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.contact_tables import contacts
from bot.storage.database import insert_once
from bot.storage.tables import UtcDateTime, conversations
from bot.vocabulary.messages import ChannelName

BY_PHONE = "phone:"
"""How the address of a citizen begins whom the channel names by a phone only; a keyed digest follows."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One row. `phone_sealed` opens to digits."""

    conversation_id: str
    phone_digest: str | None
    phone_sealed: str | None
    window_until: datetime | None


async def of(conn: AsyncConnection, conversation_id: str) -> Contact | None:
    """What is known of a conversation's citizen."""
    query = sa.select(contacts).where(contacts.c.conversation_id == conversation_id)
    row = (await conn.execute(query)).first()
    return None if row is None else _contact(row)


async def by_phone(conn: AsyncConnection, tenant: str, channel: ChannelName, digest: str) -> str | None:
    """The address of the conversation that last had this phone."""
    query = (
        sa.select(conversations.c.address)
        .join(contacts, contacts.c.conversation_id == conversations.c.id)
        .where(
            contacts.c.phone_digest == digest,
            conversations.c.tenant == tenant,
            conversations.c.channel == channel,
        )
        .order_by(contacts.c.updated_at.desc())
        .limit(1)
    )
    return (await conn.execute(query)).scalar()


async def note(
    conn: AsyncConnection,
    conversation_id: str,
    now: datetime,
    *,
    phone: tuple[str, str] | None = None,
    window_until: datetime | None = None,
) -> None:
    """Keep a phone (digest and sealed) and the end of the window, which only moves on.

    A phone is one citizen's at a time: whoever had it before is told apart by their id from now on.
    """
    await insert_once(
        conn, contacts, {"conversation_id": conversation_id, "updated_at": now}, ["conversation_id"]
    )
    mine = contacts.c.conversation_id == conversation_id
    changes: dict[str, Any] = {}
    news = []
    if phone is not None:
        await conn.execute(
            contacts.update()
            .where(contacts.c.phone_digest == phone[0], ~mine)
            .values(phone_digest=None, phone_sealed=None)
        )
        other = contacts.c.phone_digest.is_distinct_from(phone[0])
        news.append(other)
        changes |= {
            "phone_digest": phone[0],
            "phone_sealed": sa.case((other, phone[1]), else_=contacts.c.phone_sealed),
            "updated_at": sa.case((other, sa.literal(now, UtcDateTime)), else_=contacts.c.updated_at),
        }
    if window_until is not None:
        later = sa.or_(contacts.c.window_until.is_(None), contacts.c.window_until < window_until)
        news.append(later)
        until = sa.literal(window_until, UtcDateTime)
        changes["window_until"] = sa.case((later, until), else_=contacts.c.window_until)
    if changes:
        await conn.execute(contacts.update().where(mine, sa.or_(*news)).values(changes))


async def close_window(conn: AsyncConnection, conversation_id: str, now: datetime) -> None:
    """The channel says that the window is over, whatever we thought."""
    await conn.execute(
        contacts.update()
        .where(contacts.c.conversation_id == conversation_id, contacts.c.window_until > now)
        .values(window_until=now)
    )


async def move(
    conn: AsyncConnection, tenant: str, channel: ChannelName, old: str, new: str, display_name: str | None
) -> bool:
    """Give a conversation another address; False when there is none, or the address has its own already."""
    taken = sa.select(conversations.c.id).where(
        conversations.c.tenant == tenant, conversations.c.channel == channel, conversations.c.address == new
    )
    if (await conn.execute(taken)).first() is not None:
        return False
    statement = (
        conversations.update()
        .where(
            conversations.c.tenant == tenant,
            conversations.c.channel == channel,
            conversations.c.address == old,
        )
        .values(address=new, display_name=sa.func.coalesce(display_name, conversations.c.display_name))
    )
    return (await conn.execute(statement)).rowcount == 1


async def forget(conn: AsyncConnection, conversation_id: str) -> None:
    """Keep no phone of a citizen who asked to be forgotten, but where it is all we can answer to."""
    by_phone = sa.select(conversations.c.id).where(conversations.c.address.startswith(BY_PHONE))
    await conn.execute(
        contacts.update()
        .where(contacts.c.conversation_id == conversation_id, contacts.c.conversation_id.not_in(by_phone))
        .values(phone_digest=None, phone_sealed=None)
    )


def _contact(row: Any) -> Contact:
    return Contact(row.conversation_id, row.phone_digest, row.phone_sealed, row.window_until)
