"""A notice reaches everybody who asked for it once, slowly, and stops when told to."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import repeat

import pytest
import sqlalchemy as sa

from bot.channels.base import ChannelThrottled, MessageRefused
from bot.channels.whatsapp import templates
from bot.channels.whatsapp.templates import Allowance
from bot.conversations import broadcasting, noticedata, outcomes, privacy, sending
from bot.conversations.broadcasting import AlreadySaid, NoticeRefused, NotPossible, NumberChanged
from bot.door import Door
from bot.settings import ROOT
from bot.storage import broadcast_tables, broadcasts, contacts, conversations, messages, subscriptions, tables
from bot.vocabulary.broadcasts import BroadcastStatus, Notice
from bot.vocabulary.messages import ChannelAddress, ChannelName, DeliveryReceipt, MessageStatus
from tests.bot.conversations.test_outbound import until
from tests.postman import Postman
from tests.talk import Citizen, answer_all

WATES, MERI, MAGERSARI = "35.76.02.1010", "35.76.03.1003", "35.76.02"
NOTICE = Notice("kota_mojokerto", "air", "Air mati hari ini pukul 09.00-15.00 WIB karena perbaikan pipa.")
# Friday 27 November 2026, 02:30 in Mojokerto.
NIGHT = datetime(2026, 11, 26, 19, 30, tzinfo=UTC)
DAY = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)


class Letters(Postman):
    """A second channel, with a window."""

    name = ChannelName.WHATSAPP

    def __init__(self) -> None:
        super().__init__()
        self.templates = templates.load(ROOT)

    def approve(self, *names: str, monthly: int = 100) -> None:
        allowances = {"kota_mojokerto": Allowance(frozenset(names), monthly)}
        self.templates = replace(self.templates, allowances=allowances)


@pytest.fixture
def postman() -> Postman:
    return Postman()


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
def make(open_doors: Callable[..., Door], postman: Postman, letters: Letters) -> Callable[..., Door]:
    channels = {ChannelName.TELEGRAM: postman, ChannelName.WHATSAPP: letters}
    return lambda **more: open_doors(channels=channels, **more)


@pytest.fixture
async def city(make: Callable[..., Door]) -> Door:
    door = make()
    await door.wakeups.start()
    return door


async def subscriber(
    door: Door,
    address: str,
    place: str = "",
    channel: ChannelName = ChannelName.TELEGRAM,
    topic: str = "air",
    window: timedelta | None = None,
) -> str:
    """Somebody who asked for a topic; the id of the conversation."""
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        talk = await conversations.find_or_create(
            conn, "kota_mojokerto", ChannelAddress(channel, address, "Warga"), now
        )
        await subscriptions.add(conn, talk.id, "kota_mojokerto", topic, place, now)
        if window is not None:
            await contacts.note(conn, talk.id, now, window_until=now + window)
    return talk.id


async def linked(door: Door, *ids: str) -> None:
    """Make conversations one person's."""
    async with door.database.transaction() as conn:
        first = await conversations.get(conn, ids[0])
        await conn.execute(
            tables.conversations.update()
            .where(tables.conversations.c.id.in_(ids))
            .values(citizen_id=first.citizen_id)
        )


async def count(door: Door, notice: Notice = NOTICE) -> int:
    return len((await broadcasting.audience(door, notice)).receivers)


async def start(door: Door, people: int, notice: Notice = NOTICE) -> str:
    made = await broadcasting.start(door, notice, people, "sari", datetime.now(UTC))
    return made.id


@asynccontextmanager
async def worker(door: Door, holder: str = "worker-1"):
    """What a worker does about broadcasts, while inside."""
    stop = asyncio.Event()
    tasks = [
        asyncio.create_task(sending.deliver(door, holder, stop)),
        asyncio.create_task(broadcasting.run(door, stop)),
    ]
    try:
        yield
    finally:
        stop.set()
        await door.wakeups.wake("outbound")
        await asyncio.gather(*tasks)


