"""*Kabari kalau air mati*: asked for in chat, stopped with one word, in every state of the talk."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from bot.channels.base import CitizenOptedOut
from bot.conversations import noticedata, noticewords, outbound, privacy
from bot.conversations.noticedata import NoticesBroken
from bot.conversations.noticewords import Wish
from bot.door import Door
from bot.settings import ROOT
from bot.storage import broadcast_tables, conversations, subscriptions, tables
from bot.texts import Texts
from bot.vocabulary.conversations import Reply, Say
from bot.vocabulary.messages import ChannelName, IncomingKind, OutgoingMessage
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

ASKS = [
    ("kabari kalau air mati", "air"),
    ("Tolong kabari saya kalau air mati di Wates ya", "air"),
    ("kasih tau kalo PDAM mati", "air"),
    ("min infokan klo listrik padam", "listrik"),
    ("kandhani yen banyu mati", "air"),
    ("kabari jika Jalan Majapahit ditutup", "jalan"),
    ("beri tahu bila ada banjir", "banjir"),
    ("berlangganan info gangguan", None),
    ("saya mau langganan info gangguan listrik di kelurahan Meri", "listrik"),
    ("langganan kabar banjir", "banjir"),
]
STOPS = [
    "STOP",
    "berhenti",
    "Berhenti.",
    "berhenti langganan",
    "jangan kirim kabar gangguan lagi",
    "unsubscribe",
]
OTHERS = [
    "kabari kalau laporan saya selesai",
    "kabari kalau jalan di depan rumah sudah diperbaiki",
    "lapor air mati sejak pagi, tolong kabari",
    "air mati di Wates",
    "daftar info lowongan",
    "mau berhenti dari BPJS",
    "bayar langganan PDAM di mana",
    "pasang langganan air baru",
    "stop kontak di MPP rusak",
    "berhenti sebentar",
]


def heard(text: str) -> Wish | None:
    return noticewords.read(text, False, noticedata.of(ROOT, "kota_mojokerto"))


async def subscribed(citizen: Citizen) -> list[tuple[str, str]]:
    async with citizen.door.database.reading() as conn:
        found = await conversations.find_by_address(conn, "kota_mojokerto", citizen.address)
        assert found is not None
        return [(item.topic, item.place) for item in await subscriptions.of(conn, found.id)]


async def hear(citizen: Citizen, *texts: str) -> list[str]:
    for text in texts:
        await citizen.say(text)
        await answer_all(citizen.door)
    return await citizen.texts()


@pytest.mark.parametrize(("text", "topic"), ASKS)
def test_asking_is_understood(text: str, topic: str | None) -> None:
    wish = heard(text)
    assert wish is not None
    assert (wish.act, wish.topic) == ("ask", topic)


@pytest.mark.parametrize("text", STOPS)
def test_stopping_is_understood(text: str) -> None:
    wish = heard(text)
    assert wish is not None
    assert (wish.act, wish.topic) == ("end", None)


@pytest.mark.parametrize("text", OTHERS)
def test_other_wishes_are_left_to_the_dialogue(text: str) -> None:
    assert heard(text) is None


def test_every_offered_topic_has_its_words_and_sentence(all_texts: Texts, whole_catalog: object) -> None:
    for tenant in whole_catalog.tenants:  # type: ignore[attr-defined]
        topics = noticedata.of(ROOT, tenant).topics
        assert topics
        for name, topic in topics.items():
            assert topic.words
            assert all_texts.has(f"notices.topic.{name}", tenant)


def test_a_government_that_offers_no_such_topic_is_an_error(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "notices.yml").write_text("topics: {}\ntenants: {kota_x: {topics: [gempa]}}")
    with pytest.raises(NoticesBroken, match="gempa"):
        noticedata.of(tmp_path, "kota_x")


async def test_a_place_is_kept_with_the_topic_and_the_whole_area_takes_it_in(door: Door) -> None:
    citizen = Citizen(door)
    [answer] = await hear(citizen, "kabari kalau air mati di Wates")
    assert "gangguan air bersih di Wates" in answer
    assert "STOP" in answer
    assert await subscribed(citizen) == [("air", "35.76.02.1010")]
    [answer] = await hear(citizen, "kabari kalau air mati")
    assert "seluruh Kota Mojokerto" in answer
    assert await subscribed(citizen) == [("air", "")]


async def test_without_a_topic_the_topics_are_offered_as_buttons(door: Door) -> None:
    citizen = Citizen(door)
    await citizen.say("berlangganan info gangguan")
    await answer_all(door)
    [reply] = await citizen.replies()
    titles = [button["title"] for button in reply.buttons]
    assert "Pemadaman listrik" in titles
    await citizen.press(reply.buttons[titles.index("Pemadaman listrik")]["token"])
    await answer_all(door)
    assert await subscribed(citizen) == [("listrik", "")]


async def test_another_governments_place_is_not_promised(door: Door) -> None:
    citizen = Citizen(door)
    [answer] = await hear(citizen, "kabari kalau air mati di kelurahan Oesapa")
    assert "di luar wilayah" in answer
    assert await subscribed(citizen) == []


@pytest.mark.parametrize("word", STOPS)
async def test_one_word_ends_everything(door: Door, engine: ScriptedEngine, word: str) -> None:
    citizen = Citizen(door)
    await hear(citizen, "kabari kalau air mati", "kabari kalau listrik padam di Meri")
    [answer] = await hear(citizen, word)
    assert "Sudah berhenti" in answer
    assert await subscribed(citizen) == []
    assert engine.turns == []


async def test_one_topic_can_be_ended_and_the_rest_is_shown(door: Door) -> None:
    citizen = Citizen(door)
    await hear(citizen, "kabari kalau air mati", "kabari kalau listrik padam di Meri")
    await hear(citizen, "berhenti langganan info air")
    [answer] = await hear(citizen, "langganan saya")
    assert "• pemadaman listrik, Meri" in answer
    assert "air" not in answer


async def test_stop_means_the_talk_to_whoever_asked_for_nothing(door: Door, engine: ScriptedEngine) -> None:
    citizen = Citizen(door)
    await hear(citizen, "STOP", "berhenti langganan PDAM")
    assert [turn.text for turn in engine.turns] == ["STOP", "berhenti langganan PDAM"]
    [answer] = await hear(citizen, "berhenti langganan")
    assert "tidak sedang berlangganan" in answer


def filling_in(engine: ScriptedEngine) -> None:
    engine.answer = lambda turn: Reply(
        (Say("update.note", {"note": turn.text}),), (), {"form": "complaint_form"}
    )


async def test_stop_in_a_form_is_the_forms_unless_it_answers_a_notice(
    door: Door, engine: ScriptedEngine
) -> None:
    filling_in(engine)
    citizen = Citizen(door)
    accepted = await citizen.say("kabari kalau air mati")
    await hear(citizen, "lapor lampu mati", "stop")
    assert engine.turns[-1].text == "stop"
    async with door.database.transaction() as conn:
        talk = await conversations.get(conn, accepted.conversation_id)
        now = datetime.now(UTC)
        await outbound.queue(conn, door, talk, [OutgoingMessage("air mati")], "broadcast:b:c:0", now)
    [_, answer] = await hear(citizen, "stop")
    assert "Sudah berhenti" in answer
    assert "Isian yang tadi tetap tersimpan" in answer
    assert await subscribed(citizen) == []


async def test_a_description_is_not_a_subscription(door: Door, engine: ScriptedEngine) -> None:
    filling_in(engine)
    citizen = Citizen(door)
    await hear(citizen, "lapor lampu mati", "kabari kalau air mati lagi")
    assert await subscribed(citizen) == []
    assert engine.turns[-1].text == "kabari kalau air mati lagi"


async def test_the_slash_command_stops_too(door: Door) -> None:
    citizen = Citizen(door)
    await hear(citizen, "kabari kalau air mati")
    await citizen.say("/stop", kind=IncomingKind.COMMAND)
    await answer_all(door)
    assert await subscribed(citizen) == []


async def test_a_channel_that_says_no_more_ends_the_subscription(
    open_doors: Callable[..., Door],
) -> None:
    from tests.bot.conversations.test_outbound import sender, until
    from tests.postman import Postman

    postman = Postman()
    door = open_doors(channels={ChannelName.TELEGRAM: postman})
    await door.wakeups.start()
    citizen = Citizen(door, "81", ChannelName.TELEGRAM)
    await hear(citizen, "kabari kalau air mati")
    postman.trouble["81"] = iter([CitizenOptedOut("131050")])
    async with sender(door):
        await until(lambda: bool(postman.tried))
    assert await subscribed(citizen) == []


async def test_erasing_and_downloading_ones_data_knows_subscriptions(door: Door) -> None:
    citizen = Citizen(door)
    accepted = await citizen.say("kabari kalau air mati di Wates")
    await answer_all(door)
    async with door.database.reading() as conn:
        talk = await conversations.get(conn, accepted.conversation_id)
    made = await privacy.export(door, talk, "t1")
    assert "langganan_kabar" in door.media.path(made.media_id).read_text()
    async with door.database.transaction() as conn:
        await privacy.erase(conn, talk, datetime.now(UTC))
        left = await conn.execute(sa.select(broadcast_tables.subscriptions))
        assert left.first() is None
        assert (await conn.execute(sa.select(tables.conversations))).first() is not None
