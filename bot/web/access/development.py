"""Sign-ins for whoever tries Lawang on their own machine; production refuses them."""

import hashlib
import hmac
import uuid
from datetime import UTC, datetime

from bot.door import Door
from bot.settings import Settings
from bot.storage import agents, users
from bot.vocabulary.agents import Agent, Role
from bot.web.access import passwords

PEOPLE = (("rahayu", "Rahayu Lestari", Role.PETUGAS), ("bagus", "Bagus Prakoso", Role.PETUGAS),
          ("wulan", "Wulan Sari", Role.SUPERVISOR), ("dimas", "Dimas Aji", Role.ADMIN))  # fmt: skip


def password(settings: Settings, username: str) -> str:
    """The same at every start, another one in every installation."""
    key = settings.secret_key.encode()
    digest = hmac.new(key, b"development sign-in\n" + username.encode(), hashlib.sha256).hexdigest()
    return f"{username}-{digest[:8]}"


def sign_ins(settings: Settings) -> list[tuple[str, str, Role]]:
    """Name, password and role of each; none in production."""
    if settings.production:
        return []
    return [(username, password(settings, username), role) for username, _, role in PEOPLE]


async def prepare(door: Door) -> None:
    """Add the accounts where there are none of theirs yet."""
    if door.settings.production:
        return
    for username, name, role in PEOPLE:
        async with door.database.reading() as conn:
            if await users.named(conn, username) is not None:
                continue
        kept = passwords.hashed(password(door.settings, username))
        now = datetime.now(UTC)
        agent = Agent(id=uuid.uuid4().hex, tenant=door.settings.tenant, name=name, role=role)
        async with door.database.transaction() as conn:
            if await users.named(conn, username) is None:
                await agents.save(conn, agent, now)
                await users.add(conn, agent.id, username, kept, now, development=True)
