"""Keeping accounts: who may come in, as what, and for which work; every change is written down."""

import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversations.desk.errors import NotAllowed, Unusable
from bot.door import Door
from bot.storage import agents, audit, sessions, users
from bot.storage.audit import Act
from bot.storage.users import User
from bot.vocabulary.agents import Agent, Role
from bot.web.access import oidc, passwords

USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
LARGEST_CAPACITY = 50


def may_keep(keeper: Agent, role: Role) -> bool:
    """Say whether somebody keeps accounts of a role: admins every one of theirs, supervisors the petugas."""
    return keeper.may(Role.ADMIN) or (keeper.may(Role.SUPERVISOR) and role is Role.PETUGAS)


async def add(
    door: Door, keeper: Agent, agent: Agent, username: str, subject: str, address: str
) -> str | None:
    """Add an account; the password for the first sign-in, None for whom the city's own sign-in lets in.

    Raises:
        NotAllowed: the role is not one that `keeper` keeps.
        Unusable: a name that is taken or unusable, or a subject without a city's sign-in.
    """
    _keeps(keeper, agent)
    _check(agent)
    name = username.strip().lower()
    if not USERNAME.fullmatch(name):
        raise Unusable("username")
    if subject and door.settings.oidc_issuer is None:
        raise Unusable("no_city_sign_in")
    first = None if subject else passwords.generated()
    kept = first and passwords.hashed(first)
    now = datetime.now(UTC)
    made = replace(agent, id=uuid.uuid4().hex, tenant=keeper.tenant)
    async with door.database.transaction() as conn:
        if await users.named(conn, name) is not None:
            raise Unusable("username_taken", name=name)
        known = oidc.named(door.settings, subject) if subject else None
        if known is not None and await users.by_subject(conn, known) is not None:
            raise Unusable("subject_taken")
        await agents.save(conn, made, now)
        until = now + passwords.FIRST_LIFE if first else None
        if not await users.add(conn, made.id, name, kept or None, now, first_until=until):
            raise Unusable("username_taken", name=name)
        user = await users.named(conn, name)
        assert user is not None
        if known is not None:
            await users.change(conn, user.id, now, oidc_subject=known)
        await _note(conn, keeper, Act.ACCOUNT_ADDED, user, now, address, made.name)
    return first


async def change(door: Door, keeper: Agent, wanted: Agent, address: str) -> None:
    """Change what is known of somebody; another role signs them out, and counts from the next sign-in.

    Raises:
        LookupError: nobody of this government.
        NotAllowed: the old or the new role is not one that `keeper` keeps.
        Unusable: a value that cannot be, or the last admin would be gone.
    """
    _check(wanted)
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        user, before = await _held(conn, keeper, wanted.id, now)
        after = replace(wanted, tenant=before.tenant, active=before.active)
        _keeps(keeper, after)
        if before == after:
            return
        if after.role is not before.role:
            if not after.may(Role.ADMIN):
                await _leaves_an_admin(conn, door, before)
            await sessions.end_all(conn, user.id)
        await agents.save(conn, after, now)
        told = _difference(door, before, after)
        await _note(conn, keeper, Act.ACCOUNT_CHANGED, user, now, address, told)


async def close(door: Door, keeper: Agent, agent_id: str, address: str) -> None:
    """Let somebody in no more, and sign them out at once; what they wrote stays. Raises as `change`."""
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        user, agent = await _held(conn, keeper, agent_id, now)
        await _leaves_an_admin(conn, door, agent)
        await agents.save(conn, replace(agent, active=False), now)
        await users.change(conn, user.id, now, active=False)
        await sessions.end_all(conn, user.id)
        await _note(conn, keeper, Act.ACCOUNT_CLOSED, user, now, address)


async def reopen(door: Door, keeper: Agent, agent_id: str, address: str) -> None:
    """Let somebody in again. Raises LookupError, NotAllowed."""
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        user, agent = await _held(conn, keeper, agent_id, now)
        await agents.save(conn, replace(agent, active=True), now)
        await users.change(conn, user.id, now, active=True, failures=0, locked_until=None)
        await _note(conn, keeper, Act.ACCOUNT_OPENED, user, now, address)


