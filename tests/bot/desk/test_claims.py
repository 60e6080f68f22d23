"""Who has a conversation: one person at most, whatever happens at once."""

import asyncio

import pytest
import sqlalchemy as sa

from bot.conversations.desk import claims, errors, handing, writing
from bot.door import Door
from bot.storage import desk_tables
from bot.vocabulary.agents import Outcome, Role, Stage
from bot.vocabulary.conversations import Owner
from tests.bot.desk.staff import ask, conversation_of, hand_off_on_request, hire, look, set_rule
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all


@pytest.fixture(autouse=True)
def asking(engine: ScriptedEngine) -> None:
    hand_off_on_request(engine)


async def test_fifty_claims_at_once_make_one_owner(door: Door, open_doors) -> None:
    other = open_doors()
    first, second = await hire(door, "Sari Dewi"), await hire(door, "Budi")
    citizen, found = await ask(door, "warga-1")
    await citizen.replies()

    async def reach(number: int) -> bool:
        try:
            await claims.claim(*((door, first) if number % 2 else (other, second)), found.id)
        except errors.AlreadyTaken:
            return False
        return True

    won = await asyncio.gather(*(reach(number) for number in range(50)))
    now = await look(door, found.id)
    # Whoever has it may claim it again and again; the other never gets it.
    assert sum(won) == 25
    assert now.agent_id in (first.id, second.id)
    assert (await conversation_of(door, found)).owner is Owner.AGENT
    async with door.database.reading() as conn:
        held = (await conn.execute(sa.select(sa.func.count()).select_from(desk_tables.assignments))).scalar()
    assert held == 1
    assert len(await citizen.replies()) == 1


async def test_the_citizen_is_told_who_joins_as_the_tenant_allows(door: Door) -> None:
    sari = await hire(door, "Sari Dewi")
    for rule, expected in (("full", "Sari Dewi"), ("first", "Sari"), ("none", "petugas")):
        await set_rule(door, "agent_name", rule)
        citizen, found = await ask(door, f"warga-{rule}")
        await citizen.replies()
        await claims.claim(door, sari, found.id)
        [text] = await citizen.texts()
        assert expected in text
        assert ("Dewi" in text) is (rule == "full")


async def test_while_a_person_answers_the_bot_is_silent_and_goes_on_afterwards(
    door: Door, engine: ScriptedEngine
) -> None:
    sari = await hire(door, "Sari")
    citizen, found = await ask(door, "warga-1")
    await claims.claim(door, sari, found.id)
    await citizen.replies()
    asked = len(engine.turns)
    await citizen.say("halo?")
    await answer_all(door)
    assert (await citizen.replies(), len(engine.turns)) == ([], asked)
    assert (await look(door, found.id)).unanswered_since is not None
    await writing.reply(door, sari, found.conversation_id, "Selamat pagi", key="1")
    assert (await look(door, found.id)).unanswered_since is None
    await handing.to_bot(door, sari, found.id)
    await citizen.say("terima kasih")
    await answer_all(door)
    assert len(engine.turns) == asked + 1


async def test_a_person_who_takes_over_in_mid_turn_is_not_talked_over(
    door: Door, engine: ScriptedEngine
) -> None:
    sari = await hire(door, "Sari")
    citizen = Citizen(door)
    accepted = await citizen.say("satu")
    engine.delay = 0.3
    turn = asyncio.create_task(answer_all(door))
    await asyncio.sleep(0.1)
    await claims.take_over(door, sari, accepted.conversation_id)
    await turn
    texts = await citizen.texts()
    assert len(texts) == 1
    assert "Sari" in texts[0]


async def test_what_is_over_or_of_another_government_cannot_be_claimed(door: Door) -> None:
    sari, far = await hire(door, "Sari"), await hire(door, "Umbu", tenant="kota_kupang")
    _, found = await ask(door, "warga-1")
    with pytest.raises(LookupError):
        await claims.claim(door, far, found.id)
    await claims.claim(door, sari, found.id)
    await handing.close(door, sari, found.id, Outcome.SOLVED)
    with pytest.raises(errors.Ended):
        await claims.claim(door, sari, found.id)


