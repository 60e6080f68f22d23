"""From the outbox to the channel: each row once, one citizen's in order, at the channel's pace."""

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from bot import metrics
from bot.channels import base
from bot.conversations import flowforms, identity, linked, outcomes, speech, window
from bot.conversations.desk import ticks
from bot.conversations.outbound import announce
from bot.conversations.pace import Pace
from bot.conversations.sentbook import SentBook
from bot.door import Door
from bot.storage import (
    broadcasts,
    contacts,
    conversations,
    messages,
    receipts,
    subscriptions,
    webhookcalls,
)
from bot.vocabulary.conversations import Conversation
from bot.vocabulary.messages import ChannelAddress, ChannelName, MessageStatus, QueuedMessage

log = logging.getLogger(__name__)

SENDING_SECONDS = 60
MAX_ATTEMPTS = 8
LONGEST_PAUSE_SECONDS = 300
ACCOUNT_SECONDS = 60.0
SILENCE_SECONDS = 15.0
WORD_EVERY_SECONDS = 2.0
AT_ONCE = 32
UNSETTLED = (MessageStatus.QUEUED, MessageStatus.SENDING)


class SendingLost(Exception):
    """Somebody else sends to this citizen now."""


@dataclass(slots=True)
class Errand:
    """One citizen's queue, while this worker has the right to send it.

    `last`: the message being sent ends it; `ended`: the right was given back with that message.
    """

    conversation: Conversation
    address: ChannelAddress
    window_until: datetime | None
    holder: str
    last: bool = False
    ended: bool = False


async def deliver(door: Door, holder: str, stop: asyncio.Event) -> None:
    """Send what is queued, many citizens in parallel, one citizen's messages in order, until `stop`."""
    pace = Pace(door.keyvalue, door.channels)
    book = SentBook(door.settings.var / "run" / "sent", holder)
    running: dict[str, asyncio.Task[None]] = {}
    async with door.wakeups.listen("outbound") as bell:
        while not stop.is_set():
            free = AT_ONCE - len(running)
            rows: list[Any] = []
            if free and door.channels:
                try:
                    async with door.database.transaction() as conn:
                        rows = await messages.claim_unsent(
                            conn, holder, datetime.now(UTC), SENDING_SECONDS, free, pace.paused()
                        )
                except Exception:
                    log.exception("nothing could be taken to send; again soon")
            for row in rows:
                # The task before may have given its right back without having ended yet.
                before = running.get(row.id)
                task = asyncio.create_task(_deliver_one(door, row, holder, pace, book, before), name="send")
                running[row.id] = task
                task.add_done_callback(partial(_done, running, row.id))
            if not rows:
                await bell.wait(0.5 if door.channels else 5)
            elif len(running) >= AT_ONCE:
                await asyncio.wait(running.values(), return_when=asyncio.FIRST_COMPLETED)
    if running:
        _, late = await asyncio.wait(running.values(), timeout=10)
        if late:
            return
    book.close()


def _done(running: dict[str, asyncio.Task[None]], conversation_id: str, task: asyncio.Task[None]) -> None:
    if running.get(conversation_id) is task:
        del running[conversation_id]


