"""What a rule can say, and what all rules share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from connectors.errors import CaseNotFound

MARK = "Uji kesesuaian Lawang, abaikan"
UNKNOWN = "LAWANG-TIDAK-ADA-0"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `outcome` is pass, fail or skip."""

    outcome: str
    rule: str
    detail: str = ""

    def __str__(self) -> str:
        line = f"{self.outcome.upper():4}  {self.rule}"
        return f"{line}: {self.detail}" if self.detail else line


class Skip(Exception):
    """A rule does not apply, and why."""


class Failed(Exception):
    """A rule is broken, and how."""


Rule = Callable[[], Awaitable[str | None]]


def must(condition: bool, message: str) -> None:
    if not condition:
        raise Failed(message)


async def unknown(ask: Callable[[str], Awaitable[Any]]) -> None:
    try:
        await ask(UNKNOWN)
    except CaseNotFound:
        return
    raise Failed(f"{UNKNOWN} was found")
