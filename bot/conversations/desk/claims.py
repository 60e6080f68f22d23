"""Who has a conversation: taken by compare-and-set, so two who reach for one never both have it."""

from bot.conversations.desk import errors, naming
from bot.conversations.desk.acting import Act, on_conversation, on_handoff
from bot.door import Door
from bot.storage import agents, handoffs
from bot.vocabulary.agents import Agent, EventKind, Handoff, Stage
from bot.vocabulary.conversations import Owner, Say


async def claim(door: Door, agent: Agent, handoff_id: str) -> Handoff:
    """Take what waits, whoever else reaches for it at the same moment; again by its holder is harmless.

    Raises:
        LookupError: no such request in this tenant.
        AlreadyTaken: a colleague was faster.
        Ended: it was closed meanwhile.
    """
    async with on_handoff(door, agent.tenant, handoff_id) as act:
        if act.asked.agent_id != agent.id:
            await take(act, agent, "taken")
        return act.asked


async def take_over(door: Door, agent: Agent, conversation_id: str) -> Handoff:
    """Take a conversation from the bot that nobody asked a person for. Raises AlreadyTaken."""
    async with on_conversation(door, agent.tenant, conversation_id) as act:
        if act.handoff is None:
            act.handoff, _ = await handoffs.open(
                act.conn,
                conversation_id,
                agent.tenant,
                "taken_over",
                {},
                act.now,
                language=act.conversation.language,
            )
        if act.asked.agent_id != agent.id:
            await take(act, agent, "taken")
        return act.asked


async def take(act: Act, agent: Agent, how: str) -> None:
    """Make `agent` the owner and tell the citizen who answers now. Raises AlreadyTaken.

    `how` says whether it was `taken`, `assigned` or `forwarded`.
    """
    if act.asked.stage is Stage.CALLBACK:
        await handoffs.promote(act.conn, act.asked.id, act.now)
    if not await handoffs.claim(act.conn, act.asked.id, agent.id, act.now, how):
        holder = await agents.get(act.conn, act.asked.agent_id) if act.asked.agent_id else None
        raise errors.AlreadyTaken(name=holder.name if holder else "-")
    await act.pass_to(Owner.AGENT)
    found = await act.look_again()
    name = naming.shown(act.rules, agent)
    say = Say("desk.joined", {"agent": name}) if name else Say("desk.joined_unnamed")
    await act.say(say, f"desk:joined:{found.id}:{found.transfers}")
    act.tell(EventKind.HANDOFF_ASSIGNED, by=agent.id, name=agent.name, how=how)
