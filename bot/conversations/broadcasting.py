"""A notice to everybody who asked for it: counted, confirmed, sent slowly, stopped at once, once a person.

Planned receivers are lines in the database. A line becomes a message in the outbox only a few at a time, and
only while the outbox is nearly empty, so that an answer never stands behind a broadcast.
"""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.channels.base import Channel
from bot.channels.whatsapp.templates import Templates
from bot.conversations import noticedata, notices, outbound, quiet, rounds, speech
from bot.conversations.identity import WINDOWS
from bot.door import Door
from bot.storage import broadcasts, conversations, persons, spending, subscriptions
from bot.storage.broadcasts import Receiver
from bot.storage.keyvalue import Rate
from bot.vocabulary.broadcasts import Audience, Broadcast, BroadcastStatus, Notice, Report, Subscriber
from bot.vocabulary.conversations import Conversation, Say
from bot.vocabulary.messages import ChannelName, OutgoingMessage

LOOK_EVERY_SECONDS = 1.0
SHARE = 0.25
"""The part of a channel's rate that broadcasts may take."""
UNLIMITED_PER_SECOND = 50.0
"""The pace where a channel has no rate of its own, as the web page."""
ROOM = 20
"""So many citizens waiting in the outbox of a channel leave no room for a broadcast."""
LONGEST_TEXT = 800
SAME_WORDS = timedelta(days=1)
CHEAPEST_FIRST = (ChannelName.TELEGRAM, ChannelName.WHATSAPP, ChannelName.WEBCHAT)


class NoticeRefused(Exception):
    """The notice cannot be sent as it is; the message says what to change, `why` in one word."""

    def __init__(self, why: str, message: str) -> None:
        super().__init__(message)
        self.why = why


class NumberChanged(Exception):
    """The number of receivers is another one than was confirmed: `now` people."""

    def __init__(self, now: int) -> None:
        super().__init__(f"{now} people get it now")
        self.now = now


class AlreadySaid(Exception):
    """The same words went out within a day, as `broadcast`."""

    def __init__(self, broadcast: Broadcast) -> None:
        super().__init__(broadcast.id)
        self.broadcast = broadcast


class NotPossible(Exception):
    """The broadcast is not where this act begins: stopped already, done, or proposed by the same person."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a notice would cost on a channel with a window: who is in it, who needs a template.

    `template` is its name where it is approved; `left` how many this month's budget still allows.
    """

    in_window: int
    outside: int
    template: str | None
    left: int


async def audience(door: Door, notice: Notice) -> Audience:
    """Who would get a notice now. Raises NoticeRefused."""
    check(door, notice)
    async with door.database.reading() as conn:
        return await _audience(conn, door, notice)


async def cost(door: Door, found: Audience, tenant: str, now: datetime) -> dict[ChannelName, Cost]:
    """What the receivers on channels with a window would cost."""
    costs: dict[ChannelName, Cost] = {}
    for channel in WINDOWS:
        people = found.on(channel)
        if not people:
            continue
        adapter = door.channels.get(channel)
        registry: Templates = getattr(adapter, "templates", Templates())
        template = registry.approved(tenant, "broadcast")
        async with door.database.reading() as conn:
            used = (await spending.spent(conn, tenant, channel, now)).get(spending.TEMPLATE, 0)
        inside = sum(one.window_until is not None and one.window_until > now for one in people)
        costs[channel] = Cost(
            in_window=inside,
            outside=len(people) - inside,
            template=template.name if template else None,
            left=max(registry.allowance(tenant).monthly - used, 0),
        )
    return costs


def seconds(door: Door, found: Audience) -> float:
    """How long sending takes at least, by the slowest channel."""
    return max((len(found.on(name)) / _rate(door, name).per_second for name in ChannelName), default=0.0)


def bubble(door: Door, notice: Notice) -> OutgoingMessage:
    """The notice as citizens read it."""
    values = {
        "topic": {"$text": f"notices.topic.{notice.topic}"},
        "place": ", ".join(
            notices.place_name(door, notice.tenant, code)
            for code in notice.places or (subscriptions.EVERYWHERE,)
        ),
        "text": notice.text,
    }
    return speech.bubble(door, notice.tenant, Say("notices.notice", values))


def check(door: Door, notice: Notice) -> None:
    """Refuse what cannot be sent. Raises NoticeRefused."""
    offered = noticedata.of(door.settings.root, notice.tenant).topics
    if notice.topic not in offered:
        raise NoticeRefused(
            "topic", f"{notice.topic} is no topic of {notice.tenant}: choose {', '.join(offered)}"
        )
    if not notice.text.strip():
        raise NoticeRefused("empty", "the notice has no words")
    if len(notice.text) > LONGEST_TEXT:
        raise NoticeRefused("long", f"the notice has {len(notice.text)} characters; {LONGEST_TEXT} at most")


