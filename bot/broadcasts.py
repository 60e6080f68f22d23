"""`lawang broadcast`: a notice to those who asked for it, and stopping it."""

import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from bot import settings
from bot.conversations import broadcasting, notices, quiet
from bot.door import Door, open_door
from bot.storage import broadcasts as stored
from bot.vocabulary.broadcasts import Audience, Broadcast, Notice, Report
from bot.vocabulary.messages import ChannelName

Found = TypeVar("Found")


@click.group()
def broadcast() -> None:
    """Notices to those who asked for them."""


def _at_door(work: Callable[[Door], Awaitable[Found]]) -> Found:
    async def run() -> Found:
        async with open_door(settings.load()) as door:
            return await work(door)

    try:
        return asyncio.run(run())
    except broadcasting.NoticeRefused as error:
        raise click.ClickException(f"{error}.") from None
    except broadcasting.NumberChanged as error:
        raise click.ClickException(
            f"Nothing was sent: {error.now} people would get it now. Look again and confirm that number."
        ) from None
    except broadcasting.AlreadySaid as error:
        raise click.ClickException(
            f"The same words went out as {error.broadcast.id[:8]} within a day; --again sends them once more."
        ) from None
    except broadcasting.NotPossible as error:
        raise click.ClickException(f"Not possible: {error}.") from None
    except LookupError as error:
        raise click.ClickException(
            f"No broadcast begins with {error}: `lawang broadcast status` lists them."
        ) from None


def _worded(command: Callable[..., None]) -> Callable[..., None]:
    """The options that make a notice."""
    for option in (
        click.option("--urgent", is_flag=True, help="Also at night, without a sound."),
        click.option("--place", "places", multiple=True, help="Kelurahan or kecamatan; none: everywhere."),
        click.option("--topic", required=True, help="One of the topics in data/notices.yml."),
        click.option("--tenant", help="The government; default: LAWANG_TENANT."),
        click.argument("words"),
    ):
        command = option(command)
    return command


def _notice(tenant: str | None, topic: str, places: tuple[str, ...], words: str, urgent: bool) -> Notice:
    where = tenant or settings.load().tenant
    text = Path(words[1:]).read_text("utf-8").strip() if words.startswith("@") else words.strip()
    codes, unknown = notices.codes_of(where, places)
    if unknown:
        raise click.ClickException(f"{', '.join(unknown)} is no kelurahan or kecamatan of {where}.")
    return Notice(where, topic, text, codes, urgent)


@broadcast.command()
@_worded
def preview(**given: Any) -> None:
    """Show WORDS (or @FILE) as citizens will read them, and who would."""
    notice = _notice(**given)

    async def look(door: Door) -> None:
        found = await broadcasting.audience(door, notice)
        click.echo(broadcasting.bubble(door, notice).text)
        click.echo("-" * 40)
        await _count(door, notice, found)

    _at_door(look)


@broadcast.command()
@_worded
@click.option("--dry-run", is_flag=True, help="Only count: who would get it, how, and what it costs.")
@click.option("--receivers", type=int, help="Confirm the number of people instead of being asked.")
@click.option("--by", help="Who sends it; default: whoever is signed in on this machine.")
@click.option("--again", is_flag=True, help="The same words once more within a day.")
def send(dry_run: bool, receivers: int | None, by: str | None, again: bool, **given: Any) -> None:
    """Send WORDS (or @FILE) to everybody who asked for the topic there."""
    notice = _notice(**given)

    async def count(door: Door) -> int:
        found = await broadcasting.audience(door, notice)
        await _count(door, notice, found)
        return len(found.receivers)

    people = _at_door(count)
    if dry_run:
        click.echo("dry run: nothing was sent")
        return
    if receivers is None:
        receivers = click.prompt(f"Type the number of people to send it to them ({people})", type=int)
    confirmed = receivers

    async def begin(door: Door) -> Broadcast:
        now = datetime.now(UTC)
        return await broadcasting.start(door, notice, confirmed, by or getpass.getuser(), now, again=again)

    made = _at_door(begin)
    click.echo(f"{made.id[:8]}: {made.status}, {made.receivers} people")
    if made.status == "proposed":
        click.echo(f"a second person: lawang broadcast approve {made.id[:8]} --receivers {made.receivers}")
    else:
        click.echo(f"the worker sends it; `lawang broadcast stop {made.id[:8]}` stops it")


