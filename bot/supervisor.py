"""All processes under one roof: starts them, keeps them running, gathers their lines, stops them cleanly."""

import asyncio
import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bot.settings import Settings

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
STEADY_AFTER_SECONDS = 30.0
STOP_SECONDS = 12.0
PR_SET_PDEATHSIG = 1


@dataclass
class Process:
    """One program to keep running. `port` is where it listens, if it does."""

    name: str
    command: list[str]
    port: int | None = None
    environment: dict[str, str] = field(default_factory=dict)


def processes(settings: Settings) -> list[Process]:
    """Everything `lawang up` runs, in the order in which it starts."""
    python = sys.executable
    return [
        Process("rasa", rasa_command(settings), settings.rasa_port),
        Process("city", [python, "-m", "connectors.sandbox"], settings.sandbox_port),
        Process("actions", actions_command(settings), settings.actions_port),
        Process("door", [python, "-m", "bot", "serve"], settings.port),
        Process("worker", [python, "-m", "bot", "work"]),
    ]


def rasa_command(settings: Settings) -> list[str]:
    """Rasa in its own environment, started by our launcher."""
    python = str(settings.root / ".venv-rasa" / "bin" / "python")
    return [python, "-m", "intents.server", "--port", str(settings.rasa_port)]


def actions_command(settings: Settings) -> list[str]:
    """The action server: rasa-sdk in one quiet process."""
    return [sys.executable, "-m", "actions.server", "--port", str(settings.actions_port)]


def environment(settings: Settings) -> dict[str, str]:
    """What every process gets on top of the operator's environment."""
    metrics = settings.var / "metrics"
    given = {
        "PYTHONUNBUFFERED": "1",
        "PORT": str(settings.port),
        "RASA_PORT": str(settings.rasa_port),
        "ACTIONS_PORT": str(settings.actions_port),
        "SANDBOX_PORT": str(settings.sandbox_port),
        "ACTIONS_URL": f"http://127.0.0.1:{settings.actions_port}/webhook",
        "LAWANG_URL": settings.local_url,
        "SANDBOX_URL": settings.sandbox_url,
        "SANDBOX_DATABASE": str(settings.var / "kota.db"),
        "SANDBOX_WEBHOOK_SECRET": os.environ.get("SANDBOX_WEBHOOK_SECRET") or secrets.token_urlsafe(32),
        "OPEN311_URL": os.environ.get("OPEN311_URL", f"{settings.sandbox_url}/open311/v2"),
        "MPP_URL": os.environ.get("MPP_URL", f"{settings.sandbox_url}/mpp/v1"),
        "PERIZINAN_URL": os.environ.get("PERIZINAN_URL", f"{settings.sandbox_url}/perizinan/v1"),
        "LAWANG_VAR": str(settings.var),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }
    return {**os.environ, **given}


def taken_ports(wanted: list[Process]) -> list[Process]:
    """The processes whose port somebody else listens on already."""
    taken = []
    for process in wanted:
        if process.port is None:
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", process.port))
            except OSError:
                taken.append(process)
    return taken


class Supervisor:
    """Runs processes until told to stop; one that ends is started again after a growing pause."""

    def __init__(self, settings: Settings, wanted: list[Process], say: Callable[[str], None]) -> None:
        self._settings = settings
        self._wanted = wanted
        self._say = say
        self._stop = asyncio.Event()
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._environment = environment(settings)

    async def run(self) -> None:
        """Start everything and wait for SIGINT or SIGTERM."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        metrics = Path(self._environment["PROMETHEUS_MULTIPROC_DIR"])
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir(parents=True)
        (self._settings.var / "run").mkdir(parents=True, exist_ok=True)
        async with asyncio.TaskGroup() as group:
            for process in self._wanted:
                group.create_task(self._keep(process), name=process.name)
            group.create_task(self._welcome(), name="welcome")
            await self._stop.wait()
            await self._end_all()

    async def _keep(self, process: Process) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stop.is_set():
            started = time.monotonic()
            child = await asyncio.create_subprocess_exec(
                *process.command,
                cwd=self._settings.root,
                env={**self._environment, **process.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
            self._running[process.name] = child
            self._note()
            await self._gather(process.name, child)
            code = await child.wait()
            if self._stop.is_set():
                return
            if time.monotonic() - started > STEADY_AFTER_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            self._line("lawang", f"{process.name} ended ({_reason(code)}); again in {pause:.1f} s")
            try:
                await asyncio.wait_for(self._stop.wait(), pause)
            except TimeoutError:
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _gather(self, name: str, child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None
        while True:
            try:
                line = await child.stdout.readline()
            except ValueError:
                continue
            if not line:
                return
            self._line(name, line.decode(errors="replace").rstrip())

    def _line(self, name: str, text: str) -> None:
        if text:
            self._say(f"{time.strftime('%H:%M:%S')} {name:>7} │ {text}")

    def _note(self) -> None:
        """Write who runs where, for `lawang doctor` and for tests that kill."""
        pids = {name: child.pid for name, child in self._running.items()}
        path = self._settings.var / "run" / "processes.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps({"supervisor": os.getpid(), **pids}))
        fresh.replace(path)

    async def _end_all(self) -> None:
        for child in self._running.values():
            _signal(child, signal.SIGTERM)
        waits = [asyncio.create_task(child.wait()) for child in self._running.values()]
        _, late = await asyncio.wait(waits, timeout=STOP_SECONDS)
        if late:
            for child in self._running.values():
                _signal(child, signal.SIGKILL)
            await asyncio.wait(late)

    async def _welcome(self) -> None:
        """Say how to begin, once a message would be answered."""
        started = time.monotonic()
        async with httpx.AsyncClient(timeout=3, trust_env=False) as client:
            while not self._stop.is_set():
                try:
                    ready = (await client.get(f"{self._settings.local_url}/readyz")).status_code == 200
                except httpx.HTTPError:
                    ready = False
                if ready:
                    self._say(welcome(self._settings, time.monotonic() - started))
                    return
                try:
                    await asyncio.wait_for(self._stop.wait(), 0.3)
                except TimeoutError:
                    continue


def welcome(settings: Settings, seconds: float) -> str:
    """What a newcomer reads when everything runs."""
    telegram = "on, by long polling" if settings.telegram_token else "off (set TELEGRAM_BOT_TOKEN to turn it on)"
    return f"""
  Lawang is open after {seconds:.0f} s.

    web chat     {settings.public_url}/
    Meja Kota    {settings.sandbox_url}/    the stand-in city: move a case on, call the next number
    for vendors  {settings.public_url}/openapi.json
    Telegram     {telegram}

  Try, in the web chat or with `.venv/bin/lawang chat`:

    lampu jalan mati di depan SDN Wates RT 3 RW 1
    KTP saya hilang, syaratnya apa?
    mau antre di MPP besok pagi

  Ctrl-C stops everything.
"""


def _die_with_parent() -> None:
    """A supervisor that is killed takes its processes along: no orphan keeps a port."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal(child: asyncio.subprocess.Process, number: int) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        pass


def _reason(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
