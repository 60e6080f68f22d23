"""What a channel reports on messages we sent: a status only moves forward, also when words come early."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import insert_once
from bot.storage.delivery_tables import early_receipts
from bot.storage.messages import RANK, StoredMessage, stored_message
from bot.storage.spending import TEMPLATE
from bot.storage.tables import messages
from bot.vocabulary.messages import ChannelName, DeliveryReceipt, MessageStatus, Remedy

KEPT_FOR = timedelta(days=1)
RESEND = "RESEND_"
"""Begins the reason of a message that failed and is to be sent again."""
DECIDED = sa.case(
    (messages.c.reason.like("SENT%"), messages.c.reason),
    (messages.c.counted.like(f"{TEMPLATE} %"), "SENT_TEMPLATE"),
    else_="SENT",
)
"""Why a message went out as it did: what arrived keeps it, and a word that is faster than our own note of it
finds it in what was counted."""
_TRACK = re.compile(r"([0-9]{1,18})(?:/([0-9]{1,8})(?:\.([0-9]{1,8}))?)?")


@dataclass(frozen=True, slots=True)
class Track:
    """What we sent along and a receipt brings back: our row, which call, and the part if not the last."""

    message_id: int
    call: int | None
    part: int | None

    @classmethod
    def read(cls, given: str | None) -> Self | None:
        """Read `12/1` or `12/1.1`; the row alone is of before calls were told apart. None for anything
        else.
        """
        found = _TRACK.fullmatch(given or "")
        if found is None:
            return None
        message_id, call, part = (int(number) if number else None for number in found.groups())
        return cls(message_id or 0, call, part)


async def alone(conn: AsyncConnection, channel: str, channel_message_id: str) -> None:
    """Let nobody else note this id of a channel, or hear a word on it, until the transaction ends.

    Without it, who brings the id and who brings the word can miss each other: neither sees what the other has
    not committed yet. It is taken before any row's lock.
    """
    if conn.dialect.name == "postgresql":
        # SQLite has one writer anyway.
        lock = sa.text("SELECT pg_advisory_xact_lock(571606, hashtext(:named))")
        await conn.execute(lock, {"named": f"{channel} {channel_message_id}"})


async def apply(conn: AsyncConnection, receipt: DeliveryReceipt, now: datetime) -> list[StoredMessage]:
    """Move the message that a receipt names; it never goes back, and what arrived cannot fail, unless another
    part of it does.

    What it changed.
    """
    failed = receipt.status is MessageStatus.FAILED
    limit = RANK[MessageStatus.DELIVERED] if failed else RANK.get(receipt.status, 0)
    lower = [str(other) for other, rank in RANK.items() if rank < limit]
    if not failed:
        # What waits for the citizen to write, because nobody knew, has arrived after all.
        lower.append(MessageStatus.WAITING)
    named = messages.c.channel_message_id == receipt.channel_message_id
    if (track := of_part(receipt)) is not None:
        if not failed:
            return []
        lower = [str(other) for other in RANK if other not in (MessageStatus.QUEUED, MessageStatus.FAILED)]
        named = sa.and_(messages.c.id == track.message_id, messages.c.calls == track.call)
    statement = (
        messages.update()
        .where(
            messages.c.channel == receipt.channel,
            messages.c.direction == "out",
            named,
            messages.c.status.in_(lower),
        )
        .values(status=receipt.status, reason=receipt.reason or DECIDED, updated_at=now)
        .returning(messages)
    )
    return [stored_message(row) for row in await conn.execute(statement)]


def of_part(receipt: DeliveryReceipt) -> Track | None:
    """The track of a receipt that is about an earlier part of a message; None for the message itself."""
    track = Track.read(receipt.track)
    return track if track is not None and track.part is not None else None


async def conversation_of(conn: AsyncConnection, receipt: DeliveryReceipt) -> str | None:
    """The conversation of the message that a receipt is about, by the channel's id or by ours."""
    named = messages.c.channel_message_id == receipt.channel_message_id
    track = Track.read(receipt.track)
    if track is not None:
        named = sa.or_(named, messages.c.id == track.message_id)
    query = sa.select(messages.c.conversation_id).where(
        messages.c.channel == receipt.channel, messages.c.direction == "out", named
    )
    return (await conn.execute(query.limit(1))).scalar()


async def name_by_track(conn: AsyncConnection, receipt: DeliveryReceipt) -> None:
    """Give the channel's id to a message whose own answer was lost, or is still to come: the receipt has our
    number.

    Who has it has it, whichever call it was. Else a word counts for the very call it is about: one that is
    told late, or again, must not stop the call that makes good for the failed one.
    """
    track = Track.read(receipt.track)
    if track is None or track.part is not None:
        return
    which = [
        messages.c.id == track.message_id,
        messages.c.channel == receipt.channel,
        messages.c.direction == "out",
        messages.c.channel_message_id.is_(None),
    ]
    if receipt.status in (MessageStatus.SENT, MessageStatus.FAILED):
        which.append(sa.func.coalesce(messages.c.reason, "").not_like(f"{RESEND}%"))
        if track.call is not None:
            which.append(messages.c.calls == track.call)
    await conn.execute(messages.update().where(*which).values(channel_message_id=receipt.channel_message_id))


async def knows(conn: AsyncConnection, receipt: DeliveryReceipt) -> bool:
    """True when a message of ours has the receipt's id, or is told to have it as one of its parts."""
    if of_part(receipt) is not None:
        return True
    query = sa.select(messages.c.id).where(
        messages.c.channel == receipt.channel,
        messages.c.channel_message_id == receipt.channel_message_id,
        messages.c.direction == "out",
    )
    return (await conn.execute(query.limit(1))).first() is not None


async def keep(conn: AsyncConnection, receipt: DeliveryReceipt, now: datetime) -> None:
    """Put a receipt aside whose message is not known yet; what nobody asked for in a day is dropped."""
    await conn.execute(early_receipts.delete().where(early_receipts.c.received_at < now - KEPT_FOR))
    await insert_once(
        conn,
        early_receipts,
        {
            "channel": receipt.channel,
            "channel_message_id": receipt.channel_message_id[:200],
            "status": receipt.status,
            "reason": (receipt.reason or "")[:64] or None,
            "remedy": receipt.remedy,
            "received_at": now,
        },
    )


async def take_kept(
    conn: AsyncConnection, channel: ChannelName, channel_message_id: str
) -> list[DeliveryReceipt]:
    """The receipts that came before the message's id was known, in their order; they are kept no longer."""
    statement = (
        early_receipts.delete()
        .where(early_receipts.c.channel == channel, early_receipts.c.channel_message_id == channel_message_id)
        .returning(early_receipts)
    )
    found = [
        DeliveryReceipt(
            channel=channel,
            channel_message_id=channel_message_id,
            status=MessageStatus(row.status),
            occurred_at=row.received_at,
            reason=row.reason,
            remedy=Remedy(row.remedy) if row.remedy else None,
        )
        for row in await conn.execute(statement)
    ]
    return sorted(found, key=lambda receipt: RANK[receipt.status])
