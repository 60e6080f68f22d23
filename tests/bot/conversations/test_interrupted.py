"""A call cut off by kill -9: a channel that reports tells whether it was taken, and nothing comes twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.conversations import outcomes, resending, sending
from bot.door import Door
from bot.storage import spending, tables
from bot.storage.contact_tables import contacts
from bot.vocabulary.messages import DeliveryReceipt, MessageStatus, Remedy
from tests.bot.conversations.test_linked import TENANT, WHATSAPP
from tests.bot.conversations.test_outbound import hurry, push, rows, sender, until
from tests.bot.conversations.test_remedies import LateMeta, news
from tests.talk import Citizen

S = MessageStatus


@pytest.fixture
def meta() -> LateMeta:
    """Reports within two seconds what it took."""
    meta = LateMeta()
    meta.fails = lambda queued: False
    meta.limits = replace(meta.limits, word_seconds=2.0)
    return meta


@pytest.fixture
async def city(open_doors: Callable[..., Door], meta: LateMeta, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setattr(sending, "WORD_EVERY_SECONDS", 0.2)
    door = open_doors(channels={WHATSAPP: meta})
    await door.wakeups.start()
    return door


async def cut_off(door: Door) -> int:
    """News for one citizen, whose sender was killed in the middle of its first call."""
    await news(door, "1")
    async with door.database.transaction() as conn:
        outgoing = sa.update(tables.messages).where(tables.messages.c.direction == "out")
        now = datetime.now(UTC)
        await conn.execute(outgoing.values(status="sending", attempts=1, updated_at=now))
    [row] = await rows(door)
    return int(row.id)


def receipt(track: str, status: MessageStatus = S.SENT, remedy: Remedy | None = None) -> DeliveryReceipt:
    reason = f"FAILED_{remedy}".upper() if remedy else None
    return DeliveryReceipt(WHATSAPP, "wamid.7", status, datetime.now(UTC), reason, remedy, track)


async def test_what_a_receipt_says_was_taken_is_not_sent_again(city: Door, meta: LateMeta) -> None:
    message_id = await cut_off(city)
    async with sender(city):
        await push(city, Citizen(city, "1", WHATSAPP), "lanjutan")
        await news(city, "2")
        await until(lambda: meta.to("2") == ["kabar"])
        assert meta.to("1") == [], "the word on the first is still to come"
        await outcomes.record(city, receipt(f"{message_id}/1"))
        await until(lambda: meta.to("1") == ["lanjutan"])
    first, *others = await rows(city)
    assert (first.status, first.channel_message_id) == ("sent", "wamid.7")
    assert [row.status for row in others] == ["sent", "sent"]


async def test_what_no_receipt_speaks_of_is_sent_when_the_time_for_one_is_over(
    city: Door, meta: LateMeta
) -> None:
    await cut_off(city)
    async with sender(city):
        await until(lambda: meta.to("1") == ["kabar"])


@pytest.mark.parametrize("status", [S.SENT, S.DELIVERED, S.READ])
@pytest.mark.parametrize(("kind", "reason"), [(spending.TEMPLATE, "SENT_TEMPLATE"), (None, "SENT")])
async def test_a_receipt_that_is_faster_than_our_note_says_why_it_went_out(
    city: Door, status: MessageStatus, kind: str | None, reason: str
) -> None:
    message_id = await cut_off(city)
    if kind:
        async with city.database.transaction() as conn:
            assert await spending.count(conn, message_id, TENANT, WHATSAPP, kind, datetime.now(UTC), 9)
    await outcomes.record(city, receipt(f"{message_id}/1", status))
    [row] = await rows(city)
    assert (row.status, row.reason) == (status, reason)


async def test_a_template_whose_sender_died_is_counted_once(city: Door, meta: LateMeta) -> None:
    message_id = await cut_off(city)
    now = datetime.now(UTC)
    async with city.database.transaction() as conn:
        await conn.execute(sa.update(contacts).values(window_until=now - timedelta(days=1)))
        assert await spending.count(conn, message_id, TENANT, WHATSAPP, spending.TEMPLATE, now, 9)
    async with sender(city):
        await until(lambda: meta.kinds == ["template"])
    assert await templates(city) == 1


async def test_a_template_of_which_nobody_knows_and_its_second_try_are_both_counted(
    city: Door, meta: LateMeta
) -> None:
    message_id = await cut_off(city)
    now = datetime.now(UTC)
    async with city.database.transaction() as conn:
        await conn.execute(sa.update(contacts).values(window_until=now - timedelta(days=1)))
        assert await spending.count(conn, message_id, TENANT, WHATSAPP, spending.TEMPLATE, now, 9)
        outgoing = sa.update(tables.messages).where(tables.messages.c.id == message_id)
        await conn.execute(outgoing.values(status="unknown", reason="UNKNOWN_OUTCOME"))
    await resending.resend(city, message_id)
    async with sender(city):
        await until(lambda: meta.kinds == ["template"])
    assert await templates(city) == 2


@pytest.mark.parametrize("status", [S.SENT, S.DELIVERED, S.READ])
async def test_a_part_that_failed_fails_its_message_though_the_last_part_arrived(
    city: Door, status: MessageStatus
) -> None:
    message_id = await cut_off(city)
    await outcomes.record(city, receipt(f"{message_id}/1", status))
    for _ in range(2):
        await outcomes.record(
            city, replace(receipt(f"{message_id}/1.1", S.FAILED, Remedy.LATER), channel_message_id="wamid.6")
        )
    [row] = await rows(city)
    assert (row.status, row.reason, row.channel_message_id) == ("failed", "FAILED_LATER", "wamid.7")


@pytest.mark.parametrize("status", [S.SENT, S.DELIVERED, S.READ])
async def test_a_part_that_arrived_says_nothing_of_the_others(city: Door, status: MessageStatus) -> None:
    message_id = await cut_off(city)
    await outcomes.record(city, receipt(f"{message_id}/1.1", status))
    [row] = await rows(city)
    assert (row.status, row.channel_message_id) == ("sending", None)


@pytest.mark.parametrize("tracks", [("1", "1.1"), ("1.1", "1"), ("1.1", "1.2")])
async def test_parts_that_all_failed_after_the_window_become_one_template(
    city: Door, meta: LateMeta, tracks: tuple[str, str]
) -> None:
    message_id = await cut_off(city)
    for track in tracks:
        await outcomes.record(city, receipt(f"{message_id}/{track}", S.FAILED, Remedy.WINDOW))
    [row] = await rows(city)
    assert (row.status, row.reason) == ("queued", "RESEND_WINDOW")
    async with sender(city):
        await until(lambda: meta.kinds == ["template"])
        await hurry(city)
    assert await templates(city) == 1


async def test_a_failed_part_of_an_earlier_attempt_does_not_fail_this_one(city: Door) -> None:
    message_id = await cut_off(city)
    async with city.database.transaction() as conn:
        await conn.execute(
            sa.update(tables.messages).where(tables.messages.c.id == message_id).values(attempts=2)
        )
    await outcomes.record(city, receipt(f"{message_id}/1.1", S.FAILED, Remedy.PAYLOAD))
    [row] = await rows(city)
    assert row.status == "sending"


async def templates(door: Door) -> int:
    async with door.database.reading() as conn:
        return (await spending.spent(conn, TENANT, WHATSAPP, datetime.now(UTC))).get("template", 0)
