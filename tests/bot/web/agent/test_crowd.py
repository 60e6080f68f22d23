"""Many consoles that ask for their lists at the same moment: each sees all that is theirs, as it is now."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from bot.app import create_app
from bot.conversations.desk import claims
from bot.door import Door
from bot.storage import sessions
from bot.texts import Texts
from bot.vocabulary.agents import Agent
from bot.web.access import passwords
from tests.bot.desk.staff import ask, hand_off_on_request, set_rule
from tests.bot.web.access.people import account, sign_in
from tests.scripted import ScriptedEngine

BY_SCRIPT = {"X-Requested-By": "lawang"}
Console = tuple[httpx.AsyncClient, Agent]
Enter = Callable[..., Awaitable[Console]]


@pytest.fixture
async def enter(door: Door, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Enter]:
    """Open another console at the same front door, signed in."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    hand_off_on_request(engine)
    await set_rule(door, "automatic", False)
    app = create_app(door.settings, door)
    app.state.door = door
    async with AsyncExitStack() as stack:

        async def enter(name: str, **who: object) -> Console:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            browser = httpx.AsyncClient(transport=transport, base_url="http://kota.test", headers=BY_SCRIPT)
            await stack.enter_async_context(browser)
            agent = await account(door, name, **who)  # type: ignore[arg-type]
            await door.keyvalue.delete("signin:127.0.0.1")
            await sign_in(browser, name)
            return browser, agent

        yield enter


async def shown(consoles: list[Console], box: str = "baru", **filters: str) -> list[str]:
    """The list that each fetches, all at the same time."""
    answers = await asyncio.gather(
        *(browser.get(f"/agent/kotak/{box}", params=filters) for browser, _ in consoles)
    )
    assert {answer.status_code for answer in answers} == {200}
    return [answer.text for answer in answers]


async def test_all_consoles_see_a_change_at_once(door: Door, enter: Enter) -> None:
    consoles = [await enter(name) for name in ("rahayu", "sari", "budi")]
    assert all("row-" not in page for page in await shown(consoles))
    _, found = await ask(door, "w1")
    assert all(f"row-{found.id}" in page for page in await shown(consoles))
    await claims.claim(door, consoles[0][1], found.id)
    assert all(f"row-{found.id}" not in page for page in await shown(consoles))
    assert all(f"row-{found.id}" in page for page in await shown(consoles, "aktif"))


async def test_what_changes_while_others_are_answered_is_shown(door: Door, enter: Enter) -> None:
    consoles = [await enter("rahayu"), await enter("sari")]
    early = asyncio.create_task(shown(consoles))
    for number in range(5):
        _, found = await ask(door, f"w{number}")
        later = asyncio.create_task(shown(consoles))
        assert all(f"row-{found.id}" in page for page in await later)
    await early


async def test_what_is_mine_is_shown_and_counted_for_me_alone(door: Door, enter: Enter) -> None:
    consoles = [await enter("rahayu"), await enter("sari")]
    _, found = await ask(door, "w1")
    await claims.claim(door, consoles[0][1], found.id)
    mine, theirs = await shown(consoles, "milik-saya")
    counted = re.compile(r'data-box="milik-saya"[^<]*<b class="count">1</b>')
    assert f"row-{found.id}" in mine
    assert counted.search(mine)
    assert f"row-{found.id}" not in theirs
    assert not counted.search(theirs)


async def test_a_filter_of_one_is_not_anothers(door: Door, enter: Enter) -> None:
    consoles = [await enter("rahayu"), await enter("sari")]
    _, found = await ask(door, "w1")
    other, here = await asyncio.gather(
        shown(consoles[:1], saluran="telegram"), shown(consoles[1:], saluran="webchat")
    )
    assert f"row-{found.id}" not in other[0]
    assert f"row-{found.id}" in here[0]


async def test_another_government_is_shown_nothing_of_ours(door: Door, enter: Enter) -> None:
    consoles = [await enter("rahayu"), await enter("kupang", tenant="kota_kupang"), await enter("sari")]
    _, found = await ask(door, "w1")
    for box in ("baru", "aktif", "belum-dijawab", "riwayat"):
        ours, theirs, also_ours = await shown(consoles, box)
        assert found.id not in theirs
        assert 'class="count' not in theirs
        assert (found.id in ours) is (found.id in also_ours) is (box == "baru")


async def test_who_is_signed_out_is_shown_nothing_among_many(door: Door, enter: Enter) -> None:
    (gone, agent), (stays, _) = await enter("rahayu"), await enter("sari")
    async with door.database.transaction() as conn:
        user = (await conn.execute(sa.text("SELECT id FROM users WHERE username = 'rahayu'"))).scalar_one()
        assert await sessions.end_all(conn, user) == 1
    paths = ["/agent/kotak/baru"] * 3
    answers = await asyncio.gather(
        *(browser.get(path) for path in paths for browser in (gone, stays)),
    )
    assert [answer.status_code for answer in answers] == [401, 200] * 3
    assert agent is not None


async def test_rows_that_many_are_shown_hold_nobodys_token(door: Door, enter: Enter) -> None:
    consoles = [await enter("rahayu"), await enter("sari")]
    _, found = await ask(door, "w1")
    for page in await shown(consoles):
        assert f"/agent/tugas/{found.id}/ambil" in page
        assert "csrf" not in page


async def test_a_whole_page_still_works_without_scripts(door: Door, enter: Enter) -> None:
    browser, agent = await enter("rahayu")
    del browser.headers["X-Requested-By"]
    _, found = await ask(door, "w1")
    page = (await browser.get("/agent/kotak/baru")).text
    form = page[page.index(f'action="/agent/tugas/{found.id}/ambil"') :]
    token = re.findall(r'name="csrf" value="([0-9a-f]+)"', form)[0]
    taken = await browser.post(f"/agent/tugas/{found.id}/ambil", data={"csrf": token})
    assert taken.status_code == 303
    assert agent is not None


async def test_a_sentence_that_is_missing_is_our_fault_and_no_missing_page(
    door: Door, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, _ = await enter("rahayu")
    render = Texts.render

    def forgetful(self: Texts, key: str, *given: object) -> str:
        return render(self, "no.such.key" if key == "console.box.aktif" else key, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Texts, "render", forgetful)
    assert (await browser.get("/agent/kotak/baru")).status_code == 500
    assert (await browser.get("/agent/kotak/tidak-ada")).status_code == 404
