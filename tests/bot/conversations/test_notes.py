"""What a department is to be told reaches its system once, however often that system is away."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.conversations import notes as telling
from bot.door import Door
from bot.storage import cases, notes, tables
from connectors.capabilities import Capability, CaseComment
from connectors.errors import BackendRejected, BackendUnreachable, NotOffered
from tests.talk import Citizen

APP, REFERENCE = "curhat_ning_ita", "MJK-2611-000123"


class Desk:
    """A city's desk that takes words, and fails as the test says."""

    def __init__(self) -> None:
        self.troubles: list[Exception] = []
        self.taken: dict[str, CaseComment] = {}
        self.offers = frozenset({Capability.COMPLAINT_COMMENT})

    def by_id(self, app_id: str) -> "Desk":
        if app_id != APP:
            raise NotOffered(app_id)
        return self

    async def add_comment(self, comment: CaseComment) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.taken[comment.idempotency_key] = comment


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def city(open_doors: Callable[..., Door], desk: Desk) -> Door:
    door = open_doors(registry=desk)
    await door.wakeups.start()
    values = {"connector": APP, "reference": REFERENCE, "kind": "joined", "text": "2 warga"}
    async with door.database.transaction() as conn:
        assert await notes.add(conn, "k1", values, datetime.now(UTC))
        assert not await notes.add(conn, "k1", values, datetime.now(UTC))
    return door


async def round_of_a_worker(door: Door) -> None:
    async with door.database.transaction() as conn:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await conn.execute(sa.update(tables.notes).values(next_try_at=past, claimed_until=None))
    async with door.database.transaction() as conn:
        due = await notes.due(conn, datetime.now(UTC))
    await asyncio.gather(*(telling.tell(door, note) for note in due))


async def the_note(door: Door) -> Any:
    async with door.database.reading() as conn:
        return (await conn.execute(sa.select(tables.notes))).one()


ENDS = [
    ("taken at once", [], 1, "sent", 1),
    ("taken when it is back", [BackendUnreachable(APP), RuntimeError("bug")], 3, "sent", 1),
    ("refused for good", [BackendRejected(APP, "closed")], 3, "refused", 0),
    ("a system that takes no words", [NotOffered(APP)], 3, "skipped", 0),
]


@pytest.mark.parametrize(("troubles", "rounds", "status", "taken"), [row[1:] for row in ENDS],
                         ids=[row[0] for row in ENDS])  # fmt: skip
async def test_how_it_ends(
    city: Door, desk: Desk, troubles: list[Exception], rounds: int, status: str, taken: int
) -> None:
    desk.troubles = list(troubles)
    for _ in range(rounds):
        await round_of_a_worker(city)
    assert (await the_note(city)).status == status
    assert len(desk.taken) == taken


async def test_many_workers_take_one_note_once(
    city: Door, open_doors: Callable[..., Door], desk: Desk
) -> None:
    async def take(door: Door) -> int:
        async with door.database.transaction() as conn:
            return len(await notes.due(conn, datetime.now(UTC) + timedelta(seconds=1)))

    doors = [city, open_doors(registry=desk), open_doors(registry=desk)]
    assert sum(await asyncio.gather(*(take(door) for door in doors for _ in range(3)))) == 1


async def test_a_report_that_is_not_filed_yet_is_waited_for(city: Door, desk: Desk) -> None:
    accepted = await Citizen(city).say("halo")
    row = {"tenant": "kota_mojokerto", "conversation_id": accepted.conversation_id, "connector": APP,
           "reference": REFERENCE, "kind": "complaint", "status": "received", "filed_at": None}  # fmt: skip
    async with city.database.transaction() as conn:
        await cases.follow(conn, row, datetime.now(UTC))
    await round_of_a_worker(city)
    assert not desk.taken
    async with city.database.transaction() as conn:
        await conn.execute(sa.update(tables.cases).values(filed_at=datetime.now(UTC)))
    await round_of_a_worker(city)
    assert desk.taken["k1"].reference == REFERENCE
