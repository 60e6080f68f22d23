"""The hand-over card: the whole story of a citizen on one page, without one number that is not needed."""

from dataclasses import dataclass
from typing import Any

from bot.conversations.desk import errors
from bot.door import Door
from bot.storage import agentnotes, bookings, cases, conversations, handoffs, messages, waitings
from bot.storage import turns as turn_rows
from bot.vocabulary.agents import Agent, Handoff, Note, Role
from bot.vocabulary.cases import Booking, Case
from bot.vocabulary.conversations import Conversation


@dataclass(frozen=True, slots=True)
class Card:
    """`wanted` is what the citizen was after (intent and service as the bot heard them), `collected` what the
    bot asked and got, `last_error` how its last failed turn ended."""

    conversation: Conversation
    handoff: Handoff | None
    wanted: dict[str, Any]
    collected: dict[str, Any]
    last_error: str | None
    cases: list[Case]
    bookings: list[Booking]
    waitings: list[Any]
    handoffs: list[Handoff]
    notes: list[Note]
    labels: list[str]


async def card(door: Door, agent: Agent, conversation_id: str) -> Card:
    """Everything an agent should see first. Raises LookupError, also for another tenant's."""
    async with door.database.reading() as conn:
        conversation = await conversations.get(conn, conversation_id)
        if conversation.tenant != agent.tenant:
            raise LookupError(conversation_id)
        past = await handoffs.of(conn, conversation_id)
        current = next((found for found in past if found.closed_at is None), None)
        labels = await agentnotes.labels_of(conn, [conversation_id])
        return Card(
            conversation=conversation,
            handoff=current,
            wanted=await turn_rows.last_understanding(conn, conversation_id) or {},
            collected=dict((current or past[0]).summary) if past else {},
            last_error=await turn_rows.last_failure(conn, conversation_id),
            cases=await cases.cases_of(conn, conversation_id, 20),
            bookings=await bookings.of(conn, conversation_id, 20),
            waitings=await waitings.of(conn, conversation_id),
            handoffs=past,
            notes=await agentnotes.of(conn, conversation_id),
            labels=labels.get(conversation_id, []),
        )


async def reveal(door: Door, agent: Agent, message_id: int) -> str:
    """What a masked message really says, for who has the conversation or a supervisor.

    The caller writes the audit row before it shows the answer. Raises NotAllowed, LookupError.
    """
    async with door.database.reading() as conn:
        stored = await messages.get(conn, message_id)
        conversation = await conversations.get(conn, stored.conversation_id)
        found = await handoffs.open_of(conn, stored.conversation_id)
    if conversation.tenant != agent.tenant:
        raise LookupError(message_id)
    has_it = found is not None and found.agent_id == agent.id
    if not has_it and not agent.may(Role.SUPERVISOR):
        raise errors.NotAllowed()
    if stored.sealed_text is None:
        return stored.text or ""
    return door.sealer.open(stored.sealed_text)
