"""What can stand in an agent's way, by remedy; each names a sentence that says what to do next.

DeskError
├── AlreadyTaken  somebody else was faster: look at the row again
├── NotYours      claim the conversation first
├── Ended         the request is over: open the history
├── NotAllowed    ask somebody with the role for it
└── Unusable      change what was typed
"""

from typing import Any


class DeskError(Exception):
    """Root of the tree. `text_key` and `values` make the sentence to show."""

    text_key = "desk.error.other"

    def __init__(self, **values: Any) -> None:
        super().__init__(f"{type(self).__name__} {values}" if values else type(self).__name__)
        self.values = values


class AlreadyTaken(DeskError):
    """Another agent has the conversation."""

    text_key = "desk.error.taken"


class NotYours(DeskError):
    """The agent does not have this conversation."""

    text_key = "desk.error.not_yours"


class Ended(DeskError):
    """The request for a person is closed."""

    text_key = "desk.error.ended"


class NotAllowed(DeskError):
    """The agent's role is too low for this."""

    text_key = "desk.error.not_allowed"


class Unusable(DeskError):
    """What was typed cannot be used; `why` names the sentence under `desk.error`."""

    def __init__(self, why: str, **values: Any) -> None:
        super().__init__(**values)
        self.text_key = f"desk.error.{why}"
