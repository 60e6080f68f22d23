"""What may be said now, and what it costs: free words in the window; after it the citizen's linked channel,
an approved template, or patience.

Each decision leaves a reason on the message's row: SENT, SENT_LINKED (it goes out on another channel),
SENT_TEMPLATE, WAIT_WINDOW (no approved template), WAIT_BUDGET (the month's allowance is used up). What waits
is sent when the citizen writes again; a broadcast does not wait: SKIPPED_WINDOW, SKIPPED_BUDGET.
"""

import logging
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.channels.base import Channel
from bot.channels.whatsapp.templates import Allowance, Template, Templates
from bot.conversations import flowforms, linked
from bot.conversations.identity import WINDOWS
from bot.door import Door
from bot.storage import buttons, contacts, conversations, deliveries, messages, spending
from bot.storage.messages import StoredMessage
from bot.vocabulary.conversations import Conversation
from bot.vocabulary.messages import ChannelName, FilledTemplate, MessageStatus, OutgoingMessage

log = logging.getLogger(__name__)

SHOW_WHOLE = "/show_message"
"""The payload under a template: the whole message with its own buttons, once the window is open again."""
ANSWER = "answer"
OF_THE_DAY = frozenset({"broadcast"})
"""Purposes of messages that are no news any more on the day the citizen writes again."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to send, or why to wait. `kind` is what a sent message counts as.

    `settled`: the row says already what becomes of it. `elsewhere`: the linked conversation that has it.
    `lapsed`: it is news of the day only, so it is not kept for the day the citizen writes again.
    """

    bubble: OutgoingMessage | None
    reason: str
    tenant: str = ""
    kind: str | None = None
    settled: bool = False
    elsewhere: Conversation | None = None
    lapsed: bool = False


class Outlook(StrEnum):
    """How a message would go out now."""

    FREE = "free"
    TEMPLATE = "template"
    WAITS = "waits"


async def outlook(
    conn: AsyncConnection, door: Door, conversation: Conversation, stored: StoredMessage
) -> Outlook:
    """Foresee how a message would go out in a conversation of its citizen; nothing is counted."""
    channel = conversation.address.channel
    if channel not in WINDOWS:
        return Outlook.FREE
    contact = await contacts.of(conn, conversation.id)
    if contact is not None and contact.window_until is not None and contact.window_until > datetime.now(UTC):
        return Outlook.FREE
    registry: Templates = getattr(door.channels.get(channel), "templates", Templates())
    template = registry.approved(conversation.tenant, await purpose_of(conn, stored))
    return Outlook.WAITS if template is None else Outlook.TEMPLATE


def at_once(
    door: Door,
    adapter: Channel,
    conversation: Conversation,
    bubble: OutgoingMessage,
    window_until: datetime | None,
) -> Decision | None:
    """The decision where nothing has to be asked: no windows there, or an open one; else None."""
    if adapter.name not in WINDOWS:
        return Decision(bubble, "SENT")
    if window_until is None or window_until <= datetime.now(UTC):
        return None
    whole = flowforms.opened(door, adapter, conversation, bubble)
    return Decision(whole, "SENT", conversation.tenant, spending.ANSWER)


async def decide(door: Door, adapter: Channel, stored: StoredMessage, bubble: OutgoingMessage) -> Decision:
    """Decide on one message that is about to be sent; a template that is used is counted already.

    Meta bills what it delivered: what fails, at once or later, is given back.
    """
    now = datetime.now(UTC)
    async with door.database.reading() as conn:
        others = await deliveries.other_conversations(conn, stored.conversation_id)
    async with door.database.transaction() as conn:
        if others:
            await conversations.lock_all(conn, [stored.conversation_id, *others], now)
            current = await messages.get(conn, stored.id)
            if current.status != MessageStatus.SENDING:
                # Another worker, who took this one for dead, has decided.
                return Decision(None, current.reason or "", settled=True)
        conversation = await conversations.get(conn, stored.conversation_id)
        contact = await contacts.of(conn, stored.conversation_id)
        if found := at_once(door, adapter, conversation, bubble, contact.window_until if contact else None):
            return found
        other = await linked.free_channel(conn, door, stored, others, await purpose_of(conn, stored), now)
        if other is not None:
            await linked.hand_over(conn, door, stored, other, now)
            return Decision(None, linked.SENT_LINKED, settled=True, elsewhere=other)
        return await _template(conn, door, adapter, conversation, stored, bubble, now)


