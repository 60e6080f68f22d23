"""A citizen for tests: says things at a door and reads what came back."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from bot.conversations import inbound, turns
from bot.door import Door
from bot.storage import conversations, messages
from bot.storage.conversations import Claim
from bot.storage.messages import StoredMessage
from bot.vocabulary.messages import (
    ChannelAddress,
    ChannelName,
    IncomingKind,
    IncomingMedia,
    IncomingMessage,
    Location,
)


class Citizen:
    """One person on one channel."""

    def __init__(
        self, door: Door, address: str = "warga-1", channel: ChannelName = ChannelName.WEBCHAT
    ) -> None:
        self.door = door
        self.address = ChannelAddress(channel, address, "Warga")
        self.seen = 0

    async def say(
        self, text: str, *, id: str | None = None, kind: IncomingKind = IncomingKind.TEXT
    ) -> inbound.Accepted:
        """Send a text."""
        return await self.send(kind, text=text, id=id)

    async def press(self, token: str, *, id: str | None = None) -> inbound.Accepted:
        """Press a button by its token."""
        return await self.send(IncomingKind.BUTTON, button=token, id=id)

    async def send(
        self,
        kind: IncomingKind,
        *,
        text: str | None = None,
        button: str | None = None,
        location: Location | None = None,
        media: Iterable[IncomingMedia] = (),
        id: str | None = None,
    ) -> inbound.Accepted:
        """Send anything."""
        message = IncomingMessage(
            tenant="kota_mojokerto",
            sender=self.address,
            channel_message_id=id or uuid.uuid4().hex,
            kind=kind,
            sent_at=datetime.now(UTC),
            text=text,
            button=button,
            location=location,
            media=tuple(media),
        )
        return await inbound.accept(self.door, message)

    async def replies(self) -> list[StoredMessage]:
        """What came back since the last look."""
        async with self.door.database.reading() as conn:
            conversation = await conversations.find_by_address(conn, "kota_mojokerto", self.address)
            assert conversation is not None
            rows = await messages.stream(conn, conversation.id, self.seen)
        self.seen = rows[-1].id if rows else self.seen
        return [row for row in rows if row.direction == "out"]

    async def texts(self) -> list[str]:
        """The sentences among the replies."""
        return [reply.text or "" for reply in await self.replies()]


async def answer_all(door: Door, holder: str = "worker-1", limit: int = 1000) -> int:
    """Do what a worker does until nothing waits; how many turns it took."""
    done = 0
    while done < limit:
        async with door.database.transaction() as conn:
            claimed = await conversations.claim(conn, holder, datetime.now(UTC), 30, 16)
        if not claimed:
            return done
        for conversation in claimed:
            await turns.handle(door, conversation, Claim(conversation.id, holder, datetime.now(UTC)))
            done += 1
    return done
