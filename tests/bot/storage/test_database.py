"""Writers wait for each other, readers for nobody, and no error tells what a citizen wrote."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import StatementError

from bot.door import Door
from bot.storage import conversations, messages, tables
from bot.storage.conversations import Claim
from bot.storage.database import Database, insert_once, values_at_fault
from tests import engines
from tests.talk import Citizen

NOW = datetime.now(UTC)


def citizen(number: object, **changes: object) -> dict[str, object]:
    return {"id": f"{number:>032}", "tenant": "kota", "created_at": NOW, **changes}


async def test_a_transaction_keeps_all_or_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as conn:
            await conn.execute(tables.citizens.insert().values(**citizen(1)))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.reading() as conn:
        assert list(await conn.execute(sa.select(tables.citizens))) == []


async def test_three_hundred_writers_at_once_all_get_their_turn(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.transaction() as conn:
            await conn.execute(tables.citizens.insert().values(**citizen(number)))

    await asyncio.gather(*(write(number) for number in range(300)))
    async with database.reading() as conn:
        assert (await conn.execute(sa.select(sa.func.count()).select_from(tables.citizens))).scalar() == 300


async def test_readers_get_through_while_a_crowd_of_writers_waits(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL's writers do not wait for one another")
    async with database.transaction():
        crowd = [asyncio.create_task(_touch(database)) for _ in range(60)]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(3), database.reading() as conn:
            await conn.execute(sa.select(tables.citizens))
    await asyncio.gather(*crowd)


async def _touch(database: Database) -> None:
    async with database.transaction() as conn:
        await conn.execute(sa.select(tables.citizens))


async def test_the_same_row_from_many_at_once_is_one_row(database: Database) -> None:
    async def write() -> bool:
        async with database.transaction() as conn:
            return await insert_once(conn, tables.citizens, citizen(1))

    assert sum(await asyncio.gather(*(write() for _ in range(30)))) == 1


@pytest.mark.parametrize("offset", [0, 7, 9, -11])
async def test_times_come_back_aware_and_equal(database: Database, offset: int) -> None:
    moment = datetime(2026, 11, 24, 9, 30, 15, 123456, tzinfo=timezone(timedelta(hours=offset)))
    async with database.transaction() as conn:
        await conn.execute(tables.citizens.insert().values(**citizen(1, created_at=moment)))
    async with database.reading() as conn:
        back = (await conn.execute(sa.select(tables.citizens.c.created_at))).scalar_one()
    assert back == moment
    assert back.utcoffset() == timedelta(0)


async def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="naive"):
        async with database.transaction() as conn:
            await conn.execute(tables.citizens.insert().values(**citizen(1, created_at=datetime(2026, 1, 1))))


async def test_an_error_never_tells_what_was_to_be_stored(database: Database) -> None:
    async with database.transaction() as conn:
        await conn.execute(tables.citizens.insert().values(**citizen(1, tenant="Siti Rahayu")))
    with pytest.raises(sa.exc.IntegrityError) as caught:
        async with database.transaction() as conn:
            await conn.execute(tables.citizens.insert().values(**citizen(1, tenant="Siti Rahayu")))
    assert "Siti" not in str(caught.value)


async def test_it_is_known_whether_the_values_or_the_database_were_at_fault(database: Database) -> None:
    bad = [
        citizen(1, created_at=datetime(2026, 1, 1)),
        citizen(2, tenant=None),
        citizen(3, tenant=object()),
        citizen(4, tenant="\ud800"),
    ]
    if not database.is_sqlite:
        bad += [citizen(5, tenant="x" * 65), citizen(6, tenant="\x00")]
    for values in bad:
        with pytest.raises(Exception) as caught:
            async with database.transaction() as conn:
                await conn.execute(tables.citizens.insert().values(**values))
        assert values_at_fault(caught.value), caught.value
    with pytest.raises(sa.exc.DBAPIError) as broken:
        async with database.transaction() as conn:
            await conn.execute(sa.text("SELECT * FROM nowhere"))
    assert not values_at_fault(broken.value)
    assert not values_at_fault(OSError())
    assert not values_at_fault(TimeoutError())


@pytest.mark.parametrize("kind", engines.available())
def test_processes_that_start_at_once_migrate_once(kind: str, tmp_path: Path) -> None:
    with engines.fresh_database(kind, tmp_path) as url:
        start = [
            sys.executable,
            "-c",
            "import sys; from bot.storage.database import upgrade; upgrade(sys.argv[1])",
            url,
        ]
        running = [subprocess.Popen(start, stderr=subprocess.PIPE) for _ in range(3)]
        for process in running:
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors.decode()[-2000:]


async def test_a_message_stored_while_an_empty_claim_is_given_back_still_waits(door: Door) -> None:
    citizen = Citizen(door)
    accepted = await citizen.say("satu")
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(tables.messages).values(status="handled"))
        [claimed] = await conversations.claim(conn, "w", NOW, 30, 1)

    async def give_back() -> bool:
        async with door.database.transaction() as conn:
            return await conversations.release(conn, Claim(claimed.id, "w", NOW), datetime.now(UTC))

    async with door.database.transaction() as conn:
        await conversations.lock(conn, accepted.conversation_id, NOW)
        row = {
            "uid": messages.new_uid(), "conversation_id": claimed.id, "channel": "webchat", "direction": "in",
            "kind": "text", "text": "dua", "status": "received", "channel_message_id": "2", "attempts": 0,
            "created_at": NOW, "updated_at": NOW,
        }  # fmt: skip
        await messages.add_inbound(conn, row)
        await conversations.mark_pending(conn, claimed.id, NOW)
        giving = asyncio.create_task(give_back())
        # Long enough for the other one to wait for this row.
        await asyncio.sleep(0.3)
    assert await giving is True
    async with door.database.transaction() as conn:
        assert len(await conversations.claim(conn, "w", datetime.now(UTC), 30, 1)) == 1


async def test_no_more_conversations_are_claimed_than_asked_for(door: Door) -> None:
    for number in range(9):
        await Citizen(door, f"warga-{number}").say("halo")
    async with door.database.transaction() as conn:
        if conn.dialect.name == "postgresql":
            for plan in ("hashjoin", "mergejoin", "hashagg", "material"):
                await conn.execute(sa.text(f"SET LOCAL enable_{plan} = off"))
        assert len(await conversations.claim(conn, "w", datetime.now(UTC), 30, 3)) == 3


async def test_who_sends_much_waits_behind_who_sends_little(door: Door) -> None:
    talker, quiet = Citizen(door, "ramai"), Citizen(door, "diam")
    await talker.say("satu")
    await talker.say("dua")
    await quiet.say("halo")
    async with door.database.transaction() as conn:
        [first] = await conversations.claim(conn, "w", datetime.now(UTC), 30, 1)
        [row] = (await messages.waiting(conn, first.id))[:1]
        await messages.mark_handled(conn, [row.id], NOW)
        assert await conversations.release(conn, Claim(first.id, "w", NOW), datetime.now(UTC))
        [second] = await conversations.claim(conn, "w", datetime.now(UTC), 30, 1)
    assert (first.address.address, second.address.address) == ("ramai", "diam")


async def test_a_message_is_handled_once(door: Door) -> None:
    accepted = await Citizen(door).say("satu")
    async with door.database.transaction() as conn:
        assert await messages.mark_handled(conn, [accepted.message_id], NOW)
        assert not await messages.mark_handled(conn, [accepted.message_id], NOW)