async def start(
    door: Door, notice: Notice, confirmed: int, by: str, now: datetime, *, again: bool = False
) -> Broadcast:
    """Store a broadcast to exactly `confirmed` people; it begins, or waits for a second person's approval.

    Raises:
        NoticeRefused: it cannot be sent as it is, or nobody asked for it.
        NumberChanged: another number of people would get it than was confirmed.
        AlreadySaid: the same words went out within a day, and `again` was not said.
    """
    check(door, notice)
    four_eyes = noticedata.of(door.settings.root, notice.tenant).four_eyes
    async with door.database.transaction() as conn:
        same = await broadcasts.same_words(conn, notice, now - SAME_WORDS)
        if same is not None and not again:
            raise AlreadySaid(same)
        found = await _audience(conn, door, notice)
        if not found.receivers:
            raise NoticeRefused("nobody", "nobody asked for this, or nobody can be reached")
        if len(found.receivers) != confirmed:
            raise NumberChanged(len(found.receivers))
        status = BroadcastStatus.PROPOSED if four_eyes else BroadcastStatus.SENDING
        made = Broadcast(uuid.uuid4().hex, notice, status, confirmed, by, None, now, now)
        await broadcasts.add(conn, made, found.receivers)
    return made


async def approve(door: Door, broadcast_id: str, confirmed: int, by: str, now: datetime) -> Broadcast:
    """The second person lets a proposed broadcast begin. Raises LookupError, NumberChanged, NotPossible."""
    async with door.database.transaction() as conn:
        found = await broadcasts.get(conn, broadcast_id)
        if found.receivers != confirmed:
            raise NumberChanged(found.receivers)
        if found.created_by.casefold() == by.casefold():
            raise NotPossible("who proposed a broadcast cannot approve it")
        if not await broadcasts.move(
            conn, found.id, BroadcastStatus.PROPOSED, BroadcastStatus.SENDING, now, approved_by=by
        ):
            raise NotPossible(f"it is {found.status}, not proposed")
        return await broadcasts.get(conn, found.id)


async def stop(door: Door, broadcast_id: str, now: datetime) -> Broadcast:
    """Send no more of it. What a channel already has cannot be called back; all else is planned again.

    Raises LookupError, NotPossible.
    """
    async with door.database.transaction() as conn:
        found = await broadcasts.get(conn, broadcast_id)
        for status in (BroadcastStatus.SENDING, BroadcastStatus.PROPOSED, BroadcastStatus.DONE):
            if await broadcasts.move(conn, found.id, status, BroadcastStatus.STOPPED, now):
                break
        else:
            raise NotPossible("it is stopped already")
        await broadcasts.withdraw(conn, found.id, now)
        return await broadcasts.get(conn, found.id)


async def resume(door: Door, broadcast_id: str, now: datetime) -> Broadcast:
    """Go on with a stopped broadcast. Raises LookupError, NotPossible.

    One that was stopped before its second person saw it waits for that person again.
    """
    async with door.database.transaction() as conn:
        found = await broadcasts.get(conn, broadcast_id)
        unseen = (
            found.approved_by is None and noticedata.of(door.settings.root, found.notice.tenant).four_eyes
        )
        new = BroadcastStatus.PROPOSED if unseen else BroadcastStatus.SENDING
        if not await broadcasts.move(conn, found.id, BroadcastStatus.STOPPED, new, now):
            raise NotPossible(f"it is {found.status}, not stopped")
        return await broadcasts.get(conn, found.id)


async def report(door: Door, broadcast_id: str) -> tuple[Broadcast, Report]:
    """A broadcast and what became of it. Raises LookupError."""
    async with door.database.reading() as conn:
        found = await broadcasts.get(conn, broadcast_id)
        return found, await broadcasts.report(conn, found)


async def run(door: Door, stop: asyncio.Event) -> None:
    """Feed the outbox until `stop`."""
    await rounds.go(stop, partial(feed, door), LOOK_EVERY_SECONDS, "a broadcast could not go on")


async def feed(door: Door) -> bool:
    """Queue the next few notices, as many as the pace allows; True when more could follow soon."""
    now = datetime.now(UTC)
    async with door.database.reading() as conn:
        under_way = await broadcasts.sending(conn)
        left = {found.id: await broadcasts.left(conn, found.id) for found in under_way}
    more = False
    for found in under_way:
        if not left[found.id]:
            await _finish(door, found, now)
        for channel in left[found.id]:
            if _asleep(door, found, channel, now):
                continue
            more = True
            await _feed_channel(door, found, channel, now)
    return more


