"""The supervisor with tiny programs: it starts them again, stops them all, and leaves no orphan."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from bot import __main__ as command_line
from bot import processes, supervisor
from bot import settings as settings_module
from bot.processes import Process
from bot.settings import Settings
from bot.supervisor import Supervisor

SLEEPS = "import time; print('awake', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"
POLITE = """
import pathlib, signal, sys, time
def leave(*_): pathlib.Path(sys.argv[1]).touch(); sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print('awake', flush=True)
time.sleep(60)
"""
RUNNER = """
import asyncio, json, sys
from dataclasses import replace
from pathlib import Path
from bot import settings, supervisor
from bot.processes import Process
supervisor.STOP_SECONDS = float(sys.argv[3])
given = replace(settings.load(), var=Path(sys.argv[1]), port=1)
wanted = [Process(name, command) for name, command in json.loads(sys.argv[2])]
asyncio.run(supervisor.Supervisor(given, wanted, lambda line: print(line, flush=True)).run())
"""


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-S", "-c", code, *arguments]


@pytest.fixture
def plain_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of nobody's installation, with a port where nobody listens."""
    monkeypatch.setenv("LAWANG_VAR", str(tmp_path / "var"))
    return replace(settings_module.load(), port=1)


class Run:
    """A supervisor in this process, with what it said."""

    def __init__(self, settings: Settings, *wanted: Process) -> None:
        self.lines: list[str] = []
        self.supervisor = Supervisor(settings, list(wanted), self.lines.append)

    async def until(self, enough: Callable[[list[str]], bool], seconds: float = 10) -> list[str]:
        """Run until the lines are enough, then stop; the lines."""
        running = asyncio.create_task(self.supervisor.run())
        deadline = time.monotonic() + seconds
        while not enough(self.lines) and time.monotonic() < deadline and not running.done():
            await asyncio.sleep(0.02)
        self.supervisor._stop.set()
        await running
        return self.lines


def said(lines: list[str], words: str) -> list[str]:
    return [line for line in lines if words in line]


async def test_a_process_that_ends_is_started_again_after_a_growing_pause(
    plain_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_SECONDS", 0.1)
    run = Run(plain_settings, Process("short", python("print('halo'); raise SystemExit(3)")))
    lines = await run.until(lambda lines: len(said(lines, "again in")) >= 3)
    ends = [line.partition("│ ")[2] for line in said(lines, "again in")]
    assert ends[:3] == [f"short ended (exit code 3); again in {pause} s" for pause in (0.1, 0.2, 0.4)]
    assert len(said(lines, "  short │ halo")) >= 3


async def test_the_pause_is_short_again_after_a_steady_time(
    plain_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STEADY_AFTER_SECONDS", 0.0)
    run = Run(plain_settings, Process("short", python("raise SystemExit(1)")))
    lines = await run.until(lambda lines: len(said(lines, "again in")) >= 3)
    assert said(lines, "again in") == said(lines, "again in 0.2 s")


async def test_a_killed_process_is_named_with_its_signal(plain_settings: Settings) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    run = Run(plain_settings, Process("victim", python(code)))
    assert said(await run.until(lambda lines: bool(said(lines, "again in"))), "killed by SIGKILL")


async def test_a_program_that_is_not_there_is_said_to_be_so(plain_settings: Settings) -> None:
    run = Run(plain_settings, Process("gone", ["/nowhere/program"]))
    lines = await run.until(lambda lines: len(said(lines, "again in")) >= 2)
    assert said(lines, "gone cannot be started (No such file or directory: /nowhere/program)")


async def test_endless_lines_and_control_characters_do_not_stop_the_log(plain_settings: Settings) -> None:
    code = (
        "import sys, time; sys.stdout.write('a' * 70_000 + '\\n' + 'b' * 300_000 + '\\n');"
        "print('\\x1b[31mmerah\\x1b[0m\\x07'); sys.stdout.buffer.write(b'\\xff\\n');"
        "sys.stdout.write('no line feed'); sys.stdout.flush()"
    )
    run = Run(plain_settings, Process("loud", python(code)))
    lines = await run.until(lambda lines: bool(said(lines, "again in")))
    texts = [line.partition("│ ")[2] for line in said(lines, "loud │")][:5]
    shortened = [letter * supervisor.LONGEST_LINE + " … (shortened)" for letter in "ab"]
    assert texts == [*shortened, "merah", "\N{REPLACEMENT CHARACTER}", "no line feed"]


async def test_what_a_program_leaves_behind_is_ended_with_it(plain_settings: Settings) -> None:
    code = (
        f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]).pid, flush=True)"
    )
    run = Run(plain_settings, Process("parent", python(code)))
    lines = await run.until(lambda lines: bool(said(lines, "again in")), seconds=20)
    assert said(lines, "parent ended (exit code 0)")
    for line in said(lines, "parent │"):
        left = line.partition("│ ")[2]
        assert not left.isdigit() or not alive(int(left))


