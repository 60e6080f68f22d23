"""The documents of Open311 GeoReport v2 as plain data, whichever way a server writes them.

The specification (https://wiki.open311.org/GeoReport_v2/) has one model in two spellings: XML, and JSON that
is made from it. Real servers differ further: JSON announced as text/html, lists wrapped in an object once or
twice, numbers for ids, `true` as a word. `read` takes all of these and returns lists, mappings and scalars;
what the fields mean is for the dialect.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml import ElementTree, common

from connectors import mapping
from connectors.capabilities import AttributeKind, Choice, ComplaintAttribute

DEEPEST = 20
MOST_ITEMS = 1000  # "first 1000 requests returned", GeoReport v2, GET Service Requests
# Elements that hold a list, with what each item is called. FixMyStreet writes `service_requests_updates`.
LISTS: Mapping[str, str] = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "requests": "request",
    "service_request_updates": "request_update",
    "service_requests_updates": "request_update",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
_SINGLE = frozenset(
    {*LISTS.values(), "request_updates", "service_request", "service_definition", "discovery"}
)
_WRAPPERS = _SINGLE | (set(LISTS) - {"attributes", "values"})
_TRUE = frozenset({"true", "1", "yes", "t"})


class Unreadable(ValueError):
    """Neither JSON nor XML, or more than a report system has reason to send; the message says what."""


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint that a discovery document names. `formats` are `json` and `xml`, in the server's order."""

    url: str
    specification: str
    type: str
    formats: tuple[str, ...]


def read(body: bytes) -> Any:
    """Return the document in an answer, by what it is and not by what it is called.

    Raises:
        Unreadable: empty, HTML, broken, too deep, or XML with a document type of its own.
    """
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if not start:
        raise Unreadable("an empty answer")
    if start.startswith((b"<!doctype html", b"<html")):
        raise Unreadable("a web page")
    return _read_xml(body) if start.startswith(b"<") else _read_json(body)


def items(document: Any) -> list[dict[str, Any]]:
    """Return the list in a document, bare or wrapped; a single item is a list of one.

    Raises:
        Unreadable: something in it is not an item.
    """
    found = _unwrapped(document)
    if isinstance(found, Mapping):
        found = [found]
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Unreadable("not a list of items")
    return [_unwrapped_item(item) for item in found[:MOST_ITEMS]]


def errors(document: Any) -> list[tuple[int | None, str]]:
    """Return the errors in a document, `[{code, description}]`; empty when it is something else."""
    try:
        found = items(document)
    except Unreadable:
        return []
    if not found or not all("description" in item or "error" in item for item in found):
        return []
    if any(set(item) - {"code", "description", "error", "message"} for item in found):
        return []
    return [
        (_status(item.get("code")), mapping.as_text(item.get("description") or item.get("error")) or "")
        for item in found
    ]


def attributes(definition: Mapping[str, Any]) -> tuple[ComplaintAttribute, ...]:
    """Return what a service asks for, in the server's order; what only informs (not `variable`) is left out.

    Raises:
        Unreadable: an attribute without a code, or a list of values that is none.
    """
    found = []
    for place, item in enumerate(items(definition.get("attributes"))):
        if not truth(item.get("variable"), otherwise=True) or item.get("automated"):
            continue
        code = (mapping.as_text(item.get("code")) or "").strip()
        if not code:
            raise Unreadable("an attribute without a code")
        order = mapping.as_text(item.get("order")) or ""
        attribute = ComplaintAttribute(
            code=code,
            question=(mapping.as_text(item.get("description")) or code).strip(),
            kind=_kind(item.get("datatype")),
            required=truth(item.get("required")),
            hint=(mapping.as_text(item.get("datatype_description")) or "").strip() or None,
            choices=tuple(_choices(item.get("values"))),
        )
        found.append((int(order) if order.isdecimal() else place, place, attribute))
    return tuple(attribute for _, _, attribute in sorted(found, key=lambda entry: entry[:2]))