async def _feed_channel(door: Door, found: Broadcast, channel: ChannelName, now: datetime) -> None:
    rate = _rate(door, channel)
    for _ in range(rate.burst):
        async with door.database.reading() as conn:
            if await broadcasts.backlog(conn, channel, now) >= ROOM:
                return
        if await door.keyvalue.take(f"pace:broadcast:{channel}", rate, 0) > 0:
            return
        told = await _next(door, found.id, channel, now)
        if told is None:
            return
        await outbound.announce(door, told)


async def _next(door: Door, broadcast_id: str, channel: ChannelName, now: datetime) -> Conversation | None:
    """Give one planned receiver their notice, or the reason why not; whose conversation that was."""
    async with door.database.transaction() as conn:
        found = await broadcasts.hold(conn, broadcast_id)
        receiver = await broadcasts.planned(conn, broadcast_id, channel) if found else None
        if found is None or receiver is None:
            return None
        mine = await persons.ids(conn, receiver.conversation_id)
        await conversations.lock_all(conn, mine, now)
        conversation = await conversations.get(conn, receiver.conversation_id)
        if await persons.ids(conn, conversation.id) != mine:
            # Linked or parted just now: their other conversation is not held. Next time.
            return conversation
        reason = await _why_not(conn, door, found, conversation)
        status = broadcasts.SKIPPED if reason else broadcasts.QUEUED
        if not await broadcasts.settle(conn, receiver, status, reason=reason):
            return conversation
        if reason is None:
            await _queue(conn, door, found, receiver, conversation, now)
    metrics.SENT.labels(channel, reason or "BROADCAST").inc()
    return conversation


async def _queue(
    conn: AsyncConnection,
    door: Door,
    found: Broadcast,
    receiver: Receiver,
    conversation: Conversation,
    now: datetime,
) -> None:
    said = bubble(door, found.notice)
    if quiet.quiet_until(door, conversation, now) is not None:
        said = replace(said, silent=True)
    key = f"{subscriptions.BROADCAST_KEY}{found.id}:{conversation.id}:{receiver.attempt}"
    stored = await outbound.queue(conn, door, conversation, [said], key, now)
    if stored:
        await broadcasts.name_message(conn, receiver, stored[-1])


async def _why_not(
    conn: AsyncConnection, door: Door, found: Broadcast, conversation: Conversation
) -> str | None:
    """Why a receiver gets nothing after all; the world may have changed since the broadcast was planned."""
    channel = conversation.address.channel
    if not await broadcasts.wanted(conn, found, conversation.id):
        return broadcasts.OPTED_OUT
    if await conversations.is_blocked(conn, conversation.id):
        return "SKIPPED_BLOCKED"
    if channel is not ChannelName.WEBCHAT and channel not in door.channels:
        return "SKIPPED_NO_CHANNEL"
    if await broadcasts.told_elsewhere(conn, found.id, conversation.id):
        return "SKIPPED_OTHER_CHANNEL"
    return None


async def _finish(door: Door, found: Broadcast, now: datetime) -> None:
    async with door.database.transaction() as conn:
        await broadcasts.finish(conn, found.id, now)


async def _audience(conn: AsyncConnection, door: Door, notice: Notice) -> Audience:
    everybody, opted_out = await broadcasts.subscribers(conn, notice)
    people: dict[str, list[Subscriber]] = {}
    for one in everybody:
        people.setdefault(one.person, []).append(one)
    receivers: list[Subscriber] = []
    blocked = unconnected = 0
    for theirs in people.values():
        heard = [one for one in theirs if not one.blocked]
        reachable = [one for one in heard if _connected(door, one.channel)]
        if reachable:
            receivers.append(_best(reachable))
        elif heard:
            unconnected += 1
        else:
            blocked += 1
    other = len(everybody) - len(people)
    return Audience(tuple(receivers), blocked, unconnected, other, opted_out)


def _best(theirs: Sequence[Subscriber]) -> Subscriber:
    """The one conversation of a person that a notice goes to: the one that costs least and is heard."""
    return min(theirs, key=lambda one: (CHEAPEST_FIRST.index(one.channel), one.conversation_id))


def _connected(door: Door, channel: ChannelName) -> bool:
    return channel is ChannelName.WEBCHAT or channel in door.channels


def _rate(door: Door, channel: ChannelName) -> Rate:
    adapter: Channel | None = door.channels.get(channel)
    limit = adapter.limits.per_second if adapter else 0.0
    per_second = limit * SHARE or UNLIMITED_PER_SECOND
    return Rate(per_second, max(int(per_second / 4), 1))


def _asleep(door: Door, found: Broadcast, channel: ChannelName, now: datetime) -> bool:
    """True where a broadcast that is not urgent waits for the morning."""
    return not found.notice.urgent and quiet.night_until(door, found.notice.tenant, channel, now) is not None
