"""What any other desk can do, and what can go wrong with it.

HelpdeskError
├── HelpdeskAway      no answer, or one that says later: try again, after asking what became of it
└── HelpdeskRefused   it will never take this: say so in the log and go on
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class HelpdeskError(Exception):
    """Root of the tree."""


class HelpdeskAway(HelpdeskError):
    """No usable answer; the request may have been carried out."""


class HelpdeskRefused(HelpdeskError):
    """The desk understood and said no."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation over there: whose it is, and its number."""

    contact: str
    number: str


@dataclass(frozen=True, slots=True)
class Written:
    """An agent over there wrote to the citizen. `id` is unique; a second delivery carries the same one."""

    number: str
    id: str
    text: str
    agent: str
    agent_name: str
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolved:
    """An agent over there has ended the conversation."""

    number: str


class Helpdesk(Protocol):
    """A desk elsewhere, for one tenant. Implementations translate and nothing else."""

    name: str
    tenant: str

    async def contact(self, citizen: str, display_name: str | None) -> str:
        """Make the citizen known, once per `citizen`; the desk's own id. Raises HelpdeskError."""
        ...

    async def threads(self, contact: str) -> list[str]:
        """The numbers of a contact's conversations. Raises HelpdeskError."""
        ...

    async def open(self, contact: str) -> str:
        """Open a conversation; its number. Raises HelpdeskError."""
        ...

    async def write(self, thread: Thread, text: str, key: str) -> None:
        """Add what the citizen said. Raises HelpdeskError."""
        ...

    async def has(self, thread: Thread, text: str) -> bool:
        """Say whether these words of the citizen are there already. Raises HelpdeskError."""
        ...

    async def resolve(self, thread: Thread) -> None:
        """End a conversation that ended here. Raises HelpdeskError."""
        ...

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """Say whether a call really comes from the desk, and lately (constant-time)."""
        ...

    def parse(self, payload: object) -> Written | Resolved | None:
        """Translate one call; None for what concerns nobody here. Raises ValueError."""
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...
