"""`lawang users`: who may sign in to the consoles."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import settings
from bot.storage import agents, audit, sessions
from bot.storage import users as accounts
from bot.storage.audit import Act
from bot.storage.database import Database
from bot.storage.users import User
from bot.vocabulary.agents import Agent, Role
from bot.web.access import passwords
from bot.web.access.oidc import named
from intents import catalog

Found = TypeVar("Found")
ROLES = click.Choice([role.value for role in Role])
WITHOUT_SECOND_STEP: dict[str, Any] = {"totp_sealed": None, "totp_step": None, "recovery_hashes": []}


@click.group()
def users() -> None:
    """Who may sign in to the consoles."""


def _ask(question: Callable[[AsyncConnection], Awaitable[Found]]) -> Found:
    async def run() -> Found:
        database = Database(settings.load().database_url)
        try:
            async with database.transaction() as conn:
                return await question(conn)
        finally:
            await database.close()

    return asyncio.run(run())


@users.command("add")
@click.argument("username")
@click.option("--name", required=True, help="The person's name, as colleagues read it.")
@click.option("--role", type=ROLES, default=Role.PETUGAS.value)
@click.option("--tenant", help="The government they work for; default: LAWANG_TENANT.")
@click.option("--oidc", help="Subject of the city's own sign-in; then there is no password here.")
def add(username: str, name: str, role: str, tenant: str | None, oidc: str | None) -> None:
    """Add a person; prints the first password, once."""
    here = settings.load()
    wanted = tenant or here.tenant
    if wanted not in catalog.load(here.root).tenants:
        raise click.ClickException(f"There is no tenant {wanted}: see data/tenants.")
    if oidc and not here.oidc_issuer:
        raise click.ClickException("OIDC_ISSUER is not set: --oidc needs the city's sign-in.")
    first = None if oidc else passwords.generated()

    async def store(conn: AsyncConnection) -> bool:
        now = datetime.now(UTC)
        if await accounts.named(conn, username) is not None:
            return False
        agent = Agent(id=uuid.uuid4().hex, tenant=wanted, name=name, role=Role(role))
        await agents.save(conn, agent, now)
        kept = first and passwords.hashed(first)
        until = first and now + passwords.FIRST_LIFE
        added = await accounts.add(conn, agent.id, username, kept, now, first_until=until or None)
        if oidc:
            user = await accounts.named(conn, username)
            assert user is not None
            await accounts.change(conn, user.id, now, oidc_subject=named(here, oidc))
        await _note(conn, agent, Act.ACCOUNT_ADDED, username.lower(), now, role)
        return added

    if not _ask(store):
        raise click.ClickException(f"{username} is taken: choose another name.")
    click.echo(f"{username.lower()} ({role}) may sign in at {here.public_url}/agent")
    if first:
        click.echo(
            f"first password: {first}   (good for {_days()} days; a new one is chosen at the first sign-in)"
        )


@users.command("list")
def show() -> None:
    """List everybody."""

    async def read(conn: AsyncConnection) -> list[tuple[User, Agent]]:
        return [(user, await agents.get(conn, user.agent_id)) for user in await accounts.every(conn)]

    for user, agent in _ask(read):
        marks = [
            "" if user.active else "disabled",
            "two steps" if user.totp_sealed else "",
            "development" if user.development else "",
        ]
        seen = f"{user.signed_in_at:%Y-%m-%d %H:%M} UTC" if user.signed_in_at else "never"
        extra = ", ".join(mark for mark in marks if mark)
        click.echo(
            f"{user.username:<20} {agent.role:<10} {agent.tenant:<16} {agent.name:<24} {seen}  {extra}"
        )


@users.command("disable")
@click.argument("username")
def disable(username: str) -> None:
    """Let somebody in no more, and sign them out everywhere at once."""

    async def change(conn: AsyncConnection, user: User, agent: Agent, now: datetime) -> None:
        await accounts.change(conn, user.id, now, active=False)
        await agents.save(conn, replace(agent, active=False), now)
        await _sign_out(conn, user, agent, Act.ACCOUNT_CLOSED, now)

    _change(username, change)
    click.echo(f"{username} is disabled and signed out.")


@users.command("reset")
@click.argument("username")
def reset(username: str) -> None:
    """Give somebody a new password, without a second step, and sign them out; opens a disabled account."""
    first = passwords.generated()

    async def change(conn: AsyncConnection, user: User, agent: Agent, now: datetime) -> None:
        await accounts.change(
            conn,
            user.id,
            now,
            password_hash=passwords.hashed(first),
            first_password_until=now + passwords.FIRST_LIFE,
            **WITHOUT_SECOND_STEP,
            failures=0,
            locked_until=None,
            active=True,
        )
        await agents.save(conn, replace(agent, active=True), now)
        await _sign_out(conn, user, agent, Act.PASSWORD_RESET, now)

    _change(username, change)
    click.echo(f"new password of {username}: {first}   (good for {_days()} days)")


@users.command("second-step")
@click.argument("username")
def second_step(username: str) -> None:
    """Take somebody's second step away (a lost telephone), and sign them out; the password stays."""

    async def change(conn: AsyncConnection, user: User, agent: Agent, now: datetime) -> None:
        await accounts.change(conn, user.id, now, **WITHOUT_SECOND_STEP)
        await _sign_out(conn, user, agent, Act.SECOND_STEP_RESET, now)

    _change(username, change)
    click.echo(f"{username} has no second step now, and is signed out.")


@users.command("role")
@click.argument("username")
@click.argument("role", type=ROLES)
def role(username: str, role: str) -> None:
    """Give somebody another role, and sign them out: the new one counts from the next sign-in."""

    async def change(conn: AsyncConnection, user: User, agent: Agent, now: datetime) -> None:
        await agents.save(conn, replace(agent, role=Role(role)), now)
        await _sign_out(conn, user, agent, Act.ACCOUNT_CHANGED, now, f"role: {agent.role} → {role}")

    _change(username, change)
    click.echo(f"{username} is {role} from the next sign-in on.")


def _change(username: str, how: Callable[[AsyncConnection, User, Agent, datetime], Awaitable[None]]) -> None:
    async def act(conn: AsyncConnection) -> bool:
        user = await accounts.named(conn, username)
        if user is None:
            return False
        await how(conn, user, await agents.get(conn, user.agent_id), datetime.now(UTC))
        return True

    if not _ask(act):
        raise click.ClickException(f"There is nobody called {username}: `lawang users list` shows all.")


async def _sign_out(
    conn: AsyncConnection, user: User, agent: Agent, act: Act, now: datetime, detail: str | None = None
) -> None:
    """After a change: it counts from the next sign-in, and it is written down."""
    await sessions.end_all(conn, user.id)
    await _note(conn, agent, act, user.username, now, detail)


async def _note(
    conn: AsyncConnection, agent: Agent, act: Act, username: str, now: datetime, detail: str | None = None
) -> None:
    # Nobody of the desk did it: whoever has the command line is known to the machine alone.
    await audit.write(
        conn, act, now, tenant=agent.tenant, subject=username, address="command line", detail=detail
    )


def _days() -> int:
    return passwords.FIRST_LIFE // timedelta(days=1)
