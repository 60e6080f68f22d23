"""Figures of the desk, honest ones: who left unanswered was not helped, and what is unknown is None."""

import statistics
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.desk_tables import agents, assignments, handoffs, presence_changes, presences
from bot.storage.tables import conversations, messages
from bot.vocabulary.agents import Outcome, PresenceState

PAGE = 500
# A form left alone for so long is not being filled in any more.
LEFT_ALONE = timedelta(minutes=30)

HEADING = (
    "nomor",
    "diminta",
    "kanal",
    "alasan",
    "bidang",
    "bahasa",
    "diambil",
    "dijawab",
    "selesai",
    "hasil",
    "nilai",
    "petugas",
    "diteruskan",
)


@dataclass(frozen=True, slots=True)
class Live:
    """The desk at this moment. `longest_wait` is in seconds, None when nobody waits."""

    waiting: int
    urgent: int
    longest_wait: float | None
    assigned: int
    unanswered: int
    callbacks: int
    available: int
    away: int
    offline: int
    capacity: int


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """Of the requests of a period: how many a person took, and how soon. Waits are in seconds.

    `share` is those taken in time of all asked; who left before is in it, as not taken.
    """

    asked: int
    taken: int
    in_time: int
    abandoned: int
    share: float | None
    median_wait: float | None
    p90_wait: float | None
    median_first_reply: float | None


