"""`lawang cases`: what is stuck on its way to the city, what is late, and hiding a report."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import settings
from bot.storage import casework
from bot.storage.database import Database

Found = TypeVar("Found")


@click.group()
def cases() -> None:
    """Reports on their way, late, or hidden."""


def _ask(question: Callable[[AsyncConnection], Awaitable[Found]]) -> Found:
    async def run() -> Found:
        database = Database(settings.load().database_url)
        try:
            async with database.transaction() as conn:
                return await question(conn)
        finally:
            await database.close()

    return asyncio.run(run())


@cases.command()
def stuck() -> None:
    """List what a city system has not taken, with the reason and the next try."""
    rows = _ask(casework.stuck)
    for row in rows:
        click.echo(
            f"{row['reference']}  {row['what']}  {row['connector']}  {row['status']}, {row['attempts']} tries"
            f"  {row['reason']}  since {row['since']:%Y-%m-%d %H:%M}, next {row['next']:%H:%M} UTC"
            f"  key {row['key']}"
        )
    click.echo(f"{len(rows)} stuck" + (": `lawang cases again KEY` tries one at once" if rows else ""))


@cases.command()
@click.argument("key")
@click.option(
    "--not-filed",
    is_flag=True,
    help="You looked at the city's desk: the report is not there. File it without looking for it.",
)
def again(key: str, not_filed: bool) -> None:
    """Try something that is stuck at once. Its key stays, so nothing is filed twice."""
    if not _ask(lambda conn: casework.again(conn, key, datetime.now(UTC), not_filed=not_filed)):
        raise click.ClickException(f"Nothing is stuck under {key}: `lawang cases stuck` lists the keys.")
    click.echo("The worker tries it now.")


@cases.command()
def late() -> None:
    """List open reports whose promised date has passed."""
    rows = _ask(lambda conn: casework.late(conn, datetime.now(UTC)))
    for row in rows:
        click.echo(
            f"{row.reference}  {row.topic}  {row.status}  promised {row.promised_at:%Y-%m-%d}"
            f"  {row.agency or row.connector}"
        )
    click.echo(f"{len(rows)} late")


@cases.command()
@click.argument("reference")
@click.option("--undo", is_flag=True, help="Show it again.")
def hide(reference: str, undo: bool) -> None:
    """Hide a report: it is offered to nobody as similar, and nothing about it is told any more."""
    moment = None if undo else datetime.now(UTC)
    if not _ask(lambda conn: casework.hide(conn, reference, moment)):
        raise click.ClickException(f"No report has the number {reference}.")
    click.echo(f"{reference} is {'shown again' if undo else 'hidden'}.")
