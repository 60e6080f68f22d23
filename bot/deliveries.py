"""`lawang messages`: what did not arrive, and sending it again."""

import asyncio
import json
from dataclasses import asdict

import click

from bot import settings
from bot.conversations import resending
from bot.door import Door, open_door
from bot.storage import deliveries
from bot.storage.database import Database
from bot.storage.deliveries import TROUBLED, Undelivered
from bot.vocabulary.messages import MessageStatus


@click.group()
def messages() -> None:
    """Messages that did not arrive."""


@messages.command()
@click.option("--tenant", help="Of one government only.")
@click.option("--limit", default=50, show_default=True)
@click.option("--skipped", is_flag=True, help="Also what was never tried, because the citizen blocked us.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def failed(tenant: str | None, limit: int, skipped: bool, as_json: bool) -> None:
    """List what failed, and what may or may not have arrived, newest first."""
    statuses = (*TROUBLED, MessageStatus.SKIPPED) if skipped else TROUBLED

    async def read() -> list[Undelivered]:
        database = Database(settings.load().database_url)
        try:
            async with database.reading() as conn:
                return await deliveries.undelivered(conn, tenant, statuses=statuses, limit=limit)
        finally:
            await database.close()

    rows = asyncio.run(read())
    for row in rows:
        if as_json:
            click.echo(json.dumps(asdict(row), default=str, ensure_ascii=False))
            continue
        message = row.message
        words = " ".join((message.text or "(file)").split())[:60]
        click.echo(
            f"{message.id}  {row.tenant}  {row.channel}  {message.status} ({message.reason}),"
            f" {message.attempts} tries  {message.created_at:%Y-%m-%d %H:%M} UTC  {words}"
        )
    if not as_json:
        click.echo(
            f"{len(rows)} not delivered" + (": `lawang messages resend ID …` sends again" if rows else "")
        )


@messages.command()
@click.argument("ids", nargs=-1, type=int, required=True)
def resend(ids: tuple[int, ...]) -> None:
    """Send messages again: on the same channel, or on the citizen's other one where the first is closed."""

    async def run() -> bool:
        async with open_door(settings.load()) as door:
            return all([await _resend(door, message_id) for message_id in ids])

    if not asyncio.run(run()):
        raise SystemExit(1)


async def _resend(door: Door, message_id: int) -> bool:
    try:
        channel = await resending.resend(door, message_id)
    except LookupError:
        click.echo(f"{message_id}: no such message; `lawang messages failed` lists them", err=True)
    except resending.NotUndelivered:
        click.echo(f"{message_id}: nothing to send again, it arrived or is on its way", err=True)
    except resending.NoWay:
        click.echo(
            f"{message_id}: the citizen blocked us and has no other channel; wait until they write", err=True
        )
    else:
        click.echo(f"{message_id}: the worker sends it on {channel}")
        return True
    return False