def endpoints(document: Any) -> list[Place]:
    """Return the endpoints of a discovery document (https://wiki.open311.org/Service_Discovery/)."""
    inside = document.get("discovery", document) if isinstance(document, Mapping) else {}
    try:
        listed = items(inside.get("endpoints")) if isinstance(inside, Mapping) else []
    except Unreadable:
        return []
    found = []
    for item in listed:
        url, specification, kind = (
            (mapping.as_text(item.get(name)) or "").strip() for name in ("url", "specification", "type")
        )
        formats = item.get("formats")
        formats = formats.get("format") if isinstance(formats, Mapping) else formats
        words = formats if isinstance(formats, list) else [formats]
        spoken = [name for word in words for name in ("json", "xml") if name in str(word).casefold()]
        if url.startswith(("http://", "https://")):
            found.append(Place(url, specification, kind.casefold(), tuple(dict.fromkeys(spoken))))
    return found


def truth(value: Any, *, otherwise: bool = False) -> bool:
    """Return a truth value, however it is spelt."""
    word = (mapping.as_text(value) or "").strip().casefold()
    return word in _TRUE if word else otherwise


def moment(value: Any, form: str | None) -> Any:
    """Return a time in ISO 8601 when the server writes it in a form of its own (`strptime`'s codes)."""
    text = mapping.as_text(value)
    if not form or not text:
        return value
    try:
        # The zone, where the form has none, is the app's: whoever reads the field adds it.
        return datetime.strptime(text.strip(), form).isoformat()  # noqa: DTZ007
    except ValueError:
        return value


def write_xml(root: str, document: Any) -> bytes:
    """Return a document as the XML of the specification: no attributes, no namespace, UTF-8."""
    element = Element(root)
    _fill(element, document)
    written: bytes = tostring(element, encoding="utf-8", xml_declaration=True)
    return written


def _fill(element: Element, value: Any) -> None:
    if isinstance(value, Mapping):
        for name, part in value.items():
            _fill(SubElement(element, name), part)
    elif isinstance(value, list | tuple):
        for part in value:
            _fill(SubElement(element, LISTS.get(element.tag, "item")), part)
    else:
        element.text = mapping.as_text(value)


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _read_xml(body: bytes) -> Any:
    try:
        root = ElementTree.fromstring(body, forbid_dtd=True)
    except (ParseError, ValueError, LookupError, common.DefusedXmlException):
        # LookupError: an encoding nobody knows.
        raise Unreadable("not XML") from None
    return _plain(root, 0)


def _plain(element: Element, depth: int) -> Any:
    if depth > DEEPEST:
        raise Unreadable("XML that is nested too deep")
    name = _local(element.tag)
    children = list(element)
    if name in LISTS:
        return [_plain(child, depth + 1) for child in children]
    if not children:
        return (element.text or "").strip() or None
    return {_local(child.tag): _plain(child, depth + 1) for child in children}


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _unwrapped(document: Any) -> Any:
    """Step into an object that only names its list, like `{"services": {"service": [...]}}`."""
    for _ in range(3):
        if not isinstance(document, Mapping):
            break
        inside = [name for name in document if name in _WRAPPERS]
        if not inside or {"service_code", "service_request_id", "code"} & set(document):
            break
        document = document[inside[0]]
    return document


def _unwrapped_item(item: dict[str, Any]) -> dict[str, Any]:
    """`[{"request": {...}}]` is `[{...}]`."""
    if len(item) == 1:
        (name, inside), *_ = item.items()
        if name in _SINGLE and isinstance(inside, dict):
            return inside
    return item


def _kind(datatype: Any) -> AttributeKind:
    word = (mapping.as_text(datatype) or "").strip().casefold()
    try:
        return AttributeKind(word)
    except ValueError:
        return AttributeKind.STRING


def _choices(values: Any) -> Iterator[Choice]:
    if isinstance(values, Mapping) and not any(name in _SINGLE for name in values):
        values = [{"key": key, "name": name} for key, name in values.items()]
    for item in values if isinstance(values, list) else items(values):
        if isinstance(item, Mapping):
            item = _unwrapped_item(dict(item))
            key, name = mapping.as_text(item.get("key")), mapping.as_text(item.get("name"))
        else:
            key = name = mapping.as_text(item)
        if key is not None and key.strip():
            yield Choice(key, (name or key).strip())


def _status(code: Any) -> int | None:
    word = (mapping.as_text(code) or "").strip()
    return int(word) if len(word) == 3 and word.isascii() and word.isdecimal() else None
