"""A worker for races: the real loops of `bot.worker`, with a scripted dialogue that takes its time.

Started as `python -m tests.races.slow_worker`, with DATABASE_URL and LAWANG_VAR in the environment.
"""

import asyncio
import random
import uuid

from bot import settings as settings_module
from bot import texts, worker
from bot.door import Door
from bot.sealing import Sealer
from bot.storage.database import Database
from bot.storage.keyvalue import MemoryKeyValue
from bot.storage.media import MediaStore
from bot.storage.wakeups import LocalWakeups
from bot.vocabulary.conversations import Reply, Say, Turn
from connectors.registry import Registry
from intents import catalog


class SlowEngine:
    """Counts turns in its state, opens a case under a new number every time, and a person for *orang*."""

    async def respond(self, turn: Turn) -> Reply:
        """Answer after a while."""
        await asyncio.sleep(random.uniform(0.02, 0.12))
        if "orang" in turn.text:
            asked = {"type": "handoff_requested", "reason": "asked", "summary": {}}
            return Reply((), (asked,), turn.state or {})
        count = (turn.state or {}).get("count", 0) + 1
        # Not made from the turn's id: a turn whose effects were applied twice would show.
        case = {
            "type": "case_opened",
            "connector": "curhat_ning_ita",
            "reference": uuid.uuid4().hex,
            "kind": "complaint",
            "status": "received",
        }
        say = Say("update.note", {"note": f"{count}: {turn.text}"})
        return Reply((say,), (case,), {"count": count})

    async def ready(self) -> bool:
        """Always."""
        return True


async def main() -> None:
    """Work until killed."""
    settings = settings_module.load()
    database = Database(settings.database_url)
    wakeups = LocalWakeups(settings.var)
    await wakeups.start()
    door = Door(
        settings=settings,
        database=database,
        keyvalue=MemoryKeyValue(),
        wakeups=wakeups,
        texts=texts.load(settings.root),
        catalog=catalog.load(settings.root),
        media=MediaStore(settings.var / "media", database),
        engine=SlowEngine(),
        sealer=Sealer(settings.secret_key),
        registry=Registry([]),
    )
    await worker.work(door, asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main())
