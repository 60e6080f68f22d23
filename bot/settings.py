"""The environment, read once into one frozen value. No other module looks at os.environ."""

import contextlib
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class SettingsError(Exception):
    """A setting is missing or unusable; the message says which and how to mend it."""


@dataclass(frozen=True, slots=True)
class WhatsAppSettings:
    """One business number at Meta's Cloud API. `private_key` (PEM) opens what citizens fill into flows.

    `per_second` is the most we send in any second. Meta counts 80 in and out, 20 for a number that is also
    used in the Business app, 1,000 after an upgrade ("Throughput", 21 May 2026).
    """

    token: str = field(repr=False)
    number_id: str
    app_secret: str = field(repr=False)
    verify_token: str = field(repr=False)
    api_url: str
    private_key: str | None = field(default=None, repr=False)
    per_second: int = 64


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can set. Secrets come from the environment only and never appear in `repr`."""

    root: Path
    var: Path
    host: str
    port: int
    public_url: str
    tenant: str
    database_url: str
    redis_url: str | None
    rasa_url: str
    rasa_port: int
    rasa_timeout_seconds: float
    rasa_patience_seconds: float
    actions_port: int
    sandbox_port: int
    sandbox_url: str
    worker_tasks: int
    telegram_token: str | None
    telegram_mode: str
    telegram_api_url: str
    telegram_webhook_secret: str | None
    log_level: str
    production: bool
    secret_key: str
    embed_origins: tuple[str, ...] = ()
    quiet_hours: bool = True
    chatwoot_url: str | None = None
    chatwoot_inbox: str = ""
    chatwoot_secret: str = ""
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = None
    second_step: tuple[str, ...] = ()
    whatsapp: WhatsAppSettings | None = None

    def __repr__(self) -> str:
        return f"Settings(tenant={self.tenant!r}, port={self.port}, production={self.production})"

    @property
    def local_url(self) -> str:
        """Where processes of this machine reach the front door."""
        return f"http://127.0.0.1:{self.port}"


def _number(name: str, default: str) -> float:
    raw = os.environ.get(name, default)
    try:
        return float(raw)
    except ValueError:
        raise SettingsError(f"{name} must be a number, not {raw!r}") from None


def load() -> Settings:
    """Read the environment.

    Raises:
        SettingsError: a value cannot be used, or production runs without its secrets.
    """
    root = ROOT
    var = Path(os.environ.get("LAWANG_VAR", root / "var"))
    port = int(_number("PORT", "8080"))
    production = os.environ.get("LAWANG_ENV", "development") == "production"
    rasa_port = int(_number("RASA_PORT", "5005"))
    sandbox_port = int(_number("SANDBOX_PORT", "8090"))
    telegram_token = os.environ.get("TELEGRAM_BOT_TOKEN") or None
    telegram_mode = os.environ.get("TELEGRAM_MODE", "polling")
    if telegram_mode not in {"polling", "webhook"}:
        raise SettingsError("TELEGRAM_MODE must be polling or webhook")
    webhook_secret = os.environ.get("TELEGRAM_WEBHOOK_SECRET") or None
    if telegram_token and telegram_mode == "webhook" and not webhook_secret:
        raise SettingsError("TELEGRAM_MODE=webhook needs TELEGRAM_WEBHOOK_SECRET (letters, digits, - and _)")
    return Settings(
        root=root,
        var=var,
        host=os.environ.get("HOST", "127.0.0.1"),
        port=port,
        public_url=os.environ.get("LAWANG_PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/"),
        tenant=os.environ.get("LAWANG_TENANT", "kota_mojokerto"),
        database_url=os.environ.get("DATABASE_URL") or f"sqlite+aiosqlite:///{var / 'lawang.db'}",
        redis_url=os.environ.get("REDIS_URL") or None,
        rasa_url=os.environ.get("RASA_URL", f"http://127.0.0.1:{rasa_port}").rstrip("/"),
        rasa_port=rasa_port,
        rasa_timeout_seconds=_number("RASA_TIMEOUT_SECONDS", "15"),
        rasa_patience_seconds=_number("RASA_PATIENCE_SECONDS", "45"),
        actions_port=int(_number("ACTIONS_PORT", "5055")),
        sandbox_port=sandbox_port,
        sandbox_url=os.environ.get("SANDBOX_URL", f"http://127.0.0.1:{sandbox_port}").rstrip("/"),
        worker_tasks=int(_number("LAWANG_WORKER_TASKS", "16")),
        telegram_token=telegram_token,
        telegram_mode=telegram_mode,
        telegram_api_url=os.environ.get("TELEGRAM_API_URL", "https://api.telegram.org").rstrip("/"),
        telegram_webhook_secret=webhook_secret,
        log_level=os.environ.get("LOG_LEVEL", "INFO").upper(),
        production=production,
        secret_key=_secret_key(var, production),
        embed_origins=_origins("LAWANG_EMBED_ORIGINS"),
        quiet_hours=os.environ.get("LAWANG_QUIET_HOURS", "on") != "off",
        **_chatwoot(),
        **_oidc(production),
        second_step=_second_step(production),
        whatsapp=_whatsapp(),
    )


def _whatsapp() -> WhatsAppSettings | None:
    """All of WhatsApp's secrets, or none: half a channel would swallow messages."""
    token = os.environ.get("WHATSAPP_TOKEN")
    if not token:
        return None
    others = ("WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN")
    given = {name: os.environ.get(name, "") for name in others}
    if missing := [name for name, value in given.items() if not value]:
        raise SettingsError(f"WHATSAPP_TOKEN needs {', '.join(missing)} too: see docs/hubungkan-whatsapp.md")
    number_id = given["WHATSAPP_PHONE_NUMBER_ID"]
    if not number_id.isdigit():
        raise SettingsError("WHATSAPP_PHONE_NUMBER_ID is Meta's id of the number, digits only")
    return WhatsAppSettings(
        token=token,
        number_id=number_id,
        app_secret=given["WHATSAPP_APP_SECRET"],
        verify_token=given["WHATSAPP_VERIFY_TOKEN"],
        api_url=os.environ.get("WHATSAPP_API_URL", "https://graph.facebook.com/v23.0").rstrip("/"),
        # Files of settings hold one line a value: there the line breaks of a key are written \\n.
        private_key=os.environ.get("WHATSAPP_FLOW_KEY", "").replace("\\n", "\n") or None,
        per_second=max(5, int(_number("WHATSAPP_PER_SECOND", "64"))),
    )