async def until_done(door: Door, broadcast_id: str) -> None:
    async with asyncio.timeout(30):
        while True:
            found, report = await broadcasting.report(door, broadcast_id)
            if found.status is BroadcastStatus.DONE and not report.on_the_way:
                return
            await asyncio.sleep(0.02)


async def feed_all(door: Door) -> None:
    """Queue everything there is, without sending."""
    for _ in range(200):
        if not await broadcasting.feed(door):
            return
        await asyncio.sleep(0.005)


# Who gets it


PLACES = [
    ("the whole area reaches everybody", (), {"all", "wates", "meri", "magersari"}),
    ("a kelurahan", (WATES,), {"all", "wates", "magersari"}),
    ("a kecamatan and all its kelurahan", (MAGERSARI,), {"all", "wates", "magersari"}),
    ("two places", (WATES, MERI), {"all", "wates", "meri", "magersari"}),
]


@pytest.mark.parametrize(("places", "who"), [row[1:] for row in PLACES], ids=[row[0] for row in PLACES])
async def test_the_place_decides_who_is_concerned(
    city: Door, postman: Postman, places: tuple[str, ...], who: set[str]
) -> None:
    for name, place in (("all", ""), ("wates", WATES), ("meri", MERI), ("magersari", MAGERSARI)):
        await subscriber(city, name, place)
    await subscriber(city, "another topic", topic="listrik")
    broadcast_id = await start(city, len(who), replace(NOTICE, places=places))
    async with worker(city):
        await until_done(city, broadcast_id)
    assert Counter(address for address, _ in postman.delivered) == Counter(who)


async def test_the_notice_says_what_where_and_how_to_stop(city: Door, postman: Postman) -> None:
    await subscriber(city, "81", WATES)
    broadcast_id = await start(city, 1, replace(NOTICE, places=(WATES,), text="Air *mati* [di Wates]."))
    async with worker(city):
        await until_done(city, broadcast_id)
    [text] = postman.to("81")
    assert "gangguan air bersih" in text
    assert "(Wates)" in text
    assert "Air ∗mati∗ [di Wates]." in text
    assert "STOP" in text


async def test_a_person_with_two_linked_channels_gets_it_once_on_the_cheaper_one(
    city: Door, postman: Postman, letters: Letters
) -> None:
    both = [
        await subscriber(city, "wa", channel=ChannelName.WHATSAPP, window=timedelta(hours=2)),
        await subscriber(city, "tg"),
    ]
    await linked(city, *both)
    found = await broadcasting.audience(city, NOTICE)
    assert (len(found.receivers), found.other_channel) == (1, 1)
    broadcast_id = await start(city, 1)
    async with worker(city):
        await until_done(city, broadcast_id)
    assert postman.to("tg")
    assert letters.delivered == []


async def test_who_links_two_channels_after_planning_still_gets_it_once(
    city: Door, postman: Postman, letters: Letters
) -> None:
    both = [
        await subscriber(city, "wa", channel=ChannelName.WHATSAPP, window=timedelta(hours=2)),
        await subscriber(city, "tg"),
    ]
    broadcast_id = await start(city, 2)
    await linked(city, *both)
    async with worker(city):
        await until_done(city, broadcast_id)
    assert len(postman.delivered) + len(letters.delivered) == 1
    _, report = await broadcasting.report(city, broadcast_id)
    assert report.skipped == {"SKIPPED_OTHER_CHANNEL": 1}


