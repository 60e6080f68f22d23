"""Which browser it was, in words its owner knows: the header itself is written for servers."""

import re

# The first that fits: almost all of them also call themselves Mozilla, Chrome and Safari.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox|FxiOS", "Firefox"),
    ("Chrome|HeadlessChrome|CriOS", "Chrome"),
    ("Safari", "Safari"),
)
_MACHINES = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def named(header: str | None) -> str | None:
    """`Chrome, Android`; None where nothing is known."""
    text = header or ""
    found = [_first(text, names) for names in (_BROWSERS, _MACHINES)]
    return ", ".join(name for name in found if name) or None


def _first(text: str, names: tuple[tuple[str, str], ...]) -> str | None:
    return next((name for mark, name in names if re.search(rf"\b(?:{mark})", text)), None)
