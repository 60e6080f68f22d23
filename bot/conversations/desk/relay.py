"""The desk of another program: requests are handed over, words go both ways, the end ends both sides.

Every step is kept before the next one. Where an answer was lost, the other desk is asked what it has before
anything is sent again.
"""

import asyncio
import hashlib
import logging
import uuid
from datetime import UTC, datetime
from typing import Any

from bot.conversations import outbound, speech
from bot.conversations.desk import handing, presence
from bot.conversations.desk.acting import Act, on_conversation
from bot.conversations.desk.claims import take
from bot.conversations.desk.writing import MAX_TEXT
from bot.door import Door
from bot.helpdesk.base import (
    Helpdesk,
    HelpdeskAway,
    HelpdeskError,
    HelpdeskRefused,
    Resolved,
    Thread,
    Written,
)
from bot.storage import agents, conversations, handoffs, messages, relays
from bot.vocabulary.agents import Agent, EventKind, Handoff, Outcome, Stage
from bot.vocabulary.conversations import Owner, Say
from bot.vocabulary.messages import Attachment, OutgoingMessage

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 2.0
LOOK_BACK = 20
# This process, among those that might relay.
HOLDER = uuid.uuid4().hex


async def run(door: Door, stop: asyncio.Event) -> None:
    """Hand over and relay until `stop`; nothing to do where no other desk is configured."""
    if door.helpdesk is None:
        return
    async with door.wakeups.listen(presence.ROOM) as bell:
        while not stop.is_set():
            try:
                await look(door, door.helpdesk)
            except Exception:
                log.exception("nothing could be relayed to %s; again soon", door.helpdesk.name)
            await bell.wait(LOOK_EVERY_SECONDS)


async def look(door: Door, desk: Helpdesk) -> None:
    """Hand over what waits, tell what citizens said since, end there what ended here.

    One worker at a time: a second one would tell everything twice.
    """
    if not await door.keyvalue.lease(f"relay:{desk.tenant}", HOLDER, 30):
        return
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        for row in await relays.unrelayed(conn, desk.tenant):
            await relays.begin(conn, row.id, desk.tenant, row.conversation_id, now)
    async with door.database.reading() as conn:
        found = await relays.going_on(conn, desk.tenant)
    for row in found:
        try:
            await _carry_on(door, desk, row)
        except HelpdeskAway as error:
            log.warning("%s is away: %s", desk.name, error)
            return
        except HelpdeskError as error:
            # One that is refused must not keep the others waiting.
            log.error("hand-off P-%s cannot be relayed: %s", row.number, error)


async def _carry_on(door: Door, desk: Helpdesk, row: Any) -> None:
    if row.stage == Stage.CLOSED:
        if row.thread is not None:
            await desk.resolve(Thread(row.contact, row.thread))
        await _keep(door, row.handoff_id, ended_at=datetime.now(UTC))
        return
    thread = await _thread(door, desk, row)
    async with door.database.reading() as conn:
        said = await messages.stream(conn, row.conversation_id, row.told_upto, 50)
    for message in said:
        text = _words(door, row, message)
        if message.direction == "in" and text:
            if row.sending == message.id and await desk.has(thread, text):
                log.info("message %s had arrived at %s", message.id, desk.name)
            else:
                await _keep(door, row.handoff_id, sending=message.id)
                await _write(desk, thread, text, message.uid)
        await _keep(door, row.handoff_id, told_upto=message.id)


async def _write(desk: Helpdesk, thread: Thread, text: str, key: str) -> None:
    """Tell one message; one that is refused for good must not keep those after it."""
    try:
        await desk.write(thread, text, key)
    except HelpdeskRefused as error:
        log.error("message %s was refused by %s: %s", key, desk.name, error)