async def reset_second_step(door: Door, keeper: Agent, agent_id: str, address: str) -> None:
    """Take a second step away (a lost telephone), and sign its owner out. Raises LookupError, NotAllowed."""
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        user, _agent = await _held(conn, keeper, agent_id, now)
        await users.change(conn, user.id, now, totp_sealed=None, totp_step=None, recovery_hashes=[])
        await sessions.end_all(conn, user.id)
        await _note(conn, keeper, Act.SECOND_STEP_RESET, user, now, address)


async def reset_password(door: Door, keeper: Agent, agent_id: str, address: str) -> str:
    """A new first password for somebody, who is signed out; the second step stays. Raises as above."""
    first = passwords.generated()
    kept = passwords.hashed(first)
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        user, _agent = await _held(conn, keeper, agent_id, now)
        await users.change(
            conn,
            user.id,
            now,
            password_hash=kept,
            first_password_until=now + passwords.FIRST_LIFE,
            failures=0,
            locked_until=None,
        )
        await sessions.end_all(conn, user.id)
        await _note(conn, keeper, Act.PASSWORD_RESET, user, now, address)
    return first


def _keeps(keeper: Agent, agent: Agent) -> None:
    if not may_keep(keeper, agent.role):
        raise NotAllowed()


def _check(agent: Agent) -> None:
    if not 1 <= len(agent.name) <= 128 or len(agent.public_name or "") > 128:
        raise Unusable("person_name")
    if not 0 <= agent.capacity <= LARGEST_CAPACITY:
        raise Unusable("capacity", most=LARGEST_CAPACITY)


async def _held(conn: AsyncConnection, keeper: Agent, agent_id: str, now: datetime) -> tuple[User, Agent]:
    """An account that `keeper` keeps, its row held until the transaction ends."""
    # The admins first, for everybody in one order: two who close each other's account wait, not deadlock.
    await agents.hold(conn, keeper.tenant, Role.ADMIN)
    await agents.lock(conn, agent_id, now)
    agent = await agents.get(conn, agent_id)
    user = (await users.of_agents(conn, [agent_id])).get(agent_id)
    if agent.tenant != keeper.tenant or user is None:
        raise LookupError(agent_id)
    _keeps(keeper, agent)
    return user, agent


async def _leaves_an_admin(conn: AsyncConnection, door: Door, agent: Agent) -> None:
    """Refuse to take away the last admin of a government who can come in."""
    if not agent.may(Role.ADMIN):
        return
    others = [one for one in await agents.hold(conn, agent.tenant, Role.ADMIN) if one.id != agent.id]
    accounts = await users.of_agents(conn, [one.id for one in others])
    usable = [
        one
        for one in others
        if one.active
        and (user := accounts.get(one.id)) is not None
        and user.active
        and not (user.development and door.settings.production)
    ]
    if not usable:
        raise Unusable("last_admin")


def _difference(door: Door, before: Agent, after: Agent) -> str:
    """What changed, as the trail shows it: `peran: petugas → penyelia; muat: 4 → 6`."""

    def word(key: str) -> str:
        return door.texts.render(f"console.{key}", before.tenant, {})

    names = ("name", "public_name", "role", "skills", "languages", "capacity")
    parts = []
    for name in names:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            old, new = (word(f"role.{v}") if name == "role" else _plain(v) for v in (old, new))
            parts.append(f"{word(f'people.field.{name}')}: {old} → {new}")
    return "; ".join(parts)


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "–"
    return "–" if value is None else str(value)


async def _note(
    conn: AsyncConnection,
    keeper: Agent,
    act: Act,
    user: User,
    now: datetime,
    address: str,
    detail: str | None = None,
) -> None:
    await audit.write(
        conn,
        act,
        now,
        tenant=keeper.tenant,
        agent_id=keeper.id,
        subject=user.username,
        address=address,
        detail=detail,
    )
