"""Sign-ins that are quick to try and leave nothing behind."""

import pytest
from argon2 import PasswordHasher

from bot.door import Door
from bot.web.access import passwords


@pytest.fixture(autouse=True)
async def quick(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cheap hashes, and no memory of an earlier test's failures in a shared Redis."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    await door.keyvalue.delete("signin:127.0.0.1")
