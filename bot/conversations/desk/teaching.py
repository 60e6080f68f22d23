"""*Ini maksudnya X*: one click on a citizen's message becomes a proposal for the training desk."""

from functools import cache

from bot.conversations.desk import errors
from bot.conversations.desk.acting import on_conversation
from bot.door import Door
from bot.storage import proposedexamples, transcripts
from bot.vocabulary.agents import Agent
from intents.check import domain_intents


@cache
def known_intents() -> frozenset[str]:
    """The intents there are, read once."""
    return frozenset(domain_intents())


async def meant(door: Door, agent: Agent, message_id: int, intent: str, service: str | None = None) -> None:
    """Say what a citizen's message meant. Only its masked text is kept.

    Raises:
        Unusable: no such intent or service, or a message that is no text of a citizen.
        LookupError: no such message in this tenant.
    """
    if intent not in known_intents() or (service is not None and door.catalog.service(service) is None):
        raise errors.Unusable("intent", intent=intent)
    async with door.database.reading() as conn:
        line = await transcripts.line(conn, message_id)
    message = line.message
    if message.direction != "in" or not message.text or message.button:
        raise errors.Unusable("not_teachable")
    heard = (line.understanding or {}).get("intent")
    heard_as = heard.get("name") if isinstance(heard, dict) else heard
    async with on_conversation(door, agent.tenant, message.conversation_id) as act:
        await proposedexamples.propose(
            act.conn,
            agent.tenant,
            message_id,
            message.text,
            intent,
            agent.id,
            act.now,
            service=service,
            heard_as=None if heard_as is None else str(heard_as)[:64],
        )