async def _deliver_one(
    door: Door,
    row: Any,
    holder: str,
    pace: Pace,
    book: SentBook,
    before: asyncio.Task[None] | None = None,
) -> None:
    """Send one citizen's queue until it is empty, paused or blocked, after the task `before` has ended."""
    if before is not None:
        await asyncio.wait([before])
    channel = ChannelName(row.channel)
    adapter = door.channels.get(channel)
    pause: datetime | None = None
    try:
        async with door.database.reading() as conn:
            unsent = await messages.unsent(conn, row.id)
            contact = await contacts.of(conn, row.id) if channel in identity.WINDOWS else None
        conversation = conversations.stored_conversation(row)
        errand = Errand(
            conversation,
            identity.recipient(door, conversation.address, contact),
            contact.window_until if contact else None,
            holder,
        )
        for place, stored in enumerate(unsent, start=1):
            errand.last = place == len(unsent)
            if stored.status == MessageStatus.SENDING:
                taken = await asyncio.to_thread(book.find, stored.id, stored.calls)
                if taken is not None:
                    await _record_sent(door, stored, errand, taken)
                    continue
                if (pause := await _word_to_come(door, adapter, stored, book.begun)) is not None:
                    break
            if adapter is None:
                await _without_channel(door, stored)
                continue
            if wait := await pace.citizen(channel, row.id):
                pause = datetime.now(UTC) + timedelta(seconds=wait)
                break
            pause = await _send(door, adapter, stored, errand, pace, book)
            if pause is not None:
                break
        if errand.ended:
            return
    except base.CitizenUnreachable as error:
        if isinstance(error, base.CitizenOptedOut):
            async with door.database.transaction() as conn:
                await subscriptions.end(conn, row.id, None, "opted_out", datetime.now(UTC))
        if await linked.blocked(door, row.id, datetime.now(UTC)):
            await door.wakeups.wake("outbound")
        metrics.SENT.labels(channel, "SKIPPED_BLOCKED").inc()
    except SendingLost:
        log.warning("conversation %s is sent to by another worker", row.id)
        return
    except Exception:
        log.exception("sending to conversation %s failed", row.id)
        pause = datetime.now(UTC) + timedelta(seconds=5)
    try:
        async with door.database.transaction() as conn:
            await messages.end_sending(conn, row.id, holder, pause, datetime.now(UTC))
    except Exception:
        # The right to send runs out by itself.
        log.exception("sending to conversation %s could not be ended", row.id)


async def _send(
    door: Door,
    adapter: base.Channel,
    stored: messages.StoredMessage,
    errand: Errand,
    pace: Pace,
    book: SentBook,
) -> datetime | None:
    """Send one message; returns when to go on with this citizen, or None for at once. Raises SendingLost,
    CitizenUnreachable.

    The row says `sending` before the call. Found in that state after a crash, the book has told whether the
    channel took it, or a receipt in a while; else it is sent again: a channel that cannot be asked leaves
    twice or never.
    """
    now = datetime.now(UTC)
    address = errand.address
    async with door.database.transaction() as conn:
        if not await messages.keep_sending(conn, stored.conversation_id, errand.holder, now, SENDING_SECONDS):
            raise SendingLost(stored.conversation_id)
        there = await messages.begin_sending(conn, stored.id, now)
        if not there or await broadcasts.recall(conn, stored, now):
            return None
    if stored.attempts >= MAX_ATTEMPTS:
        # Tried as often as allowed and never settled: it ended the process each time.
        await _settle(door, stored, MessageStatus.FAILED, "FAILED_ATTEMPTS")
        return None
    try:
        words = speech.words_of(door, stored.text, stored.sealed_text)
        bubble = speech.from_stored(
            words, stored.buttons, stored.attachments, stored.ask_location, stored.silent
        )
        decision = window.at_once(
            door, adapter, errand.conversation, bubble, errand.window_until
        ) or await window.decide(door, adapter, stored, bubble)
        if decision.bubble is None:
            if not decision.settled:
                status = MessageStatus.SKIPPED if decision.lapsed else MessageStatus.WAITING
                await _settle(door, stored, status, decision.reason, attempts=-1)
            elif decision.elsewhere is not None:
                metrics.SENT.labels(address.channel, decision.reason).inc()
                await announce(door, decision.elsewhere)
            return None
        queued = QueuedMessage(stored.id, stored.conversation_id, address, decision.bubble, stored.calls)
        place = await pace.place(address.channel)
        if place.wait:
            await window.unsent(door, stored.id, decision)
            await _settle(door, stored, MessageStatus.QUEUED, "WAIT_PACE", attempts=-1)
            return datetime.now(UTC) + timedelta(seconds=place.wait)
        try:
            sent = await _hand_to_channel(door, adapter, queued, decision)
        finally:
            pace.answered(place)
    except base.ChannelThrottled as error:
        await _settle(door, stored, MessageStatus.QUEUED, "WAIT_THROTTLED", attempts=-1)
        if error.everyone:
            await pace.pause_channel(address.channel, error.retry_after)
        else:
            await pace.trouble(address.channel, error.retry_after)
        return datetime.now(UTC) + timedelta(seconds=error.retry_after)
    except base.AccountTroubled as error:
        log.error("%s takes nothing from us until our account is mended: %s", address.channel, error)
        await _settle(door, stored, MessageStatus.QUEUED, "WAIT_ACCOUNT", attempts=-1)
        await pace.pause_channel(address.channel, ACCOUNT_SECONDS)
        return datetime.now(UTC) + timedelta(seconds=ACCOUNT_SECONDS)
    except (base.OutcomeUnknown, TimeoutError) as error:
        # It may have arrived: once more could be twice. A person sees it listed, and decides.
        log.warning("nobody can say whether message %s arrived: %s", stored.id, type(error).__name__)
        await _settle(door, stored, MessageStatus.UNKNOWN, "UNKNOWN_OUTCOME")
        await pace.trouble(address.channel, SILENCE_SECONDS)
        return datetime.now(UTC) + timedelta(seconds=SILENCE_SECONDS)
    except base.CitizenUnreachable:
        raise
    except base.WindowClosed:
        await window.closed(door, stored)
        return datetime.now(UTC)
    except base.MessageRefused as error:
        log.warning("message %s refused by %s: %s", stored.id, address.channel, error)
        await _settle(door, stored, MessageStatus.FAILED, "FAILED_REFUSED")
        return None
    except Exception as error:
        return await _again(door, stored, error)
    book.note(stored.id, stored.calls + 1, sent.channel_message_id)
    if sent.moved_to is not None:
        await identity.moved_while_sending(door, stored.conversation_id, sent.moved_to)
    await _record_sent(door, stored, errand, sent.channel_message_id, decision)
    return None


