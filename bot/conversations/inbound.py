"""From the citizen to us: a message is stored first, then acknowledged, then answered by the worker."""

import re
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bot import metrics
from bot.channels.base import Channel
from bot.conversations import emergency, handoff, identity, outbound, window
from bot.conversations.desk import events, presence
from bot.door import Door
from bot.storage import buttons, conversations, messages, webhookcalls
from bot.vocabulary.conversations import Owner
from bot.vocabulary.messages import ChannelName, Direction, IncomingKind, IncomingMessage, MessageStatus
from intents import masking

MAX_TEXT = 5000
PER_MINUTE = 60
TEXTUAL = frozenset(
    {IncomingKind.TEXT, IncomingKind.PHOTO, IncomingKind.EDIT, IncomingKind.COMMAND, IncomingKind.FORM}
)

# What no database keeps as text: NUL (PostgreSQL) and halves of surrogate pairs (no UTF-8).
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The message is ours now. `duplicate`: it was before; `repeated`: its button had been pressed."""

    message_id: int
    conversation_id: str
    duplicate: bool
    repeated: bool = False


async def accept(door: Door, message: IncomingMessage, settles: str | None = None) -> Accepted:
    """Store a message once and wake the worker; `settles` is the kept webhook call that ends with it.

    An emergency is answered in the same transaction. A flood (more than PER_MINUTE messages a minute from
    one address) is stored and not answered one by one.
    """
    now = datetime.now(UTC)
    message = identity.addressed(door, _command(_storable(message)))
    # The letters of a code of ours are drawn by lot: now and then they look like *tabrakan*.
    text = masking.hide_codes(message.text) if message.text and message.kind in TEXTUAL else ""
    found = emergency.check(text)
    count = await door.keyvalue.increment(f"flood:{message.sender.channel}:{message.sender.address}", 60)
    # Outside production the limit only stops runaway loops, so that tests may talk fast.
    limit = PER_MINUTE if door.settings.production else PER_MINUTE * 100
    flooding = count > limit and found is None
    # Masked and sealed before the transaction, which everybody else would have to wait for.
    row = _row(door, message, now)
    async with door.database.transaction() as conn:
        conversation = await identity.find(conn, door, message, now)
        await conversations.lock(conn, conversation.id, now)
        if found is None and conversation.owner in (Owner.QUEUE, Owner.AGENT):
            # Where a person has the talk no engine listens after the guard.
            found = emergency.check(text, alone=True)
            flooding = flooding and found is None
        pressed = await buttons.find(conn, conversation.id, message.button) if message.button else None
        repeated = pressed is not None and pressed.used and not pressed.reusable
        if pressed is not None and row["text"] is None:
            # Whoever reads the talk later sees what was pressed.
            row["text"] = pressed.title
        message_id, duplicate = await messages.add_inbound(conn, {**row, "conversation_id": conversation.id})
        if not duplicate:
            if found is not None or flooding:
                await conversations.heard_from(conn, conversation.id)
            await window.opened(conn, conversation, now)
            mine = [item.media_id for item in message.media if item.media_id]
            await door.media.adopt(conn, mine, conversation.id)
            if found is not None:
                await messages.mark_handled(conn, [message_id], now, f"EMERGENCY_{found.kind}".upper())
                bubble = emergency.answer(door, conversation.tenant, found)
                await outbound.queue(conn, door, conversation, [bubble], f"emergency:{message_id}", now)
                await handoff.alarm(conn, door, conversation, found.kind, message_id, now)
            elif flooding:
                await messages.mark_handled(conn, [message_id], now, "FLOOD")
            else:
                await conversations.mark_pending(conn, conversation.id, now)
        if settles is not None:
            await webhookcalls.done(conn, settles)
    if duplicate:
        metrics.DUPLICATES.labels(message.sender.channel).inc()
        return Accepted(message_id, conversation.id, duplicate, repeated)
    metrics.MESSAGES.labels(message.sender.channel, message.kind).inc()
    if found is not None:
        metrics.EMERGENCIES.labels(found.kind).inc()
        await outbound.announce(door, conversation)
        await door.wakeups.wake(events.topic(conversation.tenant))
        await door.wakeups.wake(presence.ROOM)
    elif flooding:
        metrics.BAD_INPUT.labels(message.sender.channel, "flood").inc()
        await door.wakeups.wake(f"conversation:{conversation.id}")
    else:
        await door.wakeups.wake("inbound")
        if message.sender.channel is ChannelName.WEBCHAT:
            await door.wakeups.wake(f"conversation:{conversation.id}")
    return Accepted(message_id, conversation.id, duplicate, repeated)


def _storable(message: IncomingMessage) -> IncomingMessage:
    """The message as any database can keep it, cut to MAX_TEXT characters."""
    sender = message.sender
    return replace(
        message,
        sender=replace(sender, display_name=_clean(sender.display_name)),
        text=None if message.text is None else _clean(message.text[:MAX_TEXT]),
        button=_clean(message.button),
        media=tuple(replace(item, file_name=_clean(item.file_name)) for item in message.media),
        extra=_clean(message.extra),
    )


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _command(message: IncomingMessage) -> IncomingMessage:
    """A typed slash command is a command on every channel."""
    if message.kind is IncomingKind.TEXT and message.text and message.text.startswith("/"):
        return replace(message, kind=IncomingKind.COMMAND)
    return message


def _row(door: Door, message: IncomingMessage, now: datetime) -> dict[str, Any]:
    """The message as stored: the masked text for everyone, the raw one sealed and only if it differs."""
    raw = message.text or ""
    masked = masking.mask(raw).text
    content: dict[str, Any] = {}
    if message.location is not None:
        content["location"] = {"lat": message.location.latitude, "lon": message.location.longitude}
    if message.media:
        content["media"] = [asdict(item) for item in message.media]
    if message.button is not None:
        content["button"] = message.button
    extra = {**message.extra}
    if isinstance(answers := extra.get("form"), dict):
        extra["form"] = {
            name: masking.mask(value).text if isinstance(value, str) else value
            for name, value in answers.items()
        }
    if message.edit_of:
        extra["edit_of"] = message.edit_of
    if extra:
        content["extra"] = extra
    return {
        "uid": messages.new_uid(),
        "channel": message.sender.channel,
        "direction": Direction.IN,
        "kind": message.kind,
        "text": masked or None,
        "sealed_text": door.sealer.seal(raw) if masked != raw else None,
        "content": content,
        "status": MessageStatus.RECEIVED,
        "channel_message_id": message.channel_message_id,
        "attempts": 0,
        "created_at": now,
        "updated_at": now,
    }


async def acknowledge(channel: Channel, message: IncomingMessage, accepted: Accepted) -> None:
    """After storing: let the channel stop its own waiting sign, and show that an answer is coming."""
    if message.kind is IncomingKind.BUTTON:
        await channel.acknowledge(message, accepted.duplicate or accepted.repeated)
    elif not accepted.duplicate:
        await channel.typing(message.sender.address, message.channel_message_id)
