"""What consoles hear: events committed with the change they tell of, replayed after any pause."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.door import Door
from bot.storage import consoleevents
from bot.vocabulary.agents import Agent, ConsoleEvent, EventKind, Handoff

PING_SECONDS = 12.0
PAGE = 200
# A console that was away for longer loads its page anew.
KEPT = timedelta(days=3)


def topic(tenant: str) -> str:
    """The wake-up topic of a tenant's consoles."""
    return f"console:{tenant}"


async def tell(
    conn: AsyncConnection,
    kind: EventKind,
    found: Handoff,
    now: datetime,
    agent_id: str | None = None,
    **data: Any,
) -> None:
    """Append an event about a hand-off; the last thing its transaction does."""
    await consoleevents.append(
        conn,
        found.tenant,
        kind,
        now,
        conversation_id=found.conversation_id,
        handoff_id=found.id,
        agent_id=agent_id,
        data={"number": found.number, "urgency": found.urgency, **data},
    )


async def start(door: Door, tenant: str) -> int:
    """The id after which a page just rendered follows."""
    async with door.database.reading() as conn:
        return await consoleevents.newest(conn, tenant)


async def missed(door: Door, tenant: str, after: int) -> bool:
    """Say whether events after an id are forgotten already: the page must then be loaded anew."""
    async with door.database.reading() as conn:
        return after + 1 < await consoleevents.oldest(conn, tenant)


async def forget(door: Door, now: datetime) -> int:
    """Delete events that no console comes back for any more; how many."""
    async with door.database.transaction() as conn:
        return await consoleevents.forget(conn, now - KEPT)


async def follow(door: Door, agent: Agent, after: int) -> AsyncIterator[ConsoleEvent | None]:
    """Yield what concerns an agent after an id, for ever; None now and then says that nothing happened."""
    async with door.wakeups.listen(topic(agent.tenant)) as bell:
        while True:
            # All open consoles wake up at once, and have mostly heard the same.
            found = await door.reads.ask(_after, door, agent.tenant, after)
            for event in found:
                after = event.id
                if event.agent_id in (None, agent.id):
                    yield event
            if len(found) == PAGE:
                continue
            if not await bell.wait(PING_SECONDS):
                yield None


async def _after(door: Door, tenant: str, after: int) -> list[ConsoleEvent]:
    async with door.database.reading() as conn:
        return await consoleevents.after(conn, tenant, None, after, PAGE)