async def test_a_log_that_nobody_reads_stops_nothing(plain_settings: Settings, tmp_path: Path) -> None:
    mark = tmp_path / "twice"
    code = "import pathlib, sys; file = pathlib.Path(sys.argv[1]); file.write_text(file.read_text() + 'x')"
    mark.write_text("")

    def closed(line: str) -> None:
        raise BrokenPipeError

    watched = Supervisor(plain_settings, [Process("short", python(code, str(mark)))], closed)
    running = asyncio.create_task(watched.run())
    while len(mark.read_text()) < 2 and not running.done():
        await asyncio.sleep(0.02)
    watched._stop.set()
    await running
    assert len(mark.read_text()) >= 2


async def test_when_it_takes_long_what_is_missing_is_said(
    plain_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "NOT_READY_SECONDS", 0.1)
    run = Run(plain_settings, Process("slow", python(SLEEPS)))
    assert said(await run.until(lambda lines: bool(said(lines, "not ready"))), "missing: door")


class Outside:
    """A supervisor in a process of its own."""

    def __init__(self, var: Path, stop_seconds: float, *wanted: tuple[str, list[str]]) -> None:
        command = [sys.executable, "-c", RUNNER, str(var), json.dumps(wanted), str(stop_seconds)]
        self.var = var
        self.process = subprocess.Popen(command, cwd=settings_module.ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        awake = 0
        while awake < len(wanted):
            awake += "awake" in self.process.stdout.readline()
        self.pids: dict[str, int] = json.loads((var / "run" / "processes.json").read_text())
        self.children = [pid for name, pid in self.pids.items() if name != "supervisor"]

    def end(self, number: int, seconds: float = 12) -> float:
        """Send a signal and wait; the seconds it took."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(seconds)
        return time.monotonic() - started


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Outside]]:
    """Start supervisors that are gone after the test."""
    monkeypatch.setenv("LAWANG_VAR", str(tmp_path))
    started: list[Outside] = []

    def start(stop_seconds: float, *wanted: tuple[str, list[str]]) -> Outside:
        started.append(Outside(tmp_path, stop_seconds, *wanted))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
        assert each.process.stdout is not None
        each.process.stdout.close()


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(pids: list[int], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_everyone_finish_and_leaves_nothing(
    outside: Callable[..., Outside], tmp_path: Path, number: int
) -> None:
    mark = tmp_path / "finished"
    run = outside(10, ("polite", python(POLITE, str(mark))), ("sleeper", python(SLEEPS)))
    assert run.pids["supervisor"] == run.process.pid
    assert run.end(number) < 5
    assert run.process.returncode == 0
    assert mark.exists()
    assert gone(run.children)
    assert not (tmp_path / "run" / "processes.json").exists()


def test_a_process_that_ignores_the_signal_is_killed_in_time(outside: Callable[..., Outside]) -> None:
    run = outside(0.5, ("stubborn", python(STUBBORN)))
    assert 0.4 < run.end(signal.SIGTERM) < 5
    assert gone(run.children)
    assert supervisor.STOP_SECONDS + 1 < 12


def test_a_second_signal_stops_at_once(outside: Callable[..., Outside]) -> None:
    run = outside(60, ("stubborn", python(STUBBORN)))
    run.process.send_signal(signal.SIGINT)
    assert run.process.stdout is not None
    while "stopping" not in run.process.stdout.readline():
        pass
    assert run.end(signal.SIGINT) < 5
    assert gone(run.children)


def test_a_killed_supervisor_leaves_no_orphan(outside: Callable[..., Outside]) -> None:
    run = outside(10, ("sleeper", python(SLEEPS)), ("stubborn", python(STUBBORN)))
    assert all(alive(pid) for pid in run.children)
    run.end(signal.SIGKILL)
    assert gone(run.children)


def test_a_taken_port_is_one_clear_line(
    plain_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "lawang-1.tar.gz").touch()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        taken = replace(plain_settings, root=tmp_path, port=port)
        monkeypatch.setattr(command_line, "_settings", lambda: taken)
        monkeypatch.setattr(command_line, "_rasa_python", lambda settings: "python")
        monkeypatch.setattr(processes, "processes", lambda settings: [Process("door", ["no"], port)])
        result = CliRunner().invoke(command_line.main, ["up"])
    assert result.exit_code == 1
    assert result.output == (
        f"Error: Port {port} (door) is taken. Stop what listens there, or choose another: PORT=… make run\n"
    )


def test_production_has_no_stand_in_city(plain_settings: Settings) -> None:
    names = [process.name for process in processes.processes(plain_settings)]
    assert names == ["rasa", "city", "actions", "door", "worker"]
    live = replace(plain_settings, production=True)
    assert "city" not in [process.name for process in processes.processes(live)]
    assert not {"SANDBOX_URL", "SANDBOX_WEBHOOK_SECRET"} & (
        processes.environment(live).keys() - processes.os.environ.keys()
    )
