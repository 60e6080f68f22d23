"""A dialogue engine for tests of everything around it: deterministic, stateless, failing on demand."""

import asyncio
from collections.abc import Callable
from typing import Any

from bot.vocabulary.conversations import Reply, Say, Turn

Answer = Callable[[Turn], Reply]


class ScriptedEngine:
    """Counts turns in the state it hands back, as a real engine keeps its form there."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.delay = 0.0
        self.errors: list[Exception] = []
        self.effects: Callable[[Turn], list[dict[str, Any]]] = lambda turn: []
        self.buttons: tuple[dict[str, Any], ...] = ()
        self.answer: Answer = self._count

    async def respond(self, turn: Turn) -> Reply:
        """Answer as scripted."""
        self.turns.append(turn)
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.errors:
            raise self.errors.pop(0)
        return self.answer(turn)

    async def ready(self) -> bool:
        """Always."""
        return True

    def _count(self, turn: Turn) -> Reply:
        count = (turn.state or {}).get("count", 0) + 1
        # A sentence of ours that takes one free value stands in for whatever Rasa would say.
        say = Say("update.note", {"note": f"{count}: {turn.text}"}, buttons=self.buttons)
        return Reply((say,), tuple(self.effects(turn)), {"count": count})
