"""Who writes: a channel's stable id is the person; a phone comes, goes and changes hands.

WhatsApp names people by a business-scoped id since April 2026, and without a phone where they chose a user
name. Who was known by phone alone before is recognised once by it, and by the id from then on. A phone that
arrives under another id is another person: numbers are given out again.
"""

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.door import Door
from bot.storage import contacts, conversations, webhookcalls
from bot.storage.contacts import BY_PHONE, Contact
from bot.vocabulary.conversations import Conversation
from bot.vocabulary.messages import AddressChanged, ChannelAddress, ChannelName, IncomingMessage

WINDOWS = {ChannelName.WHATSAPP: timedelta(hours=24)}
"""How long after a citizen's last message a channel takes free words (Meta, customer service window)."""


def addressed(door: Door, message: IncomingMessage) -> IncomingMessage:
    """The message with an address, where its channel told a phone only: a keyed digest of it."""
    return replace(message, sender=_addressed(door, message.sender))


async def find(conn: AsyncConnection, door: Door, message: IncomingMessage, now: datetime) -> Conversation:
    """The conversation a message belongs to, and what its channel told beside it kept."""
    sender = message.sender
    window = WINDOWS.get(sender.channel)
    if sender.phone is None and window is None:
        return await conversations.find_or_create(conn, message.tenant, sender, now)
    digest = _digest(door, sender.phone) if sender.phone else None
    if digest is not None:
        by_phone = f"{BY_PHONE}{digest}"
        if sender.address == by_phone:
            known = await contacts.by_phone(conn, message.tenant, sender.channel, digest)
            sender = replace(sender, address=known or by_phone)
        else:
            await contacts.move(
                conn, message.tenant, sender.channel, by_phone, sender.address, sender.display_name
            )
    conversation = await conversations.find_or_create(conn, message.tenant, sender, now)
    phone = (digest, door.sealer.seal(sender.phone)) if digest and sender.phone else None
    until = message.sent_at + window if window else None
    await contacts.note(conn, conversation.id, now, phone=phone, window_until=until)
    return conversation


async def moved(door: Door, change: AddressChanged, settles: str | None = None) -> None:
    """A citizen has a new number: the talk goes on under it. The channel checked both, and signed this.

    `settles` is the kept webhook call that ends with it.
    """
    now = datetime.now(UTC)
    old, new = _addressed(door, change.old), _addressed(door, change.new)
    async with door.database.transaction() as conn:
        if settles is not None:
            await webhookcalls.done(conn, settles)
        found = await conversations.find_by_address(conn, change.tenant, old)
        if found is None and old.phone:
            address = await contacts.by_phone(conn, change.tenant, old.channel, _digest(door, old.phone))
            if address:
                old = replace(old, address=address)
                found = await conversations.find_by_address(conn, change.tenant, old)
        if found is None:
            return
        await conversations.lock(conn, found.id, now)
        await contacts.move(
            conn, change.tenant, old.channel, found.address.address, new.address, new.display_name
        )
        if new.phone:
            phone = (_digest(door, new.phone), door.sealer.seal(new.phone))
            await contacts.note(conn, found.id, now, phone=phone)


async def moved_while_sending(door: Door, conversation_id: str, address: str) -> None:
    """The channel took a message at another address than ours: the next ones go there at once."""
    async with door.database.transaction() as conn:
        await conversations.lock(conn, conversation_id, datetime.now(UTC))
        found = await conversations.get(conn, conversation_id)
        mine = found.address
        # Where the new address has a talk of its own, that one is answered there; this one stays as it is.
        await contacts.move(conn, found.tenant, mine.channel, mine.address, address, mine.display_name)


def recipient(door: Door, address: ChannelAddress, contact: Contact | None) -> ChannelAddress:
    """The address with what its channel needs to deliver: the phone, where one is known."""
    if address.channel not in WINDOWS:
        return address
    phone = door.sealer.open(contact.phone_sealed) if contact and contact.phone_sealed else None
    if address.address.startswith(BY_PHONE):
        # Nobody can be written to by a digest.
        return replace(address, address="", phone=phone)
    return replace(address, phone=phone)


def person(citizen_id: str) -> str:
    """The citizen's pseudonym towards city systems: the same each time, and nobody's number."""
    return hashlib.sha256(f"queue person {citizen_id}".encode()).hexdigest()[:32]


def _addressed(door: Door, sender: ChannelAddress) -> ChannelAddress:
    if sender.address or not sender.phone:
        return sender
    return replace(sender, address=f"{BY_PHONE}{_digest(door, sender.phone)}")


def _digest(door: Door, phone: str) -> str:
    key = door.settings.secret_key.encode()
    return hmac.new(key, f"phone {phone}".encode(), hashlib.sha256).hexdigest()
