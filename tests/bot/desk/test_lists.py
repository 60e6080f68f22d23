"""Lists, search and the log of events: everything once, in order, and only of one's own government."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.conversations.desk import claims, events, handing, labels, notes, presence, writing
from bot.door import Door
from bot.storage import consoleevents, inbox
from bot.storage.inbox import Box, Filters
from bot.vocabulary.agents import EventKind, Outcome, PresenceState, Urgency
from tests.bot.desk.staff import TENANT, ask, hand_off_on_request, hire
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all


@pytest.fixture(autouse=True)
def asking(engine: ScriptedEngine) -> None:
    hand_off_on_request(engine)


async def numbers(door: Door, box: Box, agent_id: str | None = None, **changes: object) -> list[int]:
    found, cursor = [], None
    async with door.database.reading() as conn:
        while True:
            page = await inbox.page(
                conn, TENANT, box, agent_id=agent_id, cursor=cursor, limit=2, filters=Filters(**changes)
            )
            found += [row.handoff.number for row in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                return found


async def test_each_list_holds_what_it_says_in_its_order_page_by_page(door: Door) -> None:
    sari, budi = await hire(door, "Sari"), await hire(door, "Budi")
    asked = [await ask(door, f"warga-{number}") for number in range(7)]
    for index, agent in ((0, sari), (1, sari), (2, budi), (3, sari)):
        await claims.claim(door, agent, asked[index][1].id)
    await writing.reply(door, sari, asked[0][1].conversation_id, "Selamat pagi", key="1")
    await handing.close(door, sari, asked[3][1].id, Outcome.SOLVED)
    await Citizen(door, "warga-bahaya").say("kebakaran di pasar tanjung, tolong")
    assert await numbers(door, Box.NEW) == [8, 5, 6, 7]
    assert await numbers(door, Box.MINE, sari.id) == [1, 2]
    assert await numbers(door, Box.ACTIVE) == [1, 3, 2]
    assert await numbers(door, Box.UNANSWERED) == [2, 3]
    assert await numbers(door, Box.HISTORY) == [4]
    async with door.database.reading() as conn:
        counts = await inbox.counts(conn, TENANT, sari.id)
    assert counts == {Box.NEW: 4, Box.MINE: 2, Box.ACTIVE: 3, Box.UNANSWERED: 2}


async def test_filters_leave_out_what_is_not_asked_for(door: Door) -> None:
    sari = await hire(door, "Sari")
    asked = [await ask(door, f"warga-{number}") for number in range(3)]
    await Citizen(door, "warga-bahaya").say("kebakaran di pasar tanjung, tolong")
    await labels.put(door, sari, asked[1][1].conversation_id, "  Pajak Bumi ")
    now = datetime.now(UTC)
    assert await numbers(door, Box.NEW, label="pajak bumi") == [2]
    assert await numbers(door, Box.NEW, urgency=Urgency.EMERGENCY) == [4]
    assert await numbers(door, Box.NEW, channel="telegram") == []
    assert await numbers(door, Box.NEW, since=now + timedelta(hours=1)) == []
    assert await numbers(door, Box.NEW, until=now + timedelta(hours=1)) == [4, 1, 2, 3]
    async with door.database.reading() as conn:
        page = await inbox.page(conn, "kota_kupang", Box.NEW)
    assert page.rows == []


@pytest.mark.parametrize("cursor", ["", "x", "1_2", "nan_x", "1e999_x_y", "5_abc_def"])
async def test_a_broken_cursor_starts_anew(door: Door, cursor: str) -> None:
    await ask(door, "warga-1")
    async with door.database.reading() as conn:
        for box in Box:
            await inbox.page(conn, TENANT, box, cursor=cursor, agent_id="x")
        assert len((await inbox.page(conn, TENANT, Box.NEW, cursor="x")).rows) == 1


async def test_a_row_shows_the_newest_message_and_who_has_it(door: Door) -> None:
    sari = await hire(door, "Sari")
    citizen, found = await ask(door, "warga-1")
    await claims.claim(door, sari, found.id)
    await citizen.say("soal pbb")
    await answer_all(door)
    async with door.database.reading() as conn:
        [row] = (await inbox.page(conn, TENANT, Box.ACTIVE)).rows
    assert (row.last_text, row.last_direction, row.agent_name, row.channel) == (
        "soal pbb",
        "in",
        "Sari",
        "webchat",
    )


async def found(door: Door, words: str, tenant: str = TENANT, **more: int) -> list[str]:
    async with door.database.reading() as conn:
        return [hit.text for hit in await inbox.search(conn, tenant, words, **more)]


async def test_search_finds_words_and_beginnings_newest_first_and_only_masked_text(door: Door) -> None:
    citizen = Citizen(door)
    for text in ("lampu jalan mati di Wates", "NIK saya 3516012509870003", "Lampu merah rusak"):
        await citizen.say(text)
    assert await found(door, "lampu") == ["Lampu merah rusak", "lampu jalan mati di Wates"]
    assert await found(door, "LAMPU wat") == ["lampu jalan mati di Wates"]
    assert await found(door, "3516012509870003") == []
    assert await found(door, "lampu", tenant="kota_kupang") == []
    async with door.database.reading() as conn:
        [first, second] = await inbox.search(conn, TENANT, "lampu")
        assert await inbox.search(conn, TENANT, "lampu", before=first.message_id) == [second]


@pytest.mark.parametrize(
    "words",
    ["", "  ", '"', "'", "a' | b", "NEAR(", "-", "*", "lampu AND", ") OR (", "\x00", "😀", "%_", "a:*"],
)
async def test_no_words_break_the_search(door: Door, words: str) -> None:
    await Citizen(door).say("lampu jalan mati")
    assert isinstance(await found(door, words), list)


async def test_what_is_erased_is_found_no_more(door: Door) -> None:
    from bot.conversations import privacy
    from bot.storage import conversations

    accepted = await Citizen(door).say("lampu jalan mati")
    await answer_all(door)
    sari = await hire(door, "Sari")
    await notes.add(door, sari, accepted.conversation_id, "catatan rahasia")
    await labels.put(door, sari, accepted.conversation_id, "lampu")
    async with door.database.transaction() as conn:
        conversation = await conversations.get(conn, accepted.conversation_id)
        await privacy.erase(conn, conversation, datetime.now(UTC))
    assert await found(door, "lampu") == []
    assert await notes.of(door, accepted.conversation_id) == []
    assert await labels.of(door, TENANT) == {}


async def test_a_console_that_was_away_misses_nothing_and_gets_nothing_twice(door: Door, open_doors) -> None:
    sari = await hire(door, "Sari")
    start = await events.start(door, TENANT)
    heard: list[tuple[int, str]] = []

    async def listen(after: int, count: int) -> int:
        async for event in events.follow(door, sari, after):
            if event is not None:
                heard.append((event.id, event.kind))
                after = event.id
            if len(heard) >= count:
                return after
        return after

    listening = asyncio.create_task(listen(start, 2))
    other = open_doors()
    await other.wakeups.start()
    citizen, request = await ask(other, "warga-1")
    await claims.claim(other, sari, request.id)
    after = await asyncio.wait_for(listening, 10)
    # Nobody listens now.
    await citizen.say("halo")
    await answer_all(other)
    await handing.close(other, sari, request.id, Outcome.SOLVED)
    await asyncio.wait_for(listen(after, 4), 10)
    assert [kind for _, kind in heard] == [
        EventKind.HANDOFF_WAITING,
        EventKind.HANDOFF_ASSIGNED,
        EventKind.MESSAGE,
        EventKind.HANDOFF_CLOSED,
    ]
    ids = [event_id for event_id, _ in heard]
    assert ids == sorted(set(ids))


async def test_events_become_visible_in_the_order_of_their_ids(door: Door, open_doors) -> None:
    """A reader that asks for all after N would miss an event that commits later with a smaller id."""
    doors = [door, open_doors(), open_doors()]
    seen: list[int] = []
    done = asyncio.Event()

    async def write(one: Door, count: int) -> None:
        for _ in range(count):
            async with one.database.transaction() as conn:
                await consoleevents.append(conn, TENANT, EventKind.NOTE, datetime.now(UTC))
                await asyncio.sleep(0.002)

    async def read() -> None:
        last = 0
        while True:
            ended = done.is_set()
            async with door.database.reading() as conn:
                rows = await consoleevents.after(conn, TENANT, "x", last, 500)
            seen.extend(row.id for row in rows)
            last = seen[-1] if seen else 0
            if ended and not rows:
                return
            await asyncio.sleep(0)

    reading = asyncio.create_task(read())
    await asyncio.gather(*(write(one, 10) for one in doors for _ in range(3)))
    done.set()
    await reading
    assert seen == sorted(seen)
    assert len(seen) == 90


async def test_ids_of_forgotten_events_do_not_come_again(door: Door) -> None:
    async with door.database.transaction() as conn:
        first = await consoleevents.append(conn, TENANT, EventKind.NOTE, datetime.now(UTC))
        assert await consoleevents.forget(conn, datetime.now(UTC) + timedelta(seconds=1)) == 1
        assert await consoleevents.append(conn, TENANT, EventKind.NOTE, datetime.now(UTC)) > first


async def test_what_concerns_one_agent_is_heard_by_that_agent_only(door: Door) -> None:
    sari, budi = await hire(door, "Sari Dewi"), await hire(door, "Budi")
    accepted = await Citizen(door).say("halo")
    start = await events.start(door, TENANT)
    await notes.add(door, sari, accepted.conversation_id, "tolong lihat @budi")
    async with door.database.reading() as conn:
        for agent, kinds in ((budi, [EventKind.NOTE, EventKind.MENTION]), (sari, [EventKind.NOTE])):
            heard = await consoleevents.after(conn, TENANT, agent.id, start)
            assert [event.kind for event in heard] == kinds


async def test_presence_is_told_once_per_change(door: Door) -> None:
    sari = await hire(door, "Sari")
    start = await events.start(door, TENANT)
    for state, reason in (
        (PresenceState.AVAILABLE, None),
        (PresenceState.AWAY, "salat"),
        (PresenceState.AWAY, "salat"),
        (PresenceState.AWAY, "rapat"),
    ):
        await presence.change(door, sari, state, reason)
    async with door.database.reading() as conn:
        heard = await consoleevents.after(conn, TENANT, sari.id, start)
    assert [event.data["reason"] for event in heard] == ["salat", "rapat"]


@pytest.mark.parametrize("box", list(Box))
async def test_every_list_uses_an_index(door: Door, box: Box) -> None:
    if not door.database.is_sqlite:
        pytest.skip("PostgreSQL reads small tables whole, whatever their indexes")
    query = inbox._wanted(TENANT, box, "x", Filters())
    keys, descending = inbox._order(box)
    query = query.order_by(*(key.desc() if descending else key for key in keys)).limit(50)
    async with door.database.reading() as conn:
        words = str(query.compile(conn.sync_connection, compile_kwargs={"literal_binds": True}))
        plan = [row[3] for row in await conn.execute(sa.text(f"EXPLAIN QUERY PLAN {words}"))]
    assert not [step for step in plan if "SCAN handoffs" in step or "TEMP B-TREE" in step], plan