async def _thread(door: Door, desk: Helpdesk, row: Any) -> Thread:
    """The conversation over there, opened once: one whose number was lost is found among the contact's."""
    if row.thread is not None:
        return Thread(row.contact, row.thread)
    async with door.database.reading() as conn:
        conversation = await conversations.get(conn, row.conversation_id)
        found = await handoffs.get(conn, row.handoff_id)
        before = await messages.before_newest(conn, row.conversation_id, LOOK_BACK)
    pseudonym = hashlib.sha256(f"{desk.name} {conversation.citizen_id}".encode()).hexdigest()[:32]
    contact = row.contact
    if contact is None:
        contact = await desk.contact(pseudonym, conversation.address.display_name)
        await _keep(door, row.handoff_id, contact=contact)
    there = await desk.threads(contact)
    number = there[-1] if there else await desk.open(contact)
    thread = Thread(contact, number)
    summary = _summary(door, found)
    if not await desk.has(thread, summary):
        await desk.write(thread, summary, f"summary-{found.id}")
    # What was said to the bot just before is told too; older things are in the summary.
    await _keep(door, row.handoff_id, thread=number, told_upto=before)
    return thread


def _summary(door: Door, found: Handoff) -> str:
    lines = "\n".join(f"• {name}: {value}" for name, value in found.summary.items())
    values = {"number": f"P-{found.number}", "reason": found.reason, "lines": lines or "-"}
    return speech.sentence(door, found.tenant, "desk.relay.summary", values)


def _words(door: Door, row: Any, message: messages.StoredMessage) -> str:
    """What is told: masked words, and a link to each file."""
    files = [speech.media_url(door, item["media_id"]) for item in message.media if item.get("media_id")]
    return "\n".join(part for part in (message.text, *files) if part)


async def _keep(door: Door, handoff_id: str, **values: Any) -> None:
    async with door.database.transaction() as conn:
        await relays.change(conn, handoff_id, **values)


async def receive(door: Door, desk: Helpdesk, news: Written | Resolved) -> bool:
    """Take what an agent over there did; False for a conversation that nobody here knows, or that ended."""
    async with door.database.reading() as conn:
        row = await relays.by_thread(conn, desk.tenant, news.number)
    if row is None:
        return False
    async with on_conversation(door, desk.tenant, row.conversation_id) as act:
        if act.handoff is None or act.handoff.id != row.handoff_id:
            return False
        if isinstance(news, Written):
            await _written(act, desk, news)
        else:
            await _resolved(act, row.handoff_id)
    return True


async def _written(act: Act, desk: Helpdesk, news: Written) -> None:
    agent = await _agent(act, desk, news)
    found = act.asked
    if found.agent_id != agent.id:
        if found.agent_id is not None:
            await handoffs.unclaim(act.conn, found.id, found.agent_id, act.now, "forwarded")
            await act.look_again()
        await take(act, agent, "taken")
    links = tuple(Attachment(kind="link", url=link) for link in news.links)
    bubble = OutgoingMessage(news.text[:MAX_TEXT] or "\N{PAPERCLIP}", attachments=links)
    key = f"{desk.name}:{desk.tenant}:{news.id}"
    ids = await outbound.queue(act.conn, act.door, act.conversation, [bubble], key, act.now, agent.id)
    if ids:
        await handoffs.answered(act.conn, found.id, act.now)
        act.spoke = True
        act.tell(EventKind.MESSAGE, message=ids[0], direction="out", by=agent.id, name=agent.name)


async def _agent(act: Act, desk: Helpdesk, news: Written) -> Agent:
    """The person over there, known here by name only; given nothing by our own desk."""
    digest = hashlib.sha256(f"{desk.name} {desk.tenant} {news.agent}".encode()).hexdigest()[:32]
    agent = Agent(id=digest, tenant=desk.tenant, name=news.agent_name, capacity=0)
    await agents.save(act.conn, agent, act.now)
    return agent


async def _resolved(act: Act, handoff_id: str) -> None:
    found = act.asked
    answered = found.first_reply_at is not None
    outcome = Outcome.SOLVED if answered else Outcome.NO_ANSWER
    await handing.finish(act, outcome, None, Owner.CLOSED)
    await relays.change(act.conn, handoff_id, ended_at=act.now)
    rate = answered and act.rules.ask_rating
    say = Say("desk.closed_rate", buttons=handing.stars(found.id)) if rate else Say("desk.closed")
    await act.say(say, f"desk:closed:{found.id}")
    act.tell(EventKind.HANDOFF_CLOSED, by=found.agent_id, outcome=outcome)
