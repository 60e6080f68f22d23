"""Private notes between agents, with colleagues called by name."""

from collections.abc import Sequence

from bot.conversations.desk.acting import on_conversation
from bot.conversations.desk.writing import clean
from bot.door import Door
from bot.storage import agentnotes, agents
from bot.vocabulary.agents import Agent, EventKind, Note


async def add(
    door: Door, agent: Agent, conversation_id: str, text: str, mentions: Sequence[str] = ()
) -> Note:
    """Leave a note; whoever is mentioned, by id or as `@Nama` in the text, is told at once.

    Any agent of the tenant may: a note needs no ownership. Raises Unusable, LookupError.
    """
    words = clean(text)
    async with on_conversation(door, agent.tenant, conversation_id) as act:
        colleagues = await agents.of(act.conn, agent.tenant)
        called = mentioned(words, colleagues, mentions)
        note = await agentnotes.add(act.conn, conversation_id, agent.id, words, called, act.now)
        act.tell(EventKind.NOTE, note=note.id, by=agent.id, name=agent.name)
        for colleague in called:
            if colleague != agent.id:
                act.tell(EventKind.MENTION, colleague, note=note.id, by=agent.id, name=agent.name)
    return note


def mentioned(text: str, colleagues: Sequence[Agent], ids: Sequence[str] = ()) -> tuple[str, ...]:
    """The ids of colleagues a note names; the longest name wins, so @Sari Dewi is not @Sari."""
    rest = text.lower()
    found = [agent.id for agent in colleagues if agent.id in ids]
    for agent in sorted(colleagues, key=lambda one: -len(one.name)):
        names = {agent.name.lower(), agent.name.lower().split()[0]}
        for name in sorted(names, key=len, reverse=True):
            if f"@{name}" in rest:
                rest = rest.replace(f"@{name}", " ")
                found.append(agent.id)
    return tuple(dict.fromkeys(found))


async def of(door: Door, conversation_id: str) -> list[Note]:
    """The notes on a conversation, oldest first."""
    async with door.database.reading() as conn:
        return await agentnotes.of(conn, conversation_id)
