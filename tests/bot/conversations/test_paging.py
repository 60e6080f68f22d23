"""More choices than a list holds: every one is shown once, page by page, and the way back leads back."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.fit import join
from bot.conversations import paging
from bot.door import Door
from bot.vocabulary.conversations import Conversation, Owner, Reply, Say
from bot.vocabulary.messages import Button, ChannelAddress, ChannelName, OutgoingMessage
from tests.postman import Postman
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

ROOM = 10
TELEGRAM = ChannelName.TELEGRAM


@pytest.fixture
def city(open_doors: Callable[..., Door]) -> Door:
    postman = Postman()
    postman.limits = replace(postman.limits, buttons=ROOM)
    return open_doors(channels={TELEGRAM: postman})


def talk() -> Conversation:
    address = ChannelAddress(TELEGRAM, "1", "Warga")
    return Conversation("c", "kota_mojokerto", "p", address, Owner.BOT, "id", 0, None, True)


def choices(count: int) -> tuple[Button, ...]:
    return tuple(Button(f"Pilihan {number}", f"/choose {number}", f"t{number}") for number in range(count))


@pytest.mark.parametrize("count", [*range(13), 19, 25, 26, 27, 60])
async def test_every_choice_is_shown_once_and_in_order(city: Door, count: int) -> None:
    bubble = OutgoingMessage("Yang mana?", choices(count))
    page: OutgoingMessage | None = paging.first(city, talk(), bubble)
    shown: list[str] = []
    firsts: list[str] = []
    while page is not None:
        assert len(page.buttons) <= ROOM
        assert page.text == "Yang mana?"
        own = [button for button in page.buttons if not button.payload.startswith(paging.PAGE)]
        shown += [button.payload for button in own]
        ways = {button.title: button.payload for button in page.buttons if button not in own}
        if back := ways.get("Sebelumnya…"):
            before = paging.turned(city, talk(), back)
            assert before is not None
            assert before.buttons[0].payload == firsts[-1]
        firsts.append(own[0].payload if own else "")
        page = paging.turned(city, talk(), ways["Lainnya…"]) if "Lainnya…" in ways else None
    assert shown == [f"/choose {number}" for number in range(count)]


async def test_a_page_is_turned_by_a_press_and_the_dialogue_is_not_asked(
    city: Door, engine: ScriptedEngine
) -> None:
    buttons = tuple({"title": f"Loket {number}", "payload": f"/loket {number}"} for number in range(14))
    engine.answer = lambda turn: Reply((Say("update.note", {"note": "pilih"}, buttons),), (), {"kept": 1})
    citizen = Citizen(city, "1", TELEGRAM)
    await citizen.say("loket mana")
    await answer_all(city)
    first = (await citizen.replies())[-1].buttons
    assert [button["title"] for button in first][-2:] == ["Loket 8", "Lainnya…"]
    await citizen.press(first[-1]["token"])
    await answer_all(city)
    second = (await citizen.replies())[-1].buttons
    assert second[0]["title"] == "Loket 9"
    await citizen.press(second[-1]["token"])
    await answer_all(city)
    assert (await citizen.replies())[-1].buttons[0]["title"] == "Loket 0"
    assert len(engine.turns) == 1


@given(st.lists(st.tuples(st.text(min_size=1, max_size=300), st.booleans()), max_size=8))
def test_words_are_joined_where_messages_are_billed_and_nothing_changes_its_order(
    said: list[tuple[str, bool]],
) -> None:
    limits = replace(Postman().limits, text_units=600, choice_units=400, billed=True)
    bubbles = [
        OutgoingMessage(f"x{text}x", (Button("Ya", "/ya", "t"),) if choosing else ())
        for text, choosing in said
    ]
    joined = join(bubbles, limits)
    assert _words(joined) == _words(bubbles)
    assert sum(bool(one.buttons) for one in joined) == sum(bool(one.buttons) for one in bubbles)
    assert join(bubbles, replace(limits, billed=False)) == bubbles


def test_two_short_answers_are_billed_once() -> None:
    limits = replace(Postman().limits, billed=True)
    said = [OutgoingMessage("Diterima."), OutgoingMessage("Ada lagi?", (Button("Ya", "/ya", "t"),))]
    [joined] = join(said, limits)
    assert joined.text == "Diterima.\n\nAda lagi?"
    assert [button.title for button in joined.buttons] == ["Ya"]


def _words(bubbles: list[OutgoingMessage]) -> str:
    return "".join("".join(one.text.split()) for one in bubbles)