@dataclass(frozen=True, slots=True)
class AgentFigures:
    """What one agent did in a period. Durations are in seconds."""

    agent_id: str
    name: str
    conversations: int
    replies: int
    median_first_reply: float | None
    median_handling: float | None
    passed_on: int
    gone_silent: int
    outcomes: dict[str, int] = field(default_factory=dict)
    ratings: int = 0
    mean_rating: float | None = None
    hours: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Containment:
    """Of the conversations of a period: how many the bot brought to an end alone.

    `left` stopped in the middle of a form, `failed` ended with an answer that did not come: neither is
    contained.
    """

    conversations: int
    asked_for_person: int
    left: int
    failed: int
    contained: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Ratings by stars, of the requests that ended in a period; `answered` could have rated."""

    stars: dict[int, int]
    answered: int
    mean: float | None
    content_share: float | None


async def live(conn: AsyncConnection, tenant: str, now: datetime) -> Live:
    """The desk at this moment."""
    open_ones = sa.select(
        handoffs.c.stage, handoffs.c.rank, handoffs.c.queued_at, handoffs.c.unanswered_since
    ).where(handoffs.c.tenant == tenant, sa.text("closed_at IS NULL"))
    rows = list(await conn.execute(open_ones))
    waiting = [row for row in rows if row.stage == "waiting"]
    people = sa.select(agents.c.capacity, presences.c.state).join(
        presences, presences.c.agent_id == agents.c.id, isouter=True
    )
    present = list(await conn.execute(people.where(agents.c.tenant == tenant, agents.c.active)))
    states = [row.state or PresenceState.OFFLINE for row in present]
    assigned = [row for row in rows if row.stage == "assigned"]
    return Live(
        waiting=len(waiting),
        urgent=sum(row.rank < 5 for row in waiting),
        longest_wait=max(((now - row.queued_at).total_seconds() for row in waiting), default=None),
        assigned=len(assigned),
        unanswered=sum(row.unanswered_since is not None for row in assigned),
        callbacks=sum(row.stage == "callback" for row in rows),
        available=states.count(PresenceState.AVAILABLE),
        away=states.count(PresenceState.AWAY),
        offline=states.count(PresenceState.OFFLINE),
        capacity=sum(row.capacity for row in present if row.state == PresenceState.AVAILABLE),
    )


async def service_level(
    conn: AsyncConnection, tenant: str, since: datetime, until: datetime, seconds: float
) -> ServiceLevel:
    """How many requests of a period were taken within so many seconds. A call-back counts from its time."""
    begun = sa.func.coalesce(handoffs.c.callback_at, handoffs.c.requested_at)
    # The database counts the seconds: reading four times of every request takes longer than all the rest.
    query = sa.select(
        _seconds(conn, begun, handoffs.c.first_claimed_at).label("wait"),
        _seconds(conn, begun, handoffs.c.first_reply_at).label("reply"),
        handoffs.c.outcome,
    ).where(handoffs.c.tenant == tenant, handoffs.c.requested_at >= since, handoffs.c.requested_at < until)
    rows = list(await conn.execute(query))
    waits = [max(0.0, float(row.wait)) for row in rows if row.wait is not None]
    replies = [max(0.0, float(row.reply)) for row in rows if row.reply is not None]
    in_time = sum(wait <= seconds for wait in waits)
    return ServiceLevel(
        asked=len(rows),
        taken=len(waits),
        in_time=in_time,
        abandoned=sum(row.outcome == Outcome.ABANDONED for row in rows),
        share=in_time / len(rows) if rows else None,
        median_wait=_median(waits),
        p90_wait=_part(waits, 0.9),
        median_first_reply=_median(replies),
    )


def _seconds(
    conn: AsyncConnection, start: sa.ColumnElement[Any], end: sa.ColumnElement[Any]
) -> sa.ColumnElement[Any]:
    """Seconds from one moment to another, to a millisecond; NULL where one is."""
    if conn.dialect.name == "sqlite":
        days = sa.func.julianday(end) - sa.func.julianday(start)
        return sa.type_coerce(sa.func.round(days * 86400, 3), sa.Float)
    return sa.type_coerce(sa.func.extract("epoch", end - start), sa.Float)


async def per_agent(
    conn: AsyncConnection, tenant: str, since: datetime, until: datetime
) -> list[AgentFigures]:
    """What each agent did in a period, by name; each who had a conversation counts it."""
    query = (
        sa.select(assignments, handoffs.c.outcome, handoffs.c.rating, handoffs.c.agent_id.label("last"))
        .join(handoffs, handoffs.c.id == assignments.c.handoff_id)
        .where(
            assignments.c.tenant == tenant,
            assignments.c.started_at >= since,
            assignments.c.started_at < until,
        )
    )
    had: dict[str, list[Any]] = {}
    for row in await conn.execute(query):
        had.setdefault(row.agent_id, []).append(row)
    people = await conn.execute(
        sa.select(agents.c.id, agents.c.name).where(agents.c.tenant == tenant).order_by(agents.c.name)
    )
    spent = await _hours(conn, tenant, since, until)
    return [
        _figures(row.id, row.name, had.get(row.id, ()), spent.get(row.id, {}))
        for row in people
        if row.id in had or row.id in spent
    ]


def _figures(agent_id: str, name: str, rows: Sequence[Any], hours: dict[str, float]) -> AgentFigures:
    outcomes: dict[str, int] = {}
    for row in rows:
        if row.outcome is not None and row.last == agent_id and row.ended_how == row.outcome:
            outcomes[row.outcome] = outcomes.get(row.outcome, 0) + 1
    ratings = [row.rating for row in rows if row.rating is not None and row.last == agent_id]
    return AgentFigures(
        agent_id=agent_id,
        name=name,
        conversations=len(rows),
        replies=sum(row.replies for row in rows),
        median_first_reply=_median(
            [(row.first_reply_at - row.started_at).total_seconds() for row in rows if row.first_reply_at]
        ),
        median_handling=_median(
            [(row.ended_at - row.started_at).total_seconds() for row in rows if row.ended_at]
        ),
        passed_on=sum(row.ended_how in ("forwarded", "released") for row in rows),
        gone_silent=sum(row.ended_how == "silent" for row in rows),
        outcomes=outcomes,
        ratings=len(ratings),
        mean_rating=statistics.fmean(ratings) if ratings else None,
        hours=hours,
    )


async def _hours(
    conn: AsyncConnection, tenant: str, since: datetime, until: datetime
) -> dict[str, dict[str, float]]:
    """Hours in each state, by agent, from the changes of presence of a period and the last one before it."""
    found: dict[str, dict[str, float]] = {}
    # What is left of today has not been worked yet.
    until = min(until, datetime.now(UTC))
    people = (await conn.execute(sa.select(agents.c.id).where(agents.c.tenant == tenant))).scalars()
    for agent_id in list(people):
        mine = presence_changes.c.agent_id == agent_id
        before = sa.select(presence_changes).where(mine, presence_changes.c.at < since)
        first = (await conn.execute(before.order_by(presence_changes.c.at.desc()).limit(1))).first()
        inside = sa.select(presence_changes).where(
            mine, presence_changes.c.at >= since, presence_changes.c.at < until
        )
        changes = list(await conn.execute(inside.order_by(presence_changes.c.at, presence_changes.c.id)))
        steps = [(since, first.state)] if first else []
        steps += [(row.at, row.state) for row in changes]
        if not steps:
            continue
        ends = [moment for moment, _ in steps[1:]] + [until]
        for (start, state), end in zip(steps, ends, strict=True):
            if state != PresenceState.OFFLINE:
                spent = found.setdefault(agent_id, {})
                spent[state] = spent.get(state, 0.0) + (end - start).total_seconds() / 3600
    return found


async def containment(
    conn: AsyncConnection, tenant: str, since: datetime, until: datetime, now: datetime
) -> Containment:
    """What the bot brought to an end alone, of the conversations whose newest message is of a period."""
    newest = (
        sa.select(messages.c.created_at)
        .where(messages.c.conversation_id == conversations.c.id)
        .order_by(messages.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    asked = sa.exists().where(
        handoffs.c.conversation_id == conversations.c.id,
        handoffs.c.requested_at >= since,
        handoffs.c.requested_at < until,
    )
    query = sa.select(
        conversations.c.failures,
        conversations.c.state["form"].as_string().label("form"),
        asked.label("asked"),
        newest.label("newest"),
    ).where(
        conversations.c.tenant == tenant,
        conversations.c.updated_at >= since,
        newest >= since,
        newest < until,
    )
    total = people = left = failed = 0
    async for row in await conn.stream(query):
        total += 1
        if row.asked:
            people += 1
        elif row.failures:
            failed += 1
        elif row.form and now - row.newest > LEFT_ALONE:
            left += 1
    contained = total - people - left - failed
    return Containment(total, people, left, failed, contained, contained / total if total else None)


async def satisfaction(conn: AsyncConnection, tenant: str, since: datetime, until: datetime) -> Satisfaction:
    """How content citizens were whose request ended in a period; 4 and 5 stars are content."""
    ended = sa.and_(handoffs.c.tenant == tenant, handoffs.c.closed_at >= since, handoffs.c.closed_at < until)
    query = (
        sa.select(handoffs.c.rating, sa.func.count())
        .where(ended, handoffs.c.rating.is_not(None))
        .group_by(handoffs.c.rating)
    )
    stars = {int(rating): int(count) for rating, count in await conn.execute(query)}
    answered = sa.select(sa.func.count()).where(ended, handoffs.c.first_reply_at.is_not(None))
    total = sum(stars.values())
    return Satisfaction(
        stars=stars,
        answered=int((await conn.execute(answered)).scalar_one()),
        mean=sum(star * count for star, count in stars.items()) / total if total else None,
        content_share=(stars.get(4, 0) + stars.get(5, 0)) / total if total else None,
    )


async def csv_rows(
    conn: AsyncConnection, tenant: str, since: datetime, until: datetime
) -> AsyncIterator[list[str]]:
    """Every request of a period as plain cells, the heading first; no formula, no citizen's name."""
    yield list(HEADING)
    after: tuple[datetime, str] | None = None
    while True:
        query = (
            sa.select(handoffs, conversations.c.channel, agents.c.name.label("agent_name"))
            .join(conversations, conversations.c.id == handoffs.c.conversation_id)
            .outerjoin(agents, agents.c.id == handoffs.c.agent_id)
            .where(
                handoffs.c.tenant == tenant,
                handoffs.c.requested_at >= since,
                handoffs.c.requested_at < until,
            )
            .order_by(handoffs.c.requested_at, handoffs.c.id)
            .limit(PAGE)
        )
        if after is not None:
            here = sa.tuple_(
                sa.literal(after[0], handoffs.c.requested_at.type), sa.literal(after[1], handoffs.c.id.type)
            )
            query = query.where(sa.tuple_(handoffs.c.requested_at, handoffs.c.id) > here)
        rows = list(await conn.execute(query))
        for row in rows:
            yield [cell(value) for value in _values(row)]
        if len(rows) < PAGE:
            return
        after = (rows[-1].requested_at, rows[-1].id)


def _values(row: Any) -> tuple[Any, ...]:
    return (
        f"P-{row.number}",
        row.requested_at,
        row.channel,
        row.reason,
        row.skill,
        row.language,
        row.first_claimed_at,
        row.first_reply_at,
        row.closed_at,
        row.outcome,
        row.rating,
        row.agent_name,
        row.transfers,
    )


def cell(value: Any) -> str:
    """A cell that a spreadsheet shows and never computes (OWASP: CSV injection)."""
    if value is None:
        return ""
    text = value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _part(values: Sequence[float], part: float) -> float | None:
    if not values:
        return None
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]
