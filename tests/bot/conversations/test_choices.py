"""A button counts once, whether it is pressed or typed."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.conversations import choices
from bot.door import Door
from bot.storage import tables
from bot.storage.buttons import OfferedButton
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def button(title: str, payload: str = "/x", **changes: object) -> OfferedButton:
    values = {
        "token": "t",
        "message_id": 1,
        "title": title,
        "payload": payload,
        "reusable": False,
        "used": False,
        "created_at": NOW - timedelta(minutes=1),
        "is_latest": True,
        **changes,
    }
    return OfferedButton(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pressed", "payload", "refusal"),
    [
        (button("Kirim"), "/x", None),
        (button("Kirim", used=True), None, "button.used"),
        (button("Kirim", is_latest=False), None, "button.expired"),
        (button("Kirim", created_at=NOW - timedelta(days=7)), None, "button.expired"),
        (button("Menu", reusable=True, is_latest=False, created_at=NOW - timedelta(days=7)), "/x", None),
        (button("Menu", reusable=True, created_at=NOW - timedelta(days=40)), None, "button.expired"),
        (None, None, "button.unknown"),
    ],
)
def test_a_press_counts_while_it_can_be_meant(pressed, payload, refusal) -> None:
    assert choices.press(pressed, NOW) == choices.Press(payload, refusal)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("kirim", "Kirim"),
        ("KIRIM!", "Kirim"),
        ("1", "Kirim"),
        ("nomor 2", "Ubah isian"),
        ("2.", "Ubah isian"),
        ("ubah   isian", "Ubah isian"),
        ("3", None),
        ("kirim dong", None),
        ("", None),
    ],
)
def test_a_title_or_number_typed_by_hand_is_a_press(text, title) -> None:
    found = choices.typed(text, [button("Kirim"), button("Ubah isian")], NOW)
    assert (found.title if found else None) == title


async def test_a_double_press_is_answered_once(door: Door, engine: ScriptedEngine) -> None:
    engine.buttons = ({"title": "Kirim", "payload": "/affirm"}, {"title": "Batal", "payload": "/cancel"})
    citizen = Citizen(door)
    await citizen.say("halo")
    await answer_all(door)
    [offer] = await citizen.replies()
    tokens = [item["token"] for item in offer.buttons]
    await citizen.press(tokens[0])
    await citizen.press(tokens[0])
    await citizen.press(tokens[1])
    await answer_all(door)
    assert [turn.text for turn in engine.turns] == ["halo", "/affirm"]
    assert "sudah Bapak/Ibu tekan" in (await citizen.texts())[-1]


async def test_a_press_a_week_later_says_that_it_is_over(door: Door, engine: ScriptedEngine) -> None:
    engine.buttons = ({"title": "Kirim", "payload": "/affirm"},)
    citizen = Citizen(door)
    await citizen.say("halo")
    await answer_all(door)
    [offer] = await citizen.replies()
    async with door.database.transaction() as conn:
        await conn.execute(sa.update(tables.buttons).values(created_at=datetime.now(UTC) - timedelta(days=7)))
    await citizen.press(offer.buttons[0]["token"])
    await answer_all(door)
    assert "tidak berlaku" in (await citizen.texts())[0]
    assert len(engine.turns) == 1


async def test_the_card_of_a_draft_still_counts_after_a_day_and_a_half(
    door: Door, engine: ScriptedEngine
) -> None:
    engine.buttons = ({"title": "Kirim", "payload": "/choose{}"},)
    citizen = Citizen(door)
    await citizen.say("lampu mati")
    await answer_all(door)
    token = (await citizen.replies())[-1].buttons[0]["token"]
    async with door.database.transaction() as conn:
        yesterday = datetime.now(UTC) - timedelta(hours=36)
        await conn.execute(sa.update(tables.buttons).values(created_at=yesterday))
    await citizen.press(token)
    await answer_all(door)
    assert engine.turns[-1].text == "/choose{}"
    assert engine.turns[-1].state == {"count": 1}, "the draft is where it was left"


async def test_a_button_of_somebody_else_does_nothing(door: Door, engine: ScriptedEngine) -> None:
    engine.buttons = ({"title": "Kirim", "payload": "/affirm"},)
    owner, stranger = Citizen(door, "pemilik"), Citizen(door, "orang-lain")
    await owner.say("halo")
    await answer_all(door)
    [offer] = await owner.replies()
    await stranger.press(offer.buttons[0]["token"])
    await answer_all(door)
    assert "tidak kami kenali" in (await stranger.texts())[0]
