"""Signing in: a password, then a code where there is one; every try is written down and slows the next."""

import hmac
from datetime import UTC, datetime

from bot.door import Door
from bot.storage import agents, audit, sessions, users
from bot.storage.audit import Act
from bot.storage.users import User
from bot.web.access import passwords, secondstep

# Seconds an account rests after so many failures in a row.
ACCOUNT_DELAYS = (0, 0, 0, 5, 15, 60, 300, 900)
# A desk sits behind one address: room for twenty people's slips, not for guessing.
ADDRESS_TRIES = 40
ADDRESS_SECONDS = 600


class Refused(Exception):
    """Not let in. Nothing says whether the name, the password or the moment was wrong."""


class TooOften(Exception):
    """Too many failures from one address."""


async def with_password(door: Door, username: str, password: str, address: str) -> User:
    """The account that a name and a password open. Raises Refused, TooOften."""
    name = username.strip().lower()[:64]
    await _heed(door, address)
    now = datetime.now(UTC)
    async with door.database.reading() as conn:
        user = await users.named(conn, name)
    right = await passwords.matches(user.password_hash if user else None, password)
    if user is None or not right or not usable(door, user, now):
        await _failed(door, user, name, address, now)
        raise Refused
    return user


async def with_code(door: Door, user: User, code: str, address: str) -> None:
    """Accept a code of the app, or a recovery code, which is then used up. Raises Refused, TooOften."""
    await _heed(door, address)
    now = datetime.now(UTC)
    if not usable(door, user, now) or not await _code_fits(door, user, code, now):
        await _failed(door, user, user.username, address, now)
        raise Refused


async def _code_fits(door: Door, user: User, code: str, now: datetime) -> bool:
    plain = code.replace(" ", "").strip()
    if plain.isascii() and plain.isdigit():
        if user.totp_sealed is None:
            return False
        step = secondstep.accepted_step(door.sealer.open(user.totp_sealed), plain)
        if step is None:
            return False
        async with door.database.transaction() as conn:
            return await users.use_totp_step(conn, user.id, step, now)
    wanted = secondstep.recovery_hash(door.settings.secret_key, plain)
    async with door.database.transaction() as conn:
        # Holds the row: of two who bring the same code at once, one comes in.
        await users.change(conn, user.id, now)
        fresh = await users.get(conn, user.id)
        rest = [kept for kept in fresh.recovery_hashes if not hmac.compare_digest(kept, wanted)]
        if len(rest) == len(fresh.recovery_hashes):
            return False
        await users.change(conn, user.id, now, recovery_hashes=rest)
        tenant = (await agents.get(conn, user.agent_id)).tenant
        await audit.write(conn, Act.RECOVERY_CODE_USED, now, tenant=tenant, agent_id=user.agent_id)
    return True


async def let_in(door: Door, user: User, address: str, how: str) -> None:
    """Write a sign-in down, and `how`, and forget the failures before it."""
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        await users.change(conn, user.id, now, failures=0, locked_until=None, signed_in_at=now)
        agent = await agents.get(conn, user.agent_id)
        await audit.write(
            conn,
            Act.SIGNED_IN,
            now,
            tenant=agent.tenant,
            agent_id=agent.id,
            subject=user.username,
            address=address,
            detail=how,
        )


async def keep_password(door: Door, user: User, new: str) -> None:
    """Keep a password somebody chose for themselves, and end every session of theirs."""
    now = datetime.now(UTC)
    kept = passwords.hashed(new)
    async with door.database.transaction() as conn:
        await users.change(conn, user.id, now, password_hash=kept, first_password_until=None)
        await sessions.end_all(conn, user.id)


def usable(door: Door, user: User, now: datetime) -> bool:
    """Say whether an account may be signed in to now."""
    if user.locked_until is not None and user.locked_until > now:
        return False
    if user.first_password_until is not None and user.first_password_until <= now:
        return False
    return user.active and not (user.development and door.settings.production)


async def _heed(door: Door, address: str) -> None:
    tries = int(await door.keyvalue.get(f"signin:{address}") or 0)
    if tries >= ADDRESS_TRIES:
        raise TooOften


async def _failed(door: Door, user: User | None, name: str, address: str, now: datetime) -> None:
    await door.keyvalue.increment(f"signin:{address}", ADDRESS_SECONDS)
    async with door.database.transaction() as conn:
        tenant = agent_id = None
        if user is not None:
            agent_id = user.agent_id
            tenant = (await agents.get(conn, agent_id)).tenant
            # While it rests nothing is counted: trying on cannot lock a colleague out for ever.
            if user.locked_until is None or user.locked_until <= now:
                await users.failed(conn, user.id, now, ACCOUNT_DELAYS)
        await audit.write(
            conn,
            Act.SIGN_IN_REFUSED,
            now,
            tenant=tenant,
            agent_id=agent_id,
            # Of an unknown name nothing is kept: people type passwords into the wrong field.
            subject=name if user else None,
            address=address,
        )
