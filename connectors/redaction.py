"""Keep secrets out of messages and logs."""

import logging

import httpx

HIDDEN = "***"


def hide(text: str, *secrets: str) -> str:
    """Return the text with every secret blotted out."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    return text


class WithoutQuery(logging.Filter):
    """Cuts the query off every URL a record carries: some apps take their key there."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always keep the record, changed."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                item.copy_with(query=None) if isinstance(item, httpx.URL) else item for item in record.args
            )
        return True


def quiet(name: str) -> None:
    """Put the filter on a logger, once."""
    logger = logging.getLogger(name)
    if not any(isinstance(item, WithoutQuery) for item in logger.filters):
        logger.addFilter(WithoutQuery())
