"""Private notes between agents, with colleagues called by name."""

import re
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
    """The ids of colleagues a note names, by their whole name or their first.

    The longest name wins, so @Sari Dewi is not @Sari; a first name that several share calls nobody.
    """
    rest = text.lower()
    found = [agent.id for agent in colleagues if agent.id in ids]
    whole = {agent.name.lower(): agent.id for agent in colleagues}
    first: dict[str, set[str]] = {}
    for agent in colleagues:
        first.setdefault(agent.name.lower().split()[0], set()).add(agent.id)
    alone = {name: next(iter(owners)) for name, owners in first.items() if len(owners) == 1}
    names = {**alone, **whole}
    for name in sorted(names, key=len, reverse=True):
        called = re.compile(rf"(?<!\w)@{re.escape(name)}(?!\w)")
        if called.search(rest):
            rest = called.sub(" ", rest)
            found.append(names[name])
    return tuple(dict.fromkeys(found))


async def of(door: Door, conversation_id: str) -> list[Note]:
    """The notes on a conversation, oldest first."""
    async with door.database.reading() as conn:
        return await agentnotes.of(conn, conversation_id)
