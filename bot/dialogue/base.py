"""The port to the dialogue engine, and how it fails.

DialogueError
├── DialogueUnavailable   nobody listens (starting, restarting): worth waiting for
└── DialogueFailed        silence, time-out or nonsense: an honest sentence to the citizen, counted
"""

from typing import Protocol

from bot.vocabulary.conversations import Reply, Turn


class DialogueError(Exception):
    """Root of the tree."""


class DialogueUnavailable(DialogueError):
    """The engine cannot be reached; nothing was understood and nothing happened."""


class DialogueFailed(DialogueError):
    """The engine answered with silence, an error or something that is no reply."""


class DialogueEngine(Protocol):
    """Turns go in, replies come out. The engine keeps no memory: `Turn.state` and `Reply.state` carry it."""

    async def respond(self, turn: Turn) -> Reply:
        """Answer one turn. Raises DialogueError."""
        ...

    async def ready(self) -> bool:
        """True once a turn would be answered."""
        ...
