"""The agents' lists and their search, by keyset: however long the history, a page costs the same."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import agentnotes
from bot.storage.desk_tables import agents, conversation_labels, handoffs
from bot.storage.handoffs import RANKS, handoff
from bot.storage.tables import conversations, messages
from bot.vocabulary.agents import Handoff, Urgency

_WORD = re.compile(r"\w+", re.UNICODE)
MOST_WORDS = 8
# So many of the newest messages are read before the index is asked.
NEWEST = 3000


class Box(StrEnum):
    """Which conversations: waiting, mine, anybody's now, left unanswered, and those that ended."""

    NEW = "new"
    MINE = "mine"
    ACTIVE = "active"
    UNANSWERED = "unanswered"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Filters:
    """What to leave out; None leaves nothing out. Times are of asking (of ending in the history)."""

    skill: str | None = None
    language: str | None = None
    channel: str | None = None
    label: str | None = None
    agent_id: str | None = None
    urgency: Urgency | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list. `unanswered` counts what the citizen wrote since a person last answered."""

    handoff: Handoff
    channel: str
    display_name: str | None
    owner: str
    agent_name: str | None
    last_text: str | None
    last_direction: str | None
    last_kind: str | None
    labels: tuple[str, ...] = ()
    unanswered: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, and where the next page begins; None after the last one."""

    rows: list[Row]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Hit:
    """One message found. `text` is masked."""

    message_id: int
    conversation_id: str
    display_name: str | None
    channel: str
    direction: str
    text: str
    created_at: datetime


