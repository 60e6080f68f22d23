"""A failure that a channel reports is made good once: early, late, twice, or during our own call."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.channels.base import MessageRefused, OutcomeUnknown, Sent
from bot.channels.whatsapp.templates import Allowance, Templates
from bot.conversations import outbound, outcomes, remedies
from bot.conversations.sentbook import SentBook
from bot.door import Door
from bot.storage import conversations, receipts, spending, tables
from bot.storage.contact_tables import contacts
from bot.storage.delivery_tables import early_receipts
from bot.vocabulary.messages import (
    ChannelName,
    DeliveryReceipt,
    MessageStatus,
    OutgoingMessage,
    QueuedMessage,
    Remedy,
)
from tests.bot.conversations.test_linked import KABAR, TENANT, WHATSAPP, Meta
from tests.bot.conversations.test_outbound import hurry, rows, sender, until
from tests.talk import Citizen

S = MessageStatus


@dataclass
class Word:
    """What Meta reports on free words after its 24 hours."""

    status: MessageStatus = S.FAILED
    reason: str | None = "FAILED_131047"
    remedy: Remedy | None = Remedy.WINDOW

    def on(self, message_id: str, track: str | None) -> DeliveryReceipt:
        return DeliveryReceipt(
            WHATSAPP, message_id, self.status, datetime.now(UTC), self.reason, self.remedy, track
        )


SENT = Word(S.SENT, None, None)


class LateMeta(Meta):
    """Takes free words, and says at a time of its own that they failed; templates arrive."""

    def __init__(self, *, when: str = "before", tracked: bool = False, word: Word | None = None) -> None:
        super().__init__()
        self.templates = Templates({"kabar": KABAR}, {TENANT: Allowance(frozenset({"kabar"}), 1000)})
        self.when, self.tracked, self.word = when, tracked, word or Word()
        self.fails = lambda queued: queued.message.template is None
        self.error: Exception | None = None
        self.door: Door | None = None
        self.telling: list[asyncio.Task[None]] = []
        self.reports: list[DeliveryReceipt] = []
        self.got: Counter[tuple[str, str]] = Counter()

    async def send(self, queued: QueuedMessage) -> Sent:
        """Take it, and report."""
        await super().send(queued)
        kind = "template" if queued.message.template else "text"
        self.got[queued.recipient.address, kind] += 1
        message_id = f"wamid.{queued.id}.{len(self.tried)}"
        if not self.fails(queued):
            return Sent(message_id)
        track = queued.track if self.tracked else None
        words = [SENT.on(message_id, track), *2 * [self.word.on(message_id, track)]]
        self.reports += words
        if self.when == "before":
            for word in words:
                await self.tell(word)
        else:
            self.telling.append(asyncio.create_task(self._later(words)))
        if self.error is not None:
            raise self.error
        return Sent(message_id)

    async def tell(self, word: DeliveryReceipt) -> None:
        assert self.door is not None
        await outcomes.record(self.door, word)

    async def _later(self, words: list[DeliveryReceipt]) -> None:
        assert self.door is not None
        if self.when == "after":
            mine = tables.messages.c.channel_message_id == words[0].channel_message_id
            async with asyncio.timeout(15):
                while True:
                    async with self.door.database.reading() as conn:
                        if (await conn.execute(sa.select(tables.messages.c.id).where(mine))).first():
                            break
                    await asyncio.sleep(0.01)
        await asyncio.gather(*(self.tell(word) for word in words))


@pytest.fixture
def city(open_doors: Callable[..., Door]) -> Callable[[LateMeta], Door]:
    """A door at which such a channel is connected; its receipts come in at another one."""

    def make(meta: LateMeta) -> Door:
        meta.door = open_doors(channels={WHATSAPP: meta})
        return open_doors(channels={WHATSAPP: meta})

    return make


async def news(door: Door, *addresses: str) -> None:
    """Queue one bubble of news for each; we think that their windows are open."""
    now = datetime.now(UTC)
    for address in addresses:
        citizen = Citizen(door, address, WHATSAPP)
        accepted = await citizen.say("halo")
        async with door.database.transaction() as conn:
            mine = tables.conversations.c.id == accepted.conversation_id
            await conn.execute(sa.update(tables.messages).values(status="handled").where(_incoming()))
            await conn.execute(sa.update(tables.conversations).values(pending_since=None).where(mine))
            found = await conversations.get(conn, accepted.conversation_id)
            await conversations.lock(conn, found.id, now)
            await outbound.queue(conn, door, found, [OutgoingMessage("kabar")], f"update:a:{address}:1", now)


def _incoming() -> sa.ColumnElement[bool]:
    return tables.messages.c.direction == "in"


async def settled(door: Door, meta: LateMeta, *wanted: tuple[str, str]) -> None:
    """Wait until the rows are as wanted and every report was heard."""
    async with asyncio.timeout(30):
        while not all(task.done() for task in meta.telling) or [
            (row.status, row.reason) for row in await rows(door)
        ] != list(wanted):
            await hurry(door)
            await asyncio.sleep(0.02)
    await asyncio.gather(*meta.telling)


ORDERS = [
    pytest.param(when, tracked, id=f"{when} the answer, {'with' if tracked else 'without'} our number")
    for when in ("before", "after")
    for tracked in (True, False)
]


@pytest.mark.parametrize(("when", "tracked"), ORDERS)
async def test_words_after_the_window_become_one_template(
    city: Callable[[LateMeta], Door], when: str, tracked: bool
) -> None:
    meta = LateMeta(when=when, tracked=tracked)
    door = city(meta)
    await news(door, "1")
    async with sender(door):
        await settled(door, meta, ("sent", "SENT_TEMPLATE"))
        for report in meta.reports:  # told again after all is done
            await meta.tell(report)
        await settled(door, meta, ("sent", "SENT_TEMPLATE"))
    assert meta.kinds == ["text", "template"]


@pytest.mark.parametrize("tracked", [True, False], ids=["with our number", "without"])
async def test_who_reports_and_who_answers_at_once_make_one_template_each(
    city: Callable[[LateMeta], Door], tracked: bool
) -> None:
    meta = LateMeta(when="at once", tracked=tracked)
    door = city(meta)
    people = [str(number) for number in range(30)]
    await news(door, *people)
    async with AsyncExitStack() as workers:
        for holder in ("sender-1", "sender-2"):
            await workers.enter_async_context(sender(door, holder))
        await settled(door, meta, *[("sent", "SENT_TEMPLATE") for _ in people])
    assert set(meta.got.values()) == {1}
    assert len(meta.got) == 2 * len(people), "one try with words and one template for everybody"


async def test_a_failure_told_again_while_the_template_is_on_its_way_stops_nothing(
    city: Callable[[LateMeta], Door],
) -> None:
    meta = LateMeta(tracked=True)
    door = city(meta)
    await news(door, "1")

    async def again() -> None:
        for report in meta.reports:
            await meta.tell(report)

    def before(queued: QueuedMessage) -> None:
        meta.kinds.append("template" if queued.message.template else "text")
        if queued.message.template:
            meta.telling.append(asyncio.create_task(again()))

    meta.before, meta.delay = before, 0.2
    async with sender(door):
        await settled(door, meta, ("sent", "SENT_TEMPLATE"))
    assert meta.kinds == ["text", "template"]


async def test_a_failure_reported_during_a_call_that_brings_no_answer_is_made_good_too(
    city: Callable[[LateMeta], Door],
) -> None:
    meta = LateMeta(tracked=True)
    meta.error = OutcomeUnknown("read timeout")
    door = city(meta)
    await news(door, "1")
    async with sender(door):
        await settled(door, meta, ("sent", "SENT_TEMPLATE"))
    assert meta.kinds == ["text", "template"]


async def test_what_a_killed_worker_had_noted_of_the_failed_attempt_does_not_pass_for_the_next(
    city: Callable[[LateMeta], Door],
) -> None:
    meta = LateMeta(tracked=True)
    meta.fails = lambda queued: False
    door = city(meta)
    await news(door, "1")
    [row] = await rows(door)
    SentBook(door.settings.var / "run" / "sent", "dead").note(row.id, 1, "wamid.failed")
    async with door.database.transaction() as conn:
        await conn.execute(
            sa.update(tables.messages)
            .where(tables.messages.c.id == row.id)
            .values(status="sending", attempts=2, calls=2, channel_message_id=None)
        )
        await conn.execute(sa.update(contacts).values(window_until=datetime.now(UTC) - timedelta(days=1)))
    async with sender(door):
        await settled(door, meta, ("sent", "SENT_TEMPLATE"))
    assert meta.kinds == ["template"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("remedy", [Remedy.STOP, Remedy.OPT_OUT])
async def test_who_left_is_left_alone_also_when_that_is_heard_early(
    city: Callable[[LateMeta], Door], when: str, remedy: Remedy
) -> None:
    meta = LateMeta(when=when, word=Word(reason="FAILED_131026", remedy=remedy))
    door = city(meta)
    await news(door, "1")
    async with sender(door):
        await settled(door, meta, ("failed", "FAILED_131026"))
    async with door.database.reading() as conn:
        blocked = (await conn.execute(sa.select(tables.conversations.c.blocked_at))).scalar_one()
    assert blocked is not None
    assert meta.kinds == ["text"]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_fails_each_time_is_given_up_after_a_few_tries(
    city: Callable[[LateMeta], Door], when: str
) -> None:
    meta = LateMeta(when=when, word=Word(reason="FAILED_130472", remedy=Remedy.LATER))
    door = city(meta)
    await news(door, "1")
    async with sender(door):
        await settled(door, meta, ("failed", "FAILED_130472"))
    assert meta.kinds == ["text"] * remedies.MOST_TRIES


async def test_an_early_failure_keeps_what_helps_against_it(city: Callable[[LateMeta], Door]) -> None:
    door = city(LateMeta())
    assert await outcomes.record(door, Word().on("wamid.early", None)) is False
    async with door.database.reading() as conn:
        [row] = await conn.execute(sa.select(early_receipts))
    assert (row.reason, row.remedy) == ("FAILED_131047", "window")
    async with door.database.transaction() as conn:
        [kept] = await receipts.take_kept(conn, ChannelName.WHATSAPP, "wamid.early")
        assert kept.remedy is Remedy.WINDOW
        assert await receipts.take_kept(conn, ChannelName.WHATSAPP, "wamid.early") == []


async def test_a_delivery_reported_late_ends_the_next_try(city: Callable[[LateMeta], Door]) -> None:
    """A citizen with two devices: one could not take it, the other has it."""
    meta = LateMeta(tracked=True, word=Word(reason="FAILED_131000", remedy=Remedy.LATER))
    door = city(meta)
    await news(door, "1")
    async with sender(door):
        await until(lambda: len(meta.reports) == 3)
        await asyncio.sleep(0.1)
        first = meta.reports[0]
        await meta.tell(Word(S.DELIVERED, None, None).on(first.channel_message_id, first.track))
        await settled(door, meta, ("delivered", "SENT"))
    assert meta.kinds == ["text"]


async def spent(door: Door) -> dict[str, int]:
    async with door.database.reading() as conn:
        found = await spending.spent(conn, TENANT, WHATSAPP, datetime.now(UTC))
    return {kind: count for kind, count in found.items() if count}


PAYLOAD = Word(reason="FAILED_131009", remedy=Remedy.PAYLOAD)


@pytest.mark.parametrize(("when", "tracked"), ORDERS)
async def test_a_template_that_fails_is_given_back_once(
    city: Callable[[LateMeta], Door], when: str, tracked: bool
) -> None:
    """Meta bills what it delivered."""
    meta = LateMeta(when=when, tracked=tracked, word=PAYLOAD)
    meta.fails = lambda queued: queued.recipient.address == "1"
    door = city(meta)
    await news(door, "1", "2")
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(contacts).values(window_until=datetime.now(UTC) - timedelta(days=1)))
    async with sender(door):
        await settled(door, meta, ("failed", "FAILED_131009"), ("sent", "SENT_TEMPLATE"))
        for report in meta.reports:
            await meta.tell(report)
    assert meta.kinds == ["template", "template"]
    assert await spent(door) == {"template": 1}


@pytest.mark.parametrize(("when", "tracked"), ORDERS)
async def test_free_words_that_fail_count_as_no_answer(
    city: Callable[[LateMeta], Door], when: str, tracked: bool
) -> None:
    meta = LateMeta(when=when, tracked=tracked)
    door = city(meta)
    await news(door, "1")
    async with sender(door):
        await settled(door, meta, ("sent", "SENT_TEMPLATE"))
    assert await spent(door) == {"template": 1}


async def test_a_template_that_fails_next_month_is_given_back_to_the_month_it_was_counted_in(
    city: Callable[[LateMeta], Door],
) -> None:
    door = city(LateMeta())
    await news(door, "1")
    [row] = await rows(door)
    last, now = datetime(2026, 10, 31, 23, 59, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    counts = (TENANT, WHATSAPP, spending.TEMPLATE)
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(tables.messages).values(status="sent", channel_message_id="wamid.1"))
        assert await spending.count(conn, row.id, *counts, last, 1)
        assert await spending.take(conn, *counts, now, 1)
    for _ in range(2):
        await outcomes.record(door, PAYLOAD.on("wamid.1", None))
    async with door.database.reading() as conn:
        months = [await spending.spent(conn, TENANT, WHATSAPP, month) for month in (last, now)]
    assert months == [{"template": 0}, {"template": 1}]


async def test_a_failure_reported_while_the_call_is_refused_gives_back_once(
    city: Callable[[LateMeta], Door],
) -> None:
    meta = LateMeta(tracked=True, word=PAYLOAD)
    meta.fails, meta.error = lambda queued: True, MessageRefused()
    door = city(meta)
    await news(door, "1")
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(contacts).values(window_until=datetime.now(UTC) - timedelta(days=1)))
        await spending.take(conn, TENANT, WHATSAPP, spending.TEMPLATE, datetime.now(UTC), None)
    async with sender(door):
        await settled(door, meta, ("failed", "FAILED_131009"))
    assert await spent(door) == {"template": 1}, "another message's"