@pytest.mark.parametrize("stopped", [False, True], ids=["it arrives", "who stops is spared"])
async def test_outside_the_window_it_takes_the_linked_channel_unless_they_stop(
    city: Door, postman: Postman, letters: Letters, stopped: bool
) -> None:
    asked = await subscriber(city, "wa", channel=ChannelName.WHATSAPP, window=timedelta(hours=-2))
    citizen = Citizen(city, "tg", ChannelName.TELEGRAM)
    other = await citizen.say("halo")
    await answer_all(city)
    await linked(city, asked, other.conversation_id)
    broadcast_id = await start(city, 1)

    postman.trouble["tg"] = repeat(ChannelThrottled(0.2))
    async with worker(city):
        async with asyncio.timeout(10):
            while (await broadcasting.report(city, broadcast_id))[1].sent == 0:
                await asyncio.sleep(0.02)
        # Handed over, and the other channel has not taken it yet.
        if stopped:
            async with city.database.transaction() as conn:
                await subscriptions.end(conn, asked, None, "stopped", datetime.now(UTC))
        postman.trouble.clear()
        wanted = 1 if stopped else 2
        await until(lambda: len(postman.to("tg")) >= wanted)
        await until_done(city, broadcast_id)
    told = [text for text in postman.to("tg") if NOTICE.text in text]
    assert len(told) == (0 if stopped else 1)
    assert letters.delivered == []
    _, report = await broadcasting.report(city, broadcast_id)
    assert report.skipped == ({"SKIPPED_OPTED_OUT": 1} if stopped else {})


async def test_the_web_page_gets_it_too(city: Door) -> None:
    citizen = Citizen(city, "di-web")
    await citizen.say("kabari kalau air mati")
    await answer_all(city)
    await citizen.replies()
    broadcast_id = await start(city, 1)
    async with worker(city):
        await until_done(city, broadcast_id)
    [text] = await citizen.texts()
    assert NOTICE.text in text


# Confirmed with a number, and by a second person


async def test_a_number_that_is_not_right_sends_nothing(city: Door, postman: Postman) -> None:
    await subscriber(city, "81")
    await subscriber(city, "82")
    with pytest.raises(NumberChanged) as error:
        await start(city, 1)
    assert error.value.now == 2
    await feed_all(city)
    assert postman.delivered == []
    async with city.database.reading() as conn:
        assert await broadcasts.newest(conn) == []


REFUSED = [
    ("no such topic", replace(NOTICE, topic="gempa"), "no topic"),
    ("no words", replace(NOTICE, text="  "), "no words"),
    ("too many words", replace(NOTICE, text="a" * 801), "800"),
    ("nobody asked", NOTICE, "nobody"),
]


