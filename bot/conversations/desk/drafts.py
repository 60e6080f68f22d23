"""Human approves first: where a tenant says so, the bot's answer waits until a person has looked at it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversations import outbound, speech
from bot.conversations.desk import errors
from bot.conversations.desk.acting import Act, on_conversation
from bot.conversations.desk.rules import Rules
from bot.conversations.desk.writing import clean
from bot.door import Door
from bot.storage import botdrafts, handoffs
from bot.vocabulary.agents import Agent, Draft, EventKind
from bot.vocabulary.conversations import Conversation
from bot.vocabulary.messages import OutgoingMessage


def wants_approval(rules: Rules, service: str | None) -> bool:
    """Say whether a person looks first at what the bot says about a service."""
    return "*" in rules.approve or (service is not None and service in rules.approve)


async def hold(
    conn: AsyncConnection,
    conversation: Conversation,
    service: str | None,
    bubbles: Sequence[OutgoingMessage],
    turn_id: str,
    now: datetime,
) -> bool:
    """Keep the bubbles of a turn instead of sending them; True when the citizen is to be told so."""
    plain = [{"text": bubble.text, **speech.stored_content(bubble)} for bubble in bubbles]
    return await botdrafts.hold(conn, turn_id, conversation.tenant, conversation.id, service, plain, now)


async def held(door: Door, tenant: str, conversation_id: str | None = None) -> list[Draft]:
    """What waits for a look, oldest first."""
    async with door.database.reading() as conn:
        return await botdrafts.held(conn, tenant, conversation_id)


async def send(door: Door, agent: Agent, draft_id: str, texts: Sequence[str] | None = None) -> None:
    """Send a draft as it is, or with these texts instead, one per bubble; an empty one is left out.

    Buttons stay under their bubble. Raises Unusable when a colleague decided before; NotYours where another
    agent answers the citizen; LookupError.
    """
    draft = await _mine(door, agent, draft_id)
    bubbles = [_bubble(item) for item in draft.bubbles]
    edited = texts is not None and [text.strip() for text in texts] != [item.text for item in bubbles]
    if texts is not None:
        words = [clean(text, may_be_empty=True) for text in texts[: len(bubbles)]]
        words += [""] * (len(bubbles) - len(words))
        bubbles = [replace(bubble, text=text) for bubble, text in zip(bubbles, words, strict=True) if text]
    if not bubbles:
        raise errors.Unusable("empty")
    async with on_conversation(door, agent.tenant, draft.conversation_id) as act:
        _not_anothers(act, agent)
        decision = "edited" if edited else "sent"
        if not await botdrafts.decide(act.conn, draft_id, agent.id, decision, act.now):
            raise errors.Unusable("draft_decided")
        author = agent.id if edited else None
        await outbound.queue(act.conn, door, act.conversation, bubbles, f"draft:{draft_id}", act.now, author)
        act.spoke = True
        if act.handoff is not None and act.handoff.agent_id == agent.id:
            await handoffs.answered(act.conn, act.handoff.id, act.now)
        act.tell(EventKind.DRAFT, draft=draft_id, decision=decision, by=agent.id)


async def discard(door: Door, agent: Agent, draft_id: str) -> None:
    """Drop a draft: the agent writes something else. Raises Unusable, NotYours, LookupError."""
    draft = await _mine(door, agent, draft_id)
    async with on_conversation(door, agent.tenant, draft.conversation_id) as act:
        _not_anothers(act, agent)
        if not await botdrafts.decide(act.conn, draft_id, agent.id, "discarded", act.now):
            raise errors.Unusable("draft_decided")
        act.tell(EventKind.DRAFT, draft=draft_id, decision="discarded", by=agent.id)


async def drop(act: Act, agent_id: str | None) -> None:
    """Drop what still waits in a conversation that ends at the desk: nobody is to send it days later."""
    for draft in await botdrafts.held(act.conn, act.conversation.tenant, act.conversation.id):
        await botdrafts.decide(act.conn, draft.id, agent_id, "dropped", act.now)
        act.tell(EventKind.DRAFT, draft=draft.id, decision="dropped", by=agent_id)


def _not_anothers(act: Act, agent: Agent) -> None:
    """Whoever took the conversation over decides alone what the citizen hears. Raises NotYours."""
    if act.handoff is not None and act.handoff.agent_id not in (None, agent.id):
        raise errors.NotYours()


async def _mine(door: Door, agent: Agent, draft_id: str) -> Draft:
    async with door.database.reading() as conn:
        draft = await botdrafts.get(conn, draft_id)
    if draft.tenant != agent.tenant:
        raise LookupError(draft_id)
    return draft


def _bubble(item: dict[str, Any]) -> OutgoingMessage:
    return speech.from_stored(
        item["text"],
        item.get("buttons", ()),
        item.get("attachments", ()),
        bool(item.get("ask_location")),
    )
