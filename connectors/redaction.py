"""Keep secrets out of messages and logs."""

import logging
import re

import httpx

HIDDEN = "***"
_PERSONAL = re.compile(r"[0-9]{10,}")


def hide(text: str, *secrets: str) -> str:
    """Return the text with every secret blotted out."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    return text


def without_numbers(path: str) -> str:
    """Return a path without what may be a person's number: BPJS wants card numbers there."""
    return _PERSONAL.sub(HIDDEN, path)


class WithoutQuery(logging.Filter):
    """Cuts the query off every URL a record carries, where some apps take their key, and personal numbers."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always keep the record, changed."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                item.copy_with(path=without_numbers(item.path), query=None)
                if isinstance(item, httpx.URL)
                else item
                for item in record.args
            )
        return True


def quiet(name: str) -> None:
    """Put the filter on a logger, once."""
    logger = logging.getLogger(name)
    if not any(isinstance(item, WithoutQuery) for item in logger.filters):
        logger.addFilter(WithoutQuery())