async def _word_to_come(
    door: Door, adapter: base.Channel | None, stored: messages.StoredMessage, begun: datetime
) -> datetime | None:
    """When to look again for a receipt of a message whose call was cut off; None when it was waited for.

    Nobody heard receipts while we did not run: the time begins with our work, if that began later. In a crowd
    a receipt that came in time may still lie unopened.
    """
    if adapter is None or adapter.limits.word_seconds <= 0:
        return None
    now = datetime.now(UTC)
    again = now + timedelta(seconds=WORD_EVERY_SECONDS)
    until = max(stored.updated_at or stored.created_at, begun) + timedelta(
        seconds=adapter.limits.word_seconds
    )
    if now < until:
        return min(until, again)
    async with door.database.reading() as conn:
        return again if await webhookcalls.unopened(conn, adapter.name, until) else None


async def _without_channel(door: Door, stored: messages.StoredMessage) -> None:
    """A message's channel is not connected any more; whether one that was cut off arrived, nobody knows."""
    if stored.status == MessageStatus.SENDING:
        await _settle(door, stored, MessageStatus.UNKNOWN, "UNKNOWN_OUTCOME")
    else:
        await _settle(door, stored, MessageStatus.SKIPPED, "SKIPPED_NO_CHANNEL", among=UNSETTLED)


async def _hand_to_channel(
    door: Door, adapter: base.Channel, queued: QueuedMessage, decision: window.Decision
) -> base.Sent:
    """Give a message to its channel; what it would have cost is given back when it surely did not go out."""
    try:
        # Half the time the right to send lasts, so that nobody else begins while this call still runs.
        async with asyncio.timeout(SENDING_SECONDS / 2):
            return await _given(adapter, queued)
    except (base.OutcomeUnknown, TimeoutError):
        raise
    except Exception:
        await window.unsent(door, queued.id, decision)
        raise


