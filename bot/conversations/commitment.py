"""The end of a turn: everything it changed is stored in one transaction, or nothing is."""

import contextlib
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from bot.conversations import effects, flowforms, outbound, speech
from bot.conversations.answers import Answer
from bot.conversations.desk import drafts, events, presence
from bot.conversations.desk.rules import in_force
from bot.conversations.situation import Context
from bot.door import Door
from bot.storage import buttons, consoleevents, conversations, desksettings, handoffs, messages
from bot.storage.conversations import Claim, ClaimLost
from bot.vocabulary.agents import EventKind, Handoff
from bot.vocabulary.conversations import Conversation, Owner, Say
from bot.vocabulary.messages import OutgoingMessage


class OwnerChanged(Exception):
    """A person took the conversation, or gave it back, while the answer was being made."""


async def commit(door: Door, context: Context, claim: Claim, answer: Answer, started: float) -> bool:
    """Store everything the turn changed in one transaction, and give the claim back; True when more waits.

    `started` is the `time.perf_counter()` at which the turn began, in seconds.

    Raises:
        OwnerChanged: the conversation changed hands meanwhile; nothing was kept, the turn is to be made anew.
        ClaimLost: another worker has the conversation or answered it; nothing was kept.
    """
    now = datetime.now(UTC)
    conversation, turn_id = context.conversation, context.batch[0].uid
    # Everything slow happens before the transaction, which others have to wait for.
    prepared = await effects.prepare(door, conversation, turn_id, answer.effects)
    held = prepared.links.hold
    waits = context.waits
    bubbles = answer.bubbles + [_spoken(door, conversation, say) for say in answer.says]
    async with door.database.transaction() as conn:
        if len(held) > 1:
            # Rows of several conversations are held in one order, so before our own is written.
            await conversations.lock_all(conn, held, now)
        await conversations.finish(
            conn,
            claim,
            now,
            state=answer.state,
            failures=answer.failures,
            language=answer.language or conversation.language,
        )
        if (await conversations.get(conn, conversation.id)).owner is not conversation.owner:
            raise OwnerChanged(conversation.id)
        ids = [message.id for message in context.batch]
        if not await messages.mark_handled(conn, ids, now, answer.outcome.upper()):
            # Answered while this process slept, perhaps under a claim of its own.
            raise ClaimLost(conversation.id)
        if conversation.owner is Owner.CLOSED:
            await conversations.change_owner(conn, conversation.id, Owner.CLOSED, Owner.BOT)
        for message in context.batch:
            if message.media:
                await messages.update_content(
                    conn, message.id, {"media": message.media, "extra": message.extra}
                )
        if answer.pressed is not None:
            await buttons.use(conn, answer.pressed.message_id, turn_id)
        outcome = await effects.apply(conn, door, conversation, prepared, now)
        bubbles += [speech.bubble(door, conversation.tenant, say) for say in outcome.says]
        bubbles += outcome.bubbles
        for say in outcome.under:
            bubbles = speech.with_lines(bubbles, speech.bubble(door, conversation.tenant, say))
        if not bubbles and answer.outcome == "answered":
            # Effects alone are silence too.
            bubbles = [speech.bubble(door, conversation.tenant, Say("error.dialogue"))]
        bubbles, drafted = await _approved(conn, door, conversation, answer, bubbles, turn_id, now)
        bubbles = await _notice(conn, door, conversation, bubbles, now)
        await outbound.queue(conn, door, conversation, bubbles, turn_id, now)
        await messages.add_turn(
            conn,
            {
                "id": turn_id,
                "conversation_id": conversation.id,
                "outcome": answer.outcome,
                "understanding": answer.understanding,
                "milliseconds": int((time.perf_counter() - started) * 1000),
                "created_at": now,
            },
        )
        if waits is not None and answer.outcome == "for_agent":
            waits = await handoffs.heard(conn, conversation.id, now)
        more = await conversations.release(conn, claim, now)
        await _tell_consoles(conn, conversation, context, waits, outcome.told, now)
        if drafted:
            data = {"draft": turn_id}
            await consoleevents.append(
                conn, conversation.tenant, EventKind.DRAFT, now, conversation_id=conversation.id, data=data
            )
    for other in outcome.others:
        await outbound.announce(door, other)
    if drafted:
        await door.wakeups.wake(events.topic(conversation.tenant))
    if outcome.told:
        await door.wakeups.wake(events.topic(conversation.tenant))
        await door.wakeups.wake(presence.ROOM)
    if outcome.erased:
        with contextlib.suppress(OSError, SQLAlchemyError):
            await door.media.sweep()
    return more


def _spoken(door: Door, conversation: Conversation, say: Say) -> OutgoingMessage:
    bubble = speech.bubble(door, conversation.tenant, say)
    return flowforms.offered(door, conversation, bubble, say.form)


async def _approved(
    conn: Any,
    door: Door,
    conversation: Conversation,
    answer: Answer,
    bubbles: list[OutgoingMessage],
    turn_id: str,
    now: datetime,
) -> tuple[list[OutgoingMessage], bool]:
    """Hold an answer where a person is to see it first; what is sent instead, and whether it was held."""
    if answer.outcome != "answered" or not bubbles or _asks_for_person(answer):
        return bubbles, False
    rules = in_force(door, conversation.tenant, await desksettings.of(conn, conversation.tenant))
    service = _service(answer)
    if not drafts.wants_approval(rules, service):
        return bubbles, False
    first = await drafts.hold(conn, conversation, service, bubbles, turn_id, now)
    checking = [speech.bubble(door, conversation.tenant, Say("handoff.checking"))] if first else []
    return checking, True


def _asks_for_person(answer: Answer) -> bool:
    """Who asks for a person gets an answer at once, whoever else checks the bot's words."""
    # Whatever an engine sends: what is no effect at all is left out later, and counted.
    kinds = [effect.get("type") for effect in answer.effects if isinstance(effect, dict)]
    return "handoff_requested" in kinds or "handoff_ended" in kinds


def _service(answer: Answer) -> str | None:
    """The service an answer is about: the one understood now, or the one the talk is about."""
    heard = (answer.understanding or {}).get("service")
    if isinstance(heard, dict):
        heard = heard.get("id")
    slots = (answer.state or {}).get("slots") or {}
    found = heard or slots.get("service") or slots.get("booking_service")
    return found if isinstance(found, str) else None


async def _tell_consoles(
    conn: Any,
    conversation: Conversation,
    context: Context,
    waits: Handoff | None,
    told: list[EventKind],
    now: datetime,
) -> None:
    """The last thing of the transaction: what agents see of this turn."""
    if waits is None and told:
        waits = next(iter(await handoffs.of(conn, conversation.id, 1)), None)
    if waits is None:
        return
    for kind in told:
        await events.tell(conn, kind, waits, now)
    if context.waits is not None:
        first = context.batch[0]
        await events.tell(conn, EventKind.MESSAGE, waits, now, message=first.id, direction="in")


async def _notice(
    conn: Any, door: Door, conversation: Conversation, bubbles: list[OutgoingMessage], now: datetime
) -> list[OutgoingMessage]:
    """At first contact, say under the first bubble what is kept and how to see and erase it (UU 27/2022)."""
    if conversation.consented or not bubbles:
        return bubbles
    wording = speech.sentence(door, conversation.tenant, "privacy.notice")
    await conversations.record_consent(conn, conversation, "privacy.notice", wording, now)
    return [speech.with_notice(bubbles[0], wording), *bubbles[1:]]
