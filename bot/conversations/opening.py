"""What a webhook call says, done once: messages stored, fates of ours noted, changed numbers followed."""

import asyncio
import json
import logging
from collections.abc import Iterable, Iterator, Sequence

from bot.channels.base import Channel
from bot.conversations import emergency, identity, inbound, outcomes
from bot.door import Door
from bot.storage.database import values_at_fault
from bot.storage.webhookcalls import KeptCall
from bot.vocabulary.messages import AddressChanged, ChannelName, DeliveryReceipt, IncomingMessage
from intents import masking

log = logging.getLogger(__name__)

Item = IncomingMessage | DeliveryReceipt | AddressChanged

PAUSES = (0.2, 1.0, 3.0)
"""Seconds before each further try, in place, so that the citizen's next message stays behind it."""


def read(door: Door, kept: KeptCall) -> tuple[Channel, Sequence[Item]]:
    """What a kept call says. Raises LookupError, ValueError: not readable with this key, by this version."""
    channel = door.channels[ChannelName(kept.channel)]
    items = channel.parse(json.loads(door.sealer.open(kept.sealed_body)))
    if not items:
        raise LookupError("a call that says nothing")
    return channel, items


async def do(
    door: Door, items: Sequence[Item], call_id: str
) -> list[tuple[IncomingMessage, inbound.Accepted]]:
    """Store everything a call says, each by itself, and forget the call. Raises what the last failure was."""
    accepted: list[tuple[IncomingMessage, inbound.Accepted]] = []
    failure: Exception | None = None
    for place, item in enumerate(items):
        whole = failure is None and place == len(items) - 1
        try:
            what = await _patiently(door, item, call_id if whole else None)
        except Exception as error:
            failure = error
            continue
        if what is not None and isinstance(item, IncomingMessage):
            accepted.append((item, what))
    if failure is not None:
        raise failure
    return accepted


async def _patiently(door: Door, item: Item, settles: str | None) -> inbound.Accepted | None:
    """Store one thing; a database that is away for a moment is waited for, in the citizen's place in line."""
    for pause in PAUSES:
        try:
            return await _take(door, item, settles)
        except Exception as error:
            if values_at_fault(error):
                raise
            log.warning("what a channel said could not be stored, once more: %s", type(error).__name__)
            await asyncio.sleep(pause)
    return await _take(door, item, settles)


async def _take(door: Door, item: Item, settles: str | None) -> inbound.Accepted | None:
    """Store one thing a call says; `settles` is the call when this is its last."""
    if isinstance(item, IncomingMessage):
        return await inbound.accept(door, item, settles)
    if isinstance(item, DeliveryReceipt):
        await outcomes.record(door, item, settles)
    else:
        await identity.moved(door, item, settles)
    return None


def lines(items: Iterable[Item]) -> Iterator[str]:
    """In whose order the items belong: a citizen's, or a message's whose fate is told."""
    for item in items:
        if isinstance(item, DeliveryReceipt):
            yield f"receipt:{item.channel_message_id}"
            continue
        sides = (item.old, item.new) if isinstance(item, AddressChanged) else (item.sender,)
        for side in sides:
            yield f"{side.channel}:{side.address or side.phone}"


def urgent(items: Iterable[Item]) -> bool:
    """True when somebody reports an emergency."""
    texts = (item.text for item in items if isinstance(item, IncomingMessage) and item.text)
    return any(emergency.check(masking.hide_codes(text[: inbound.MAX_TEXT])) for text in texts)
