"""`lawang chat`: the web chat in a terminal, for people, and line by line as JSON for programs."""

import asyncio
import contextlib
import json
import re
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

import click
import httpx

from bot import settings
from bot.chatclient import ChatError, Talk

HELP = (
    "Write a message. The number or title of a button presses it; /photo FILE and /place LAT,LON send those. "
    "Ctrl-D ends."
)


# The city's own sentences mark bold words with asterisks.
_BOLD = re.compile(r"\*([^*\n]+)\*")


@click.command()
@click.option("--jsonl", is_flag=True, help="Read JSON lines from stdin, answer each with one JSON line.")
@click.option("--url", help="Front door to talk to; this machine's by default.")
@click.option("--tenant", help="Government to talk to, for instance kota_kupang.")
@click.option("--listen", type=float, default=0, metavar="SECONDS", help="With --jsonl: then print pushes.")
def chat(jsonl: bool, url: str | None, tenant: str | None, listen: float) -> None:
    """Talk to the front door in the terminal."""
    address = (url or settings.load().local_url).rstrip("/")
    hold = (lambda talk: _lines(talk, listen)) if jsonl else _converse
    try:
        asyncio.run(_run(address, tenant, hold))
    except ChatError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        raise click.Abort from None


async def _run(url: str, tenant: str | None, hold: Callable[[Talk], Coroutine[Any, Any, None]]) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        talk = Talk(client, tenant)
        await talk.open()
        following = asyncio.create_task(talk.follow())
        try:
            await hold(talk)
        finally:
            following.cancel()


async def _lines(talk: Talk, listen: float) -> None:
    """Speak the JSON lines protocol until stdin ends, then print pushed messages for `listen` seconds."""
    while raw := await asyncio.to_thread(sys.stdin.readline):
        if not raw.strip():
            continue
        try:
            line = json.loads(raw)
            if not isinstance(line, dict):
                raise ChatError("a line is a JSON object")
            replies, took = await talk.send(line)
        except ValueError as error:
            _print(talk, [], 0, f"not JSON: {error}")
        except ChatError as error:
            _print(talk, [], 0, str(error))
        else:
            _print(talk, replies, took)
    started = time.monotonic()
    while (left := started + listen - time.monotonic()) > 0:
        talk.changed.clear()
        for message in talk.take():
            _print(talk, [message], round((time.monotonic() - started) * 1000))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(talk.changed.wait(), left)


def _print(talk: Talk, messages: list[dict[str, Any]], took: int, error: str | None = None) -> None:
    replies = [
        {
            "text": message["text"] or "",
            "buttons": [{"title": item["title"], "payload": item["payload"]} for item in message["buttons"]],
            "attachments": message["attachments"],
        }
        for message in messages
    ]
    line: dict[str, Any] = {"replies": replies, "owner": talk.owner, "ms": took}
    if error is not None:
        line["error"] = error
    click.echo(json.dumps(line, ensure_ascii=False))


async def _converse(talk: Talk) -> None:
    """Talk with a person until they close the input."""
    click.secho(HELP, dim=True)
    watching = asyncio.create_task(_watch(talk))
    try:
        while raw := await asyncio.to_thread(_ask):
            try:
                replies, _ = await talk.send(_typed(talk, raw.strip()))
            except ChatError as error:
                click.secho(str(error), fg="red")
            else:
                _show(replies)
    finally:
        watching.cancel()


async def _watch(talk: Talk) -> None:
    while True:
        await asyncio.sleep(0.5)
        if not talk.busy:
            _show(talk.take())


def _ask() -> str:
    """Return one non-empty line, or nothing at the end of the input."""
    while True:
        try:
            line = input("> ")
        except EOFError:
            return ""
        if line.strip():
            return line


def _typed(talk: Talk, text: str) -> dict[str, Any]:
    """Read what a person typed. Raises ChatError for a place that is none."""
    command, _, rest = text.partition(" ")
    if command == "/photo":
        return {"photo": rest.strip()}
    if command == "/place":
        try:
            latitude, longitude = (float(part) for part in rest.split(","))
        except ValueError:
            raise ChatError("a place is LAT,LON, for instance /place -7.4722,112.4338") from None
        return {"location": {"lat": latitude, "lon": longitude}}
    if text.isdigit() and 1 <= int(text) <= len(talk.newest):
        return {"button": talk.newest[int(text) - 1]["payload"]}
    if any(text.casefold() == button["title"].casefold() for button in talk.newest):
        return {"button": text}
    return {"text": text}


def _show(messages: list[dict[str, Any]]) -> None:
    for message in messages:
        click.secho("\n" + _BOLD.sub("\x1b[1m\\1\x1b[22m", message["text"] or ""), fg="cyan")
        for item in message["attachments"]:
            click.secho(f"  {item['title'] or item['kind']}: {item['url']}", fg="cyan")
        for number, button in enumerate(message["buttons"], 1):
            click.secho(f"  {number}. {button['title']}", fg="yellow")


if __name__ == "__main__":
    chat()