async def test_released_it_waits_at_its_old_place(door: Door) -> None:
    sari, budi = await hire(door, "Sari"), await hire(door, "Budi")
    citizen, found = await ask(door, "warga-1")
    await claims.claim(door, sari, found.id)
    await citizen.replies()
    with pytest.raises(errors.NotYours):
        await handing.release(door, budi, found.id)
    await handing.release(door, sari, found.id)
    now = await look(door, found.id)
    assert (now.stage, now.queued_at, now.agent_id) == (Stage.WAITING, found.queued_at, None)
    assert (await conversation_of(door, found)).owner is Owner.QUEUE
    assert "tidak perlu diulang" in (await citizen.texts())[0]


async def test_forwarded_to_a_colleague_it_is_theirs_at_once(door: Door) -> None:
    sari, budi = await hire(door, "Sari"), await hire(door, "Budi", capacity=0)
    citizen, found = await ask(door, "warga-1")
    await claims.claim(door, sari, found.id)
    await citizen.replies()
    await handing.forward(door, sari, found.id, to_agent=budi.id, word="tolong, soal PBB")
    assert (await look(door, found.id)).agent_id == budi.id
    assert (await conversation_of(door, found)).owner is Owner.AGENT
    texts = " ".join(await citizen.texts())
    assert "Budi" in texts
    assert "PBB" not in texts
    with pytest.raises(errors.NotYours):
        await writing.reply(door, sari, found.conversation_id, "masih saya", key="1")


async def test_forwarded_to_a_department_it_waits_for_who_knows_it(door: Door) -> None:
    sari = await hire(door, "Sari")
    _, found = await ask(door, "warga-1")
    await claims.claim(door, sari, found.id)
    await handing.forward(door, sari, found.id, skill="pajak")
    now = await look(door, found.id)
    assert (now.stage, now.skill, now.transfers) == (Stage.WAITING, "pajak", 1)


@pytest.mark.parametrize("where", [{}, {"to_agent": "x", "skill": "y"}])
async def test_it_is_forwarded_to_exactly_one_place(door: Door, where: dict[str, str]) -> None:
    sari = await hire(door, "Sari")
    _, found = await ask(door, "warga-1")
    await claims.claim(door, sari, found.id)
    with pytest.raises(errors.Unusable):
        await handing.forward(door, sari, found.id, **where)


async def test_after_the_end_the_citizen_rates_once_and_only_who_was_answered(door: Door) -> None:
    sari = await hire(door, "Sari")
    citizen, found = await ask(door, "warga-1")
    await claims.claim(door, sari, found.id)
    await writing.reply(door, sari, found.conversation_id, "Sudah saya urus", key="1")
    await handing.close(door, sari, found.id, Outcome.SOLVED, "Terima kasih sudah menunggu.")
    last = (await citizen.replies())[-1]
    assert [button["title"][0] for button in last.buttons] == ["5", "4", "3", "2", "1"]
    await citizen.press(last.buttons[1]["token"])
    await citizen.press(last.buttons[4]["token"])
    await answer_all(door)
    assert (await look(door, found.id)).rating == 4
    texts = await citizen.texts()
    assert "4 dari 5" in texts[0]

    citizen, found = await ask(door, "warga-2")
    await claims.claim(door, sari, found.id)
    await citizen.replies()
    await handing.close(door, sari, found.id, Outcome.UNSOLVED)
    assert (await citizen.replies())[-1].buttons == []


async def test_a_supervisor_may_close_and_forward_what_a_colleague_has(door: Door) -> None:
    sari, budi = await hire(door, "Sari"), await hire(door, "Budi")
    boss = await hire(door, "Ratna", role=Role.SUPERVISOR)
    _, found = await ask(door, "warga-1")
    await claims.claim(door, sari, found.id)
    with pytest.raises(errors.NotYours):
        await handing.close(door, budi, found.id, Outcome.SOLVED)
    await handing.forward(door, boss, found.id, to_agent=budi.id)
    await handing.close(door, boss, found.id, Outcome.REFERRED)
    assert (await look(door, found.id)).outcome is Outcome.REFERRED
