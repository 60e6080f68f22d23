"""Programs under measurement: started, waited for, weighed and stopped."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import psutil

START_SECONDS = 240


class Server:
    """One program with its log; `stop` ends it and whatever it started."""

    def __init__(
        self, name: str, command: list[str], folder: Path, environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self._log = log
        self._started = time.monotonic()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pid = self._process.pid

    async def answered(self, ask: Callable[[], Awaitable[bool]]) -> float:
        """Ask until it answers; the seconds since its start.

        Raises:
            RuntimeError: it ended, or never answered.
        """
        while True:
            try:
                if await ask():
                    return time.monotonic() - self._started
            except OSError:
                pass
            if self._process.poll() is not None or time.monotonic() - self._started > START_SECONDS:
                raise RuntimeError(f"{self.name} did not start:\n{self._log.read_text()[-3000:]}")
            await asyncio.sleep(0.05)

    def stop(self) -> None:
        """End the program's whole group: politely, then not."""
        for number, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.pid, number)
                self._process.wait(patience)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue
            return


def family(pid: int) -> list[psutil.Process]:
    """A process and everything it started."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def memory(pid: int, *, children: bool = True) -> dict[str, float]:
    """Resident and proportional memory of a process and its children, MB. PSS counts a shared page once."""
    found = [process.memory_full_info() for process in (family(pid) if children else [psutil.Process(pid)])]
    return {"rss": sum(one.rss for one in found) / 1e6, "pss": sum(one.pss for one in found) / 1e6}


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and its children so far."""
    times = [process.cpu_times() for process in family(pid)]
    return sum(one.user + one.system for one in times)
