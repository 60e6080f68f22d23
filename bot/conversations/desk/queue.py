"""The queue for a person: who comes in, where they stand, and an honest word on how long it takes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversations.desk.rules import Rules
from bot.storage import agents, handoffs
from bot.vocabulary.agents import Handoff, PresenceState, Urgency

LOOK_BACK = timedelta(hours=2)
# Fewer conversations taken than this say nothing about the next one.
ENOUGH_CLAIMS = 3
SAMPLE = 20
LONGEST_MINUTES = 120


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the queue, 1 is next. `minutes` is rounded up to fives; None means it cannot be known."""

    position: int
    minutes: int | None


async def place(conn: AsyncConnection, rules: Rules, found: Handoff, now: datetime) -> Place:
    """Where a waiting request stands now."""
    position = await handoffs.ahead(conn, found) + 1
    taken = await handoffs.claims_since(conn, found.tenant, now - LOOK_BACK)
    present = await agents.presences_in(conn, found.tenant)
    alive = now - timedelta(seconds=rules.silent_seconds)
    somebody = any(one.state is PresenceState.AVAILABLE and one.seen_at >= alive for one in present.values())
    return Place(position, expected_minutes(position, taken[:SAMPLE], now) if somebody else None)


def expected_minutes(position: int, taken: list[datetime], now: datetime) -> int | None:
    """The wait at the pace of the conversations taken lately, newest first; None without enough of them.

    The time since the newest one counts too: a desk that has stopped taking becomes slower by itself.
    """
    if len(taken) < ENOUGH_CLAIMS:
        return None
    pace = (now - taken[-1]).total_seconds() / len(taken)
    minutes = math.ceil(position * pace / 60 / 5) * 5
    return max(5, minutes)


def urgency(reason: str) -> Urgency:
    """How urgent a request is by its reason: `crisis`, `emergency…` or anything else."""
    head = reason.partition("_")[0]
    return Urgency(head) if head in ("crisis", "emergency") else Urgency.NORMAL


def skill(reason: str, summary: Mapping[str, Any]) -> str | None:
    """What an agent should know for it: `krisis`, `pengaduan`, `antrean`, or nothing special."""
    if urgency(reason) is not Urgency.NORMAL:
        return "krisis"
    for prefix, name in (("complaint_", "pengaduan"), ("booking_", "antrean")):
        if any(key.startswith(prefix) for key in summary):
            return name
    return None
