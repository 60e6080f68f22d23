"""After the window news goes to the free channel a citizen linked, else as a template, and never both."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any

import pytest
import sqlalchemy as sa

from bot.channels.base import ChannelUnreachable, CitizenUnreachable, MessageRefused, OutcomeUnknown
from bot.channels.whatsapp.templates import Allowance, Template, Templates
from bot.conversations import outbound, resending, window
from bot.door import Door
from bot.storage import conversations, deliveries, links, messages, spending, tables
from bot.storage.contact_tables import contacts
from bot.vocabulary.messages import Button, ChannelName, MessageStatus, OutgoingMessage
from tests.bot.conversations.test_outbound import hurry, sender, until
from tests.postman import Postman
from tests.talk import Citizen

TENANT = "kota_mojokerto"
TELEGRAM, WHATSAPP, WEB = ChannelName.TELEGRAM, ChannelName.WHATSAPP, ChannelName.WEBCHAT
KABAR = Template(
    "kabar", "id", "UTILITY", frozenset({"update", "desk"}), "Kabar {{1}}: {{2}} ya", ("tenant", "news"),
    "Baca", 500, ("a", "b"),
)  # fmt: skip


class Meta(Postman):
    """WhatsApp in memory, with one approved template and five of it a month."""

    name = WHATSAPP

    def __init__(self) -> None:
        super().__init__()
        self.templates = Templates({"kabar": KABAR}, {TENANT: Allowance(frozenset({"kabar"}), 5)})
        self.kinds: list[str] = []
        self.before = lambda queued: self.kinds.append("template" if queued.message.template else "text")


@pytest.fixture
def telegram() -> Postman:
    return Postman()


@pytest.fixture
def whatsapp() -> Meta:
    return Meta()


@pytest.fixture
async def city(open_doors: Callable[..., Door], telegram: Postman, whatsapp: Meta) -> Door:
    door = open_doors(channels={TELEGRAM: telegram, WHATSAPP: whatsapp})
    await door.wakeups.start()
    return door


async def person(door: Door, *channels: ChannelName) -> None:
    """Somebody who linked these channels, and last wrote on WhatsApp two days ago."""
    ids = []
    now = datetime.now(UTC)
    for channel in channels:
        accepted = await Citizen(door, str(channel), channel).say("halo")
        ids.append(accepted.conversation_id)
    async with door.database.transaction() as conn:
        for other in ids[1:]:
            await links.join(conn, ids[0], other, now)
        await conn.execute(sa.update(tables.messages).values(status="handled"))
        await conn.execute(sa.update(tables.conversations).values(pending_since=None))
        await conn.execute(sa.update(contacts).values(window_until=now - timedelta(days=1)))


async def news(door: Door, key: str = "update:open311:7:1", agent: str | None = None) -> None:
    """Queue news for the citizen on WhatsApp."""
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        query = sa.select(tables.conversations.c.id).where(tables.conversations.c.channel == WHATSAPP)
        found = await conversations.get(conn, (await conn.execute(query)).scalar_one())
        await conversations.lock(conn, found.id, now)
        bubble = OutgoingMessage("LWG-1 dikerjakan.", (Button("Sudah beres", "/affirm", f"tok-{key}"),))
        await outbound.queue(conn, door, found, [bubble], key, now, agent)
    await outbound.announce(door, found)


async def out(door: Door) -> list[tuple[str, str, str | None]]:
    query = sa.select(tables.messages).where(tables.messages.c.direction == "out")
    async with door.database.reading() as conn:
        found = await conn.execute(query.order_by(tables.messages.c.id))
        return [(row.channel, row.status, row.reason) for row in found]


async def until_rows(door: Door, *wanted: tuple[str, str, str | None]) -> None:
    async with asyncio.timeout(15):
        while await out(door) != list(wanted):
            await asyncio.sleep(0.02)
            await hurry(door)


async def spent(door: Door) -> int:
    async with door.database.reading() as conn:
        return (await spending.spent(conn, TENANT, WHATSAPP, datetime.now(UTC))).get("template", 0)


async def test_news_after_the_window_goes_to_telegram_and_costs_nothing(
    city: Door, telegram: Postman, whatsapp: Meta
) -> None:
    await person(city, WHATSAPP, TELEGRAM)
    async with sender(city):
        await news(city)
        await until_rows(city, ("whatsapp", "skipped", "SENT_LINKED"), ("telegram", "sent", "SENT"))
    assert telegram.to("telegram") == ["LWG-1 dikerjakan."]
    assert whatsapp.tried == []
    assert await spent(city) == 0
    async with city.database.reading() as conn:
        tokens = (await conn.execute(sa.select(tables.buttons.c.token))).scalars().all()
    assert len(set(tokens)) == 2, "a button of its own, that works there"


async def test_within_the_window_it_stays_where_the_talk_is(
    city: Door, telegram: Postman, whatsapp: Meta
) -> None:
    await person(city, WHATSAPP, TELEGRAM)
    async with city.database.transaction() as conn:
        await conn.execute(sa.update(contacts).values(window_until=datetime.now(UTC) + timedelta(hours=1)))
    async with sender(city):
        await news(city)
        await until_rows(city, ("whatsapp", "sent", "SENT"))
    assert telegram.tried == []


async def test_who_linked_nothing_gets_a_template(city: Door, whatsapp: Meta) -> None:
    await person(city, WHATSAPP)
    async with sender(city):
        await news(city)
        await until_rows(city, ("whatsapp", "sent", "SENT_TEMPLATE"))
    assert whatsapp.kinds == ["template"]
    assert await spent(city) == 1


async def test_a_persons_words_stay_where_the_talk_is(city: Door, telegram: Postman) -> None:
    await person(city, WHATSAPP, TELEGRAM)
    async with sender(city):
        await news(city, "desk:1", agent="budi")
        await until_rows(city, ("whatsapp", "sent", "SENT_TEMPLATE"))
    assert telegram.tried == []


async def test_a_page_that_is_read_gets_it_and_one_that_is_not_does_not(city: Door, whatsapp: Meta) -> None:
    await person(city, WHATSAPP, WEB)
    async with sender(city):
        await news(city)
        await until_rows(city, ("whatsapp", "skipped", "SENT_LINKED"), ("webchat", "sent", None))
        async with city.database.transaction() as conn:
            old = datetime.now(UTC) - timedelta(days=2)
            incoming = tables.messages.c.direction == "in"
            await conn.execute(sa.update(tables.messages).where(incoming).values(created_at=old))
        await news(city, "update:open311:8:1")
        await until(lambda: whatsapp.kinds == ["template"])


@pytest.mark.parametrize("trouble", [CitizenUnreachable(), MessageRefused()])
async def test_where_the_linked_channel_fails_for_good_a_template_goes_out_instead(
    city: Door, telegram: Postman, whatsapp: Meta, trouble: Exception
) -> None:
    await person(city, WHATSAPP, TELEGRAM)
    telegram.trouble["telegram"] = repeat(trouble)
    async with sender(city):
        await news(city)
        await until_rows(
            city, ("whatsapp", "sent", "SENT_TEMPLATE"), ("telegram", "skipped", "RESENT_WHATSAPP")
        )
    assert whatsapp.kinds == ["template"]
    assert await spent(city) == 1


async def test_a_linked_channel_that_is_away_for_a_while_is_waited_for(
    city: Door, telegram: Postman, whatsapp: Meta
) -> None:
    await person(city, WHATSAPP, TELEGRAM)
    telegram.trouble["telegram"] = iter([ChannelUnreachable(), ChannelUnreachable(), None])
    async with sender(city):
        await news(city)
        await until_rows(city, ("whatsapp", "skipped", "SENT_LINKED"), ("telegram", "sent", "SENT"))
    assert whatsapp.tried == []


async def test_what_may_have_arrived_there_is_not_sent_here_too(
    city: Door, telegram: Postman, whatsapp: Meta
) -> None:
    await person(city, WHATSAPP, TELEGRAM)
    telegram.trouble["telegram"] = iter([OutcomeUnknown()])
    async with sender(city):
        await news(city)
        await until_rows(
            city, ("whatsapp", "skipped", "SENT_LINKED"), ("telegram", "unknown", "UNKNOWN_OUTCOME")
        )
    assert whatsapp.tried == []


async def test_what_went_elsewhere_is_not_listed_and_not_sent_again(city: Door) -> None:
    await person(city, WHATSAPP, TELEGRAM)
    async with sender(city):
        await news(city)
        await until_rows(city, ("whatsapp", "skipped", "SENT_LINKED"), ("telegram", "sent", "SENT"))
    every = (*deliveries.TROUBLED, MessageStatus.SKIPPED)
    async with city.database.reading() as conn:
        assert await deliveries.undelivered(conn, statuses=every) == []
        query = sa.select(tables.messages.c.id).where(tables.messages.c.reason == "SENT_LINKED")
        first = (await conn.execute(query)).scalar_one()
    with pytest.raises(resending.NotUndelivered):
        await resending.resend(city, first)


async def test_two_workers_who_decide_on_the_same_message_send_it_once(
    open_doors: Callable[..., Door], city: Door, telegram: Postman, whatsapp: Meta
) -> None:
    await person(city, WHATSAPP, TELEGRAM)
    await news(city)
    others = [replace(open_doors(channels=city.channels), wakeups=city.wakeups) for _ in range(7)]
    async with city.database.transaction() as conn:
        await conn.execute(sa.update(tables.messages).where(is_out()).values(status="sending"))
        query = sa.select(tables.messages.c.id).where(is_out())
        stored = await messages.get(conn, (await conn.execute(query)).scalar_one())
    bubble = OutgoingMessage(stored.text or "")
    made = await asyncio.gather(
        *(window.decide(door, whatsapp, stored, bubble) for door in (city, *others))  # type: ignore[arg-type]
    )
    assert [one.bubble for one in made] == [None] * 8
    assert sum(one.elsewhere is not None for one in made) == 1
    async with sender(city):
        await until(lambda: telegram.to("telegram") == ["LWG-1 dikerjakan."])
    assert whatsapp.tried == []
    assert len(await out(city)) == 2


async def test_a_template_that_did_not_go_out_is_given_back_to_the_allowance(
    city: Door, whatsapp: Meta
) -> None:
    await person(city, WHATSAPP)
    whatsapp.trouble["whatsapp"] = iter([ChannelUnreachable(), MessageRefused()])
    async with sender(city):
        await news(city)
        await until_rows(city, ("whatsapp", "failed", "FAILED_REFUSED"))
    assert whatsapp.kinds == ["template", "template"]
    assert await spent(city) == 0


async def test_a_template_that_may_have_gone_out_stays_counted(city: Door, whatsapp: Meta) -> None:
    await person(city, WHATSAPP)
    whatsapp.trouble["whatsapp"] = iter([OutcomeUnknown()])
    async with sender(city):
        await news(city)
        await until_rows(city, ("whatsapp", "unknown", "UNKNOWN_OUTCOME"))
    assert await spent(city) == 1


def is_out() -> Any:
    return tables.messages.c.direction == "out"
