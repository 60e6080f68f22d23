"""Passwords: kept as argon2id hashes, compared in a time that says nothing."""

import asyncio
import secrets
from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's minimum for a password alone is 8; longer, because agents may go without a second step at first.
SHORTEST = 10
LONGEST = 200
# How long a password waits that somebody else made: over a weekend and a leave, not for ever.
FIRST_LIFE = timedelta(days=7)
# Argon2 takes 64 MiB for each: so many at a time.
_AT_ONCE = 4
_hasher = PasswordHasher()
# No letter or digit that is read as another one.
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"


class PasswordUnusable(Exception):
    """Too short, too long, or the account's own name."""


def check(password: str, username: str) -> None:
    """Accept a new password. Raises PasswordUnusable."""
    if not SHORTEST <= len(password) <= LONGEST or username.lower() in password.lower():
        raise PasswordUnusable


def hashed(password: str) -> str:
    """The hash to keep."""
    return _hasher.hash(password)


async def matches(kept: str | None, password: str) -> bool:
    """Compare; for an account that does not exist (`kept` None) it takes just as long and says no."""
    async with _gate():
        return await asyncio.to_thread(_matches, kept, password[:LONGEST])


def generated() -> str:
    """A password to hand to somebody once, about 75 bits: four groups that can be read out."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(4))


def _matches(kept: str | None, password: str) -> bool:
    try:
        found = _hasher.verify(kept or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return found and kept is not None


@cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe(16))


_gates: dict[int, asyncio.Semaphore] = {}


def _gate() -> asyncio.Semaphore:
    loop = id(asyncio.get_running_loop())
    return _gates.setdefault(loop, asyncio.Semaphore(_AT_ONCE))