@pytest.mark.parametrize(("notice", "why"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
async def test_what_cannot_be_sent_is_refused(city: Door, notice: Notice, why: str) -> None:
    with pytest.raises(NoticeRefused, match=why):
        await broadcasting.start(city, notice, 0, "sari", DAY)


async def test_the_same_words_twice_a_day_need_to_be_asked_for(city: Door) -> None:
    await subscriber(city, "81")
    await start(city, 1)
    with pytest.raises(AlreadySaid):
        await start(city, 1)
    again = await broadcasting.start(city, NOTICE, 1, "sari", datetime.now(UTC), again=True)
    assert again.status is BroadcastStatus.SENDING


@pytest.fixture
def four_eyes(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = noticedata.of(ROOT, "kota_mojokerto")
    monkeypatch.setattr(noticedata, "of", lambda root, tenant: replace(plain, four_eyes=True))


async def test_with_four_eyes_nothing_goes_out_before_another_person_agreed(
    city: Door, postman: Postman, four_eyes: None
) -> None:
    await subscriber(city, "81")
    broadcast_id = await start(city, 1)
    await feed_all(city)
    assert await queued(city) == 0
    with pytest.raises(NotPossible, match="proposed"):
        await broadcasting.approve(city, broadcast_id, 1, "SARI", DAY)
    with pytest.raises(NumberChanged):
        await broadcasting.approve(city, broadcast_id, 2, "budi", DAY)
    await broadcasting.approve(city, broadcast_id, 1, "budi", DAY)
    async with worker(city):
        await until_done(city, broadcast_id)
    assert len(postman.delivered) == 1


async def test_stopping_and_resuming_is_no_way_around_the_second_person(city: Door, four_eyes: None) -> None:
    await subscriber(city, "81")
    broadcast_id = await start(city, 1)
    await broadcasting.stop(city, broadcast_id, DAY)
    assert (await broadcasting.resume(city, broadcast_id, DAY)).status is BroadcastStatus.PROPOSED


async def queued(door: Door) -> int:
    async with door.database.reading() as conn:
        query = sa.select(sa.func.count()).where(tables.messages.c.direction == "out")
        return int((await conn.execute(query)).scalar_one())


# Opting out


async def test_who_stops_between_planning_and_queueing_gets_nothing(city: Door, postman: Postman) -> None:
    await subscriber(city, "81")
    await subscriber(city, "82")
    broadcast_id = await start(city, 2)
    await Citizen(city, "81", ChannelName.TELEGRAM).say("STOP")
    await answer_all(city)
    async with worker(city):
        await until_done(city, broadcast_id)
    assert NOTICE.text not in "".join(postman.to("81"))
    assert NOTICE.text in "".join(postman.to("82"))
    _, report = await broadcasting.report(city, broadcast_id)
    assert report.skipped == {"SKIPPED_OPTED_OUT": 1}


@pytest.mark.parametrize("word", ["STOP", "berhenti langganan info air"])
async def test_who_stops_with_the_notice_in_the_outbox_gets_nothing(
    city: Door, postman: Postman, word: str
) -> None:
    await subscriber(city, "81")
    broadcast_id = await start(city, 1)
    await feed_all(city)
    await Citizen(city, "81", ChannelName.TELEGRAM).say(word)
    await answer_all(city)
    async with worker(city):
        await until(lambda: bool(postman.to("81")))
        await until_done(city, broadcast_id)
    assert NOTICE.text not in "".join(postman.to("81"))
    _, report = await broadcasting.report(city, broadcast_id)
    assert report.skipped == {"SKIPPED_OPTED_OUT": 1}


async def test_stopping_on_one_channel_stops_the_linked_one(city: Door) -> None:
    both = [await subscriber(city, "wa", channel=ChannelName.WHATSAPP), await subscriber(city, "tg")]
    await linked(city, *both)
    await Citizen(city, "tg", ChannelName.TELEGRAM).say("STOP")
    await answer_all(city)
    found = await broadcasting.audience(city, NOTICE)
    assert (len(found.receivers), found.opted_out) == (0, 1)


async def test_who_erased_their_data_is_counted_and_left_alone(city: Door, postman: Postman) -> None:
    gone = await subscriber(city, "81")
    await subscriber(city, "82")
    broadcast_id = await start(city, 2)
    async with city.database.transaction() as conn:
        await privacy.erase(conn, await conversations.get(conn, gone), DAY)
    async with worker(city):
        await until_done(city, broadcast_id)
    assert {address for address, _ in postman.delivered} == {"82"}
    _, report = await broadcasting.report(city, broadcast_id)
    assert (report.sent, report.erased) == (1, 1)


# Stopping and going on


async def test_a_stop_takes_back_what_is_queued_and_resuming_sends_it_once(
    city: Door, postman: Postman
) -> None:
    for number in range(12):
        await subscriber(city, str(number))
    broadcast_id = await start(city, 12)
    await feed_all(city)
    assert await queued(city) == 12
    await broadcasting.stop(city, broadcast_id, datetime.now(UTC))
    _, report = await broadcasting.report(city, broadcast_id)
    assert report.planned == 12
    async with worker(city):
        await asyncio.sleep(0.5)
        assert postman.delivered == []
        await broadcasting.resume(city, broadcast_id, datetime.now(UTC))
        await until_done(city, broadcast_id)
    assert Counter(address for address, _ in postman.delivered) == Counter(map(str, range(12)))


async def test_a_notice_that_waits_for_a_throttled_chat_is_stopped_too(city: Door, postman: Postman) -> None:
    await subscriber(city, "81")
    broadcast_id = await start(city, 1)
    postman.trouble["81"] = repeat(ChannelThrottled(0.3))
    async with worker(city):
        await until(lambda: bool(postman.tried))
        await broadcasting.stop(city, broadcast_id, datetime.now(UTC))
        postman.trouble.clear()
        await asyncio.sleep(1)
    assert postman.delivered == []
    found, report = await broadcasting.report(city, broadcast_id)
    assert (found.status, report.planned) == (BroadcastStatus.STOPPED, 1)


async def test_what_is_stopped_cannot_be_stopped_and_what_runs_not_resumed(city: Door) -> None:
    await subscriber(city, "81")
    broadcast_id = await start(city, 1)
    with pytest.raises(NotPossible):
        await broadcasting.resume(city, broadcast_id, DAY)
    await broadcasting.stop(city, broadcast_id, DAY)
    with pytest.raises(NotPossible):
        await broadcasting.stop(city, broadcast_id, DAY)
    with pytest.raises(LookupError):
        await broadcasting.stop(city, "tidakada", DAY)


async def test_two_workers_and_stops_in_the_middle_reach_each_receiver_exactly_once(
    make: Callable[..., Door], city: Door, postman: Postman
) -> None:
    """The property, in random order: stops, resumes, citizens who stop, two workers."""
    chance = random.Random(2026)
    people = [str(number) for number in range(60)]
    for address in people:
        await subscriber(city, address, chance.choice(["", WATES, MAGERSARI]))
    broadcast_id = await start(city, len(people), replace(NOTICE, places=(WATES,)))
    second = make()
    await second.wakeups.start()
    postman.delay = 0.01
    left: set[str] = set()
    async with worker(city, "worker-1"), worker(second, "worker-2"):
        for _ in range(6):
            await asyncio.sleep(chance.uniform(0, 0.3))
            await broadcasting.stop(city, broadcast_id, datetime.now(UTC))
            leaver = chance.choice(people)
            await Citizen(city, leaver, ChannelName.TELEGRAM).say("STOP")
            await answer_all(city)
            left.add(leaver)
            told = len([text for _, text in postman.delivered if NOTICE.text in text])
            await asyncio.sleep(0.1)
            # At most what the channel was being given at that moment.
            assert len([text for _, text in postman.delivered if NOTICE.text in text]) <= told + 32
            await broadcasting.resume(city, broadcast_id, datetime.now(UTC))
        await until_done(city, broadcast_id)
    reached = Counter(address for address, text in postman.delivered if NOTICE.text in text)
    assert set(reached.values()) == {1}
    assert set(people) - left <= set(reached) <= set(people)
    _, report = await broadcasting.report(city, broadcast_id)
    assert report.sent == len(reached)
    assert report.skipped.get("SKIPPED_OPTED_OUT", 0) == len(people) - len(reached)


# Slowly, at the right hour


async def test_answers_go_before_a_broadcast(city: Door, postman: Postman) -> None:
    """No more notices stand in the outbox than fit beside answers, and none while it is full."""
    for number in range(60):
        await subscriber(city, str(number))
    await start(city, 60)
    for _ in range(30):
        await broadcasting.feed(city)
    assert await queued(city) == broadcasting.ROOM


async def test_the_pace_is_a_part_of_the_channels_own(city: Door, postman: Postman) -> None:
    postman.limits = replace(postman.limits, per_second=8)
    for number in range(30):
        await subscriber(city, str(number))
    await start(city, 30)
    for _ in range(20):
        await broadcasting.feed(city)
    # Two a second, one at once: a loop of milliseconds gets through hardly more than that.
    assert await queued(city) <= 4


@pytest.fixture
async def night(make: Callable[..., Door], settings, monkeypatch: pytest.MonkeyPatch) -> Door:  # type: ignore[no-untyped-def]
    """A door in whose city it is always night."""
    door = make(settings=replace(settings, quiet_hours=True))
    tenant = door.tenants["kota_mojokerto"]
    monkeypatch.setitem(tenant.facts, "quiet_hours", {"from": "00:00", "until": "23:59:59"})
    await door.wakeups.start()
    return door


async def test_at_night_only_what_is_urgent_goes_out_and_without_a_sound(night: Door) -> None:
    await subscriber(night, "81")
    broadcast_id = await start(night, 1)
    await feed_all(night)
    assert await queued(night) == 0
    urgent = await start(night, 1, replace(NOTICE, text="Tanggul jebol, menjauh dari sungai.", urgent=True))
    await feed_all(night)
    async with night.database.reading() as conn:
        [content] = (await conn.execute(sa.select(tables.messages.c.content))).scalars()
    assert content["silent"] is True
    assert (await broadcasting.report(night, broadcast_id))[1].planned == 1
    assert (await broadcasting.report(night, urgent))[1].planned == 0


# WhatsApp's window and budget


async def test_outside_the_window_only_an_approved_template_within_the_budget(
    city: Door, letters: Letters
) -> None:
    letters.approve("kabar_gangguan", monthly=1)
    await subscriber(city, "dalam", channel=ChannelName.WHATSAPP, window=timedelta(hours=2))
    for name in ("luar-1", "luar-2"):
        await subscriber(city, name, channel=ChannelName.WHATSAPP, window=timedelta(hours=-2))
    found = await broadcasting.audience(city, NOTICE)
    [cost] = (await broadcasting.cost(city, found, "kota_mojokerto", datetime.now(UTC))).values()
    assert (cost.in_window, cost.outside, cost.template, cost.left) == (1, 2, "kabar_gangguan", 1)
    sent_as = {}
    letters.before = lambda queued: sent_as.update({queued.recipient.address: queued.message.template})
    broadcast_id = await start(city, 3)
    async with worker(city):
        await until_done(city, broadcast_id)
    assert sent_as.pop("dalam") is None
    [(_, template)] = sent_as.items()
    assert template.name == "kabar_gangguan"
    _, report = await broadcasting.report(city, broadcast_id)
    assert (report.sent, report.skipped) == (2, {"SKIPPED_BUDGET": 1})


async def test_without_an_approved_template_a_notice_of_today_is_not_kept_for_another_day(
    city: Door, letters: Letters
) -> None:
    letters.approve()
    await subscriber(city, "luar", channel=ChannelName.WHATSAPP, window=timedelta(hours=-2))
    broadcast_id = await start(city, 1)
    async with worker(city):
        await until_done(city, broadcast_id)
    assert letters.tried == []
    _, report = await broadcasting.report(city, broadcast_id)
    assert report.skipped == {"SKIPPED_WINDOW": 1}


# What became of it


async def test_the_report_counts_sent_delivered_failed_and_skipped_with_reasons(
    city: Door, postman: Postman
) -> None:
    ids = {name: await subscriber(city, name) for name in ("sampai", "terkirim", "ditolak", "memblokir")}
    broadcast_id = await start(city, 4)
    async with city.database.transaction() as conn:
        await messages.block(conn, ids["memblokir"], datetime.now(UTC))
    postman.trouble["ditolak"] = iter([MessageRefused("no")])
    async with worker(city):
        await until_done(city, broadcast_id)
    async with city.database.reading() as conn:
        query = sa.select(tables.messages.c.channel_message_id).where(
            tables.messages.c.conversation_id == ids["sampai"]
        )
        taken = (await conn.execute(query)).scalar_one()
    await outcomes.record(
        city,
        DeliveryReceipt(ChannelName.TELEGRAM, taken, MessageStatus.DELIVERED, datetime.now(UTC)),
    )
    _, report = await broadcasting.report(city, broadcast_id)
    assert (report.sent, report.delivered, report.planned) == (1, 1, 0)
    assert report.failed == {"FAILED_REFUSED": 1}
    assert report.skipped == {"SKIPPED_BLOCKED": 1}


async def test_the_same_person_cannot_be_planned_twice(city: Door) -> None:
    await subscriber(city, "81")
    other = await subscriber(city, "99", topic="listrik")
    await start(city, 1)
    table = broadcast_tables.broadcast_receivers
    async with city.database.reading() as conn:
        row = dict((await conn.execute(sa.select(table))).mappings().one())
    async with city.database.engine.connect() as conn:
        with pytest.raises(sa.exc.IntegrityError):
            await conn.execute(table.insert().values(**{**row, "conversation_id": other}))
