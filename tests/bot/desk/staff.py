"""Agents and citizens at one desk, for tests."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.conversations.desk import presence
from bot.door import Door
from bot.storage import agents, conversations, desksettings, handoffs
from bot.vocabulary.agents import Agent, Handoff, PresenceState, Role
from bot.vocabulary.conversations import Conversation, Reply, Turn
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

TENANT = "kota_mojokerto"


async def hire(
    door: Door,
    name: str,
    *,
    role: Role = Role.PETUGAS,
    skills: Sequence[str] = (),
    languages: Sequence[str] = (),
    capacity: int = 4,
    state: PresenceState | None = PresenceState.AVAILABLE,
    tenant: str = TENANT,
) -> Agent:
    """Add an agent, who sits at the desk unless `state` says otherwise."""
    agent = Agent(
        id=uuid.uuid4().hex,
        tenant=tenant,
        name=name,
        role=role,
        skills=tuple(skills),
        languages=tuple(languages),
        capacity=capacity,
    )
    async with door.database.transaction() as conn:
        await agents.save(conn, agent, datetime.now(UTC))
    if state is not None:
        await presence.change(door, agent, state)
    return agent


def hand_off_on_request(engine: ScriptedEngine) -> None:
    """Let the scripted engine ask for a person when it hears *orang*."""
    others = engine.answer

    def answer(turn: Turn) -> Reply:
        if "orang" not in turn.text:
            return others(turn)
        summary = {"last_text": turn.text}
        effect = {"type": "handoff_requested", "reason": "asked", "summary": summary}
        return Reply((), (effect,), turn.state or {})

    engine.answer = answer


async def ask(door: Door, address: str, text: str = "orang dong") -> tuple[Citizen, Handoff]:
    """A citizen who asks for a person and has been answered."""
    citizen = Citizen(door, address)
    accepted = await citizen.say(text)
    await answer_all(door)
    return citizen, await open_of(door, accepted.conversation_id)


async def open_of(door: Door, conversation_id: str) -> Handoff:
    """The open request of a conversation."""
    async with door.database.reading() as conn:
        found = await handoffs.open_of(conn, conversation_id)
    assert found is not None
    return found


async def look(door: Door, handoff_id: str) -> Handoff:
    """A request as it is now."""
    async with door.database.reading() as conn:
        return await handoffs.get(conn, handoff_id)


async def conversation_of(door: Door, found: Handoff) -> Conversation:
    """The conversation of a request as it is now."""
    async with door.database.reading() as conn:
        return await conversations.get(conn, found.conversation_id)


async def set_rule(door: Door, name: str, value: object) -> None:
    """Set a rule of the desk without anybody to be asked."""
    async with door.database.transaction() as conn:
        await desksettings.change(conn, TENANT, name, value, None, datetime.now(UTC))
