"""Between our fields and a backend's: fill placeholders in a request, read dotted paths of an answer.

Placeholders are `{name}` or `{name.part}`; `{{` and `}}` are literal braces. Paths are `data.items.0.id`.
Everything a backend says passes `clean` before it goes on: no control characters, no lone surrogates.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from connectors.capabilities import BookingStatus, CaseStatus

_TOKEN = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)\}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_HEADER_UNSAFE = re.compile(r"[^\x20-\x7e]")
_EARLIEST, _LATEST = 2000, 2100


class MappingError(ValueError):
    """A template names a field that does not exist, or a value cannot stand where the template puts it."""


def placeholders(template: Any) -> Iterator[str]:
    """Yield every placeholder of a nested template, keys included."""
    if isinstance(template, str):
        yield from (match[1] for match in _TOKEN.finditer(template) if match[1])
    elif isinstance(template, Mapping):
        for key, value in template.items():
            yield from placeholders(key)
            yield from placeholders(value)
    elif isinstance(template, list | tuple):
        for item in template:
            yield from placeholders(item)


def lookup(fields: Mapping[str, Any], name: str) -> Any:
    """Return the field a placeholder names.

    Raises:
        MappingError: there is no such field.
    """
    value: Any = fields
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise MappingError(f"unknown field {{{name}}}")
        value = value[part]
    return clean(value) if isinstance(value, str) else value


def fill(template: Any, fields: Mapping[str, Any]) -> Any:
    """Fill a nested template. A string that is one placeholder keeps the value's type.

    A mapping entry or list item that is one placeholder without a value is left out, so that an
    optional field is absent instead of null.

    Raises:
        MappingError: the template names an unknown field.
    """
    if isinstance(template, str):
        whole = _TOKEN.fullmatch(template)
        if whole and whole[1]:
            return lookup(fields, whole[1])
        return _TOKEN.sub(lambda match: _part(match, fields), template)
    if isinstance(template, Mapping):
        filled = {key: fill(value, fields) for key, value in template.items()}
        return {key: value for key, value in filled.items() if value is not None or template[key] is None}
    if isinstance(template, list | tuple):
        items = [(item, fill(item, fields)) for item in template]
        return [value for item, value in items if value is not None or item is None]
    return template


def _part(match: re.Match[str], fields: Mapping[str, Any]) -> str:
    if not match[1]:
        return match[0][0]
    return as_text(lookup(fields, match[1])) or ""


def fill_path(template: str, fields: Mapping[str, Any]) -> str:
    """Fill a URL path; every value is one percent-encoded segment that cannot climb out of it.

    Raises:
        MappingError: unknown field, or a value that is empty, too long, or a dot segment.
    """
    encoded: dict[str, str] = {}
    for name in placeholders(template):
        value = as_text(lookup(fields, name)) or ""
        if not value or len(value) > 200 or value in {".", ".."}:
            raise MappingError(f"{{{name}}} cannot be part of an address")
        encoded[name] = quote(value, safe="")
    return _TOKEN.sub(lambda match: encoded[match[1]] if match[1] else match[0][0], template)


def fill_flat(template: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Fill a flat template for a query or a form: every value becomes text, lists repeat the name."""
    flat: dict[str, str | list[str]] = {}
    for name, value in fill(template, fields).items():
        if isinstance(value, list | tuple):
            flat[name] = [as_text(item) or "" for item in value]
        elif value is not None:
            flat[name] = as_text(value) or ""
    return flat


def fill_headers(template: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, str]:
    """Fill headers; characters that HTTP forbids there are percent-encoded."""
    flat = fill(template, fields)
    return {
        name: _HEADER_UNSAFE.sub(lambda match: quote(match[0], safe=""), as_text(value) or "")
        for name, value in flat.items()
    }


def read(document: Any, path: str) -> Any:
    """Return what a dotted path finds in an answer, or None. Digits index lists; `.` is the whole answer."""
    value = document
    for part in path.split(".") if path != "." else ():
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def as_text(value: Any) -> str | None:
    """Return a scalar as clean text; None, mappings and lists are None."""
    if value is None or isinstance(value, Mapping | list | tuple):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return clean(str(value))


def clean(text: str) -> str:
    """Drop what no database, log or chat should be given: control characters and lone surrogates."""
    return _CONTROL.sub("", text)


def as_moment(value: Any, zone: ZoneInfo | None = None) -> datetime | None:
    """Return an ISO 8601 time with its offset; `zone` is for backends that write local time without one.

    Raises:
        MappingError: not a time, no offset and no zone, or outside the years 2000 to 2100.
    """
    if value is None or value == "":
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise MappingError(f"not an ISO 8601 time: {str(value)[:40]!r}") from None
    if not _EARLIEST <= moment.year <= _LATEST:
        raise MappingError(f"a time out of range: {str(value)[:40]!r}")
    if moment.tzinfo is None:
        if zone is None:
            raise MappingError(f"a time without an offset: {str(value)[:40]!r} (name the app's `timezone`)")
        moment = moment.replace(tzinfo=zone)
    return moment


def as_day(value: Any) -> date | None:
    """Return an ISO date; a time counts as its day.

    Raises:
        MappingError: not a date, or outside the years 2000 to 2100.
    """
    if value is None or value == "":
        return None
    try:
        day = date.fromisoformat(str(value)[:10])
    except ValueError:
        raise MappingError(f"not an ISO date: {str(value)[:40]!r}") from None
    if not _EARLIEST <= day.year <= _LATEST:
        raise MappingError(f"a date out of range: {str(value)[:40]!r}")
    return day


def as_count(value: Any) -> int | None:
    """Return a whole number, 0 or more, below a million.

    Raises:
        MappingError: anything else.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= 7 and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        # 3.0 is a whole number to JSON Schema, and what some languages write for 3.
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1_000_000:
        raise MappingError(f"not a count: {str(value)[:40]!r}")
    return value


def normal_word(word: Any) -> str:
    """Return a backend's word in the spelling of maps: `Sedang Diproses` is `sedang_diproses`."""
    return re.sub(r"[\s\-]+", "_", (as_text(word) or "").strip().casefold())


def case_status(words: Mapping[str, str], raw: Any) -> CaseStatus:
    """Return our state for a backend's word; a word nobody mapped is UNKNOWN, never a guess."""
    return CaseStatus(words.get(normal_word(raw), CaseStatus.UNKNOWN))


def booking_status(words: Mapping[str, str], raw: Any) -> BookingStatus:
    """Return our state of a booking for a backend's word; a word nobody mapped is UNKNOWN."""
    return BookingStatus(words.get(normal_word(raw), BookingStatus.UNKNOWN))
