"""Bold words in our own sentences, written *so* in data/texts; each channel shows them its own way.

Values that a citizen or a city system wrote never carry the sign: `bot.texts` takes it out of them.
"""

import re
from dataclasses import dataclass

_BOLD = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]*[^*\s])\*(?![\w*])")


@dataclass(frozen=True, slots=True)
class Emphasis:
    """A bold stretch of a plain text, in UTF-16 code units, as Telegram and browsers count."""

    offset: int
    length: int


def read(text: str) -> tuple[str, list[Emphasis]]:
    """Split a sentence into plain text and its bold stretches."""
    plain: list[str] = []
    found: list[Emphasis] = []
    at = units = 0
    for match in _BOLD.finditer(text):
        before, inner = text[at : match.start()], match.group(1)
        plain += [before, inner]
        units += _units(before)
        found.append(Emphasis(units, _units(inner)))
        units += _units(inner)
        at = match.end()
    return "".join([*plain, text[at:]]), found


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
