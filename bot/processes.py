"""The programs that make up a running Lawang: how each is started, where it listens, what it is told."""

import os
import secrets
import socket
import sys
from dataclasses import dataclass, field

from bot.settings import Settings


@dataclass
class Process:
    """One program to keep running. `port` is where it listens, if it does."""

    name: str
    command: list[str]
    port: int | None = None
    environment: dict[str, str] = field(default_factory=dict)


def processes(settings: Settings) -> list[Process]:
    """Everything `lawang up` runs, in the order in which it starts. Production has no stand-in city."""
    python = sys.executable
    wanted = [
        Process("rasa", rasa_command(settings), settings.rasa_port),
        Process("city", [python, "-m", "connectors.sandbox"], settings.sandbox_port),
        Process("actions", actions_command(settings), settings.actions_port),
        Process("door", [python, "-m", "bot", "serve"], settings.port),
        Process("worker", [python, "-m", "bot", "work"]),
    ]
    return [process for process in wanted if process.name != "city" or not settings.production]


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
        "LAWANG_VAR": str(settings.var),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }
    if not settings.production:
        given |= {
            "LAWANG_URL": settings.local_url,
            "SANDBOX_URL": settings.sandbox_url,
            "SANDBOX_DATABASE": str(settings.var / "kota.db"),
            "SANDBOX_WEBHOOK_SECRET": os.environ.get("SANDBOX_WEBHOOK_SECRET") or secrets.token_urlsafe(32),
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
