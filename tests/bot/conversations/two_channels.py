"""One citizen on Telegram and on WhatsApp, before and after they linked the two."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bot.conversations import linkwords
from bot.door import Door
from bot.storage import conversations, tables
from bot.vocabulary.messages import ChannelName
from tests.postman import Postman
from tests.talk import Citizen, answer_all

TELEGRAM, WHATSAPP, WEB = ChannelName.TELEGRAM, ChannelName.WHATSAPP, ChannelName.WEBCHAT


class Inviting(Postman):
    """A channel that can say where it is."""

    async def invitation(self, payload: str, words: str) -> str:
        """As Telegram's."""
        return f"https://t.me/kota_bot?start={payload}"


@pytest.fixture
async def city(open_doors: Callable[..., Door]) -> Door:
    door = open_doors(channels={TELEGRAM: Inviting(), WHATSAPP: Postman()})
    await door.wakeups.start()
    return door


@pytest.fixture
def telegram(city: Door) -> Citizen:
    return Citizen(city, "111", TELEGRAM)


@pytest.fixture
def whatsapp(city: Door) -> Citizen:
    return Citizen(city, "ID.222", WHATSAPP)


async def say(citizen: Citizen, text: str) -> str:
    """What comes back at once."""
    await citizen.say(text)
    await answer_all(citizen.door)
    return "\n".join(words(citizen, row) for row in await citizen.replies())


def words(citizen: Citizen, row: Any) -> str:
    opened = citizen.door.sealer.open(row.sealed_text) if row.sealed_text else row.text
    return opened or ""


async def code(citizen: Citizen, ask: str = "hubungkan whatsapp") -> str:
    said = await say(citizen, ask)
    found = linkwords._CODE.search(said)
    assert found, said
    return found[0]


async def link(one: Citizen, other: Citizen) -> None:
    given = await code(one, "/hubungkan")
    assert "terhubung" in await say(other, given)
    await one.replies()


async def press(citizen: Citizen, title: str) -> str:
    async with citizen.door.database.reading() as conn:
        found = await conversations.find_by_address(conn, "kota_mojokerto", citizen.address)
        assert found is not None
        query = sa.select(tables.buttons.c.token).where(
            tables.buttons.c.conversation_id == found.id, tables.buttons.c.title == title
        )
        token = (await conn.execute(query.order_by(tables.buttons.c.message_id.desc()))).scalars().first()
    assert token, f"no button {title}"
    await citizen.press(token)
    await answer_all(citizen.door)
    return "\n".join(words(citizen, row) for row in await citizen.replies())
