"""Figures that do not flatter: who left is not helped, who was not answered cannot rate, unknown is None."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.conversations.desk import claims, handing, presence, writing
from bot.dialogue.base import DialogueFailed
from bot.door import Door
from bot.storage import deskfigures, handoffs
from bot.vocabulary.agents import Outcome, PresenceState
from bot.vocabulary.conversations import Reply, Say
from tests.bot.desk.staff import TENANT, ask, hand_off_on_request, hire
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

SINCE, UNTIL = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture(autouse=True)
def asking(engine: ScriptedEngine) -> None:
    hand_off_on_request(engine)


async def test_an_empty_desk_knows_nothing_and_says_so(door: Door) -> None:
    async with door.database.reading() as conn:
        live = await deskfigures.live(conn, TENANT, datetime.now(UTC))
        level = await deskfigures.service_level(conn, TENANT, SINCE, UNTIL, 120)
        content = await deskfigures.satisfaction(conn, TENANT, SINCE, UNTIL)
        contained = await deskfigures.containment(conn, TENANT, SINCE, UNTIL, UNTIL)
    assert (live.waiting, live.longest_wait) == (0, None)
    assert (level.share, level.median_wait, content.mean, contained.share) == (None, None, None, None)


async def test_a_shift_in_figures(door: Door) -> None:
    sari, budi = await hire(door, "Sari"), await hire(door, "Budi")
    asked = [await ask(door, f"warga-{number}") for number in range(5)]
    for index, agent in ((0, sari), (1, sari), (2, budi)):
        await claims.claim(door, agent, asked[index][1].id)
    await writing.reply(door, sari, asked[0][1].conversation_id, "Beres", key="1")
    await handing.close(door, sari, asked[0][1].id, Outcome.SOLVED)
    await handing.forward(door, sari, asked[1][1].id, to_agent=budi.id)
    await asked[3][0].say("kembali ke lawang")
    await answer_all(door)
    async with door.database.transaction() as conn:
        found = asked[0][1]
        assert await handoffs.rate(conn, found.id, found.conversation_id, 4, datetime.now(UTC))
    await presence.change(door, budi, PresenceState.AWAY, "salat")
    async with door.database.reading() as conn:
        live = await deskfigures.live(conn, TENANT, datetime.now(UTC))
        level = await deskfigures.service_level(conn, TENANT, SINCE, UNTIL, 120)
        late = await deskfigures.service_level(conn, TENANT, SINCE, UNTIL, 0)
        agents = {one.name: one for one in await deskfigures.per_agent(conn, TENANT, SINCE, UNTIL)}
        content = await deskfigures.satisfaction(conn, TENANT, SINCE, UNTIL)
        rows = [row async for row in deskfigures.csv_rows(conn, TENANT, SINCE, UNTIL)]
    assert (live.waiting, live.assigned, live.unanswered, live.available, live.away) == (1, 2, 2, 1, 1)
    assert (level.asked, level.taken, level.in_time, level.abandoned) == (5, 3, 3, 1)
    assert level.share == pytest.approx(0.6)
    assert late.in_time == 0
    assert (agents["Sari"].conversations, agents["Sari"].passed_on, agents["Sari"].replies) == (2, 1, 1)
    assert (agents["Sari"].outcomes, agents["Sari"].mean_rating) == ({"solved": 1}, 4)
    assert (agents["Budi"].conversations, agents["Budi"].outcomes) == (2, {})
    assert set(agents["Budi"].hours) == {"available", "away"}
    assert (content.stars, content.answered, content.mean, content.content_share) == ({4: 1}, 1, 4, 1)
    assert len(rows) == 6
    assert rows[0][0] == "nomor"
    assert rows[1][9:12] == ["solved", "4", "Sari"]


async def test_who_stopped_in_a_form_or_got_no_answer_is_not_contained(
    door: Door, engine: ScriptedEngine
) -> None:
    await Citizen(door, "selesai").say("halo")
    await answer_all(door)
    engine.answer = lambda turn: Reply((Say("handoff.back"),), (), {"form": "complaint_form"})
    await Citizen(door, "di-tengah").say("lapor")
    await answer_all(door)
    engine.errors = [DialogueFailed("down")]
    await Citizen(door, "gagal").say("halo")
    await answer_all(door)
    hand_off_on_request(engine)
    await ask(door, "minta-orang")
    now = datetime.now(UTC)
    async with door.database.reading() as conn:
        at_once = await deskfigures.containment(conn, TENANT, SINCE, UNTIL, now)
        later = await deskfigures.containment(conn, TENANT, SINCE, UNTIL, now + timedelta(hours=1))
    assert (at_once.conversations, at_once.contained) == (4, 2)
    assert (later.left, later.failed, later.asked_for_person, later.contained) == (1, 1, 1, 1)


@pytest.mark.parametrize("text", ["=1+1", "+62", "-5", "@SUM(A1)", "\tx"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert deskfigures.cell(text) == f"'{text}"