async def page(
    conn: AsyncConnection,
    tenant: str,
    box: Box,
    *,
    agent_id: str | None = None,
    filters: Filters = Filters(),
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """One page of a list. `cursor` is the `next_cursor` of the page before; a broken one starts anew.

    NEW goes by urgency and then by waiting time, MINE and ACTIVE by the newest message, UNANSWERED by the
    oldest unanswered one, HISTORY by the newest end. `agent_id` names whose MINE it is.
    """
    keys, descending = _order(box)
    query = _wanted(tenant, box, agent_id, filters)
    after = _read(cursor, box)
    if after is not None:
        there = sa.tuple_(*keys)
        here = sa.tuple_(*(sa.literal(value, key.type) for key, value in zip(keys, after, strict=True)))
        query = query.where(there < here if descending else there > here)
    query = query.order_by(*(key.desc() if descending else key for key in keys)).limit(limit + 1)
    found = list(await conn.execute(query))
    labels = await agentnotes.labels_of(conn, [row.conversation_id for row in found[:limit]])
    rows = [
        Row(
            handoff=handoff(row),
            channel=row.channel,
            display_name=row.display_name,
            owner=row.owner,
            agent_name=row.agent_name,
            last_text=row.last_text,
            last_direction=row.last_direction,
            last_kind=row.last_kind,
            labels=tuple(labels.get(row.conversation_id, ())),
            unanswered=row.unanswered or 0,
        )
        for row in found[:limit]
    ]
    more = len(found) > limit
    return Page(rows, _cursor(box, rows[-1].handoff) if more else None)


def _order(box: Box) -> tuple[list[Any], bool]:
    columns = {
        Box.NEW: [handoffs.c.rank, handoffs.c.queued_at, handoffs.c.id],
        Box.MINE: [handoffs.c.last_message_at, handoffs.c.id],
        Box.ACTIVE: [handoffs.c.last_message_at, handoffs.c.id],
        Box.UNANSWERED: [handoffs.c.unanswered_since, handoffs.c.id],
        Box.HISTORY: [handoffs.c.closed_at, handoffs.c.id],
    }
    return columns[box], box in (Box.MINE, Box.ACTIVE, Box.HISTORY)


# In the words of the indexes, or none of them is used.
_CONDITIONS = {
    Box.NEW: "stage = 'waiting'",
    Box.MINE: "stage = 'assigned'",
    Box.ACTIVE: "stage = 'assigned'",
    Box.UNANSWERED: "closed_at IS NULL AND unanswered_since IS NOT NULL",
    Box.HISTORY: "closed_at IS NOT NULL",
}


def _wanted(tenant: str, box: Box, agent_id: str | None, filters: Filters) -> sa.Select[Any]:
    newest = (
        sa.select(messages.c.id)
        .where(messages.c.conversation_id == handoffs.c.conversation_id)
        .order_by(messages.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    last, heard = messages.alias("last"), messages.alias("heard")
    unanswered = (
        sa.select(sa.func.count())
        .select_from(heard)
        .where(
            heard.c.conversation_id == handoffs.c.conversation_id,
            heard.c.direction == "in",
            heard.c.created_at >= handoffs.c.unanswered_since,
        )
        .correlate(handoffs)
        .scalar_subquery()
    )
    query = (
        sa.select(
            handoffs,
            conversations.c.channel,
            conversations.c.display_name,
            conversations.c.owner,
            agents.c.name.label("agent_name"),
            last.c.text.label("last_text"),
            last.c.direction.label("last_direction"),
            last.c.kind.label("last_kind"),
            (sa.null() if box is Box.HISTORY else unanswered).label("unanswered"),
        )
        .join(conversations, conversations.c.id == handoffs.c.conversation_id)
        .outerjoin(agents, agents.c.id == handoffs.c.agent_id)
        .outerjoin(last, last.c.id == newest)
        .where(handoffs.c.tenant == tenant, sa.text(f"handoffs.{_CONDITIONS[box]}"))
    )
    if box is Box.MINE:
        query = query.where(handoffs.c.agent_id == agent_id)
    if box is Box.UNANSWERED:
        query = query.where(handoffs.c.stage == "assigned")
    return _filtered(query, box, filters)


def _filtered(query: sa.Select[Any], box: Box, filters: Filters) -> sa.Select[Any]:
    moment = handoffs.c.closed_at if box is Box.HISTORY else handoffs.c.requested_at
    for column, value in (
        (handoffs.c.skill, filters.skill),
        (handoffs.c.language, filters.language),
        (conversations.c.channel, filters.channel),
        (handoffs.c.agent_id, filters.agent_id),
        (handoffs.c.rank, None if filters.urgency is None else RANKS[filters.urgency]),
    ):
        if value is not None:
            query = query.where(column == value)
    if filters.label is not None:
        labelled = sa.exists().where(
            conversation_labels.c.conversation_id == handoffs.c.conversation_id,
            conversation_labels.c.label == filters.label,
        )
        query = query.where(labelled)
    if filters.since is not None:
        query = query.where(moment >= filters.since)
    if filters.until is not None:
        query = query.where(moment < filters.until)
    return query


def _cursor(box: Box, last: Handoff) -> str:
    moments = {
        Box.NEW: last.queued_at,
        Box.MINE: last.last_message_at,
        Box.ACTIVE: last.last_message_at,
        Box.UNANSWERED: last.unanswered_since,
        Box.HISTORY: last.closed_at,
    }
    moment = moments[box] or last.queued_at
    head = f"{RANKS[last.urgency]}_" if box is Box.NEW else ""
    return f"{head}{moment.timestamp():.6f}_{last.id}"


def _read(cursor: str | None, box: Box) -> list[Any] | None:
    if not cursor:
        return None
    parts = cursor.split("_")
    try:
        moment = datetime.fromtimestamp(float(parts[-2]), UTC)
        return [int(parts[0]), moment, parts[2]] if box is Box.NEW else [moment, parts[1]]
    except (IndexError, OverflowError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many each list of a tenant holds, but for the history, which only grows."""

    waiting: int
    unanswered: int
    held: Mapping[str | None, int]

    def of(self, agent_id: str) -> dict[Box, int]:
        """The counts that one agent sees."""
        return {
            Box.NEW: self.waiting,
            Box.MINE: self.held.get(agent_id, 0),
            Box.ACTIVE: sum(self.held.values()),
            Box.UNANSWERED: self.unanswered,
        }


async def tally(conn: AsyncConnection, tenant: str) -> Tally:
    """Count every agent's list, in one question."""
    here = handoffs.c.tenant == tenant
    unanswered = sa.case((sa.text(_CONDITIONS[Box.UNANSWERED]), 1), else_=0)
    held = (
        sa.select(
            sa.literal("held").label("what"),
            handoffs.c.agent_id,
            sa.func.count().label("many"),
            sa.func.sum(unanswered).label("unanswered"),
        )
        .where(here, sa.text(f"handoffs.{_CONDITIONS[Box.ACTIVE]}"))
        .group_by(handoffs.c.agent_id)
    )
    waiting = (
        sa.select(sa.literal("waiting"), sa.null(), sa.func.count(), sa.literal(0))
        .select_from(handoffs)
        .where(here, sa.text(f"handoffs.{_CONDITIONS[Box.NEW]}"))
    )
    rows = list(await conn.execute(sa.union_all(held, waiting)))
    return Tally(
        waiting=sum(int(row.many) for row in rows if row.what == "waiting"),
        unanswered=sum(int(row.unanswered) for row in rows),
        held={row.agent_id: int(row.many) for row in rows if row.what == "held"},
    )


async def counts(conn: AsyncConnection, tenant: str, agent_id: str) -> dict[Box, int]:
    """How many each list holds for one agent."""
    return (await tally(conn, tenant)).of(agent_id)


async def search(
    conn: AsyncConnection, tenant: str, words: str, *, before: int | None = None, limit: int = 50
) -> list[Hit]:
    """Messages that hold every word, the last one as a beginning, newest first; `before` is the last id seen.

    Only masked text is searched: nobody is found by a number that agents may not see.
    """
    terms = [word.lower() for word in _WORD.findall(words)][:MOST_WORDS]
    if not terms:
        return []
    if conn.dialect.name == "sqlite":
        return await _hits(conn, _sqlite_search(tenant, terms, before), limit)
    # A word in every other message is found among the newest ones; only a rarer one needs the index, whose
    # matches are then few. Left to choose, the planner reads a million messages for a word that is in none.
    recent = await _hits(conn, _postgres_recent(tenant, terms, before), limit)
    if len(recent) == limit:
        return recent
    return await _hits(conn, _postgres_search(tenant, terms, before), limit)


async def _hits(conn: AsyncConnection, query: sa.Select[Any], limit: int) -> list[Hit]:
    rows = await conn.execute(query.limit(limit))
    return [
        Hit(
            row.id,
            row.conversation_id,
            row.display_name,
            row.channel,
            row.direction,
            row.text,
            row.created_at,
        )
        for row in rows
    ]


_FOUND = ("id", "conversation_id", "direction", "text", "created_at")


def _with_citizen(source: sa.FromClause, tenant: str) -> sa.Select[Any]:
    columns = [source.c[name] for name in _FOUND]
    return (
        sa.select(*columns, conversations.c.display_name, conversations.c.channel)
        .join(conversations, conversations.c.id == source.c.conversation_id)
        .where(conversations.c.tenant == tenant)
        .order_by(source.c.id.desc())
    )


def _sqlite_search(tenant: str, terms: list[str], before: int | None) -> sa.Select[Any]:
    wanted = " ".join([*(f'"{term}"' for term in terms[:-1]), f'"{terms[-1]}"*'])
    index = sa.table("messages_words", sa.column("rowid"))
    query = (
        _with_citizen(messages, tenant)
        .join(index, index.c.rowid == messages.c.id)
        .where(sa.literal_column("messages_words").op("MATCH")(wanted))
        # The index is read from its newest end, and only as far as the page needs.
        .order_by(None)
        .order_by(index.c.rowid.desc())
    )
    return query if before is None else query.where(index.c.rowid < before)


def _matches(text: sa.ColumnElement[Any], terms: list[str]) -> sa.ColumnElement[bool]:
    wanted = " & ".join([*(f"'{term}'" for term in terms[:-1]), f"'{terms[-1]}':*"])
    # In the words of the index.
    vector = sa.func.to_tsvector(
        sa.literal_column("'simple'"), sa.func.coalesce(text, sa.literal_column("''"))
    )
    return vector.op("@@")(sa.func.to_tsquery(sa.literal_column("'simple'"), wanted))


def _postgres_recent(tenant: str, terms: list[str], before: int | None) -> sa.Select[Any]:
    newest = sa.select(*(messages.c[name] for name in _FOUND)).order_by(messages.c.id.desc()).limit(NEWEST)
    if before is not None:
        newest = newest.where(messages.c.id < before)
    source = newest.subquery("newest")
    return _with_citizen(source, tenant).where(_matches(source.c.text, terms))


def _postgres_search(tenant: str, terms: list[str], before: int | None) -> sa.Select[Any]:
    found = sa.select(*(messages.c[name] for name in _FOUND)).where(_matches(messages.c.text, terms))
    if before is not None:
        found = found.where(messages.c.id < before)
    # Kept apart from the order and the limit, which would lead the planner past the index.
    source = found.cte("found").prefix_with("MATERIALIZED", dialect="postgresql")
    return _with_citizen(source, tenant)
