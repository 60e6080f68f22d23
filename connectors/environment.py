"""Fill `${NAME}` and `${NAME:-default}` of a manifest's addresses from the environment."""

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


class NotConfigured(Exception):
    """The environment lacks a variable that a manifest names."""


def expand(text: str, environment: Mapping[str, str], *, production: bool) -> str:
    """Fill `${NAME}` and `${NAME:-default}` from the environment; a default may hold variables itself.

    Raises:
        NotConfigured: a variable is not set and has no default, or only a development default in production.
    """
    start = text.find("${")
    if start < 0:
        return text
    end = _closing(text, start)
    name, has_default, default = text[start + 2 : end].partition(":-")
    if not _VARIABLE.fullmatch(name):
        raise NotConfigured(
            f"{text[start : end + 1]} is not a variable: write ${{NAME}} or ${{NAME:-default}}"
        )
    value = environment.get(name, "")
    if not value and (not has_default or (production and "${" not in default)):
        raise NotConfigured(f"set {name}" + (": its default is for development only" if has_default else ""))
    if not value:
        try:
            value = expand(default, environment, production=production)
        except NotConfigured as error:
            raise NotConfigured(f"set {name} ({error})") from None
    return text[:start] + value + expand(text[end + 1 :], environment, production=production)


def _closing(text: str, start: int) -> int:
    """Return where the brace that opens at `start` closes."""
    depth = 0
    for position in range(start, len(text)):
        if text.startswith("${", position):
            depth += 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
    raise NotConfigured(f"{text!r} lacks a closing brace")
