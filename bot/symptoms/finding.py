"""One line of the doctor's screen."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """`FAIL` keeps messages from being answered, or will lose something; `warn` deserves a look."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen, and what to do about it. Never holds a token, a password or a citizen's word."""

    level: Level
    subject: str
    detail: str
    remedy: str | None = None


def ok(subject: str, detail: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, subject, detail)


def warn(subject: str, detail: str, remedy: str) -> Finding:
    """It works, but not for long or not for everyone."""
    return Finding(Level.WARN, subject, detail, remedy)


def fail(subject: str, detail: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(Level.FAIL, subject, detail, remedy)
