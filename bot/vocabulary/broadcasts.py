"""Notices to those who asked for them: what is sent, to whom, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.vocabulary.messages import ChannelName


class BroadcastStatus(StrEnum):
    """Where a broadcast is. `proposed` waits for a second person; `stopped` may be resumed."""

    PROPOSED = "proposed"
    SENDING = "sending"
    STOPPED = "stopped"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Notice:
    """What an operator wants to say. `places` are official codes, none for the whole area.

    What is `urgent` goes out at night too, without a sound.
    """

    tenant: str
    topic: str
    text: str
    places: tuple[str, ...] = ()
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A notice on its way: `receivers` is the number that was confirmed."""

    id: str
    notice: Notice
    status: BroadcastStatus
    receivers: int
    created_by: str
    approved_by: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Somebody who asked for a topic: one conversation of one person.

    `window_until` is the end of free words where the channel has a window.
    """

    conversation_id: str
    person: str
    channel: ChannelName
    blocked: bool
    window_until: datetime | None


@dataclass(frozen=True, slots=True)
class Audience:
    """Who would get a notice now, one conversation a person, and who would not."""

    receivers: tuple[Subscriber, ...] = ()
    blocked: int = 0
    unconnected: int = 0
    other_channel: int = 0
    opted_out: int = 0

    def on(self, channel: ChannelName) -> list[Subscriber]:
        """The receivers on one channel."""
        return [one for one in self.receivers if one.channel is channel]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a broadcast, in people. `erased` asked meanwhile to be forgotten."""

    planned: int = 0
    on_the_way: int = 0
    sent: int = 0
    delivered: int = 0
    unknown: int = 0
    erased: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
