"""One person, two channels: linked by a code, told on both, apart again from either side, and never twice."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.conversations import linkwords, updates
from bot.conversations.updates import Recorded
from bot.door import Door
from bot.storage import contacts, conversations, links, tables
from bot.storage.link_tables import link_codes
from bot.storage.link_tables import links as link_rows
from connectors.capabilities import CaseStatus, StatusUpdate
from tests.bot.conversations.two_channels import TELEGRAM, WEB, WHATSAPP, code, link, press, say
from tests.bot.conversations.two_channels import city as city
from tests.bot.conversations.two_channels import telegram as telegram
from tests.bot.conversations.two_channels import whatsapp as whatsapp
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all


async def persons(door: Door) -> dict[str, str]:
    async with door.database.reading() as conn:
        rows = await conn.execute(sa.select(tables.conversations))
        return {row.address: row.citizen_id for row in rows}


async def test_a_code_asked_for_on_telegram_and_typed_on_whatsapp_makes_one_person(
    city: Door, telegram: Citizen, whatsapp: Citizen, engine: ScriptedEngine
) -> None:
    given = await code(telegram)
    said = await say(whatsapp, f"Hubungkan {given.lower()}")
    assert "terhubung dengan *Telegram (W•••)*" in said
    [told] = await telegram.texts()
    assert "terhubung dengan *WhatsApp (W•••)*" in told
    who = await persons(city)
    assert who["111"] == who["ID.222"]
    assert engine.turns == []


async def test_a_phone_is_named_by_its_last_three_digits_only(
    city: Door, telegram: Citizen, whatsapp: Citizen
) -> None:
    await say(whatsapp, "halo")
    async with city.database.transaction() as conn:
        found = await conversations.find_by_address(conn, "kota_mojokerto", whatsapp.address)
        assert found is not None
        sealed = city.sealer.seal("6281200000567")
        await contacts.note(conn, found.id, datetime.now(UTC), phone=("digest", sealed))
    await say(whatsapp, await code(telegram))
    [told] = await telegram.texts()
    assert "WhatsApp ••••567" in told


@pytest.mark.parametrize("letters", ["TBRK-HTKT", "RWXJ-SNDT"], ids=["accident", "crime"])
async def test_a_code_whose_letters_look_like_danger_raises_no_alarm(
    city: Door,
    telegram: Citizen,
    whatsapp: Citizen,
    letters: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(linkwords, "new_code", lambda: f"LW-{letters}")
    assert "terhubung" in await say(whatsapp, await code(telegram))


async def test_a_code_is_in_no_table_in_the_clear(city: Door, telegram: Citizen, whatsapp: Citizen) -> None:
    given = await code(telegram)
    await whatsapp.say(given)
    letters = given.replace("-", "")[2:]
    async with city.database.reading() as conn:
        for table in tables.metadata.sorted_tables:
            for row in await conn.execute(sa.select(table)):
                plain = str(tuple(row)).replace("-", "")
                assert letters not in plain, table.name


async def test_a_code_is_good_once(city: Door, telegram: Citizen, whatsapp: Citizen) -> None:
    given = await code(telegram, "/hubungkan")
    await say(whatsapp, given)
    assert "tidak cocok" in await say(Citizen(city, "web-1", WEB), given)


async def test_a_code_is_good_for_ten_minutes(city: Door, telegram: Citizen, whatsapp: Citizen) -> None:
    given = await code(telegram)
    async with city.database.transaction() as conn:
        gone = datetime.now(UTC) - timedelta(seconds=1)
        assert (await conn.execute(sa.select(link_codes.c.expires_at))).scalar_one() > gone + timedelta(
            minutes=9
        )
        await conn.execute(sa.update(link_codes).values(expires_at=gone))
    assert "tidak cocok" in await say(whatsapp, given)


async def test_a_new_code_ends_the_one_before(telegram: Citizen, whatsapp: Citizen) -> None:
    old, new = await code(telegram), await code(telegram)
    assert "tidak cocok" in await say(whatsapp, old)
    assert "terhubung" in await say(whatsapp, new)


async def test_who_guesses_is_locked_out_for_a_while_even_with_the_right_code(
    city: Door, telegram: Citizen, whatsapp: Citizen
) -> None:
    given = await code(telegram)
    for _ in range(links.WRONG_CODES - 1):
        assert "tidak cocok" in await say(whatsapp, linkwords.new_code())
    assert "Terlalu banyak" in await say(whatsapp, linkwords.new_code())
    assert "Terlalu banyak" in await say(whatsapp, given)
    assert (await persons(city))["111"] != (await persons(city))["ID.222"]
    assert "terhubung" in await say(Citizen(city, "ID.333", WHATSAPP), given), "others are not locked out"


async def test_after_the_rest_the_right_code_works(city: Door, telegram: Citizen, whatsapp: Citizen) -> None:
    for _ in range(links.WRONG_CODES):
        await say(whatsapp, linkwords.new_code())
    async with city.database.transaction() as conn:
        gone = datetime.now(UTC) - timedelta(seconds=1)
        await conn.execute(sa.update(links.link_guesses).values(locked_until=gone))
    assert "terhubung" in await say(whatsapp, await code(telegram))


async def test_typed_where_it_was_asked_for_it_links_nothing_and_stays_good(
    telegram: Citizen, whatsapp: Citizen
) -> None:
    given = await code(telegram)
    assert "bukan di sini" in await say(telegram, given)
    assert "terhubung" in await say(whatsapp, given)


async def test_two_accounts_of_one_channel_are_not_linked(city: Door, telegram: Citizen) -> None:
    given = await code(telegram)
    assert "dua kanal yang berbeda" in await say(Citizen(city, "999", TELEGRAM), given)
    assert "dua kanal yang berbeda" in await say(telegram, "hubungkan telegram saya")


async def test_who_is_linked_already_is_told_so(city: Door, telegram: Citizen, whatsapp: Citizen) -> None:
    await link(telegram, whatsapp)
    assert "sudah terhubung dengan" in await say(telegram, "hubungkan whatsapp")
    given = await code(telegram, "hubungkan obrolan web")
    assert "sudah terhubung" in await say(whatsapp, given)


async def test_a_second_whatsapp_is_refused_until_the_first_is_taken_off(
    city: Door, telegram: Citizen, whatsapp: Citizen
) -> None:
    await link(telegram, whatsapp)
    second = Citizen(city, "ID.333", WHATSAPP)
    given = await code(telegram, "/hubungkan")
    assert "Sudah ada WhatsApp" in await say(second, given)
    await say(telegram, "putuskan whatsapp")
    assert "terhubung dengan" in await say(second, given)


async def test_three_channels_become_one_person_and_one_leaves_them(
    city: Door, telegram: Citizen, whatsapp: Citizen
) -> None:
    web = Citizen(city, "web-1", WEB)
    await link(telegram, whatsapp)
    await link(telegram, web)
    assert len(set((await persons(city)).values())) == 1
    assert "sudah diputus" in await say(telegram, "/putuskan")
    who = await persons(city)
    assert who["web-1"] == who["ID.222"] != who["111"]
    for other in (web, whatsapp):
        assert "diputus dari sana" in (await other.texts())[-1]
    async with city.database.reading() as conn:
        assert len(list(await conn.execute(sa.select(link_rows)))) == 2


@pytest.mark.parametrize("side", ["telegram", "whatsapp"])
async def test_either_side_takes_the_channels_apart_and_both_are_told(
    city: Door, telegram: Citizen, whatsapp: Citizen, side: str
) -> None:
    await say(telegram, "halo")
    await say(whatsapp, "halo")
    before = await persons(city)
    await link(telegram, whatsapp)
    one, other = (telegram, whatsapp) if side == "telegram" else (whatsapp, telegram)
    assert "sudah diputus" in await press(one, "Putuskan")
    assert "diputus dari sana" in (await other.texts())[-1]
    assert await persons(city) == before, "each is who they were"
    async with city.database.reading() as conn:
        assert list(await conn.execute(sa.select(link_rows))) == []


async def test_an_opened_link_is_asked_about_before_anything_is_linked(
    city: Door, telegram: Citizen, whatsapp: Citizen
) -> None:
    said = await say(whatsapp, "hubungkan ke telegram")
    url = re.search(r"start=(\S+)", said)
    assert url, said
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", url[1])
    asked = await say(telegram, f"/start {url[1]}")
    assert "Hubungkan obrolan ini dengan" in asked
    assert len(set((await persons(city)).values())) == 2
    assert "terhubung dengan *WhatsApp" in await press(telegram, "Ya, hubungkan")
    assert len(set((await persons(city)).values())) == 1


async def test_many_who_have_the_same_code_make_one_link(
    open_doors: Callable[..., Door], city: Door, telegram: Citizen
) -> None:
    given = await code(telegram)
    doors = [replace(open_doors(channels=city.channels), wakeups=city.wakeups) for _ in range(3)]
    people = [Citizen(city, f"ID.{number}", WHATSAPP) for number in range(12)]
    for person in people:
        await person.say(given)
    await asyncio.gather(*(answer_all(door, f"worker-{n}") for n, door in enumerate([city, *doors])))
    linked = [one for one in people if "sekarang terhubung" in "".join(await one.texts())]
    assert len(linked) == 1
    who = await persons(city)
    assert sum(who["111"] == who[one.address.address] for one in people) == 1
    assert len([told for told in await telegram.texts() if "sekarang terhubung" in told]) == 1


async def test_two_who_type_each_others_code_at_once_are_linked_once(
    open_doors: Callable[..., Door], city: Door, telegram: Citizen, whatsapp: Citizen
) -> None:
    first, second = await code(telegram), await code(whatsapp, "hubungkan telegram")
    await telegram.say(second)
    await whatsapp.say(first)
    other = replace(open_doors(channels=city.channels), wakeups=city.wakeups)
    await asyncio.gather(answer_all(city, "worker-1"), answer_all(other, "worker-2"))
    assert len(set((await persons(city)).values())) == 1
    async with city.database.reading() as conn:
        assert len(list(await conn.execute(sa.select(link_rows)))) == 2


def filed(reference: str, origin: str = "case_opened") -> dict[str, Any]:
    return {"type": origin, "connector": "curhat_ning_ita", "reference": reference,
            "kind": "complaint", "status": "received"}  # fmt: skip


def booked(codename: str) -> dict[str, Any]:
    return {"type": "booking_made", "connector": "mpp_gajah_mada", "code": codename, "number": "A1",
            "counter": "3", "service": "ktp_el", "name": "Siti",
            "starts_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}  # fmt: skip


def news(reference: str, event: str = "1") -> StatusUpdate:
    return StatusUpdate(
        "curhat_ning_ita", "case", event, reference, CaseStatus.IN_PROGRESS, datetime.now(UTC)
    )


@pytest.fixture
def filing(engine: ScriptedEngine) -> ScriptedEngine:
    engine.effects = lambda turn: [json.loads(turn.text.partition("> ")[2])] if "> " in turn.text else []
    return engine


async def do(citizen: Citizen, effect: dict[str, Any]) -> None:
    await say(citizen, f"> {json.dumps(effect)}")


async def test_reports_and_queue_places_of_both_channels_show_on_both(
    telegram: Citizen, whatsapp: Citizen, filing: ScriptedEngine
) -> None:
    await do(telegram, filed("MJK-1"))
    await do(whatsapp, filed("MJK-2"))
    await do(telegram, booked("MPP-1"))
    await link(telegram, whatsapp)
    for citizen in (telegram, whatsapp):
        await say(citizen, "laporan saya")
        turn = filing.turns[-1]
        assert {case["reference"] for case in turn.cases} == {"MJK-1", "MJK-2"}
        assert [booking["code"] for booking in turn.bookings] == ["MPP-1"]
    await say(telegram, "putuskan whatsapp")
    await say(whatsapp, "laporan saya")
    assert {case["reference"] for case in filing.turns[-1].cases} == {"MJK-2"}


async def test_a_place_booked_on_one_channel_is_given_back_on_the_other(
    city: Door, telegram: Citizen, whatsapp: Citizen, filing: ScriptedEngine
) -> None:
    await do(telegram, booked("MPP-1"))
    await link(telegram, whatsapp)
    await do(whatsapp, {"type": "booking_cancelled", "connector": "mpp_gajah_mada", "code": "MPP-1"})
    async with city.database.reading() as conn:
        assert (await conn.execute(sa.select(tables.bookings.c.status))).scalar_one() == "cancelled"


async def test_a_case_followed_on_both_is_told_of_once(
    city: Door, telegram: Citizen, whatsapp: Citizen, filing: ScriptedEngine
) -> None:
    await do(whatsapp, filed("MJK-1", "case_followed"))
    await do(telegram, filed("MJK-1"))
    await link(telegram, whatsapp)
    await do(whatsapp, filed("MJK-1", "case_followed"))
    assert await updates.record(city, news("MJK-1")) is Recorded.APPLIED
    assert len(await telegram.texts()) == 1
    assert await whatsapp.texts() == []


async def test_the_copy_of_ones_data_names_the_linked_channel_and_ones_own_consent(
    city: Door, telegram: Citizen, whatsapp: Citizen, filing: ScriptedEngine
) -> None:
    await link(telegram, whatsapp)
    await do(whatsapp, {"type": "data_export_requested"})
    async with city.database.reading() as conn:
        [media_id] = (await conn.execute(sa.select(tables.media.c.id))).scalars().all()
    document = json.loads(city.media.path(media_id).read_text())
    assert document["kanal_terhubung"] == ["telegram"]
    assert document["persetujuan"]["kalimat"]


async def test_erasing_ends_the_link_and_says_what_it_does_not_erase(
    city: Door, telegram: Citizen, whatsapp: Citizen, filing: ScriptedEngine
) -> None:
    await do(telegram, filed("MJK-1"))
    await do(whatsapp, filed("MJK-2"))
    await link(telegram, whatsapp)
    await code(telegram, "hubungkan obrolan web")
    await telegram.say(f"> {json.dumps({'type': 'data_erasure_requested'})}")
    await answer_all(city)
    assert "data di sana tetap ada" in (await telegram.texts())[-1]
    assert "diputus dari sana" in (await whatsapp.texts())[-1]
    async with city.database.reading() as conn:
        for table in (link_rows, link_codes):
            assert list(await conn.execute(sa.select(table))) == []
        assert (await conn.execute(sa.select(tables.cases.c.reference))).scalars().all() == ["MJK-2"]


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("hubungkan whatsapp", {"type": "link_asked", "channel": "whatsapp"}),
        ("tolong sambungkan ke WA saya dong", {"type": "link_asked", "channel": "whatsapp"}),
        ("Sambungkan telegram saya", {"type": "link_asked", "channel": "telegram"}),
        ("saya mau menghubungkan telegram", None),
        ("hubungkan akun saya yang lain", {"type": "link_asked", "channel": None}),
        ("hubungkan dengan web chat", {"type": "link_asked", "channel": "webchat"}),
        ("/hubungkan", {"type": "link_asked", "channel": None}),
        ("/hubungkan@kota_bot telegram", {"type": "link_asked", "channel": "telegram"}),
        ("putuskan whatsapp", {"type": "link_ended", "channel": "whatsapp"}),
        ("putuskan sambungan dengan telegram", {"type": "link_ended", "channel": "telegram"}),
        ("lanjutkan di sini", {"type": "talk_carried"}),
        ("lanjut disini aja ya", {"type": "talk_carried"}),
        ("kode saya lw bcdf ghjk", {"type": "link_code_given", "code": "LW-BCDF-GHJK"}),
        ("LWBCDFGHJK", {"type": "link_code_given", "code": "LW-BCDF-GHJK"}),
        ("sambungkan saya ke petugas", None),
        ("hubungkan saya dengan dinas sosial", None),
        ("tolong sambungkan pipa pdam", None),
        ("kabel telegram putus di depan rumah", None),
        ("sambungkan listrik web", None),
        ("lanjutkan", None),
        ("putuskan", None),
    ],
)
def test_only_set_phrases_are_heard(text: str, effect: dict[str, Any] | None) -> None:
    wish = linkwords.read(text, False, True)
    assert (wish.effect if wish else None) == effect


@pytest.mark.parametrize("text", ["putuskan whatsapp", "lanjutkan di sini"])
def test_who_is_not_linked_says_something_else_by_it(text: str) -> None:
    assert linkwords.read(text, False, False) is None
