"""*Lanjutkan di sini*: what a citizen began on one linked channel goes on on the other, in one place only.

The form with all its answers moves, and the request for a person with it; nothing of it stays behind, so
nothing can be sent from both. While the other channel is just being answered, it cannot be taken away.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversations import linking, linkwords, outbound, speech
from bot.door import Door
from bot.storage import conversations, handoffs, messages, persons
from bot.vocabulary.agents import EventKind
from bot.vocabulary.conversations import Conversation, Owner, Say
from bot.vocabulary.messages import OutgoingMessage


async def carry(
    conn: AsyncConnection, door: Door, conversation: Conversation, ready: linking.Ready, now: datetime
) -> linking.Linked:
    """Move what was begun elsewhere to this conversation, and ask its last question again here.

    The caller holds the rows in `ready`.
    """
    others = [one for one in await persons.ids(conn, conversation.id) if one != conversation.id]
    if not others:
        return linking.Linked([Say("link.none")])
    if not set(others) <= set(ready.hold):
        return linking.Linked([Say("link.again")])
    found = [await conversations.get(conn, one) for one in others]
    begun = [one for one in found if linking.has_draft(one) or one.owner in (Owner.QUEUE, Owner.AGENT)]
    if not begun:
        return linking.Linked([Say("carry.nothing")])
    if linking.has_draft(conversation) or await handoffs.open_of(conn, conversation.id) is not None:
        return linking.Linked([Say("carry.busy_here")])
    source = begun[0]
    channel = {"$text": f"link.channel.{source.address.channel}"}
    if await conversations.is_busy(conn, source.id, now):
        again = {"title_key": "button.carry", "payload": linkwords.CARRY}
        return linking.Linked([Say("carry.busy_there", {"channel": channel}, (again,))])
    bubbles = await _last_question(conn, door, source)
    await conversations.set_state(conn, conversation.id, source.state)
    await conversations.set_state(conn, source.id, None)
    await door.media.carry(conn, _files(source.state), source.id, conversation.id)
    told: list[EventKind] = []
    key = "carry.here"
    if source.owner in (Owner.QUEUE, Owner.AGENT):
        key = "carry.here_agent" if source.owner is Owner.AGENT else "carry.here_queue"
        bubbles = []
        await conversations.change_owner(conn, source.id, source.owner, Owner.BOT)
        await conversations.change_owner(conn, conversation.id, conversation.owner, source.owner)
        await handoffs.carry(conn, source.id, conversation.id)
        told = [EventKind.HANDOFF_CARRIED]
    here = {"$text": f"link.channel.{conversation.address.channel}"}
    gone = speech.bubble(door, source.tenant, Say("carry.gone", {"channel": here}))
    await outbound.queue(conn, door, source, [gone], f"carry:{source.id}:{now.timestamp():.3f}", now)
    return linking.Linked([Say(key, {"channel": channel})], (source,), tuple(bubbles), tuple(told))


async def _last_question(conn: AsyncConnection, door: Door, source: Conversation) -> list[OutgoingMessage]:
    """What was asked last over there, with buttons that work here."""
    stored = await messages.last_answer(conn, source.id)
    if stored is None:
        return []
    words = speech.words_of(door, stored.text, stored.sealed_text)
    bubble = speech.from_stored(words, stored.buttons, stored.attachments, stored.ask_location)
    return [replace(speech.with_new_tokens(bubble, stored.buttons), silent=False)]


def _files(state: Any) -> list[str]:
    """The photos a form holds: they go where it goes."""
    if isinstance(state, dict):
        own = [state["media_id"]] if isinstance(state.get("media_id"), str) else []
        return own + [one for value in state.values() for one in _files(value)]
    if isinstance(state, list):
        return [one for value in state for one in _files(value)]
    return []