async def _template(
    conn: AsyncConnection,
    door: Door,
    adapter: Channel,
    conversation: Conversation,
    stored: StoredMessage,
    bubble: OutgoingMessage,
    now: datetime,
) -> Decision:
    registry: Templates = getattr(adapter, "templates", Templates())
    tenant = conversation.tenant
    purpose = await purpose_of(conn, stored)
    template = registry.approved(tenant, purpose)
    lapsed = purpose in OF_THE_DAY
    if template is None:
        return Decision(None, "SKIPPED_WINDOW" if lapsed else "WAIT_WINDOW", lapsed=lapsed)
    allowance = registry.allowance(tenant)
    counts = (stored.id, tenant, adapter.name, spending.TEMPLATE, now, allowance.monthly)
    if not await spending.count(conn, *counts):
        log.error("%s: this month's %d templates are used up; news waits", tenant, allowance.monthly)
        return Decision(None, "SKIPPED_BUDGET" if lapsed else "WAIT_BUDGET", lapsed=lapsed)
    await _warn(conn, tenant, adapter.name, allowance, now)
    filled = await _fill(conn, door, template, conversation, stored, bubble, now)
    return Decision(replace(bubble, template=filled), "SENT_TEMPLATE", tenant, spending.TEMPLATE)


async def _fill(
    conn: AsyncConnection,
    door: Door,
    template: Template,
    conversation: Conversation,
    stored: StoredMessage,
    bubble: OutgoingMessage,
    now: datetime,
) -> FilledTemplate:
    """Put the news in, with a button of ours that gives the whole message."""
    known = door.tenants.get(conversation.tenant)
    values = {"tenant": known.name if known else conversation.tenant, "news": bubble.text}
    token = secrets.token_urlsafe(12)
    filled = template.fill(values, token)
    if filled.token:
        row = {
            "token": token,
            "position": len(bubble.buttons),
            "title": (template.button or "")[:256],
            "payload": SHOW_WHOLE,
            "reusable": True,
            "used_by": None,
        }
        await buttons.add(conn, stored.id, conversation.id, [row], now)
    return filled


async def purpose_of(conn: AsyncConnection, stored: StoredMessage) -> str:
    """What a message is for, by its key: update, reminder, desk, ...; `answer` for a turn's."""
    if stored.agent_id:
        return "desk"
    key = await messages.effect_key_of(conn, stored.id)
    head, colon, _ = (key or "").partition(":")
    # A turn's own bubbles are queued under its id, which has no word before the colon.
    return head if colon and head.isalpha() and len(head) < 20 else ANSWER


async def sent(
    conn: AsyncConnection, channel: ChannelName, message_id: int, decision: Decision, now: datetime
) -> None:
    """Count an answer that was sent, unless it failed meanwhile; templates are counted when decided on."""
    if decision.kind == spending.ANSWER:
        await spending.count(conn, message_id, decision.tenant, channel, spending.ANSWER, now)


async def unsent(door: Door, message_id: int, decision: Decision) -> None:
    """A template that was counted did not go out."""
    if decision.kind == spending.TEMPLATE:
        async with door.database.transaction() as conn:
            await spending.give_back(conn, message_id)


async def closed(door: Door, stored: StoredMessage) -> None:
    """The channel says the window is over, whatever we thought: decide anew at once."""
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        await contacts.close_window(conn, stored.conversation_id, now)
        await messages.set_status(
            conn, stored.id, MessageStatus.QUEUED, now, reason="RESEND_WINDOW", attempts=-1
        )


async def opened(conn: AsyncConnection, conversation: Conversation, now: datetime) -> int:
    """The citizen wrote: what waited goes out, before the answer. The caller holds the conversation's row."""
    if conversation.address.channel not in WINDOWS:
        return 0
    freed = await messages.end_waiting(conn, conversation.id, now)
    if freed:
        await messages.mark_unsent(conn, conversation.id, now)
    return freed


async def _warn(
    conn: AsyncConnection, tenant: str, channel: ChannelName, allowance: Allowance, now: datetime
) -> None:
    used = (await spending.spent(conn, tenant, channel, now)).get(spending.TEMPLATE, 0)
    metrics.TEMPLATES_LEFT.labels(tenant).set(allowance.monthly - used)
    if used * 100 >= allowance.monthly * allowance.warn_percent:
        log.warning("%s: %d of %d templates of this month are used", tenant, used, allowance.monthly)
