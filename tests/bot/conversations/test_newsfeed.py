"""News of many cases in one question: read as far as recorded, told once, no system delaying another."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from bot.conversations import inquiries, newsfeed, updates
from bot.door import Door
from bot.storage import feeds, tables
from connectors.capabilities import Capability, CaseState, CaseStatus, StatusUpdate, UpdateQuery
from connectors.errors import BackendUnreachable
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

APP = "curhat_ning_ita"
AT_ONCE = timedelta(0)
OVERLAP = timedelta(hours=2)


class FeedApp:
    """A system with a feed, or one that tells the states of many cases."""

    offers = frozenset({Capability.COMPLAINT_STATUS, Capability.COMPLAINT_UPDATES})

    def __init__(self, id: str = APP, kind: str = "servicerequestupdates") -> None:
        self.id = id
        self.manifest = SimpleNamespace(poll_every_seconds=1, open311=SimpleNamespace(updates=kind))
        self.states = kind == "requests"
        self.news: list[StatusUpdate] = []
        self.queries: list[UpdateQuery] = []
        self.asked: list[str] = []
        self.troubles: list[Exception] = []
        self.hang = 0.0

    async def complaint_updates(self, query: UpdateQuery) -> tuple[StatusUpdate, ...]:
        self.queries.append(query)
        await asyncio.sleep(self.hang)
        if self.troubles:
            raise self.troubles.pop(0)
        return tuple(
            one
            for one in self.news
            if (query.references is None or one.reference in query.references)
            and (self.states or query.since - OVERLAP <= one.occurred_at <= query.until)
        )

    async def complaint_status(self, reference: str) -> CaseState:
        self.asked.append(reference)
        return CaseState("MJK-T" if reference.startswith("token:") else reference, CaseStatus.RECEIVED)


def any_app(*args: Any, **more: Any) -> Any:
    return FeedApp(*args, **more)


def said(reference: str, status: str, event: str, *, note: str | None = None, ago: float = 0) -> StatusUpdate:
    at = datetime.now(UTC) - timedelta(seconds=ago)
    return StatusUpdate(APP, "case", event, reference, status, at, backend_status=status, note=note)


async def follow(door: Door, engine: ScriptedEngine, *references: str) -> Citizen:
    engine.effects = lambda turn: [
        {
            "type": "case_opened",
            "connector": APP,
            "reference": name,
            "kind": "complaint",
            "status": "received",
        }
        for name in references
    ]
    citizen = Citizen(door)
    await citizen.say("lampu mati")
    await answer_all(door)
    await citizen.texts()
    engine.effects = lambda turn: []
    return citizen


async def stopped(door: Door, ago: timedelta) -> None:
    """The feed was read until so long ago."""
    async with door.database.transaction() as conn:
        await conn.execute(feeds.feeds.update().values(read_until=datetime.now(UTC) - ago))


async def mark(door: Door) -> datetime:
    async with door.database.reading() as conn:
        found: datetime = (await conn.execute(sa.select(feeds.feeds.c.read_until))).scalar_one()
    return found


async def test_many_cases_are_one_question_and_each_change_is_told_once(
    door: Door, engine: ScriptedEngine
) -> None:
    names = [f"MJK-{n}" for n in range(12)]
    citizen, app = await follow(door, engine, *names), any_app()
    app.news = [said("MJK-3", "in_progress", "u1"), said("MJK-7", "done", "u2"), said("MJK-99", "done", "u3")]
    assert await newsfeed.read(door, app, AT_ONCE) == 2
    assert await newsfeed.read(door, app, AT_ONCE) == 0
    assert [query.references for query in app.queries[-1:]] == [None]
    assert len(await citizen.texts()) == 2


async def test_a_system_without_a_feed_is_asked_for_the_states_of_all_open_cases_at_once(
    door: Door, engine: ScriptedEngine
) -> None:
    names = [f"MJK-{n}" for n in range(40)]
    citizen, app = await follow(door, engine, *names, "token:t"), any_app(kind="requests")
    app.news = [said("MJK-3", "in_progress", "poll:1")]
    assert await inquiries.ask(door, app, AT_ONCE) == 1
    (query,) = app.queries
    assert sorted(query.references) == sorted(names)
    assert app.asked == ["token:t"]
    assert await inquiries.ask(door, app, timedelta(hours=1)) == 0
    assert len(app.queries) == 1
    assert len(await citizen.texts()) == 1


async def test_the_same_words_by_webhook_and_feed_are_told_once(door: Door, engine: ScriptedEngine) -> None:
    citizen, app = await follow(door, engine, "MJK-1"), any_app()
    await updates.record(door, said("MJK-1", "in_progress", "webhook-1", note="Petugas berangkat", ago=5))
    app.news = [
        said("MJK-1", "in_progress", "u1", note="Petugas berangkat", ago=4),
        said("MJK-1", "in_progress", "u2", note="Petugas sampai", ago=3),
    ]
    await newsfeed.read(door, app, AT_ONCE)
    first, second = await citizen.texts()
    assert "berangkat" in first
    assert "sampai" in second


async def test_an_outage_of_days_is_read_in_stretches_from_where_it_stopped(
    door: Door, engine: ScriptedEngine
) -> None:
    citizen, app = await follow(door, engine, "MJK-1"), any_app()
    await newsfeed.read(door, app, AT_ONCE)
    await stopped(door, timedelta(days=3))
    app.news = [said("MJK-1", "in_progress", "u1", ago=60)]
    app.troubles = [BackendUnreachable(APP)]
    assert await newsfeed.read(door, app, AT_ONCE) == 0
    before = await mark(door)
    assert datetime.now(UTC) - before > timedelta(days=2)
    app.queries.clear()
    assert await newsfeed.read(door, app, AT_ONCE) == 1
    assert app.queries[0].since == before
    assert all(one.until == two.since for one, two in zip(app.queries, app.queries[1:], strict=False))
    assert len(app.queries) >= 3
    assert datetime.now(UTC) - await mark(door) < timedelta(minutes=1)
    assert len(await citizen.texts()) == 1


async def test_what_could_not_be_recorded_is_read_again(
    door: Door, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen, app = await follow(door, engine, "MJK-1"), any_app()
    app.news = [said("MJK-1", "in_progress", "u1"), said("MJK-1", "done", "u2")]
    real, calls = updates.record, []

    async def dies_once(door: Door, update: StatusUpdate) -> updates.Recorded:
        calls.append(update.event_id)
        if calls == ["u1", "u2"]:
            raise RuntimeError("killed in between")
        return await real(door, update)

    monkeypatch.setattr(updates, "record", dies_once)
    with pytest.raises(RuntimeError):
        await newsfeed.read(door, app, AT_ONCE)
    assert await newsfeed.read(door, app, AT_ONCE) == 1
    assert calls == ["u1", "u2", "u1", "u2"]
    assert len(await citizen.texts()) == 2


async def test_two_workers_ask_once(door: Door) -> None:
    app = any_app()
    app.hang = 0.05
    await asyncio.gather(*(newsfeed.read(door, app, AT_ONCE) for _ in range(8)))
    assert len(app.queries) == 1


async def test_asked_a_moment_ago_is_left_in_peace(door: Door) -> None:
    app = any_app()
    await newsfeed.read(door, app, AT_ONCE)
    app.queries.clear()
    await newsfeed.read(door, app, AT_ONCE)
    await newsfeed.read(door, app, timedelta(hours=1))
    assert len(app.queries) == 1


async def test_a_case_closed_lately_is_heard_when_it_is_opened_again(
    door: Door, engine: ScriptedEngine
) -> None:
    citizen, app = await follow(door, engine, "MJK-1"), any_app()
    app.news = [said("MJK-1", "done", "u1", ago=2)]
    await newsfeed.read(door, app, AT_ONCE)
    app.news = [said("MJK-1", "in_progress", "u2")]
    assert await newsfeed.read(door, app, AT_ONCE) == 1
    assert "dibuka kembali" in (await citizen.texts())[-1]


async def test_a_token_is_asked_about_by_itself_and_others_only_once_a_day(
    door: Door, engine: ScriptedEngine
) -> None:
    await follow(door, engine, "MJK-1", "token:t")
    app = any_app()
    await inquiries.ask(door, app, AT_ONCE)
    assert app.asked == ["token:t"]
    async with door.database.transaction() as conn:
        assert (
            await conn.execute(sa.select(tables.cases).where(tables.cases.c.reference == "MJK-T"))
        ).first()
        long_ago = datetime.now(UTC) - timedelta(days=2)
        await conn.execute(sa.update(tables.cases).values(polled_at=long_ago))
    await inquiries.ask(door, app, AT_ONCE)
    assert sorted(app.asked) == ["MJK-1", "MJK-T", "token:t"]


async def test_a_system_that_hangs_delays_no_other(door: Door, engine: ScriptedEngine) -> None:
    await follow(door, engine, "MJK-1")
    slow, quick = any_app(), any_app()
    slow.hang = 3600
    async with door.database.transaction() as conn:
        case = (await conn.execute(sa.select(tables.cases))).one()._asdict()
        await conn.execute(
            tables.cases.insert().values({**case, "id": "b", "connector": "lain", "number": None})
        )
    quick.id = "lain"
    apps: Any = [slow, quick]
    stop = asyncio.Event()
    running = asyncio.create_task(inquiries.run(SimpleNamespace(registry=apps, database=door.database), stop))  # type: ignore[arg-type]
    async with asyncio.timeout(20):
        while not (quick.queries and slow.queries):
            await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_token_whose_number_was_looked_up_before_becomes_one_case(
    door: Door, engine: ScriptedEngine
) -> None:
    citizen = await follow(door, engine, "token:t")
    engine.effects = lambda turn: [
        {
            "type": "case_followed",
            "connector": APP,
            "reference": "MJK-T",
            "kind": "complaint",
            "status": "received",
        }
    ]
    await citizen.say("cek MJK-T")
    await answer_all(door)
    await inquiries.ask(door, any_app(), AT_ONCE)
    async with door.database.reading() as conn:
        rows = (await conn.execute(sa.select(tables.cases))).all()
    assert [(row.reference, row.origin) for row in rows] == [("MJK-T", "filed")]
