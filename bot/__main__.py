"""The `lawang` command: every process and every tool of the project behind one name."""

import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path

import click

from bot import logs
from bot.settings import Settings, SettingsError, load


def _settings() -> Settings:
    try:
        settings = load()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    logs.start(settings)
    return settings


def _rasa_python(settings: Settings) -> str:
    python = settings.root / ".venv-rasa" / "bin" / "python"
    if not python.exists():
        raise click.ClickException("Rasa's environment is missing: run `make setup`.")
    return str(python)


def _replace_process(command: list[str], settings: Settings) -> None:
    """Become another program, so that signals and the process id are its own."""
    from bot.processes import environment

    os.chdir(settings.root)
    os.execvpe(command[0], command, environment(settings))  # noqa: S606


@click.group()
@click.version_option(package_name="lawang")
def main() -> None:
    """The chat front door of a city."""


@main.command()
def up() -> None:
    """Start everything and keep it running."""
    from bot.processes import processes, taken_ports
    from bot.supervisor import Supervisor

    settings = _settings()
    _rasa_python(settings)
    if not list((settings.root / "models").glob("*.tar.gz")):
        raise click.ClickException("There is no trained model: run `make setup` or `lawang train`.")
    wanted = processes(settings)
    for process in taken_ports(wanted):
        variable = {"door": "PORT", "rasa": "RASA_PORT", "actions": "ACTIONS_PORT", "city": "SANDBOX_PORT"}
        raise click.ClickException(
            f"Port {process.port} ({process.name}) is taken. Stop what listens there, "
            f"or choose another: {variable[process.name]}=… make run"
        )
    asyncio.run(Supervisor(settings, wanted, lambda line: click.echo(line)).run())


@main.command()
def serve() -> None:
    """Run the front door alone."""
    import uvicorn

    from bot.app import create_app

    settings = _settings()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Open streams of web chats never end by themselves.
        timeout_graceful_shutdown=3,
    )


@main.command()
def work() -> None:
    """Run a worker alone."""
    import uvloop

    from bot import worker
    from bot.storage.database import upgrade

    settings = _settings()
    upgrade(settings.database_url)
    uvloop.run(worker.run(settings))


@main.command()
def rasa() -> None:
    """Run Rasa alone, in its own environment."""
    from bot.processes import rasa_command

    settings = _settings()
    _rasa_python(settings)
    _replace_process(rasa_command(settings), settings)


@main.command()
def actions() -> None:
    """Run the action server alone."""
    from bot.processes import actions_command

    settings = _settings()
    _replace_process(actions_command(settings), settings)


@main.command()
def sandbox() -> None:
    """Run the stand-in city alone."""
    settings = _settings()
    _replace_process([sys.executable, "-m", "connectors.sandbox"], settings)


@main.command()
@click.option("--force", is_flag=True, help="Train although nothing changed.")
def train(force: bool) -> None:
    """Train the Rasa model if the data changed."""
    settings = _settings()
    command = [_rasa_python(settings), "-m", "intents.trainer", *(["--force"] if force else [])]
    raise SystemExit(subprocess.call(command, cwd=settings.root))


@main.command()
def parse() -> None:
    """Read texts on stdin, one a line; print what is understood, one JSON object a line."""
    settings = _settings()
    _replace_process([_rasa_python(settings), "-m", "intents.parse"], settings)


@main.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the schema to the newest revision."""
    from bot.storage.database import upgrade

    settings = _settings()
    settings.var.mkdir(parents=True, exist_ok=True)
    upgrade(settings.database_url)


@main.command()
def doctor() -> None:
    """Say in one screen what is wrong and how to mend it."""
    from bot.doctor import examine

    raise SystemExit(asyncio.run(examine(_settings(), click.echo)))


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("names", nargs=-1, type=click.UNPROCESSED)
def bench(names: tuple[str, ...]) -> None:
    """Run the benchmarks of tests/benchmarks (all of them, or those named; `--list` says which)."""
    settings = _settings()
    command = [sys.executable, "-m", "tests.benchmarks", *names]
    raise SystemExit(subprocess.call(command, cwd=settings.root))


def _mount() -> None:
    from bot.broadcasts import broadcast
    from bot.casework import cases
    from bot.chat import chat
    from bot.deliveries import messages
    from bot.flowdesk import key, list_flows
    from bot.invitations import telegram, whatsapp
    from bot.users import users
    from connectors.commands import connectors

    main.add_command(broadcast)
    main.add_command(cases)
    main.add_command(chat)
    main.add_command(messages)
    main.add_command(connectors)
    main.add_command(telegram)
    whatsapp.add_command(list_flows)
    whatsapp.add_command(key)
    main.add_command(whatsapp)
    main.add_command(users)


_mount()

if __name__ == "__main__":
    logging.captureWarnings(True)
    sys.path.insert(0, str(Path.cwd()))
    main()
