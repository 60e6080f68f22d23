"""Two processes at one SQLite file; two engines stand for them: a file lock tells those apart as well."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from itertools import groupby
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.storage import turnstile
from bot.storage.database import Database
from bot.storage.turnstile import Turnstile

MANY = 30


async def test_who_writes_all_the_time_lets_another_in_between(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/lawang.db"
    busy, other = Database(url), Database(url)
    async with busy.transaction() as conn:
        await conn.execute(sa.text("CREATE TABLE said (who TEXT)"))

    async def say(database: Database, who: str) -> None:
        async with database.transaction() as conn:
            await conn.execute(sa.text("INSERT INTO said VALUES (:who)"), {"who": who})
            await asyncio.sleep(0.005)

    crowd = [asyncio.create_task(say(busy, "busy")) for _ in range(3 * MANY)]
    await asyncio.sleep(0)
    for _ in range(MANY):
        await say(other, "other")
    await asyncio.gather(*crowd)
    async with busy.reading() as conn:
        order = list((await conn.execute(sa.text("SELECT who FROM said ORDER BY rowid"))).scalars())
    await busy.close()
    await other.close()
    last = len(order) - order[::-1].index("other")
    waited = [len(list(run)) for who, run in groupby(order[:last]) if who == "busy"]
    assert max(waited) <= 3, "nobody waits for more than the one before them, give or take a look"


async def test_a_process_that_stopped_in_its_turn_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turnstile, "PATIENCE_SECONDS", 1.0)
    stopped, other = Turnstile(tmp_path / "a.db"), Turnstile(tmp_path / "a.db")
    async with stopped:
        async with asyncio.timeout(10):
            for _ in range(100):
                async with other:
                    pass
    async with other:
        waiting = asyncio.create_task(stopped.__aenter__())
        await asyncio.sleep(0.05)
        assert not waiting.done(), "they take turns again"
    await waiting


async def test_a_writer_that_may_not_take_turns_writes_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.db-turn").mkdir()
    mine = Turnstile(tmp_path / "a.db")
    for _ in range(2):
        async with mine:
            pass
    assert len(caplog.records) == 1


async def test_the_files_are_for_whom_the_database_is_for(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()
    (tmp_path / "a.db").chmod(0o660)
    if os.geteuid() == 0:
        os.chown(tmp_path / "a.db", 1234, 1235)
    async with Turnstile(tmp_path / "a.db"):
        pass
    found = [(tmp_path / name).stat() for name in ("a.db", "a.db-gate", "a.db-turn")]
    assert len({(one.st_uid, one.st_gid, one.st_mode) for one in found}) == 1


async def test_who_waits_while_the_database_is_closed_is_let_through(tmp_path: Path) -> None:
    first, second = Turnstile(tmp_path / "a.db"), Turnstile(tmp_path / "a.db")
    async with first:
        waiting = asyncio.create_task(second.__aenter__())
        await asyncio.sleep(0.05)
        second.close()
        async with asyncio.timeout(turnstile.PATIENCE_SECONDS / 2):
            await waiting
            await second.__aexit__()


async def test_a_killed_process_leaves_its_turn_at_once(tmp_path: Path) -> None:
    script = f"""
        import asyncio
        from pathlib import Path
        from bot.storage.turnstile import Turnstile
        async def hold():
            async with Turnstile(Path({str(tmp_path / "a.db")!r})):
                print("mine", flush=True)
                await asyncio.sleep(600)
        asyncio.run(hold())
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == b"mine\n"
        mine = Turnstile(tmp_path / "a.db")
        waiting = asyncio.create_task(mine.__aenter__())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        holder.send_signal(signal.SIGKILL)
        async with asyncio.timeout(turnstile.PATIENCE_SECONDS / 2):
            await waiting


async def test_who_gives_up_waiting_leaves_no_lock_behind(tmp_path: Path) -> None:
    first, second = Turnstile(tmp_path / "a.db"), Turnstile(tmp_path / "a.db")
    async with first:
        waiting = asyncio.create_task(second.__aenter__())
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with asyncio.timeout(turnstile.PATIENCE_SECONDS / 2):
        async with first:
            pass
        async with second:
            pass
