"""*Saya juga*: who has the same problem joins the report that is open, and is counted once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.conversations import updates
from bot.door import Door
from bot.storage import nearby, tables
from connectors.capabilities import CaseStatus, StatusUpdate
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

APP, REFERENCE = "curhat_ning_ita", "MJK-2611-000123"
NOW = datetime.now(UTC)
HERE = (-7.4722, 112.4341)
PROMISED = NOW + timedelta(days=4)


def opened(**changes: Any) -> dict[str, Any]:
    return {
        "type": "case_opened",
        "connector": APP,
        "reference": REFERENCE,
        "kind": "complaint",
        "status": "received",
        "topic": "lampu_jalan",
        "description": "lampu jalan mati gelap sekali",
        "place": "depan SDN Wates RT 3 RW 1",
        "latitude": HERE[0],
        "longitude": HERE[1],
        "region": "35.76.02.1010",
        "promised_at": PROMISED.isoformat(),
    } | changes


def asked(**changes: Any) -> dict[str, Any]:
    return {
        "type": "similar_asked",
        "topic": "lampu_jalan",
        "description": "lampu mati semua di sini",
        "latitude": HERE[0],
        "longitude": HERE[1],
        "region": None,
        "place": None,
    } | changes


async def does(door: Door, engine: ScriptedEngine, citizen: Citizen, effect: dict[str, Any]) -> list[Any]:
    engine.effects = lambda turn: [effect]
    await citizen.say("x")
    await answer_all(door)
    engine.effects = lambda turn: []
    return await citizen.replies()


# Each row: what differs in the open report, what differs in what is asked, whether it is offered.
FAR = (HERE[0] + 0.01, HERE[1])
OFFERED = [
    ("a report on the same spot", {}, {}, True),
    ("one across the street", {"latitude": HERE[0] + 0.0004}, {}, True),
    ("one in the next quarter", {"latitude": FAR[0]}, {}, False),
    ("another topic", {"topic": "pohon"}, {}, False),
    ("one that is done", {"status": "done"}, {}, False),
    ("a confidential topic", {"topic": "pungli"}, {"topic": "pungli"}, False),
    (
        "the same RT by name",
        {"latitude": None, "longitude": None},
        {"latitude": None, "longitude": None, "region": "35.76.02.1010", "place": "RT 03/RW 01 Wates"},
        True,
    ),
    (
        "the same words in the same kelurahan",
        {"latitude": None, "longitude": None, "place": "Wates"},
        {
            "latitude": None,
            "longitude": None,
            "region": "35.76.02.1010",
            "description": "jalan gelap sekali, lampu mati",
        },
        True,
    ),
    (
        "other words in the same kelurahan",
        {"latitude": None, "longitude": None, "place": "Wates"},
        {"latitude": None, "longitude": None, "region": "35.76.02.1010", "description": "berkedip terus"},
        False,
    ),
]


@pytest.mark.parametrize(
    ("report", "question", "offered"), [row[1:] for row in OFFERED], ids=[row[0] for row in OFFERED]
)
async def test_what_is_offered(
    door: Door, engine: ScriptedEngine, report: dict[str, Any], question: dict[str, Any], offered: bool
) -> None:
    await does(door, engine, Citizen(door, "warga-1"), opened(**report))
    [card] = await does(door, engine, Citizen(door, "warga-2"), asked(**question))
    titles = [button["title"] for button in card.buttons]
    assert titles == (["Saya juga"] if offered else [])


async def test_old_and_hidden_and_own_reports_are_not_offered(door: Door, engine: ScriptedEngine) -> None:
    citizen = Citizen(door, "warga-1")
    await does(door, engine, citizen, opened())
    own = await does(door, engine, citizen, asked())
    assert not own[-1].buttons
    for values in ({"hidden_at": NOW}, {"hidden_at": None, "created_at": NOW - timedelta(days=300)}):
        async with door.database.transaction() as conn:
            await conn.execute(sa.update(tables.cases).values(**values))
        cards = await does(door, engine, Citizen(door, f"warga-{len(values)}"), asked())
        assert not cards[-1].buttons


async def test_nothing_of_anothers_report_is_shown_but_what_any_map_shows(
    door: Door, engine: ScriptedEngine
) -> None:
    secret = opened(
        place="depan rumah Pak Slamet no 7 RT 3 RW 1 Wates", description="lampu dekat kamar anak saya"
    )
    await does(door, engine, Citizen(door, "warga-1"), secret)
    [card] = await does(door, engine, Citizen(door, "warga-2"), asked())
    assert "RT 3 RW 1" in (card.text or "")
    assert "kamar" not in (card.text or "")
    assert REFERENCE not in (card.text or "")


async def join(door: Door, engine: ScriptedEngine, citizen: Citizen) -> list[Any]:
    effect = {"type": "case_joined", "connector": APP, "reference": REFERENCE}
    return await does(door, engine, citizen, effect)


async def test_who_joins_gets_the_same_date_and_the_same_news(door: Door, engine: ScriptedEngine) -> None:
    await does(door, engine, Citizen(door, "warga-1"), opened())
    second = Citizen(door, "warga-2")
    replies = await join(door, engine, second)
    assert "2 warga" in (replies[-1].text or "")
    async with door.database.reading() as conn:
        rows = list(await conn.execute(sa.select(tables.cases)))
    assert {row.promised_at for row in rows} == {PROMISED}
    update = StatusUpdate(APP, "case", "e1", REFERENCE, CaseStatus.IN_PROGRESS, datetime.now(UTC))
    await updates.record(door, update)
    assert REFERENCE in (await second.texts())[0]


async def test_fifty_citizens_who_join_at_once_are_fifty_one(
    door: Door, open_doors: Any, engine: ScriptedEngine
) -> None:
    await does(door, engine, Citizen(door, "pelapor"), opened())
    crowd = [Citizen(door, f"warga-{number}") for number in range(50)]
    engine.effects = lambda turn: [{"type": "case_joined", "connector": APP, "reference": REFERENCE}]
    for citizen in crowd:
        await citizen.say("saya juga")
        await citizen.say("saya juga")
    other = open_doors()
    await asyncio.gather(answer_all(door, "worker-1"), answer_all(other, "worker-2"))
    async with door.database.reading() as conn:
        assert await nearby.followers(conn, APP, REFERENCE) == 51
        notes = list(await conn.execute(sa.select(tables.notes.c.text)))
    # The department hears every number once, whoever came at the same moment.
    assert sorted(int("".join(filter(str.isdigit, note.text))) for note in notes) == list(range(2, 52))
    for citizen in crowd:
        await citizen.replies()
    update = StatusUpdate(APP, "case", "e1", REFERENCE, CaseStatus.IN_PROGRESS, datetime.now(UTC))
    copies = await asyncio.gather(*(updates.record(door, update) for _ in range(20)))
    assert copies.count(updates.Recorded.APPLIED) == 1
    assert [len(await citizen.replies()) for citizen in crowd] == [1] * 50


async def test_a_report_that_was_closed_meanwhile_cannot_be_joined(
    door: Door, engine: ScriptedEngine
) -> None:
    await does(door, engine, Citizen(door, "warga-1"), opened())
    await updates.record(door, StatusUpdate(APP, "case", "e1", REFERENCE, CaseStatus.DONE, datetime.now(UTC)))
    replies = await join(door, engine, Citizen(door, "warga-2"))
    assert "baru saja ditutup" in (replies[-1].text or "")
