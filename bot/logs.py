"""Logs: one line an event, ids instead of words, and nothing personal even by accident."""

import logging
import sys
from urllib.parse import unquote, urlsplit

from bot.settings import Settings
from intents import masking


class Redact(logging.Filter):
    """Blots out secrets, and whatever looks like a NIK, a phone number or an e-mail address."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__()
        self._secrets = [secret for secret in secrets if secret]

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record's message in place; never drops a record."""
        try:
            text = record.getMessage()
        except Exception:
            # A wrong placeholder must not reach the code that only wanted to log.
            text = f"{record.msg} (its arguments do not fit)"
        for secret in self._secrets:
            text = text.replace(secret, "***")
        record.msg, record.args = masking.mask(text).text, None
        return True


class RedactingFormatter(logging.Formatter):
    """Formats a record with its traceback, and blots the same things out of that too."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._secrets = [secret for secret in secrets if secret]

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        text = super().format(record)
        if record.exc_info or record.stack_info:
            text = masking.mask(text).text
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _passwords(url: str) -> list[str]:
    """The password in an address, as it is written there and as it is sent."""
    try:
        password = urlsplit(url).password or ""
    except ValueError:
        return []
    # A short one is no secret, and would blot out half of every line.
    return [item for item in {password, unquote(password)} if len(item) >= 6]


def start(settings: Settings) -> None:
    """Send every log line to stderr, redacted."""
    secrets = [
        settings.secret_key,
        settings.telegram_token or "",
        settings.telegram_webhook_secret or "",
        *_passwords(settings.database_url),
        *_passwords(settings.redis_url or ""),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Redact(secrets))
    handler.setFormatter(RedactingFormatter(secrets))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    # httpx logs whole addresses at INFO; Telegram's contain the token.
    for name in ("httpx", "httpcore", "telegram", "alembic", "asyncio", "aiosqlite"):
        logging.getLogger(name).setLevel(logging.WARNING)
