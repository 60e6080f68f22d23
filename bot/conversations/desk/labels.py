"""Labels on conversations: what a talk was about, in a desk's own words."""

from bot.conversations.desk import errors
from bot.conversations.desk.acting import Act, on_conversation
from bot.door import Door
from bot.storage import agentnotes
from bot.vocabulary.agents import Agent, EventKind

MAX_LABEL = 64


async def put(door: Door, agent: Agent, conversation_id: str, label: str) -> None:
    """Put a label on a conversation. Raises Unusable, LookupError."""
    name = _name(label)
    async with on_conversation(door, agent.tenant, conversation_id) as act:
        if await agentnotes.label(act.conn, conversation_id, agent.tenant, name, agent.id, act.now):
            await _tell(act, conversation_id, agent)


async def remove(door: Door, agent: Agent, conversation_id: str, label: str) -> None:
    """Take a label off. Raises Unusable, LookupError."""
    name = _name(label)
    async with on_conversation(door, agent.tenant, conversation_id) as act:
        if await agentnotes.unlabel(act.conn, conversation_id, name):
            await _tell(act, conversation_id, agent)


async def of(door: Door, tenant: str) -> dict[str, int]:
    """Every label a tenant uses, and on how many conversations."""
    async with door.database.reading() as conn:
        return await agentnotes.labels_in(conn, tenant)


def _name(label: str) -> str:
    name = " ".join(label.split()).lower()
    if not 0 < len(name) <= MAX_LABEL:
        raise errors.Unusable("label")
    return name


async def _tell(act: Act, conversation_id: str, agent: Agent) -> None:
    labels = await agentnotes.labels_of(act.conn, [conversation_id])
    act.tell(EventKind.LABELS, labels=labels.get(conversation_id, []), by=agent.id)
