"""Who has a conversation: taken by compare-and-set, so two who reach for one never both have it."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversations.desk import errors, events
from bot.door import Door
from bot.storage import agents, conversations, handoffs
from bot.vocabulary.agents import Agent, EventKind, Handoff, Role, Stage
from bot.vocabulary.conversations import Owner


async def claim(door: Door, agent: Agent, handoff_id: str) -> Handoff:
    """Take what waits, whoever else reaches for it at the same moment; again by its holder is harmless.

    Raises:
        LookupError: no such request in this tenant.
        AlreadyTaken: a colleague was faster.
        Ended: it was closed meanwhile.
    """
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        found = await mine_to_see(conn, agent, handoff_id, now)
        if found.agent_id != agent.id:
            await take(conn, found, agent, now, "taken")
            found = await handoffs.get(conn, handoff_id)
            await events.tell(conn, EventKind.HANDOFF_ASSIGNED, found, now, by=agent.id, name=agent.name)
    await door.wakeups.wake(events.topic(agent.tenant))
    return found


async def mine_to_see(conn: AsyncConnection, agent: Agent, handoff_id: str, now: datetime) -> Handoff:
    """The request, with its conversation's row held. Raises LookupError, also for another tenant's."""
    found = await handoffs.get(conn, handoff_id)
    if found.tenant != agent.tenant:
        raise LookupError(handoff_id)
    await conversations.lock(conn, found.conversation_id, now)
    return await handoffs.get(conn, handoff_id)


async def take(conn: AsyncConnection, found: Handoff, agent: Agent, now: datetime, how: str) -> None:
    """Make `agent` the owner. The caller holds the conversation's row. Raises AlreadyTaken, Ended."""
    if found.stage is Stage.CALLBACK:
        await handoffs.promote(conn, found.id, now)
    if not await handoffs.claim(conn, found.id, agent.id, now, how):
        if found.stage is Stage.CLOSED:
            raise errors.Ended()
        holder = await agents.get(conn, found.agent_id) if found.agent_id else None
        raise errors.AlreadyTaken(name=holder.name if holder else "-")
    conversation = await conversations.get(conn, found.conversation_id)
    await conversations.change_owner(conn, conversation.id, conversation.owner, Owner.AGENT)


def owned(found: Handoff | None, agent: Agent) -> Handoff:
    """The request if `agent` has it. Raises NotYours, Ended."""
    if found is None or found.stage is Stage.CLOSED:
        raise errors.Ended()
    if found.agent_id != agent.id:
        raise errors.NotYours()
    return found


def needs(agent: Agent, role: Role) -> None:
    """Raise NotAllowed when the agent's role is lower."""
    if not agent.may(role):
        raise errors.NotAllowed()
