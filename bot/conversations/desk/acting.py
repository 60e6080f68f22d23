"""One act on one conversation: its row held, its words to the citizen, its events last, then wake-ups."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversations import outbound, speech
from bot.conversations.desk import errors, events
from bot.conversations.desk.rules import Rules, in_force
from bot.door import Door
from bot.storage import consoleevents, conversations, desksettings, handoffs
from bot.vocabulary.agents import Agent, EventKind, Handoff, Stage
from bot.vocabulary.conversations import Conversation, Owner, Say


@dataclass
class Act:
    """What an act sees and leaves. `handoff` is the open request, or None where nobody was asked for."""

    conn: AsyncConnection
    door: Door
    conversation: Conversation
    handoff: Handoff | None
    rules: Rules
    now: datetime
    events: list[tuple[EventKind, str | None, dict[str, Any]]] = field(default_factory=list)
    spoke: bool = False

    @property
    def asked(self) -> Handoff:
        """The open request. Raises Ended when there is none."""
        if self.handoff is None:
            raise errors.Ended()
        return self.handoff

    def owned_by(self, agent: Agent) -> Handoff:
        """The open request, if `agent` has it. Raises NotYours, Ended."""
        if self.asked.agent_id != agent.id:
            raise errors.NotYours()
        return self.asked

    async def say(self, say: Say, key: str) -> None:
        """Tell the citizen something, once per `key`, through the same outbox as everything else."""
        bubble = speech.bubble(self.door, self.conversation.tenant, say)
        await outbound.queue(self.conn, self.door, self.conversation, [bubble], key, self.now)
        self.spoke = True

    def tell(self, kind: EventKind, agent_id: str | None = None, **data: Any) -> None:
        """Tell the consoles at the end of the act; `agent_id` names whose alone it is."""
        self.events.append((kind, agent_id, data))

    async def pass_to(self, owner: Owner) -> None:
        """Change who answers. Whoever changes it holds the row, so what was read still holds."""
        await conversations.change_owner(self.conn, self.conversation.id, self.conversation.owner, owner)
        self.conversation = replace(self.conversation, owner=owner)

    async def look_again(self) -> Handoff:
        """Read the request as it is now, after a change."""
        self.handoff = await handoffs.get(self.conn, self.asked.id)
        return self.handoff


@asynccontextmanager
async def on_conversation(
    door: Door, tenant: str, conversation_id: str, now: datetime | None = None
) -> AsyncIterator[Act]:
    """Act on one conversation of a tenant. Raises LookupError for an unknown one, or another tenant's."""
    now = now or datetime.now(UTC)
    async with door.database.transaction() as conn:
        await conversations.lock(conn, conversation_id, now)
        conversation = await conversations.get(conn, conversation_id)
        if conversation.tenant != tenant:
            raise LookupError(conversation_id)
        rules = in_force(door, tenant, await desksettings.of(conn, tenant))
        found = await handoffs.open_of(conn, conversation_id)
        act = Act(conn, door, conversation, found, rules, now)
        yield act
        for kind, agent_id, data in act.events:
            await _append(act, kind, agent_id, data)
    if act.events:
        await door.wakeups.wake(events.topic(tenant))
    if act.spoke:
        await outbound.announce(door, conversation)


@asynccontextmanager
async def on_handoff(
    door: Door, tenant: str, handoff_id: str, now: datetime | None = None
) -> AsyncIterator[Act]:
    """Act on the conversation of one request, which must be open. Raises LookupError, Ended."""
    async with door.database.reading() as conn:
        found = await handoffs.get(conn, handoff_id)
    async with on_conversation(door, tenant, found.conversation_id, now) as act:
        if act.handoff is None or act.handoff.id != handoff_id or act.handoff.stage is Stage.CLOSED:
            raise errors.Ended()
        yield act


async def _append(act: Act, kind: EventKind, agent_id: str | None, data: dict[str, Any]) -> None:
    if act.handoff is not None:
        await events.tell(act.conn, kind, act.handoff, act.now, agent_id, **data)
        return
    await consoleevents.append(
        act.conn,
        act.conversation.tenant,
        kind,
        act.now,
        conversation_id=act.conversation.id,
        agent_id=agent_id,
        data=data,
    )
