"""Kirim ulang: what did not arrive goes out again, where it can arrive, and once."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from bot.conversations import outbound, resending
from bot.door import Door
from bot.storage import conversations, deliveries, tables
from bot.vocabulary.messages import Button, ChannelName, MessageStatus, OutgoingMessage
from tests.postman import Postman
from tests.talk import Citizen


@pytest.fixture
def postman() -> Postman:
    return Postman()


@pytest.fixture
async def city(open_doors: Callable[..., Door], postman: Postman) -> Door:
    door = open_doors(channels={ChannelName.TELEGRAM: postman})
    await door.wakeups.start()
    return door


async def undelivered(door: Door, status: str, reason: str = "FAILED_REFUSED") -> int:
    """A bubble with a button that did not arrive."""
    citizen = Citizen(door, "1", ChannelName.TELEGRAM)
    await citizen.say("halo")
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(tables.messages).values(status="handled"))
        found = await conversations.find_by_address(conn, "kota_mojokerto", citizen.address)
        bubble = OutgoingMessage("Sudah selesai?", (Button("Ya", "/affirm", "token-1"),))
        [message_id] = await outbound.queue(conn, door, found, [bubble], "news", now)
        await conn.execute(
            sa.update(tables.messages)
            .where(tables.messages.c.id == message_id)
            .values(status=status, reason=reason, attempts=1)
        )
    return message_id


async def second_channel(door: Door, channel: ChannelName = ChannelName.WEBCHAT) -> Citizen:
    """The same citizen on another channel."""
    other = Citizen(door, "2", channel)
    await other.say("halo")
    async with door.database.transaction() as conn:
        received = tables.messages.c.direction == "in"
        await conn.execute(sa.update(tables.messages).where(received).values(status="handled"))
        first = (
            await conn.execute(
                sa.select(tables.conversations.c.citizen_id).where(tables.conversations.c.address == "1")
            )
        ).scalar_one()
        await conn.execute(
            sa.update(tables.conversations)
            .where(tables.conversations.c.address == "2")
            .values(citizen_id=first)
        )
    return other


async def block(door: Door) -> None:
    async with door.database.transaction() as conn:
        await conn.execute(
            sa.update(tables.conversations)
            .where(tables.conversations.c.address == "1")
            .values(blocked_at=datetime.now(UTC))
        )


async def out(door: Door) -> list[tuple[str, str, str | None]]:
    query = (
        sa.select(tables.messages).where(tables.messages.c.direction == "out").order_by(tables.messages.c.id)
    )
    async with door.database.reading() as conn:
        return [(row.channel, row.status, row.reason) for row in await conn.execute(query)]


@pytest.mark.parametrize("status", ["failed", "unknown", "skipped"])
async def test_what_did_not_arrive_is_sent_again_where_it_was(city: Door, status: str) -> None:
    message_id = await undelivered(city, status)
    assert await resending.resend(city, message_id) is ChannelName.TELEGRAM
    assert await out(city) == [("telegram", "queued", "RESENT")]


@pytest.mark.parametrize("status", ["queued", "sending", "sent", "delivered", "read"])
async def test_what_arrived_or_is_on_its_way_is_not_sent_again(city: Door, status: str) -> None:
    message_id = await undelivered(city, status)
    with pytest.raises(resending.NotUndelivered):
        await resending.resend(city, message_id)


async def test_who_blocked_us_gets_it_on_their_other_channel_with_buttons_that_work(city: Door) -> None:
    message_id = await undelivered(city, "skipped", "SKIPPED_BLOCKED")
    other = await second_channel(city)
    await block(city)
    assert await resending.resend(city, message_id) is ChannelName.WEBCHAT
    assert await out(city) == [
        ("telegram", "skipped", "RESENT_WEBCHAT"),
        ("webchat", "sent", None),
    ]
    async with city.database.reading() as conn:
        found = await conversations.find_by_address(conn, "kota_mojokerto", other.address)
        [button] = await conn.execute(
            sa.select(tables.buttons).where(tables.buttons.c.conversation_id == found.id)
        )
    assert (button.payload, button.token != "token-1") == ("/affirm", True)


async def test_a_window_that_closed_leads_to_the_other_channel(city: Door) -> None:
    message_id = await undelivered(city, "failed", resending.WINDOW)
    await second_channel(city)
    assert await resending.resend(city, message_id) is ChannelName.WEBCHAT


async def test_who_blocked_us_and_has_no_other_channel_is_left_alone(city: Door) -> None:
    message_id = await undelivered(city, "failed")
    await block(city)
    with pytest.raises(resending.NoWay):
        await resending.resend(city, message_id)
    assert await out(city) == [("telegram", "failed", "FAILED_REFUSED")]


async def test_two_who_send_again_at_once_send_once(city: Door) -> None:
    message_id = await undelivered(city, "failed")
    await second_channel(city)
    await block(city)
    done = await asyncio.gather(
        *(resending.resend(city, message_id) for _ in range(5)), return_exceptions=True
    )
    assert sum(1 for one in done if one is ChannelName.WEBCHAT) == 1
    assert len(await out(city)) == 2


async def test_the_list_names_what_failed_and_what_nobody_knows_newest_first(city: Door) -> None:
    failed = await undelivered(city, "failed")
    async with city.database.transaction() as conn:
        row = (await conn.execute(sa.select(tables.messages).where(tables.messages.c.id == failed))).one()
        for status in ("unknown", "skipped", "sent"):
            values = {**row._mapping, "id": None, "uid": status, "effect_key": status, "status": status}
            del values["id"]
            await conn.execute(sa.insert(tables.messages).values(**values))
    async with city.database.reading() as conn:
        found = await deliveries.undelivered(conn, "kota_mojokerto")
        assert [item.message.status for item in found] == ["unknown", "failed"]
        every = (*deliveries.TROUBLED, MessageStatus.SKIPPED)
        assert len(await deliveries.undelivered(conn, statuses=every)) == 3
        assert len(await deliveries.undelivered(conn, before=found[0].message.id)) == 1
        assert await deliveries.undelivered(conn, "kota_kupang") == []
