"""One person, two channels: a code asked for on one and typed on the other; told on both, undone on either.

A code is good for ten minutes and one use, and only its keyed digest is kept. A phone number links nothing:
numbers are given out again. A link that was only opened is asked about first, since it may have been sent
by somebody else; whoever types a code has said what they want.
"""

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from actions import effects
from bot.channels.base import ChannelError
from bot.conversations import linkwords, outbound, speech
from bot.door import Door
from bot.storage import contacts, conversations, links, persons
from bot.vocabulary.agents import EventKind
from bot.vocabulary.conversations import Conversation, Say
from bot.vocabulary.messages import ChannelName, OutgoingMessage

log = logging.getLogger(__name__)

VALID_FOR = timedelta(minutes=10)
INVITATION_SECONDS = 3.0
_END = {"title_key": "button.unlink", "payload": linkwords.END, "reusable": True}
_NAMED = (effects.LinkAsked, effects.LinkCodeGiven, effects.LinkEnded, effects.TalkCarried)


@dataclass(frozen=True, slots=True)
class Ready:
    """What a wish to link needs before its transaction: rows to hold, a new code, addresses that carry it."""

    hold: tuple[str, ...] = ()
    code: str = ""
    token: str = ""
    addresses: Mapping[ChannelName, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Linked:
    """What came of a wish: words and bubbles here, and the other conversations that were told something.

    `consoles` is what agents hear of it.
    """

    says: list[Say]
    told: tuple[Conversation, ...] = ()
    bubbles: tuple[OutgoingMessage, ...] = ()
    consoles: tuple[EventKind, ...] = ()


async def prepare(door: Door, conversation: Conversation, asked: Sequence[effects.Effect]) -> Ready:
    """Find out whose rows the wishes of a turn need, and how the other channel is opened."""
    wishes = [item for item in asked if isinstance(item, (*_NAMED, effects.DataErasureRequested))]
    if not wishes:
        return Ready()
    now = datetime.now(UTC)
    async with door.database.reading() as conn:
        hold = set(await persons.ids(conn, conversation.id))
        for wish in wishes:
            if isinstance(wish, effects.LinkCodeGiven):
                offered = await links.find(conn, conversation.tenant, _digest_of(door, wish), now)
                hold |= set(await persons.ids(conn, offered.conversation_id)) if offered else set()
    if not any(isinstance(wish, effects.LinkAsked) for wish in wishes):
        return Ready(tuple(hold))
    code, token = linkwords.new_code(), linkwords.new_token()
    others = [channel for channel in _channels(door) if channel is not conversation.address.channel]
    found = await asyncio.gather(
        *(_address(door, conversation.tenant, channel, code, token) for channel in others)
    )
    addresses = {channel: url for channel, url in zip(others, found, strict=True) if url}
    return Ready(tuple(hold), code, token, addresses)


async def ask(
    conn: AsyncConnection,
    door: Door,
    conversation: Conversation,
    wish: effects.LinkAsked,
    ready: Ready,
    now: datetime,
) -> list[Say]:
    """Give a code to be typed on another channel; the one given before is good for nothing any more."""
    mine = conversation.address.channel
    others = await _others(conn, conversation)
    linked = [other.address.channel for other in others]
    free = [channel for channel in _channels(door) if channel not in (mine, *linked)]
    wanted = ChannelName(wish.channel) if wish.channel in set(ChannelName) else None
    if wanted is mine:
        return [Say("link.same_channel", {"channel": _name(mine)})]
    if wanted in linked or (wanted is None and not free and linked):
        return [await _already(conn, door, others)]
    if wanted is not None and wanted not in free:
        return [Say("link.not_here", {"channel": _name(wanted)})]
    if not free:
        return [Say("link.nowhere")]
    code, token = _digest(door, ready.code), _digest(door, ready.token)
    await links.offer(conn, conversation.id, conversation.tenant, code, token, now + VALID_FOR)
    ways = [_way(channel, ready) for channel in ([wanted] if wanted else free)]
    values = {"code": ready.code, "until": {"$time": (now + VALID_FOR).isoformat()}, "ways": {"$list": ways}}
    return [Say("link.code", values)]


async def enter(
    conn: AsyncConnection,
    door: Door,
    conversation: Conversation,
    wish: effects.LinkCodeGiven,
    ready: Ready,
    now: datetime,
) -> Linked:
    """Link this conversation with the one that asked for the code, once; both are told."""
    if locked := await links.locked_until(conn, conversation.id, now):
        return Linked([Say("link.locked", {"until": {"$time": locked.isoformat()}})])
    offered = await links.find(conn, conversation.tenant, _digest_of(door, wish), now)
    if offered is None:
        if wish.digest is None and (locked := await links.wrong(conn, conversation.id, now)):
            log.warning("conversation %s tried too many codes", conversation.id)
            return Linked([Say("link.locked", {"until": {"$time": locked.isoformat()}})])
        return Linked([Say("link.wrong")])
    host = await conversations.get(conn, offered.conversation_id)
    if host.id == conversation.id:
        return Linked([Say("link.typed_here")])
    mine = [conversation, *await _others(conn, conversation)]
    theirs = [host, *await _others(conn, host)]
    if not {one.id for one in (*mine, *theirs)} <= set(ready.hold):
        return Linked([Say("link.again")])
    if conversation.id in [one.id for one in theirs]:
        await links.use(conn, offered)
        return Linked([await _already(conn, door, theirs[:1])])
    taken = {one.address.channel for one in mine} & {one.address.channel for one in theirs}
    if taken:
        key = "link.same_channel" if host.address.channel is conversation.address.channel else "link.taken"
        return Linked([Say(key, {"channel": _name(min(taken))})])
    if not wish.sure:
        yes = {"title_key": "button.link", "payload": _payload(digest=_digest_of(door, wish))}
        return Linked([Say("link.sure", {"other": await _masked(conn, door, host)}, (yes,))])
    if not await links.use(conn, offered):
        return Linked([Say("link.wrong")])
    await links.join(conn, host.id, conversation.id, now)
    await links.right(conn, conversation.id)
    said = Say("link.done", {"other": await _masked(conn, door, conversation)}, (_END,))
    await _tell(conn, door, host, said, f"link:{offered.code_digest}", now)
    buttons = (_carry(), _END) if has_draft(host) and not has_draft(conversation) else (_END,)
    return Linked([Say("link.done", {"other": await _masked(conn, door, host)}, buttons)], (host,))


async def end(
    conn: AsyncConnection,
    door: Door,
    conversation: Conversation,
    channel: str | None,
    ready: Ready,
    now: datetime,
) -> Linked:
    """Take the channels apart: this one leaves, or the other one that is named. Whoever is left is told."""
    others = await _others(conn, conversation)
    if not others:
        return Linked([Say("link.none")])
    if not {one.id for one in others} <= set(ready.hold):
        return Linked([Say("link.again")])
    named = [one for one in others if one.address.channel == channel]
    if channel and not named and channel != conversation.address.channel:
        return Linked([Say("link.not_linked", {"channel": _name(ChannelName(channel))})])
    leaver, told = (named[0], named) if named else (conversation, others)
    await links.leave(conn, leaver.id)
    said = Say("link.ended", {"other": await _masked(conn, door, conversation)})
    for other in told:
        await _tell(conn, door, other, said, f"unlink:{other.id}:{now.timestamp():.3f}", now)
    names = {"$list": [await _masked(conn, door, other) for other in told]}
    return Linked([Say("link.ended_here", {"others": names})], tuple(told))


def has_draft(conversation: Conversation) -> bool:
    """Whether a form is under way."""
    return bool((conversation.state or {}).get("form"))


async def _others(conn: AsyncConnection, conversation: Conversation) -> list[Conversation]:
    found = await persons.ids(conn, conversation.id)
    return [await conversations.get(conn, one) for one in found if one != conversation.id]


async def _already(conn: AsyncConnection, door: Door, others: list[Conversation]) -> Say:
    names = [await _masked(conn, door, other) for other in others]
    return Say("link.already", {"others": {"$list": names}}, (_END,))


async def _tell(
    conn: AsyncConnection, door: Door, conversation: Conversation, say: Say, key: str, now: datetime
) -> None:
    bubble = speech.bubble(door, conversation.tenant, say)
    await outbound.queue(conn, door, conversation, [bubble], key, now)


async def _masked(conn: AsyncConnection, door: Door, conversation: Conversation) -> str:
    """A channel, and just enough of whose it is for its owner: WhatsApp ••••567, Telegram (B•••)."""
    name = speech.sentence(door, conversation.tenant, _key(conversation.address.channel))
    contact = await contacts.of(conn, conversation.id)
    if contact is not None and contact.phone_sealed:
        return f"{name} ••••{door.sealer.open(contact.phone_sealed)[-3:]}"
    shown = conversation.address.display_name
    return f"{name} ({shown[0]}•••)" if shown else name


def _way(channel: ChannelName, ready: Ready) -> dict[str, Any]:
    url = ready.addresses.get(channel)
    if url is None:
        return {"$text": "link.way", "values": {"channel": _name(channel)}}
    key = "link.way_web" if channel is ChannelName.WEBCHAT else "link.way_link"
    return {"$text": key, "values": {"channel": _name(channel), "link": url}}


async def _address(door: Door, tenant: str, channel: ChannelName, code: str, token: str) -> str | None:
    """The address that opens a talk on a channel and says the code there; None while that is not known."""
    if channel is ChannelName.WEBCHAT:
        return door.settings.public_url
    invitation = getattr(door.channels[channel], "invitation", None)
    if invitation is None:
        return None
    words = speech.sentence(door, tenant, "link.words", {"code": code})
    try:
        async with asyncio.timeout(INVITATION_SECONDS):
            return str(await invitation(f"{linkwords.START}{token}", words))
    except (ChannelError, TimeoutError) as error:
        log.info("%s does not say where it is: %s", channel, type(error).__name__)
        return None


def _channels(door: Door) -> list[ChannelName]:
    return [channel for channel in ChannelName if channel in door.channels or channel == ChannelName.WEBCHAT]


def _carry() -> dict[str, Any]:
    return {"title_key": "button.carry", "payload": linkwords.CARRY}


def _payload(**values: str) -> str:
    return f"{linkwords.CONFIRM}{json.dumps(values)}"


def _key(channel: ChannelName) -> str:
    return f"link.channel.{channel}"


def _name(channel: ChannelName) -> dict[str, str]:
    return {"$text": _key(channel)}


def _digest_of(door: Door, wish: effects.LinkCodeGiven) -> str:
    return wish.digest or _digest(door, wish.code)


def _digest(door: Door, code: str) -> str:
    key = door.settings.secret_key.encode()
    return hmac.new(key, f"link {code}".encode(), hashlib.sha256).hexdigest()
