"""A city system that does not call is asked, and its answer is told once."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from bot.conversations import inquiries
from bot.door import Door
from connectors.capabilities import Capability, CaseState, CaseStatus
from connectors.errors import BackendUnreachable
from tests.scripted import ScriptedEngine
from tests.talk import Citizen, answer_all

AT_ONCE = timedelta(0)


class QuietApp:
    """An app that answers when asked and never reports."""

    id = "curhat_ning_ita"
    offers = frozenset({Capability.COMPLAINT_STATUS})
    manifest = SimpleNamespace(poll_every_seconds=60)

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None

    async def complaint_status(self, reference: str) -> CaseState:
        self.asked += 1
        if self.error:
            raise self.error
        return CaseState(
            reference, CaseStatus.IN_PROGRESS, updated_at=datetime.now(UTC) + timedelta(seconds=1)
        )


async def _follow(door: Door, engine: ScriptedEngine) -> Citizen:
    opened = {"type": "case_opened", "connector": "curhat_ning_ita", "reference": "MJK-2611-000001"}
    engine.effects = lambda turn: [{**opened, "kind": "complaint", "status": "received"}]
    citizen = Citizen(door)
    await citizen.say("lampu mati")
    await answer_all(door)
    await citizen.texts()
    return citizen


async def test_a_change_found_by_asking_is_told_once(door: Door, engine: ScriptedEngine) -> None:
    citizen, app = await _follow(door, engine), QuietApp()
    quiet: Any = app
    assert await inquiries.ask(door, quiet, AT_ONCE) == 1
    assert await inquiries.ask(door, quiet, AT_ONCE) == 0
    assert app.asked == 2
    [news] = await citizen.texts()
    assert "sedang dikerjakan" in news


async def test_what_was_asked_about_a_moment_ago_is_left_in_peace(door: Door, engine: ScriptedEngine) -> None:
    await _follow(door, engine)
    quiet: Any = QuietApp()
    assert await inquiries.ask(door, quiet, timedelta(hours=6)) == 0
    assert quiet.asked == 0


async def test_an_app_that_is_away_changes_nothing(door: Door, engine: ScriptedEngine) -> None:
    citizen, app = await _follow(door, engine), QuietApp()
    app.error = BackendUnreachable("curhat_ning_ita")
    quiet: Any = app
    assert await inquiries.ask(door, quiet, AT_ONCE) == 0
    assert await citizen.texts() == []
