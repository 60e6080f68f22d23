"""What runs now: our processes by their ids, our ports by who answers on them."""

import asyncio
import json
import os
import socket
from collections.abc import Callable
from typing import Any

import httpx

from bot import processes as programs
from bot.settings import Settings
from bot.symptoms.finding import Finding, Level, fail, ok, warn

VARIABLES = {"door": "PORT", "rasa": "RASA_PORT", "actions": "ACTIONS_PORT", "city": "SANDBOX_PORT"}
_TITLES = {"door": "front door", "rasa": "Rasa", "actions": "actions", "city": "stand-in city"}


def processes(settings: Settings) -> list[Finding]:
    """Those that the supervisor wrote down, next to those that should be there."""
    pids = _pids(settings)
    if not _alive(pids.get("supervisor", 0)):
        return [ok("supervisor", "not running (`make run` starts everything)")]
    wanted = [process.name for process in programs.processes(settings)]
    dead = [name for name in wanted if not _alive(pids.get(name, 0))]
    if dead:
        remedy = "its last lines in the log of `lawang up` say why; it is started again by itself"
        return [fail("supervisor", f"runs, but {', '.join(dead)} ended", remedy)]
    return [ok("supervisor", f"runs {', '.join(wanted)}")]


async def ports(settings: Settings) -> list[Finding]:
    """Free, or ours and answering."""
    wanted: list[tuple[str, int, str, Callable[[httpx.Response], bool]]] = [
        ("door", settings.port, "/healthz", lambda answer: answer.text == "ok"),
        ("rasa", settings.rasa_port, "/webhooks/lawang/", lambda answer: "status" in _json(answer)),
        ("actions", settings.actions_port, "/health", lambda answer: _json(answer) == {"status": "ok"}),
        ("city", settings.sandbox_port, "/healthz", lambda answer: _json(answer) == {"status": "ok"}),
    ]
    if settings.production:
        wanted.pop()
    supervised = _alive(_pids(settings).get("supervisor", 0))
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        looks = [_port(client, *each, supervised) for each in wanted]
        found = list(await asyncio.gather(*looks))
        if found[0].level is Level.OK and _listens(settings.port):
            found += await _ready(client, settings)
        return found


async def _port(
    client: httpx.AsyncClient,
    name: str,
    port: int,
    path: str,
    ours: Callable[[httpx.Response], bool],
    supervised: bool,
) -> Finding:
    title = _TITLES[name]
    if not await asyncio.to_thread(_listens, port):
        if supervised:
            return fail(
                title, f"nothing answers on port {port}", "wait a moment, then read the log of `lawang up`"
            )
        return ok(title, f"port {port} is free")
    remedy = f"stop what listens there, or set {VARIABLES[name]}"
    try:
        answer = await client.get(f"http://127.0.0.1:{port}{path}")
    except httpx.HTTPError:
        return fail(title, f"something on port {port} does not answer", remedy)
    if not ours(answer):
        return fail(title, f"another program has port {port}", remedy)
    if answer.status_code != 200:
        return warn(title, f"port {port}: still starting", "wait a few seconds")
    return ok(title, f"answers on port {port}")


async def _ready(client: httpx.AsyncClient, settings: Settings) -> list[Finding]:
    """What the front door itself misses; and whether Rasa runs the newest model."""
    try:
        missing = [
            name
            for name, there in _json(await client.get(f"{settings.local_url}/readyz")).items()
            if not there
        ]
        model = _json(await client.get(f"http://127.0.0.1:{settings.rasa_port}/webhooks/lawang/")).get(
            "model"
        )
    except httpx.HTTPError:
        return []
    found = []
    if missing:
        remedy = "`make run` starts all of it; alone: `lawang rasa`, `lawang actions`, `lawang work`"
        found.append(fail("answers", f"messages wait, because this is missing: {', '.join(missing)}", remedy))
    newest = max(
        (settings.root / "models").glob("*.tar.gz"), key=lambda path: path.stat().st_mtime, default=None
    )
    if model and newest and model != newest.name:
        found.append(warn("answers", f"Rasa runs {model}, the newest is {newest.name}", "restart Rasa"))
    return found


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _pids(settings: Settings) -> dict[str, int]:
    try:
        found = json.loads((settings.var / "run" / "processes.json").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
