"""The ground everything stands on: interpreters, the model, the data folder, the secrets."""

import platform
import shutil
import subprocess
import sys
import tempfile

from bot.settings import Settings
from bot.symptoms.finding import Finding, fail, ok, warn

RASA = "3.6.21"
LOW_DISK_BYTES = 1_000_000_000
NO_DISK_BYTES = 100_000_000


def python(settings: Settings) -> list[Finding]:
    """The interpreter that runs us."""
    version = platform.python_version()
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        return [fail("Python", version, "use Python 3.11: `rm -rf .venv && make setup`")]
    return [ok("Python", version)]


def rasa(settings: Settings) -> list[Finding]:
    """Rasa's own environment."""
    home = settings.root / ".venv-rasa"
    if not (home / "bin" / "python").exists():
        return [
            fail(
                "Rasa", "its environment .venv-rasa is missing or broken", "`rm -rf .venv-rasa && make setup`"
            )
        ]
    found = sorted(home.glob("lib/python*/site-packages/rasa-*.dist-info"))
    versions = [path.name.removeprefix("rasa-").removesuffix(".dist-info") for path in found]
    if versions != [RASA]:
        detail = f"{', '.join(versions) or 'not installed'} in .venv-rasa, {RASA} is needed"
        return [fail("Rasa", detail, "`rm -rf .venv-rasa && make setup`")]
    return [ok("Rasa", f"{RASA} in .venv-rasa")]


def model(settings: Settings) -> list[Finding]:
    """The trained model, and whether what it learnt from has changed since."""
    models = sorted((settings.root / "models").glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    if not models:
        return [fail("model", "nothing is trained yet", "`lawang train`")]
    command = [sys.executable, "-m", "intents.trainer", "--check"]
    done = subprocess.run(command, cwd=settings.root, capture_output=True, timeout=10, check=False)
    if done.returncode == 0:
        return [ok("model", models[-1].name)]
    if done.returncode == 3:
        return [warn("model", f"{models[-1].name} is older than its data", "`lawang train`, then restart")]
    return [fail("model", "its data cannot be read", "`make data` says which file is wrong")]


def folder(settings: Settings) -> list[Finding]:
    """The folder of everything that changes, and the room it has."""
    where = settings.var if settings.var.exists() else settings.var.parent
    try:
        with tempfile.TemporaryFile(dir=where):
            pass
    except OSError as error:
        remedy = "make it writable for this user, or name another folder with LAWANG_VAR"
        return [fail("data folder", f"{where}: {error.strerror}", remedy)]
    free = shutil.disk_usage(where).free
    detail = f"{settings.var}, {free / 1e9:.1f} GB free"
    remedy = "make room: SQLite, media and models stop with a full disk"
    if free < NO_DISK_BYTES:
        return [fail("data folder", detail, remedy)]
    return [warn("data folder", detail, remedy) if free < LOW_DISK_BYTES else ok("data folder", detail)]


def secrets(settings: Settings) -> list[Finding]:
    """The key that seals personal data. Production without one does not even start."""
    if not settings.production:
        return [ok("secrets", "development: a key of its own in the data folder")]
    if len(set(settings.secret_key)) < 12:
        remedy = "make one with `openssl rand -base64 48`, before it has sealed anything"
        return [fail("secrets", "LAWANG_SECRET_KEY is too simple", remedy)]
    found = [ok("secrets", "LAWANG_SECRET_KEY is set; keep a copy apart from the backups")]
    if not settings.public_url.startswith("https://"):
        remedy = "set LAWANG_PUBLIC_URL to the https address of the proxy: links to files are built from it"
        found.append(warn("public address", settings.public_url, remedy))
    return found
