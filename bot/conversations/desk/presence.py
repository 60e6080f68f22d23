"""Where agents are: what they say of themselves, and the heartbeat of their consoles."""

from datetime import UTC, datetime

from bot.conversations.desk import errors, events
from bot.door import Door
from bot.storage import agents, consoleevents
from bot.vocabulary.agents import Agent, EventKind, PresenceState

MAX_REASON = 64
ROOM = "desk"


async def change(door: Door, agent: Agent, state: PresenceState, reason: str | None = None) -> None:
    """Say where an agent is; who becomes available is given what waits. Raises Unusable.

    Whoever goes away or offline keeps what they have until it is released, by them or by their silence.
    """
    reason = (reason or "").strip() or None
    if reason is not None and len(reason) > MAX_REASON:
        raise errors.Unusable("too_long", most=MAX_REASON)
    if state is PresenceState.AVAILABLE:
        reason = None
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        changed = await agents.set_presence(conn, agent, state, reason, now)
        if changed:
            await consoleevents.append(
                conn,
                agent.tenant,
                EventKind.PRESENCE,
                now,
                data={"agent": agent.id, "name": agent.name, "state": state, "reason": reason},
            )
    if changed:
        await door.wakeups.wake(events.topic(agent.tenant))
        await door.wakeups.wake(ROOM)


async def beat(door: Door, agent: Agent) -> None:
    """A console of this agent is open; called every 15 to 20 seconds by each."""
    async with door.database.transaction() as conn:
        await agents.beat(conn, agent.id, datetime.now(UTC))
