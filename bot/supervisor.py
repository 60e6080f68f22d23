"""All processes under one roof: starts them, keeps them running, gathers their lines, stops them cleanly."""

import asyncio
import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx

from bot.processes import Process, environment
from bot.settings import Settings
from bot.web.access import development

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
STEADY_AFTER_SECONDS = 5.0
# All stop at the same time; with what is left in their pipes everything is over within 12 s.
STOP_SECONDS = 10.0
NOT_READY_SECONDS = 60.0
LONGEST_LINE = 2000
PR_SET_PDEATHSIG = 1

_UNPRINTABLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_libc = ctypes.CDLL(None)


class Supervisor:
    """Runs processes until told to stop; one that ends is started again after a growing pause.

    The first SIGINT or SIGTERM lets everyone finish, a second one kills at once.
    """

    def __init__(self, settings: Settings, wanted: list[Process], say: Callable[[str], None]) -> None:
        self._settings = settings
        self._wanted = wanted
        self._say = say
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._pids: dict[str, int] = {}
        self._environment = environment(settings)
        self._register = settings.var / "run" / "processes.json"

    async def run(self) -> None:
        """Start everything and wait for SIGINT or SIGTERM."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._asked_to_stop)
        metrics = Path(self._environment["PROMETHEUS_MULTIPROC_DIR"])
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir(parents=True)
        self._register.parent.mkdir(parents=True, exist_ok=True)
        async with asyncio.TaskGroup() as group:
            for process in self._wanted:
                group.create_task(self._keep(process), name=process.name)
            group.create_task(self._welcome(), name="welcome")
        self._register.unlink(missing_ok=True)
        self._line("lawang", "everything is stopped")

    def _asked_to_stop(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
            return
        self._line("lawang", "stopping; once more to stop at once")
        self._stop.set()

    async def _keep(self, process: Process) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stop.is_set():
            started = time.monotonic()
            ended = await self._run_once(process)
            if self._stop.is_set():
                return
            if time.monotonic() - started > STEADY_AFTER_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            self._line("lawang", f"{process.name} {ended}; again in {pause:.1f} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _run_once(self, process: Process) -> str:
        """Run one program to its end, or to ours; says how it ended."""
        try:
            child = await asyncio.create_subprocess_exec(
                *process.command,
                cwd=self._settings.root,
                env={**self._environment, **process.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(_die_with_parent, os.getpid()),
            )
        except OSError as error:
            return f"cannot be started ({error.strerror}: {process.command[0]})"
        self._note(process.name, child.pid)
        assert child.stdout is not None
        gathering = asyncio.create_task(self._gather(process.name, child.stdout))
        ending = asyncio.create_task(_end_of(child))
        await _first(ending, self._stop)
        if not ending.done():
            _signal(child.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(_first(ending, self._hurry), STOP_SECONDS)
        # What a program started itself must not keep its port, nor its pipe.
        _signal(child.pid, signal.SIGKILL)
        code = await ending
        await asyncio.wait({gathering}, timeout=1)
        gathering.cancel()
        self._note(process.name, None)
        return f"ended ({_reason(code)})"

    async def _gather(self, name: str, stream: asyncio.StreamReader) -> None:
        """Pass a program's lines on until it closes its output; of an endless line, the beginning."""
        within = False
        while True:
            try:
                line = await stream.readuntil()
            except asyncio.IncompleteReadError as end:
                if not within:
                    self._line(name, _text(end.partial))
                return
            except asyncio.LimitOverrunError as over:
                start = await stream.readexactly(over.consumed)
                if not within:
                    self._line(name, _text(start))
                within = True
                continue
            if not within:
                self._line(name, _text(line))
            within = False

    def _line(self, name: str, text: str) -> None:
        if text:
            # A log that nobody reads any more (a closed pipe) is no reason to stop serving.
            with contextlib.suppress(OSError, ValueError):
                self._say(f"{time.strftime('%H:%M:%S')} {name:>7} │ {text}")

    def _note(self, name: str, pid: int | None) -> None:
        """Write who runs where, for `lawang doctor` and for tests that kill."""
        if pid is None:
            self._pids.pop(name, None)
        else:
            self._pids[name] = pid
        fresh = self._register.with_suffix(".new")
        # Useful to know, but a full disk is no reason to stop serving.
        with contextlib.suppress(OSError):
            fresh.write_text(json.dumps({"supervisor": os.getpid(), **self._pids}))
            fresh.replace(self._register)

    async def _welcome(self) -> None:
        """Say how to begin, once a message would be answered; say what is missing when that takes long."""
        started = time.monotonic()
        patience = NOT_READY_SECONDS
        missing: list[str] = ["door"]
        async with httpx.AsyncClient(timeout=3, trust_env=False) as client:
            while not self._stop.is_set():
                try:
                    answer = await client.get(f"{self._settings.local_url}/readyz")
                    missing = [name for name, there in answer.json().items() if not there]
                except (httpx.HTTPError, ValueError, AttributeError):
                    missing = ["door"]
                waited = time.monotonic() - started
                if not missing:
                    self._say(welcome(self._settings, waited))
                    return
                if waited > patience:
                    wait = f"not ready after {waited:.0f} s, missing: {', '.join(missing)}"
                    self._line("lawang", f"{wait}; see the lines above or run `lawang doctor`")
                    patience *= 2
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), 0.3)


async def _end_of(child: asyncio.subprocess.Process) -> int:
    """Wait for a program's exit code; `child.wait()` would also wait for whoever inherited its output."""
    while child.returncode is None:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return child.returncode


async def _first(task: "asyncio.Task[int]", event: asyncio.Event) -> None:
    """Wait for a task or an event, whichever comes first; the task goes on."""
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


def welcome(settings: Settings, seconds: float) -> str:
    """What a newcomer reads when everything runs."""
    telegram = (
        "on, by long polling" if settings.telegram_token else "off (set TELEGRAM_BOT_TOKEN to turn it on)"
    )
    city = f"{settings.sandbox_url}/    the stand-in city: move a case on, call the next number"
    people = "\n".join(
        f"                 {name} / {password}    {role}"
        for name, password, role in development.sign_ins(settings)
    )
    return f"""
  Lawang is open after {seconds:.0f} s.

    web chat     {settings.public_url}/
    agents       {settings.public_url}/agent{people and "    sign in as"}
{people or "                 `lawang users add` makes the first account"}
    Meja Kota    {"none in production" if settings.production else city}
    for vendors  {settings.public_url}/openapi.json
    Telegram     {telegram}

  Try, in the web chat or with `.venv/bin/lawang chat`:

    lampu jalan mati di depan SDN Wates RT 3 RW 1
    KTP saya hilang, syaratnya apa?
    mau antre di MPP besok pagi

  Ctrl-C stops everything.
"""


def _die_with_parent(parent: int) -> None:
    """A supervisor that is killed takes its processes along, at once: no orphan keeps a port.

    SIGKILL, because every process here is built to be killed, and a polite signal may be ignored.
    """
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def _text(line: bytes) -> str:
    text = _UNPRINTABLE.sub("", line.decode(errors="replace").rstrip())
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]} … (shortened)"


def _reason(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
