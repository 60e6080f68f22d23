"""Handing on: back to the queue, to a colleague or a department, back to the bot, and the end."""

import json

from bot.conversations.desk import drafts, errors, naming
from bot.conversations.desk.acting import Act, on_handoff
from bot.conversations.desk.claims import take
from bot.door import Door
from bot.storage import agentnotes, agents, handoffs, messages
from bot.vocabulary.agents import Agent, EventKind, Outcome, Role, Stage
from bot.vocabulary.conversations import Owner, Say
from bot.vocabulary.messages import ChannelName

MAX_WORD = 2000
# WhatsApp lets a business write freely for a day after the citizen's last message.
WINDOW_SECONDS = {ChannelName.WHATSAPP: 24 * 3600}


async def release(door: Door, agent: Agent, handoff_id: str) -> None:
    """Give a conversation back to the queue, at its old place. Raises NotYours, Ended, LookupError."""
    async with on_handoff(door, agent.tenant, handoff_id) as act:
        found = act.owned_by(agent)
        await handoffs.unclaim(act.conn, found.id, agent.id, act.now, "released")
        await to_queue(act)
        await act.say(Say("desk.left"), f"desk:left:{found.id}:{found.transfers}")
        act.tell(EventKind.HANDOFF_RELEASED, by=agent.id, name=agent.name, why="released")


async def to_queue(act: Act) -> None:
    """Let the conversation wait again, after its request was unclaimed."""
    await act.pass_to(Owner.QUEUE)
    await act.look_again()


async def forward(
    door: Door,
    agent: Agent,
    handoff_id: str,
    *,
    to_agent: str | None = None,
    skill: str | None = None,
    word: str | None = None,
) -> None:
    """Hand a conversation to a colleague, or to whoever knows `skill`; `word` is for colleagues only.

    A colleague gets it at once, whatever their load: they were chosen. A supervisor may forward anybody's.

    Raises:
        Unusable: neither or both named, or the colleague is not of this desk.
        NotYours, Ended, LookupError.
    """
    if (to_agent is None) == (skill is None):
        raise errors.Unusable("forward_where")
    async with on_handoff(door, agent.tenant, handoff_id) as act:
        holder = act.asked.agent_id
        if holder is None or (holder != agent.id and not agent.may(Role.SUPERVISOR)):
            raise errors.NotYours()
        colleague = None
        if to_agent is not None:
            colleague = await agents.get(act.conn, to_agent)
            if colleague.tenant != agent.tenant or not colleague.active or to_agent == holder:
                raise errors.Unusable("forward_whom")
        found = act.asked
        await handoffs.unclaim(act.conn, found.id, holder, act.now, "forwarded", skill=skill)
        await to_queue(act)
        if word:
            await _note(act, agent, word)
        if colleague is not None:
            name = naming.shown(act.rules, colleague)
            say = Say("desk.forwarded_to", {"agent": name}) if name else Say("desk.forwarded")
            await act.say(say, f"desk:forwarded:{found.id}:{found.transfers}")
            await take(act, colleague, "forwarded")
        else:
            await act.say(Say("desk.forwarded"), f"desk:forwarded:{found.id}:{found.transfers}")
        act.tell(EventKind.HANDOFF_FORWARDED, by=agent.id, name=agent.name, to=to_agent, skill=skill)


async def _note(act: Act, agent: Agent, word: str) -> None:
    note = await agentnotes.add(act.conn, act.conversation.id, agent.id, word[:MAX_WORD], (), act.now)
    act.tell(EventKind.NOTE, note=note.id, by=agent.id, name=agent.name)


async def to_bot(door: Door, agent: Agent, handoff_id: str, word: str | None = None) -> None:
    """Give the citizen back to the bot with a word; what they had begun there is still there."""
    async with on_handoff(door, agent.tenant, handoff_id) as act:
        found = act.owned_by(agent)
        await finish(act, Outcome.TO_BOT, word, Owner.BOT)
        if not word:
            await act.say(Say("desk.back_to_bot"), f"desk:back:{found.id}:{found.transfers}")
        act.tell(EventKind.HANDOFF_CLOSED, by=agent.id, name=agent.name, outcome=Outcome.TO_BOT)


async def close(
    door: Door,
    agent: Agent,
    handoff_id: str,
    outcome: Outcome,
    word: str | None = None,
    *,
    ask_rating: bool = True,
) -> None:
    """End a request with its outcome; the citizen is told, and asked for a rating where that may be sent.

    A supervisor may close what nobody has, or a colleague has. Raises NotYours, Ended, LookupError.
    """
    async with on_handoff(door, agent.tenant, handoff_id) as act:
        found = act.asked
        if found.agent_id != agent.id and not agent.may(Role.SUPERVISOR):
            raise errors.NotYours()
        await finish(act, outcome, word, Owner.CLOSED)
        quiet = outcome in (Outcome.SPAM, Outcome.NO_ANSWER, Outcome.ABANDONED)
        if not quiet:
            # Only somebody who was answered can say how it was.
            rate = ask_rating and act.rules.ask_rating and found.first_reply_at is not None
            rate = rate and await _in_window(act)
            say = Say("desk.closed_rate", buttons=stars(found.id)) if rate else Say("desk.closed")
            await act.say(say, f"desk:closed:{found.id}")
        act.tell(EventKind.HANDOFF_CLOSED, by=agent.id, name=agent.name, outcome=outcome)


async def finish(act: Act, outcome: Outcome, word: str | None, owner: Owner) -> None:
    """Close the request, change the owner, and say the agent's last word; held drafts end with it."""
    found = act.asked
    await drafts.drop(act, found.agent_id)
    await handoffs.close(act.conn, act.conversation.id, outcome, act.now)
    await act.pass_to(owner)
    if word:
        await act.say(Say("desk.word", {"word": word[:MAX_WORD]}), f"desk:word:{found.id}")
    await act.look_again()
    assert act.asked.stage is Stage.CLOSED


async def _in_window(act: Act) -> bool:
    seconds = WINDOW_SECONDS.get(act.conversation.address.channel)
    if seconds is None:
        return True
    heard = await messages.last_heard(act.conn, act.conversation.id)
    return heard is not None and (act.now - heard).total_seconds() < seconds


def stars(handoff_id: str) -> tuple[dict[str, str], ...]:
    """Five buttons; each can be pressed once, and the first press counts."""
    return tuple(
        {
            "title_key": f"button.rate_{count}",
            "payload": f"/desk_rate{json.dumps({'handoff': handoff_id, 'stars': count})}",
        }
        for count in range(5, 0, -1)
    )
