"""`lawang telegram link` and `lawang whatsapp link`: addresses and QR codes for posters and counters."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import segno

from bot import settings
from bot.channels.base import ChannelError
from bot.conversations import startlinks
from bot.conversations.startlinks import Subject
from bot.door import Door, open_door
from bot.vocabulary.messages import ChannelName

QUIET_ZONE_MODULES = 4
"""Blank modules around a QR code, as ISO/IEC 18004 asks for."""


@click.group()
def telegram() -> None:
    """Telegram: links that open a talk at the right place."""


@click.group()
def whatsapp() -> None:
    """WhatsApp: links that open a talk at the right place."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--qr", type=click.Path(dir_okay=False, path_type=Path), help="Also draw it: .png, .svg."
        ),
        click.option("--tenant", help="Whose service or counter; the installation's own otherwise."),
        click.option("--case", metavar="NUMBER", help="Open the state of one report."),
        click.option("--counter", metavar="ID", help="Open what one counter of the MPP is for."),
        click.option("--service", metavar="ID", help="Open one service of the catalogue."),
    ):
        command = option(command)
    return command


@telegram.command("link")
@_options
@click.option("--bot", metavar="NAME", help="The bot's user name; Telegram is asked otherwise.")
def telegram_link(bot: str | None, **given: Any) -> None:
    """Print the address t.me/<bot>?start=… of one service, counter or report."""
    base = f"https://t.me/{bot.removeprefix('@')}?start=" if bot else None
    _print(ChannelName.TELEGRAM, base, **given)


@whatsapp.command("link")
@_options
@click.option("--number", metavar="DIGITS", help="The business number; Meta is asked otherwise.")
def whatsapp_link(number: str | None, **given: Any) -> None:
    """Print the address wa.me/<number>?text=… of one service, counter or report."""
    digits = "".join(sign for sign in number or "" if sign.isdecimal())
    base = f"https://wa.me/{digits}?text=%2Fmulai%20" if digits else None
    _print(ChannelName.WHATSAPP, base, **given)


def _print(
    channel: ChannelName,
    base: str | None,
    *,
    service: str | None,
    counter: str | None,
    case: str | None,
    tenant: str | None,
    qr: Path | None,
) -> None:
    wanted = [
        (subject, name)
        for subject, name in ((Subject.SERVICE, service), (Subject.COUNTER, counter), (Subject.CASE, case))
        if name is not None
    ]
    if len(wanted) != 1:
        raise click.UsageError("name one of --service, --counter and --case")
    if qr is not None and qr.suffix not in (".png", ".svg"):
        raise click.UsageError("--qr takes a file name that ends in .png or .svg")

    async def run() -> str:
        async with open_door(settings.load()) as door:
            payload = startlinks.make(door, tenant or door.settings.tenant, *wanted[0])
            return f"{base}{payload}" if base else await _invitation(door, channel, payload)

    try:
        url = asyncio.run(run())
    except (startlinks.Unlinkable, settings.SettingsError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(url)
    if qr is not None:
        made = segno.make(url, error="m", micro=False)
        made.save(str(qr), scale=10, border=QUIET_ZONE_MODULES)
        click.echo(f"drawn: {qr}", err=True)


async def _invitation(door: Door, channel: ChannelName, payload: str) -> str:
    option = "--bot" if channel is ChannelName.TELEGRAM else "--number"
    adapter: Any = door.channels.get(channel)
    if adapter is None:
        raise click.ClickException(f"{channel} is not connected here: name {option}, or set its token")
    try:
        return str(await adapter.invitation(payload, f"/mulai {payload}"))
    except ChannelError as error:
        raise click.ClickException(f"{channel} does not answer ({error}): name {option}") from None
