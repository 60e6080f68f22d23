"""Conversations find their agents, and leave those who went silent."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.conversations.desk import assignment, claims, presence, silence, writing
from bot.conversations.desk.rules import Rules
from bot.door import Door
from bot.storage import agents, handoffs
from bot.vocabulary.agents import Agent, Handoff, Outcome, PresenceState, Stage, Urgency
from bot.vocabulary.conversations import Owner
from tests.bot.desk.staff import TENANT, ask, conversation_of, hand_off_on_request, hire, look, set_rule
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def asking(engine: ScriptedEngine) -> None:
    hand_off_on_request(engine)


def request(**changes: object) -> Handoff:
    values = {"queued_at": NOW, "asked_at": NOW, "stage": Stage.WAITING, "urgency": Urgency.NORMAL, **changes}
    return Handoff("h", 1, TENANT, "c", reason="asked", **values)  # type: ignore[arg-type]


SARI = Agent("sari", TENANT, "Sari", skills=("pengaduan",))
BUDI = Agent("budi", TENANT, "Budi", skills=("antrean",), languages=("id", "jv"))
ANY = Agent("tono", TENANT, "Tono", capacity=2)


@pytest.mark.parametrize(
    ("people", "found", "loads", "expected"),
    [
        ([SARI, BUDI], request(skill="pengaduan"), {}, SARI),
        ([SARI, BUDI], request(skill="antrean"), {}, BUDI),
        ([SARI], request(skill="antrean"), {}, None),
        ([SARI], request(skill="antrean", queued_at=NOW - timedelta(minutes=6)), {}, SARI),
        ([SARI], request(skill="krisis", urgency=Urgency.CRISIS), {}, SARI),
        ([SARI, BUDI, ANY], request(skill="pajak"), {}, ANY),
        ([SARI, ANY], request(), {"sari": 1}, ANY),
        ([SARI, ANY], request(), {"sari": 1, "tono": 1}, SARI),
        ([SARI, ANY], request(), {"sari": 4, "tono": 2}, None),
        ([BUDI, Agent("ani", TENANT, "Ani", languages=("id",))], request(language="jv"), {}, BUDI),
        ([Agent("ani", TENANT, "Ani", languages=("id",))], request(language="jv"), {}, None),
        ([SARI, BUDI, ANY], request(wanted_agent_id="budi"), {"budi": 3}, BUDI),
        ([], request(), {}, None),
    ],
)
def test_who_gets_it(
    people: list[Agent], found: Handoff, loads: dict[str, int], expected: Agent | None
) -> None:
    assert assignment.choose(Rules(TENANT, "Asia/Jakarta"), found, people, loads, NOW) == expected


async def test_the_longest_waiting_are_given_first_and_no_more_than_there_is_room(door: Door) -> None:
    sari = await hire(door, "Sari", capacity=2)
    asked = [(await ask(door, f"warga-{number}"))[1] for number in range(4)]
    assert await assignment.assign(door, TENANT, datetime.now(UTC)) == 2
    stages = [(await look(door, found.id)).stage for found in asked]
    assert stages == [Stage.ASSIGNED, Stage.ASSIGNED, Stage.WAITING, Stage.WAITING]
    assert await assignment.assign(door, TENANT, datetime.now(UTC)) == 0
    await writing.reply(door, sari, asked[0].conversation_id, "Selamat pagi", key="1")


async def test_two_workers_do_not_fill_the_same_last_place(door: Door, open_doors) -> None:
    await hire(door, "Sari", capacity=3)
    asked = [(await ask(door, f"warga-{number}"))[1] for number in range(6)]
    other = open_doors()
    given = await asyncio.gather(
        *(assignment.assign(one, TENANT, datetime.now(UTC)) for one in (door, other) * 3)
    )
    assert sum(given) == 3
    stages = [(await look(door, found.id)).stage for found in asked]
    assert stages.count(Stage.ASSIGNED) == 3


async def test_a_crisis_goes_before_who_waits_longer(door: Door) -> None:
    await hire(door, "Sari", capacity=1)
    _, first = await ask(door, "warga-1")
    citizen = Citizen(door, "warga-2")
    accepted = await citizen.say("saya mau bunuh diri")
    await assignment.assign(door, TENANT, datetime.now(UTC))
    assert (await look(door, first.id)).stage is Stage.WAITING
    async with door.database.reading() as conn:
        urgent = await handoffs.open_of(conn, accepted.conversation_id)
    assert urgent is not None
    assert (urgent.urgency, urgent.stage) == (Urgency.CRISIS, Stage.ASSIGNED)


async def test_an_emergency_is_shown_on_top_and_the_bot_goes_on_until_somebody_comes(
    door: Door, engine: ScriptedEngine
) -> None:
    citizen = Citizen(door)
    await citizen.say("kebakaran di pasar tanjung, tolong")
    await citizen.replies()
    await citizen.say("apinya besar")
    await answer_all(door)
    assert len(await citizen.replies()) == 1
    sari = await hire(door, "Sari")
    async with door.database.reading() as conn:
        [found] = await handoffs.waiting(conn, TENANT)
    assert found.urgency is Urgency.EMERGENCY
    await claims.claim(door, sari, found.id)
    asked = len(engine.turns)
    await citizen.say("sudah datang")
    await answer_all(door)
    assert len(engine.turns) == asked


@pytest.mark.parametrize("state", [PresenceState.AWAY, PresenceState.OFFLINE])
async def test_who_is_away_gets_nothing_and_who_comes_back_gets_it(door: Door, state: PresenceState) -> None:
    sari = await hire(door, "Sari", state=state)
    _, found = await ask(door, "warga-1")
    assert await assignment.assign(door, TENANT, datetime.now(UTC)) == 0
    await presence.change(door, sari, PresenceState.AVAILABLE)
    assert await assignment.assign(door, TENANT, datetime.now(UTC)) == 1
    assert (await look(door, found.id)).agent_id == sari.id


async def test_where_nobody_assigns_it_waits_to_be_taken(door: Door) -> None:
    await hire(door, "Sari")
    await set_rule(door, "automatic", False)
    await ask(door, "warga-1")
    assert await assignment.assign(door, TENANT, datetime.now(UTC)) == 0


async def test_what_a_silent_agent_has_goes_back_to_the_front_and_to_somebody_else(door: Door) -> None:
    sari = await hire(door, "Sari")
    citizen, found = await ask(door, "warga-1")
    await assignment.assign(door, TENANT, datetime.now(UTC))
    await citizen.replies()
    budi = await hire(door, "Budi")
    later = datetime.now(UTC) + timedelta(seconds=100)
    async with door.database.transaction() as conn:
        await agents.beat(conn, budi.id, later)
    assert await silence.look(door, later) == 1
    now = await look(door, found.id)
    assert (now.stage, now.queued_at) == (Stage.WAITING, found.queued_at)
    assert (await conversation_of(door, found)).owner is Owner.QUEUE
    assert "terputus" in (await citizen.texts())[0]
    async with door.database.reading() as conn:
        gone = await agents.presence_of(conn, sari.id)
    assert gone is not None
    assert gone.state is PresenceState.OFFLINE
    await assignment.assign(door, TENANT, later)
    assert (await look(door, found.id)).agent_id == budi.id


async def test_who_leaves_a_citizen_unanswered_too_long_loses_them_and_is_away(door: Door) -> None:
    sari = await hire(door, "Sari")
    _, found = await ask(door, "warga-1")
    await assignment.assign(door, TENANT, datetime.now(UTC))
    later = datetime.now(UTC) + timedelta(minutes=16)
    async with door.database.transaction() as conn:
        await agents.beat(conn, sari.id, later)
    assert await silence.look(door, later) == 1
    assert (await look(door, found.id)).stage is Stage.WAITING
    async with door.database.reading() as conn:
        busy = await agents.presence_of(conn, sari.id)
    assert busy is not None
    assert (busy.state, busy.reason) == (PresenceState.AWAY, "tidak menanggapi")


async def test_who_answers_and_beats_keeps_what_they_have(door: Door) -> None:
    sari = await hire(door, "Sari")
    _, found = await ask(door, "warga-1")
    await assignment.assign(door, TENANT, datetime.now(UTC))
    await writing.reply(door, sari, found.conversation_id, "Selamat pagi", key="1")
    later = datetime.now(UTC) + timedelta(minutes=16)
    async with door.database.transaction() as conn:
        await agents.beat(conn, sari.id, later)
    assert await silence.look(door, later) == 0
    assert (await look(door, found.id)).agent_id == sari.id


async def test_a_citizen_who_does_not_come_back_is_let_go_and_makes_room(door: Door) -> None:
    sari = await hire(door, "Sari", capacity=1)
    citizen, found = await ask(door, "warga-1")
    await assignment.assign(door, TENANT, datetime.now(UTC))
    await writing.reply(door, sari, found.conversation_id, "Sudah saya urus", key="1")
    await citizen.replies()
    for hours, stage in ((23, Stage.ASSIGNED), (25, Stage.CLOSED)):
        later = datetime.now(UTC) + timedelta(hours=hours)
        async with door.database.transaction() as conn:
            await agents.beat(conn, sari.id, later)
        await silence.look(door, later)
        assert (await look(door, found.id)).stage is stage
    assert (await look(door, found.id)).outcome is Outcome.NO_ANSWER
    [text] = await citizen.texts()
    assert "lama tidak ada balasan" in text