@broadcast.command()
@click.argument("broadcast_id")
@click.option("--receivers", type=int, required=True, help="Confirm the number of people.")
@click.option("--by", required=True, help="Who approves: not who proposed it.")
def approve(broadcast_id: str, receivers: int, by: str) -> None:
    """Let a proposed broadcast begin, as the second person."""
    now = datetime.now(UTC)
    made = _at_door(lambda door: broadcasting.approve(door, broadcast_id, receivers, by, now))
    click.echo(f"{made.id[:8]}: {made.status}")


@broadcast.command()
@click.argument("broadcast_id")
def stop(broadcast_id: str) -> None:
    """Stop a broadcast at once."""
    made = _at_door(lambda door: broadcasting.stop(door, broadcast_id, datetime.now(UTC)))
    _show(*_at_door(lambda door: broadcasting.report(door, made.id)))


@broadcast.command()
@click.argument("broadcast_id")
def resume(broadcast_id: str) -> None:
    """Go on with a stopped broadcast, where it stopped."""
    made = _at_door(lambda door: broadcasting.resume(door, broadcast_id, datetime.now(UTC)))
    click.echo(f"{made.id[:8]}: {made.status}")


@broadcast.command()
@click.argument("broadcast_id", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def status(broadcast_id: str | None, as_json: bool) -> None:
    """Say what became of a broadcast, or of the newest twenty."""

    async def look(door: Door) -> list[tuple[Broadcast, Report]]:
        if broadcast_id:
            return [await broadcasting.report(door, broadcast_id)]
        async with door.database.reading() as conn:
            newest = await stored.newest(conn)
        return [await broadcasting.report(door, one.id) for one in newest]

    for found, report in _at_door(look):
        if as_json:
            click.echo(json.dumps({**asdict(found), **asdict(report)}, default=str, ensure_ascii=False))
        else:
            _show(found, report)


def _show(found: Broadcast, report: Report) -> None:
    notice = found.notice
    words = " ".join(notice.text.split())[:60]
    click.echo(
        f"{found.id[:8]}  {notice.tenant}  {notice.topic}  {found.status}"
        f"  {found.created_at:%Y-%m-%d %H:%M} UTC by {found.created_by}  {words}"
    )
    counts = {
        "planned": report.planned,
        "on the way": report.on_the_way,
        "sent": report.sent,
        "delivered": report.delivered,
        "unknown": report.unknown,
        "erased": report.erased,
        **report.failed,
        **report.skipped,
    }
    parts = [f"{number} {name}" for name, number in counts.items() if number]
    click.echo(f"  {found.receivers} people: {', '.join(parts)}")


async def _count(door: Door, notice: Notice, found: Audience) -> None:
    click.echo(f"{len(found.receivers)} people get it")
    costs = await broadcasting.cost(door, found, notice.tenant, datetime.now(UTC))
    for channel in ChannelName:
        people = found.on(channel)
        if not people:
            continue
        click.echo(f"  {channel}: {len(people)}")
        if cost := costs.get(channel):
            click.echo(f"    {cost.in_window} wrote within 24 hours: an ordinary message")
            how = (
                f"template {cost.template}, billed each; {cost.left} left in this month's budget"
                if cost.template
                else "SKIPPED: no template for broadcasts is approved (docs/kabar-gangguan.md)"
            )
            click.echo(f"    {cost.outside} did not: {how}")
            if cost.template and cost.outside > cost.left:
                click.echo(
                    f"    {cost.outside - cost.left} of them will be SKIPPED: the budget is used up then"
                )
    for number, why in (
        (found.opted_out, "asked once and stopped"),
        (found.blocked, "blocked us"),
        (found.unconnected, "only on a channel that is not connected here"),
        (found.other_channel, "second channels of people counted above"),
    ):
        if number:
            click.echo(f"  not sent to: {number} ({why})")
    now = datetime.now(UTC)
    asleep = [
        name for name in ChannelName if found.on(name) and quiet.night_until(door, notice.tenant, name, now)
    ]
    if asleep:
        how = "without a sound" if notice.urgent else "in the morning, when the quiet hours end"
        click.echo(f"it is night: on {', '.join(asleep)} it goes out {how}")
    click.echo(f"sending takes about {max(round(broadcasting.seconds(door, found) / 60), 1)} minutes")
