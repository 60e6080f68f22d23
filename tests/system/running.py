"""The whole system as `lawang up` runs it: real Rasa, real processes, real HTTP, on ports of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from bot.settings import ROOT
from tests.ports import free_port

START_SECONDS = 120


class System:
    """One `lawang up`, with its own data below `folder`."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.ports = {name: free_port() for name in ("PORT", "RASA_PORT", "ACTIONS_PORT", "SANDBOX_PORT")}
        self.url = f"http://127.0.0.1:{self.ports['PORT']}"
        self.city = f"http://127.0.0.1:{self.ports['SANDBOX_PORT']}"
        self.log = folder / "system.log"
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("LAWANG_", "TELEGRAM_"))
        }
        self.environment = {
            **kept,
            **{name: str(port) for name, port in self.ports.items()},
            "LAWANG_VAR": str(folder / "var"),
            "SANDBOX_FAULTS": "1",
            "LAWANG_PUBLIC_URL": self.url,
            # Tests run at any hour.
            "LAWANG_QUIET_HOURS": "off",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start everything; returns after how many seconds a message would be answered."""
        started = time.monotonic()
        (self.folder / "var").mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "up"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() - started > START_SECONDS:
                self.stop()
                raise RuntimeError(f"the system did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.2)
        return time.monotonic() - started

    def ready(self) -> bool:
        """True once a message would be answered."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=3, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def pids(self) -> dict[str, int]:
        """Which process is which."""
        found: dict[str, int] = json.loads((self.folder / "var" / "run" / "processes.json").read_text())
        return found

    def kill(self, name: str) -> None:
        """kill -9 one process; the supervisor starts it again."""
        pid = self.pids().get(name)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> int:
        """Stop as Ctrl-C does; the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