async def _given(adapter: base.Channel, queued: QueuedMessage) -> base.Sent:
    """Give a message to the channel; a form that it does not take now is asked in the chat instead."""
    try:
        return await adapter.send(queued)
    except (base.MessageRefused, base.ChannelThrottled) as error:
        if queued.message.form is None or (
            isinstance(error, base.ChannelThrottled) and error.code != "132069"
        ):
            raise
        log.error("form %s is not taken (%s): asked in the chat", queued.message.form.form_id, error)
    return await adapter.send(replace(queued, message=flowforms.asked_in_chat(queued.message)))


async def _record_sent(
    door: Door,
    stored: messages.StoredMessage,
    errand: Errand,
    channel_message_id: str,
    decision: window.Decision | None = None,
) -> None:
    now = datetime.now(UTC)
    channel = errand.address.channel
    async with door.database.transaction() as conn:
        await receipts.alone(conn, channel, channel_message_id)
        early = await receipts.take_kept(conn, channel, channel_message_id)
        if errand.last or any(receipt.status is MessageStatus.FAILED for receipt in early):
            await conversations.lock(conn, stored.conversation_id, now)
        # What the channel reported while its answer was on its way is newer than the answer.
        await messages.set_status(
            conn,
            stored.id,
            MessageStatus.SENT,
            now,
            reason=decision.reason if decision else receipts.DECIDED,
            channel_message_id=channel_message_id,
            among=(MessageStatus.SENDING,),
        )
        if decision is not None:
            await window.sent(conn, channel, stored.id, decision, now)
        tenant = await ticks.tell(conn, stored, MessageStatus.SENT, now)
        told = [(receipt, await outcomes.hear(conn, receipt, now)) for receipt in early]
        if errand.last:
            await messages.end_sending(conn, stored.conversation_id, errand.holder, None, now)
    errand.ended = errand.last
    await ticks.announce(door, [tenant])
    for receipt, tenants in told:
        await outcomes.heard(door, receipt, tenants)
    metrics.SENT.labels(channel, "SENT").inc()


async def _again(door: Door, stored: messages.StoredMessage, error: Exception) -> datetime | None:
    """The channel did not answer, or broke in a way nobody foresaw: try later, a few times."""
    foreseen = isinstance(error, base.ChannelUnreachable)
    if not foreseen:
        log.error("message %s could not be sent", stored.id, exc_info=error)
    why = "UNREACHABLE" if foreseen else "ERROR"
    if stored.attempts + 1 >= MAX_ATTEMPTS:
        log.warning("message %s given up: %s", stored.id, type(error).__name__)
        await _settle(door, stored, MessageStatus.FAILED, f"FAILED_{why}")
        return None
    await _settle(door, stored, MessageStatus.QUEUED, f"WAIT_{why}")
    pause = min(2.0**stored.attempts, LONGEST_PAUSE_SECONDS) * random.uniform(0.8, 1.2)
    return datetime.now(UTC) + timedelta(seconds=pause)


async def _settle(
    door: Door,
    stored: messages.StoredMessage,
    status: MessageStatus,
    reason: str,
    attempts: int = 0,
    among: Sequence[MessageStatus] = (MessageStatus.SENDING,),
) -> None:
    # One that is queued again by then had its failure reported during the call, which goes on from there.
    now = datetime.now(UTC)
    tenant = None
    final = status in (MessageStatus.FAILED, MessageStatus.SKIPPED)
    async with door.database.transaction() as conn:
        moved = await messages.set_status(
            conn, stored.id, status, now, reason=reason, attempts=attempts, among=among
        )
        if final and moved:
            await linked.failed(conn, stored, now)
        if status is not MessageStatus.QUEUED:
            tenant = await ticks.tell(conn, stored, status, now, reason)
    await ticks.announce(door, [tenant])
    metrics.SENT.labels("all", reason).inc()