def _chatwoot() -> dict[str, Any]:
    """The desk of another program: all three values, or none."""
    names = ("CHATWOOT_URL", "CHATWOOT_INBOX", "CHATWOOT_SECRET")
    given = {name.lower(): os.environ.get(name) or "" for name in names}
    missing = [name for name in names if not given[name.lower()]]
    if len(missing) == len(names):
        return {}
    if missing:
        raise SettingsError(f"{', '.join(missing)} missing: Chatwoot needs {', '.join(names)}")
    return given


def _second_step(production: bool) -> tuple[str, ...]:
    """The roles that only come in with a second step: supervisors and admins, unless told otherwise."""
    roles = {"petugas", "supervisor", "admin"}
    given = os.environ.get("LAWANG_SECOND_STEP", "supervisor admin" if production else "off")
    found = tuple(given.replace(",", " ").split())
    if found == ("off",):
        return ()
    if not found or not roles.issuperset(found):
        raise SettingsError(f"LAWANG_SECOND_STEP names roles ({', '.join(sorted(roles))}) or says off")
    return found


def _oidc(production: bool) -> dict[str, str]:
    """The city's own sign-in for its staff (OpenID Connect): all three settings, or none."""
    names = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    found = {name.lower(): os.environ[name] for name in names if os.environ.get(name)}
    if found and len(found) < len(names):
        missing = ", ".join(name for name in names if name.lower() not in found)
        raise SettingsError(f"{missing} is missing: the city's sign-in needs {', '.join(names)}")
    if found and production and not found["oidc_issuer"].startswith("https://"):
        raise SettingsError("OIDC_ISSUER must be an https address: what it says lets people in")
    return found


def _origins(name: str) -> tuple[str, ...]:
    """The sites that may show the web chat inside a frame: https://dinas.example.go.id, spaces between."""
    origins = tuple(os.environ.get(name, "").replace(",", " ").split())
    for origin in origins:
        if not re.fullmatch(r"https?://[a-z0-9.*-]+(:\d+)?", origin):
            raise SettingsError(f"{name}: {origin!r} is no origin such as https://dinas.example.go.id")
    return origins


def _secret_key(var: Path, production: bool) -> str:
    """The key that encrypts personal data at rest and signs tokens: the environment's, or a local one."""
    given = os.environ.get("LAWANG_SECRET_KEY")
    if given:
        if len(given) < 32:
            raise SettingsError("LAWANG_SECRET_KEY must have at least 32 characters")
        return given
    if production:
        raise SettingsError("LAWANG_SECRET_KEY is missing: production never runs on a generated key")
    var.mkdir(parents=True, exist_ok=True)
    path = var / "secret.key"
    if not path.exists():
        # Written whole under another name first: a process that starts just then never reads half a key.
        part = path.with_suffix(f".{os.getpid()}-{secrets.token_hex(4)}")
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
        part.unlink()
    key = path.read_text().strip()
    if len(key) < 32:
        raise SettingsError(f"{path} holds no key: set LAWANG_SECRET_KEY, or delete the file for a new one")
    return key
