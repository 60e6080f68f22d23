"""What agents keep for each other and for the bot: notes, canned replies, drafts, examples, reveals."""

import pytest
import sqlalchemy as sa

from bot.conversations.desk import canned, card, claims, drafts, errors, notes, teaching
from bot.conversations.desk.rules import read
from bot.door import Door
from bot.storage import desk_tables, transcripts
from bot.vocabulary.agents import Agent, CannedReply, Role
from tests.bot.desk.staff import TENANT, ask, hand_off_on_request, hire, set_rule
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

NIK = "3516012509870003"


@pytest.fixture(autouse=True)
def asking(engine: ScriptedEngine) -> None:
    hand_off_on_request(engine)


SARI, DEWI, BUDI = (Agent(name, TENANT, name) for name in ("Sari", "Sari Dewi", "Budi Santoso"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tolong @Budi", ("Budi Santoso",)),
        ("tolong @budi santoso dan @Sari", ("Budi Santoso", "Sari")),
        ("@sari dewi saja", ("Sari Dewi",)),
        ("surel a@sari dewi", ()),
        ("@saridewi", ()),
        ("tidak ada", ()),
    ],
)
def test_who_is_called_in_a_note(text: str, expected: tuple[str, ...]) -> None:
    assert notes.mentioned(text, (SARI, DEWI, BUDI)) == expected


async def test_a_note_is_for_colleagues_and_never_for_the_citizen(door: Door) -> None:
    sari = await hire(door, "Sari")
    citizen, found = await ask(door, "warga-1")
    await citizen.replies()
    await notes.add(door, sari, found.conversation_id, "warga ini sudah tiga kali bertanya")
    assert [note.agent_id for note in await notes.of(door, found.conversation_id)] == [sari.id]
    assert await citizen.replies() == []
    async with door.database.reading() as conn:
        lines = await transcripts.page(conn, found.conversation_id)
    assert not [line for line in lines if "tiga kali" in (line.message.text or "")]


async def test_canned_replies_carry_the_citizens_particulars(door: Door) -> None:
    boss = await hire(door, "Ratna Ayu", role=Role.SUPERVISOR)
    _, found = await ask(door, "warga-1")
    reply = CannedReply("r1", TENANT, "salam", "Salam", "{salam} {nama}, saya {petugas} ({nomor}, {kota}).")
    await canned.save(door, boss, reply)
    [kept] = await canned.of(door, TENANT)
    text = await canned.fill(door, boss, found.conversation_id, kept.text)
    assert text.startswith("Selamat ")
    assert "Warga, saya Ratna (P-1, Kota Mojokerto)." in text
    await canned.delete(door, boss, "r1")
    assert await canned.of(door, TENANT) == []


@pytest.mark.parametrize(
    ("shortcut", "text", "sentence"),
    [
        ("Salam", "halo", "desk.error.shortcut"),
        ("a b", "halo", "desk.error.shortcut"),
        ("salam", "", "desk.error.empty"),
        ("salam", "halo {nik}", "desk.error.variable"),
        ("salam", "halo {", "desk.error.variable"),
        ("salam", "halo {nama.__class__}", "desk.error.variable"),
        ("ada", "halo", "desk.error.shortcut_taken"),
    ],
)
async def test_a_reply_that_cannot_be_used_is_refused(
    door: Door, shortcut: str, text: str, sentence: str
) -> None:
    boss = await hire(door, "Ratna", role=Role.SUPERVISOR)
    await canned.save(door, boss, CannedReply("r0", TENANT, "ada", "Ada", "halo"))
    with pytest.raises(errors.Unusable) as refused:
        await canned.save(door, boss, CannedReply("r1", TENANT, shortcut, "Judul", text))
    assert refused.value.text_key == sentence
    assert door.texts.render(sentence, TENANT, refused.value.values)


async def test_one_click_proposes_an_example_of_masked_text(door: Door) -> None:
    sari = await hire(door, "Sari")
    citizen = Citizen(door)
    accepted = await citizen.say(f"mau urus ktp, NIK {NIK}")
    await answer_all(door)
    await teaching.meant(door, sari, accepted.message_id, "ask_requirements", "ktp_hilang")
    await teaching.meant(door, sari, accepted.message_id, "book_queue")
    async with door.database.reading() as conn:
        [row] = await conn.execute(sa.select(desk_tables.proposed_examples))
        line = await transcripts.line(conn, accepted.message_id)
    assert (row.intent, row.status, row.proposed_by) == ("book_queue", "proposed", sari.id)
    assert NIK not in row.text
    assert line.taught == "book_queue"
    with pytest.raises(errors.Unusable):
        await teaching.meant(door, sari, accepted.message_id, "tidak_ada")
    [reply] = await citizen.replies()
    with pytest.raises(errors.Unusable):
        await teaching.meant(door, sari, reply.id, "book_queue")


async def test_where_a_person_approves_first_the_answer_waits(door: Door, engine: ScriptedEngine) -> None:
    sari = await hire(door, "Sari")
    await set_rule(door, "approve", ["*"])
    citizen = Citizen(door)
    for text in ("syarat ktp", "biayanya?"):
        await citizen.say(text)
        await answer_all(door)
    texts = await citizen.texts()
    assert len(texts) == 1
    assert "sedang diperiksa petugas" in texts[0]
    first, second = await drafts.held(door, TENANT)
    await drafts.send(door, sari, first.id)
    with pytest.raises(errors.Unusable):
        await drafts.discard(door, sari, first.id)
    await drafts.send(door, sari, second.id, ["Gratis, Bapak/Ibu."])
    texts = await citizen.texts()
    assert "syarat ktp" in texts[0]
    assert texts[1] == "Gratis, Bapak/Ibu."
    assert await drafts.held(door, TENANT) == []
    await citizen.say("orang dong")
    await answer_all(door)
    assert "urutan ke-1" in (await citizen.texts())[0]


async def test_approval_is_asked_for_the_services_named_and_no_others(door: Door) -> None:
    rules = read(TENANT, "UTC", {"approve": ["pbb"]})
    assert [drafts.wants_approval(rules, service) for service in ("pbb", "ktp", None)] == [True, False, False]


async def test_a_masked_number_opens_to_who_has_the_talk_and_to_a_supervisor(door: Door) -> None:
    sari, budi = await hire(door, "Sari"), await hire(door, "Budi")
    boss = await hire(door, "Ratna", role=Role.SUPERVISOR)
    citizen, found = await ask(door, "warga-1")
    accepted = await citizen.say(f"NIK saya {NIK}")
    await claims.claim(door, sari, found.id)
    for agent in (sari, boss):
        assert NIK in await card.reveal(door, agent, accepted.message_id)
    with pytest.raises(errors.NotAllowed):
        await card.reveal(door, budi, accepted.message_id)
