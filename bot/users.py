"""`lawang users`: who may sign in to the consoles."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

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
from intents import catalog

Found = TypeVar("Found")


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
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.PETUGAS.value)
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
        added = await accounts.add(conn, agent.id, username, first and passwords.hashed(first), now)
        if oidc:
            user = await accounts.named(conn, username)
            assert user is not None
            await accounts.change(conn, user.id, now, oidc_subject=f"{here.oidc_issuer} {oidc}")
        await _note(conn, agent, f"{username.lower()}: added", now)
        return added

    if not _ask(store):
        raise click.ClickException(f"{username} is taken: choose another name.")
    click.echo(f"{username.lower()} ({role}) may sign in at {here.public_url}/agent")
    if first:
        click.echo(f"first password: {first}   (to be changed under Akun saya)")


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
        await sessions.end_all(conn, user.id)
        await _note(conn, agent, f"{user.username}: disabled", now)

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
            totp_sealed=None,
            totp_step=None,
            recovery_hashes=[],
            failures=0,
            locked_until=None,
            active=True,
        )
        await sessions.end_all(conn, user.id)
        await _note(conn, agent, f"{user.username}: reset", now)

    _change(username, change)
    click.echo(f"new password of {username}: {first}")


def _change(username: str, how: Callable[[AsyncConnection, User, Agent, datetime], Awaitable[None]]) -> None:
    async def act(conn: AsyncConnection) -> bool:
        user = await accounts.named(conn, username)
        if user is None:
            return False
        await how(conn, user, await agents.get(conn, user.agent_id), datetime.now(UTC))
        return True

    if not _ask(act):
        raise click.ClickException(f"There is nobody called {username}: `lawang users list` shows all.")


async def _note(conn: AsyncConnection, agent: Agent, what: str, now: datetime) -> None:
    await audit.write(
        conn,
        Act.ACCOUNT_CHANGED,
        now,
        tenant=agent.tenant,
        agent_id=agent.id,
        subject=what,
        address="command line",
    )
