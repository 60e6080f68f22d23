"""People, and looking into a door, for the tests of WhatsApp."""

import asyncio

import sqlalchemy as sa

from bot.storage import tables
from tests.channels.whatsapp.graphapi import Person

BUDI = Person()
SITI = Person(user_id="ID.22222222222222222222", phone="6281200000002", name="Siti")
HIDDEN = Person(user_id="ID.33333333333333333333", phone=None, name="Ani")
OLD_SHAPE = Person(user_id=None, phone="6281200000004", name="Tono")


async def until(said, seconds=20):
    async with asyncio.timeout(seconds):
        while not said():
            await asyncio.sleep(0.02)


async def stored(door, direction="out"):
    query = sa.select(tables.messages).where(tables.messages.c.direction == direction)
    async with door.database.reading() as conn:
        return list(await conn.execute(query.order_by(tables.messages.c.id)))


async def talks(door):
    async with door.database.reading() as conn:
        return list(await conn.execute(sa.select(tables.conversations)))


async def hurry(door):
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(tables.conversations).values(send_after=None))
