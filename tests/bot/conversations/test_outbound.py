"""Bubbles are sent once, in order, and one citizen's trouble is nobody else's."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.channels.base import (
    AccountTroubled,
    ChannelThrottled,
    ChannelUnreachable,
    CitizenUnreachable,
    MessageRefused,
    OutcomeUnknown,
    Sent,
)
from bot.conversations import outbound, outcomes, sending, sentbook
from bot.conversations.pace import TROUBLED_CHATS, Pace
from bot.conversations.sentbook import SentBook
from bot.door import Door
from bot.storage import conversations, messages, tables
from bot.storage.delivery_tables import early_receipts
from bot.vocabulary.messages import (
    ChannelName,
    DeliveryReceipt,
    MessageStatus,
    OutgoingMessage,
    QueuedMessage,
    Remedy,
)
from tests.postman import Postman
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all


@pytest.fixture
def postman() -> Postman:
    """The channel that everything here is sent on."""
    return Postman()


@pytest.fixture
async def city(open_doors: Callable[..., Door], postman: Postman) -> Door:
    """A door with that channel."""
    door = open_doors(channels={ChannelName.TELEGRAM: postman})
    await door.wakeups.start()
    return door


class Moving(Postman):
    """One chat has become another, as when Telegram says `migrate_to_chat_id`."""

    async def send(self, queued: QueuedMessage) -> Sent:
        """Deliver to the new one, and say so."""
        sent = await super().send(queued)
        return replace(sent, moved_to="-1009") if queued.recipient.address == "-9" else sent


@asynccontextmanager
async def sender(door: Door, holder: str = "sender-1") -> AsyncIterator[None]:
    """A worker that sends while inside."""
    stop = asyncio.Event()
    task = asyncio.create_task(sending.deliver(door, holder, stop))
    try:
        yield
    finally:
        stop.set()
        await door.wakeups.wake("outbound")
        await task


async def until(said: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not said():
            await asyncio.sleep(0.02)


async def telegram_citizen(door: Door, address: str) -> Citizen:
    """A citizen whose first message was stored and needs no answer here."""
    citizen = Citizen(door, address, ChannelName.TELEGRAM)
    await citizen.say("halo")
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(tables.messages).values(status="handled"))
        await conn.execute(sa.update(tables.conversations).values(pending_since=None))
    return citizen


async def push(door: Door, citizen: Citizen, *texts: str) -> None:
    """Queue bubbles as a turn or an update would."""
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        found = await conversations.find_by_address(conn, "kota_mojokerto", citizen.address)
        assert found is not None
        await conversations.lock(conn, found.id, now)
        for text in texts:
            await outbound.queue(conn, door, found, [OutgoingMessage(text)], f"test:{text}", now)
    await outbound.announce(door, found)


async def rows(door: Door) -> list[sa.Row]:
    query = sa.select(tables.messages).where(tables.messages.c.direction == "out")
    async with door.database.reading() as conn:
        return list(await conn.execute(query.order_by(tables.messages.c.id)))


async def hurry(door: Door) -> None:
    """Let every pause be over."""
    async with door.database.reading() as conn:
        paused = (await conn.execute(sa.select(tables.conversations.c.id))).scalars().all()
    for conversation in paused:
        # One row a transaction: whoever locks several would wait for us, and we for them.
        mine = tables.conversations.c.id == conversation
        async with door.database.transaction() as conn:
            await conn.execute(sa.update(tables.conversations).where(mine).values(send_after=None))


async def test_a_bubble_is_sent_and_its_row_says_under_which_id(city: Door, postman: Postman) -> None:
    citizen = await telegram_citizen(city, "1")
    async with sender(city):
        await push(city, citizen, "halo")
        await until(lambda: postman.to("1") == ["halo"])
    [row] = await rows(city)
    assert (row.status, row.reason, row.channel_message_id) == ("sent", "SENT", f"tg-{row.id}")


async def test_each_citizen_gets_their_bubbles_in_order(city: Door, postman: Postman) -> None:
    citizens = [await telegram_citizen(city, str(number)) for number in range(6)]
    async with sender(city), sender(city, "sender-2"):
        for number in range(5):
            for citizen in citizens:
                await push(city, citizen, f"{citizen.address.address}/{number}")
        await until(lambda: len(postman.delivered) == 30)
    for citizen in citizens:
        name = citizen.address.address
        assert postman.to(name) == [f"{name}/{number}" for number in range(5)]


async def test_a_throttled_chat_waits_and_stalls_nobody(city: Door, postman: Postman) -> None:
    slow, quick = await telegram_citizen(city, "slow"), await telegram_citizen(city, "quick")
    postman.trouble["slow"] = iter([ChannelThrottled(60)])
    async with sender(city):
        await push(city, slow, "a", "b")
        await until(lambda: postman.tried == [("slow", "a")])
        await push(city, quick, "c")
        await until(lambda: postman.to("quick") == ["c"])
        assert postman.to("slow") == []
        await hurry(city)
        await until(lambda: postman.to("slow") == ["a", "b"])
    assert {row.attempts for row in await rows(city)} == {1}, "waiting as asked is no failed attempt"


async def test_a_citizen_who_blocked_us_is_left_alone_until_they_write(
    city: Door, postman: Postman, engine: ScriptedEngine
) -> None:
    citizen = await telegram_citizen(city, "1")
    postman.trouble["1"] = iter([CitizenUnreachable("blocked")])
    async with sender(city):
        await push(city, citizen, "a", "b")
        await until(lambda: len(postman.tried) == 1)
        await asyncio.sleep(0.1)
        await push(city, citizen, "c")
        await asyncio.sleep(0.7)
        assert postman.tried == [("1", "a")], "nobody knocks again at a closed door"
        assert {(row.status, row.reason) for row in await rows(city)} == {("skipped", "SKIPPED_BLOCKED")}
        await citizen.say("halo lagi dong")
        await answer_all(city)
        await until(lambda: len(postman.delivered) == 1)
    assert "halo lagi dong" in postman.to("1")[0]


async def test_an_emergency_reaches_a_citizen_who_had_blocked_us(city: Door, postman: Postman) -> None:
    citizen = await telegram_citizen(city, "1")
    async with city.database.transaction() as conn:
        await conn.execute(sa.update(tables.conversations).values(blocked_at=datetime.now(UTC)))
    async with sender(city):
        await citizen.say("tolong rumah saya kebakaran")
        await until(lambda: len(postman.delivered) == 1)
    assert "112" in postman.to("1")[0]


async def test_a_refused_bubble_is_given_up_and_the_next_one_sent(city: Door, postman: Postman) -> None:
    citizen = await telegram_citizen(city, "1")
    postman.trouble["1"] = iter([MessageRefused("bad request")])
    async with sender(city):
        await push(city, citizen, "a", "b")
        await until(lambda: postman.to("1") == ["b"])
    first, second = await rows(city)
    assert (first.status, first.reason) == ("failed", "FAILED_REFUSED")
    assert second.status == "sent"


@pytest.mark.parametrize(
    ("error", "why"),
    [(ChannelUnreachable("503"), "UNREACHABLE"), (RuntimeError("a bug of the channel"), "ERROR")],
)
async def test_a_channel_without_an_answer_is_tried_later_and_not_for_ever(
    city: Door, postman: Postman, error: Exception, why: str
) -> None:
    citizen = await telegram_citizen(city, "1")
    postman.trouble["1"] = repeat(error, sending.MAX_ATTEMPTS)
    async with sender(city):
        await push(city, citizen, "a")
        await until(lambda: len(postman.tried) == 1)
        await asyncio.sleep(0.2)
        [row] = await rows(city)
        assert (row.status, row.reason) == ("queued", f"WAIT_{why}")
        for attempt in range(2, sending.MAX_ATTEMPTS + 1):
            await hurry(city)
            await city.wakeups.wake("outbound")
            await until(lambda: len(postman.tried) == attempt)  # noqa: B023
            await asyncio.sleep(0.1)
        await push(city, citizen, "b")
        await until(lambda: postman.to("1") == ["b"])
    first, _ = await rows(city)
    assert (first.status, first.reason) == ("failed", f"FAILED_{why}")


async def test_the_pause_grows_with_every_attempt(city: Door, postman: Postman) -> None:
    citizen = await telegram_citizen(city, "1")
    postman.trouble["1"] = repeat(ChannelUnreachable("502"))
    await push(city, citizen, "a")
    pauses = []
    for _ in range(4):
        await hurry(city)
        async with city.database.transaction() as conn:
            [claimed] = await messages.claim_unsent(conn, "s", datetime.now(UTC), 60, 9)
        before = datetime.now(UTC)
        book = SentBook(city.settings.var / "sent", "s")
        await sending._deliver_one(city, claimed, "s", Pace(city.keyvalue, city.channels), book)
        async with city.database.reading() as conn:
            [row] = await conn.execute(sa.select(tables.conversations))
        pauses.append((row.send_after - before).total_seconds())
    assert pauses == sorted(pauses)
    assert pauses[-1] > 4 * pauses[0]


async def test_a_bubble_found_in_sending_after_a_crash_is_sent(city: Door, postman: Postman) -> None:
    citizen = await telegram_citizen(city, "1")
    await push(city, citizen, "a", "b")
    async with city.database.transaction() as conn:
        await messages.claim_unsent(conn, "dead", datetime.now(UTC), 60, 9)
        await conn.execute(
            sa.update(tables.messages).where(tables.messages.c.text == "a").values(status="sending")
        )
    async with sender(city, "alive"):
        await asyncio.sleep(0.6)
        assert postman.tried == [], "the dead one may still be alive"
        async with city.database.transaction() as conn:
            await conversations.free_claims_of(conn, ["dead"])
        await until(lambda: postman.to("1") == ["a", "b"])


async def test_what_a_killed_worker_had_delivered_is_not_sent_again(city: Door, postman: Postman) -> None:
    citizen = await telegram_citizen(city, "1")
    await push(city, citizen, "a", "b")
    first, second = await rows(city)
    # It died after the channel's answer and before its own commit.
    SentBook(city.settings.var / "run" / "sent", "dead").note(first.id, 1, "tg-77")
    async with city.database.transaction() as conn:
        mine = tables.messages.c.id == first.id
        await conn.execute(sa.update(tables.messages).where(mine).values(status="sending", calls=1))
    async with sender(city):
        await until(lambda: postman.to("1") == ["b"])
    first, second = await rows(city)
    assert (first.status, first.channel_message_id, second.status) == ("sent", "tg-77", "sent")
    assert [path.name for path in (city.settings.var / "run" / "sent").iterdir()] == ["dead"]


def test_a_full_book_starts_anew_and_forgets_nothing_recent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentbook, "FULL_BYTES", 40)
    book = SentBook(tmp_path, "me")
    for number in range(1, 9):
        book.note(number, 1, f"55:{number}")
    assert book.find(8, 1) == "55:8"
    assert book.find(8, 2) is None
    assert book.find(7, 1) == "55:7"
    assert book.find(80, 1) is None
    assert SentBook(tmp_path, "other").find(8, 1) == "55:8"


async def test_a_bubble_that_ends_every_process_is_given_up(city: Door, postman: Postman) -> None:
    citizen = await telegram_citizen(city, "1")
    await push(city, citizen, "poison", "b")
    async with city.database.transaction() as conn:
        await conn.execute(
            sa.update(tables.messages)
            .where(tables.messages.c.text == "poison")
            .values(status="sending", attempts=sending.MAX_ATTEMPTS)
        )
    async with sender(city):
        await until(lambda: postman.to("1") == ["b"])
    assert (await rows(city))[0].reason == "FAILED_ATTEMPTS"


async def test_a_slow_channel_never_loses_its_right_to_send_to_another_worker(
    city: Door, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SENDING_SECONDS", 1.0)
    postman.delay = 0.4
    citizen = await telegram_citizen(city, "1")
    await push(city, citizen, *"abcdef")
    async with sender(city), sender(city, "sender-2"):
        await until(lambda: len(postman.delivered) >= 6)
        await asyncio.sleep(0.5)
    assert postman.to("1") == list("abcdef"), "six slow sends outlast one claim"


async def test_a_channel_that_hangs_is_left_before_another_worker_may_begin_and_is_not_asked_twice(
    city: Door, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SENDING_SECONDS", 0.4)
    postman.delay = 30
    citizen = await telegram_citizen(city, "1")
    await push(city, citizen, "a")
    async with sender(city):
        await until(lambda: len(postman.tried) == 1)
        await asyncio.sleep(0.6)
        await hurry(city)
        await asyncio.sleep(0.6)
        [row] = await rows(city)
    assert (row.status, row.reason) == ("unknown", "UNKNOWN_OUTCOME")
    assert len(postman.tried) == 1


async def test_a_bubble_queued_while_the_sender_ends_is_not_forgotten(city: Door) -> None:
    citizen = await telegram_citizen(city, "1")
    await push(city, citizen, "a")
    async with city.database.transaction() as conn:
        [claimed] = await messages.claim_unsent(conn, "s", datetime.now(UTC), 60, 9)
        await conn.execute(
            sa.update(tables.messages).where(tables.messages.c.direction == "out").values(status="sent")
        )

    async def end() -> None:
        async with city.database.transaction() as conn:
            await messages.end_sending(conn, claimed.id, "s", None, datetime.now(UTC))

    now = datetime.now(UTC)
    async with city.database.transaction() as conn:
        found = await conversations.get(conn, claimed.id)
        await conversations.lock(conn, found.id, now)
        await outbound.queue(conn, city, found, [OutgoingMessage("b")], "test:b", now)
        ending = asyncio.create_task(end())
        # Long enough for the other one to wait for this row.
        await asyncio.sleep(0.3)
    await ending
    async with city.database.transaction() as conn:
        again = await messages.claim_unsent(conn, "s", datetime.now(UTC), 60, 9)
    assert [row.id for row in again] == [claimed.id]


async def test_no_more_is_claimed_than_asked_for(city: Door) -> None:
    for number in range(9):
        await push(city, await telegram_citizen(city, str(number)), f"a{number}")
    async with city.database.transaction() as conn:
        # A planner that believes the table to be tiny may run a plain subquery once per row.
        if conn.dialect.name == "postgresql":
            await conn.execute(sa.text("SET LOCAL enable_hashjoin = off"))
            await conn.execute(sa.text("SET LOCAL enable_mergejoin = off"))
            await conn.execute(sa.text("SET LOCAL enable_hashagg = off"))
            await conn.execute(sa.text("SET LOCAL enable_material = off"))
        taken = await messages.claim_unsent(conn, "s", datetime.now(UTC), 60, 3)
    assert len(taken) == 3


S = MessageStatus


@pytest.mark.parametrize(
    ("receipts", "status"),
    [
        ([S.DELIVERED, S.READ], "read"),
        ([S.READ, S.DELIVERED], "read"),
        ([S.READ, S.SENT], "read"),
        ([S.DELIVERED, S.DELIVERED], "delivered"),
        ([S.FAILED], "failed"),
        ([S.FAILED, S.DELIVERED], "failed"),
        ([S.READ, S.FAILED], "read"),
        ([S.HANDLED], "sent"),
    ],
)
async def test_a_receipt_moves_a_bubble_only_forward(
    city: Door, postman: Postman, receipts: list[MessageStatus], status: str
) -> None:
    citizen = await telegram_citizen(city, "1")
    async with sender(city):
        await push(city, citizen, "a")
        await until(lambda: postman.to("1") == ["a"])
    [row] = await rows(city)
    for word in receipts:
        receipt = DeliveryReceipt(ChannelName.TELEGRAM, row.channel_message_id, word, datetime.now(UTC))
        await outcomes.record(city, receipt)
    [row] = await rows(city)
    assert row.status == status


async def test_a_receipt_that_comes_before_the_channels_own_answer_is_not_lost(
    city: Door, postman: Postman
) -> None:
    citizen = await telegram_citizen(city, "1")
    early = [S.DELIVERED, S.SENT]

    def report(queued: QueuedMessage) -> None:
        for word in early:
            receipt = DeliveryReceipt(ChannelName.TELEGRAM, f"tg-{queued.id}", word, datetime.now(UTC))
            tasks.append(asyncio.create_task(outcomes.record(city, receipt)))

    tasks: list[asyncio.Task[bool]] = []
    postman.before, postman.delay = report, 0.3
    async with sender(city):
        await push(city, citizen, "a")
        await until(lambda: postman.to("1") == ["a"])
    assert await asyncio.gather(*tasks) == [False, False]
    [row] = await rows(city)
    assert row.status == "delivered"
    async with city.database.reading() as conn:
        assert list(await conn.execute(sa.select(early_receipts))) == []


async def test_an_unknown_outcome_is_never_sent_again_by_itself_and_the_next_bubble_goes_out(
    city: Door, postman: Postman
) -> None:
    citizen = await telegram_citizen(city, "1")
    postman.trouble["1"] = iter([OutcomeUnknown("read timeout")])
    async with sender(city):
        await push(city, citizen, "a", "b")
        await until(lambda: len(postman.tried) == 1)
        await asyncio.sleep(0.2)
        await hurry(city)
        await until(lambda: postman.to("1") == ["b"])
    first, second = await rows(city)
    assert (first.status, second.status) == ("unknown", "sent")
    assert postman.tried == [("1", "a"), ("1", "b")]


async def test_a_receipt_settles_an_unknown_outcome(city: Door, postman: Postman) -> None:
    citizen = await telegram_citizen(city, "1")
    await push(city, citizen, "a")
    async with city.database.transaction() as conn:
        await conn.execute(
            sa.update(tables.messages)
            .where(tables.messages.c.direction == "out")
            .values(status="unknown", channel_message_id="tg-9")
        )
    await outcomes.record(city, DeliveryReceipt(ChannelName.TELEGRAM, "tg-9", S.DELIVERED, datetime.now(UTC)))
    assert (await rows(city))[0].status == "delivered"


@pytest.mark.parametrize(
    "error", [ChannelThrottled(60, everyone=True), AccountTroubled("token rejected")], ids=["all", "account"]
)
async def test_a_trouble_of_the_whole_channel_pauses_everybody_and_loses_nothing(
    city: Door, postman: Postman, error: Exception
) -> None:
    first, second = await telegram_citizen(city, "1"), await telegram_citizen(city, "2")
    postman.trouble["1"] = iter([error])
    async with sender(city), sender(city, "sender-2"):
        await push(city, first, "a")
        await until(lambda: len(postman.tried) == 1)
        await asyncio.sleep(0.2)
        await push(city, second, "b")
        await asyncio.sleep(0.7)
    assert postman.tried == [("1", "a")], "nobody else is tried while the channel pauses"
    assert [(row.status, row.attempts) for row in await rows(city)] == [("queued", 0), ("queued", 0)]


async def test_many_throttled_chats_pause_the_channel(city: Door, postman: Postman) -> None:
    citizens = [await telegram_citizen(city, str(number)) for number in range(9)]
    for number in range(9):
        postman.trouble[str(number)] = repeat(ChannelThrottled(60))
    async with sender(city):
        for citizen in citizens[:TROUBLED_CHATS]:
            await push(city, citizen, f"a{citizen.address.address}")
        await until(lambda: len(postman.tried) == TROUBLED_CHATS)
        await asyncio.sleep(0.3)
        for citizen in citizens[TROUBLED_CHATS:]:
            await push(city, citizen, f"a{citizen.address.address}")
        await asyncio.sleep(0.7)
    assert len(postman.tried) == TROUBLED_CHATS


async def test_a_citizens_own_pace_parks_them_and_nobody_else(city: Door, postman: Postman) -> None:
    postman.limits = replace(postman.limits, per_citizen_second=0.01, per_citizen_burst=2)
    chatty, quiet = await telegram_citizen(city, "1"), await telegram_citizen(city, "2")
    async with sender(city):
        await push(city, chatty, "a", "b", "c")
        await until(lambda: postman.to("1") == ["a", "b"])
        await push(city, quiet, "d")
        await until(lambda: postman.to("2") == ["d"])
        await asyncio.sleep(0.3)
    assert postman.to("1") == ["a", "b"]
    async with city.database.reading() as conn:
        query = sa.select(tables.conversations.c.send_after).where(tables.conversations.c.address == "1")
        assert (await conn.execute(query)).scalar_one() > datetime.now(UTC) + timedelta(seconds=60)


async def test_what_finds_a_long_line_goes_back_into_the_outbox_unharmed(
    city: Door, postman: Postman
) -> None:
    citizen = await telegram_citizen(city, "1")
    now = datetime.now(UTC)
    async with city.database.transaction() as conn:
        found = await conversations.find_by_address(conn, "kota_mojokerto", citizen.address)
        assert found is not None
        await outbound.queue(conn, city, found, [OutgoingMessage("a")], "long", now)
    postman.limits = replace(postman.limits, per_second=0.1)
    pace = Pace(city.keyvalue, city.channels)
    assert not (await pace.place(ChannelName.TELEGRAM)).wait
    columns = (tables.messages.c.status, tables.messages.c.attempts, tables.messages.c.reason)
    query = sa.select(*columns).where(tables.messages.c.direction == "out")
    async with sender(city), asyncio.timeout(15):
        row: tuple[str, int, str | None] = ("queued", 0, None)
        while row[2] is None:
            await asyncio.sleep(0.02)
            async with city.database.reading() as conn:
                row = tuple((await conn.execute(query)).one())  # type: ignore[assignment]
    assert row == ("queued", 0, "WAIT_PACE")
    assert postman.tried == []


async def test_a_silent_bubble_stays_silent_in_the_outbox(city: Door, postman: Postman) -> None:
    citizen = await telegram_citizen(city, "1")
    heard: list[bool] = []
    postman.before = lambda queued: heard.append(queued.message.silent)
    now = datetime.now(UTC)
    async with city.database.transaction() as conn:
        found = await conversations.find_by_address(conn, "kota_mojokerto", citizen.address)
        assert found is not None
        await outbound.queue(conn, city, found, [OutgoingMessage("a", silent=True)], "night", now)
    async with sender(city):
        await until(lambda: heard == [True])


async def test_a_receipt_for_nothing_of_ours_changes_nothing(city: Door) -> None:
    receipt = DeliveryReceipt(ChannelName.TELEGRAM, "unknown", S.READ, datetime.now(UTC))
    assert await outcomes.record(city, receipt) is False


async def test_the_same_key_queues_a_bubble_once(city: Door) -> None:
    citizen = await telegram_citizen(city, "1")
    await asyncio.gather(*(push(city, citizen, "a") for _ in range(20)))
    assert len(await rows(city)) == 1


async def test_a_citizen_is_not_sent_to_while_their_pause_lasts(city: Door) -> None:
    citizen = await telegram_citizen(city, "1")
    await push(city, citizen, "a")
    async with city.database.transaction() as conn:
        await conn.execute(
            sa.update(tables.conversations).values(send_after=datetime.now(UTC) + timedelta(seconds=60))
        )
        assert await messages.claim_unsent(conn, "s", datetime.now(UTC), 60, 9) == []


@pytest.mark.parametrize("taken", [False, True], ids=["nobody there yet", "somebody there already"])
async def test_a_chat_that_moved_is_written_to_at_its_new_address_and_nothing_is_lost(
    open_doors: Callable[..., Door], taken: bool
) -> None:
    postman = Moving()
    city = open_doors(channels={ChannelName.TELEGRAM: postman})
    await city.wakeups.start()
    if taken:
        await telegram_citizen(city, "-1009")
    citizen = await telegram_citizen(city, "-9")
    await push(city, citizen, "kabar 1", "kabar 2")
    async with sender(city):
        await until(lambda: len(postman.delivered) == 2)
    addresses = [address for address, _ in postman.delivered]
    assert [text for _, text in postman.delivered] == ["kabar 1", "kabar 2"]
    assert addresses[0] == "-9"
    there = citizen if taken else Citizen(city, "-1009", ChannelName.TELEGRAM)
    await push(city, there, "kabar 3")
    async with sender(city):
        await until(lambda: len(postman.delivered) == 3)
    assert postman.delivered[-1] == ("-9" if taken else "-1009", "kabar 3")


class Hasty(Postman):
    """Reports on a message before it has answered the call, as Meta may."""

    def __init__(self, status: MessageStatus, error: Exception | None = None) -> None:
        super().__init__()
        self.status, self.error = status, error
        self.door: Door | None = None

    async def send(self, queued: QueuedMessage) -> Sent:
        """Report first."""
        sent = await super().send(queued)
        assert self.door is not None
        remedy = Remedy.LATER if self.status is MessageStatus.FAILED else None
        receipt = DeliveryReceipt(
            self.name,
            sent.channel_message_id,
            self.status,
            datetime.now(UTC),
            reason="FAILED_131000" if remedy else None,
            remedy=remedy,
            track=queued.track,
        )
        await outcomes.record(self.door, receipt)
        if self.error is not None:
            raise self.error
        return sent


HASTY = [
    ("delivered, then the answer", MessageStatus.DELIVERED, None, ("delivered", "SENT")),
    ("delivered, then silence", MessageStatus.DELIVERED, OutcomeUnknown("timeout"), ("delivered", "SENT")),
    ("failed, then the answer", MessageStatus.FAILED, None, ("queued", "RESEND_LATER")),
]


@pytest.mark.parametrize(
    ("status", "error", "kept"), [row[1:] for row in HASTY], ids=[row[0] for row in HASTY]
)
async def test_what_is_reported_during_the_call_is_not_overwritten_by_its_answer(
    open_doors: Callable[..., Door],
    status: MessageStatus,
    error: Exception | None,
    kept: tuple[str, str | None],
) -> None:
    postman = Hasty(status, error)
    postman.door = city = open_doors(channels={ChannelName.TELEGRAM: postman})
    await city.wakeups.start()
    citizen = await telegram_citizen(city, "1")
    await push(city, citizen, "halo")
    async with sender(city):
        await until(lambda: bool(postman.delivered))
        await asyncio.sleep(0.2)
    [row] = await rows(city)
    assert (row.status, row.reason) == kept
    assert len(postman.delivered) == 1
