"""A call cut off by kill -9: a channel that reports tells whether it was taken, and nothing comes twice."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.conversations import outcomes, resending, sending
from bot.conversations.sentbook import SentBook
from bot.door import Door
from bot.storage import messages, spending, tables, webhookcalls
from bot.storage.contact_tables import contacts
from bot.storage.webhookcalls import KeptCall
from bot.vocabulary.messages import DeliveryReceipt, MessageStatus, Remedy
from tests.bot.conversations.test_linked import TELEGRAM, TENANT, WHATSAPP
from tests.bot.conversations.test_outbound import hurry, push, rows, sender, until
from tests.bot.conversations.test_remedies import LateMeta, news
from tests.postman import Postman
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


async def cut_off(door: Door, ago: timedelta = timedelta()) -> int:
    """News for one citizen, whose sender was killed in the middle of its first call."""
    await news(door, "1")
    async with door.database.transaction() as conn:
        outgoing = sa.update(tables.messages).where(tables.messages.c.direction == "out")
        at = datetime.now(UTC) - ago
        await conn.execute(outgoing.values(status="sending", attempts=1, calls=1, updated_at=at))
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


@pytest.mark.parametrize(
    "ago", [timedelta(), timedelta(hours=1)], ids=["just now", "before the machine fell"]
)
async def test_what_no_receipt_speaks_of_is_sent_when_the_time_for_one_is_over(
    city: Door, meta: LateMeta, ago: timedelta
) -> None:
    await cut_off(city, ago)
    async with sender(city):
        await news(city, "2")
        await until(lambda: meta.to("2") == ["kabar"])
        assert meta.to("1") == [], "a receipt may still come"
        await until(lambda: meta.to("1") == ["kabar"])


async def test_a_receipt_that_lies_unopened_in_a_crowd_is_waited_for(city: Door, meta: LateMeta) -> None:
    meta.limits = replace(meta.limits, word_seconds=0.1)
    message_id = await cut_off(city, timedelta(hours=1))
    came = datetime.now(UTC)
    call = KeptCall("c" * 32, WHATSAPP, "sealed", "door", came, came + timedelta(minutes=2))
    async with city.database.transaction() as conn:
        await webhookcalls.keep(conn, [call])
    async with sender(city):
        await news(city, "2")
        await until(lambda: meta.to("2") == ["kabar"])
        await asyncio.sleep(1)
        assert meta.to("1") == []
        await outcomes.record(city, receipt(f"{message_id}/1"), settles=call.id)
        await until_status(city, "sent", "sent")
    assert meta.to("1") == []


async def test_what_was_cut_off_on_a_channel_that_is_gone_is_listed_as_unknown(
    city: Door, meta: LateMeta
) -> None:
    await cut_off(city)
    async with sender(replace(city, channels={TELEGRAM: Postman()})):
        await until_status(city, "unknown")


async def test_what_waits_for_the_citizen_and_has_arrived_after_all_does_not_come_again(city: Door) -> None:
    message_id = await cut_off(city)
    async with city.database.transaction() as conn:
        mine = sa.update(tables.messages).where(tables.messages.c.id == message_id)
        await conn.execute(mine.values(status="waiting", reason="WAIT_WINDOW", calls=2))
    await outcomes.record(city, receipt(f"{message_id}/1", S.DELIVERED))
    [row] = await rows(city)
    assert (row.status, row.reason) == ("delivered", "SENT")


async def test_what_was_sent_again_is_not_failed_by_a_part_of_the_call_before(
    city: Door, meta: LateMeta
) -> None:
    message_id = await cut_off(city)
    await outcomes.record(city, receipt(f"{message_id}/1"))
    failed = replace(receipt(f"{message_id}/1.1", S.FAILED, Remedy.LATER), channel_message_id="wamid.6")
    await outcomes.record(city, failed)
    await resending.resend(city, message_id)
    async with sender(city):
        await until_status(city, "sent")
        await outcomes.record(city, failed)
        [row] = await rows(city)
    assert row.status == "sent"
    assert meta.to("1") == ["kabar"]


async def test_a_killed_workers_note_on_an_earlier_call_is_not_taken_for_this_one(
    city: Door, meta: LateMeta
) -> None:
    message_id = await cut_off(city)
    SentBook(city.settings.var / "run" / "sent", "dead").note(message_id, 1, "wamid.7")
    async with city.database.transaction() as conn:
        mine = sa.update(tables.messages).where(tables.messages.c.id == message_id)
        await conn.execute(mine.values(status="failed", reason="FAILED_131000"))
    await resending.resend(city, message_id)
    async with city.database.transaction() as conn:
        await messages.begin_sending(conn, message_id, datetime.now(UTC))
    async with sender(city):
        await until(lambda: meta.to("1") == ["kabar"])


@pytest.mark.parametrize("kind", [None, spending.TEMPLATE])
async def test_what_the_book_knows_says_why_it_went_out(city: Door, kind: str | None) -> None:
    message_id = await cut_off(city)
    SentBook(city.settings.var / "run" / "sent", "dead").note(message_id, 1, "wamid.7")
    if kind:
        async with city.database.transaction() as conn:
            assert await spending.count(conn, message_id, TENANT, WHATSAPP, kind, datetime.now(UTC), 9)
    async with sender(city):
        await until_status(city, "sent")
    [row] = await rows(city)
    assert row.reason == ("SENT_TEMPLATE" if kind else "SENT")


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
            sa.update(tables.messages).where(tables.messages.c.id == message_id).values(calls=2)
        )
    await outcomes.record(city, receipt(f"{message_id}/1.1", S.FAILED, Remedy.PAYLOAD))
    [row] = await rows(city)
    assert row.status == "sending"


async def until_status(door: Door, *wanted: str) -> None:
    async with asyncio.timeout(15):
        while [row.status for row in await rows(door)] != list(wanted):
            await asyncio.sleep(0.02)


async def templates(door: Door) -> int:
    async with door.database.reading() as conn:
        return (await spending.spent(conn, TENANT, WHATSAPP, datetime.now(UTC))).get("template", 0)
