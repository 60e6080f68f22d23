"""What the stand-in city takes from the environment, read once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEVELOPMENT_KEY = "kunci-kota-tiruan"


class SandboxSettingsError(Exception):
    """A setting cannot be used; the message says which and how to mend it."""


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """Where the city listens and stores, whom it tells, and its secrets (kept out of `repr`).

    `database` is a SQLite file, or the URL of a PostgreSQL database; `city` another city than city.yml.

    Without `webhook_secret` status changes are kept in the outbox but not pushed.
    """

    database: Path | str
    host: str = "127.0.0.1"
    port: int = 8090
    lawang_url: str = "http://127.0.0.1:8080"
    webhook_secret: str | None = field(default=None, repr=False)
    api_key: str = field(default=DEVELOPMENT_KEY, repr=False)
    faults: bool = False
    city: Path | None = None


def load(environ: Mapping[str, str] = os.environ) -> SandboxSettings:
    """Read the environment.

    Raises:
        SandboxSettingsError: the port is not a port or the Lawang address is not http(s).
    """
    raw_port = environ.get("SANDBOX_PORT", "8090")
    if not raw_port.isdecimal() or not 0 < int(raw_port) < 65536:
        raise SandboxSettingsError(f"SANDBOX_PORT must be a port number, not {raw_port!r}")
    lawang_url = environ.get("LAWANG_URL", "http://127.0.0.1:8080").rstrip("/")
    if not lawang_url.startswith(("http://", "https://")):
        raise SandboxSettingsError(f"LAWANG_URL must start with http:// or https://, not {lawang_url!r}")
    default_file = Path(environ.get("LAWANG_VAR", "var")) / "kota.db"
    database = environ.get("SANDBOX_DATABASE") or str(default_file)
    return SandboxSettings(
        database=_store(database),
        host=environ.get("SANDBOX_HOST", "127.0.0.1"),
        port=int(raw_port),
        lawang_url=lawang_url,
        webhook_secret=environ.get("SANDBOX_WEBHOOK_SECRET") or None,
        api_key=environ.get("SANDBOX_API_KEY") or DEVELOPMENT_KEY,
        faults=environ.get("SANDBOX_FAULTS") == "1",
        city=Path(environ["SANDBOX_CITY"]) if environ.get("SANDBOX_CITY") else None,
    )


def _store(raw: str) -> Path | str:
    scheme, _, rest = raw.partition("://")
    if scheme in ("postgresql", "postgresql+asyncpg"):
        return f"postgresql+asyncpg://{rest}"
    return Path(raw.removeprefix("sqlite+aiosqlite:///").removeprefix("sqlite:///"))
