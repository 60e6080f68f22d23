"""What city systems report by themselves: check the signature, read the body, say it in our words.

A report is `POST /connectors/{app}/updates` with `X-Lawang-Timestamp` (unix seconds) and `X-Lawang-Signature`
(`sha256=` and the hex HMAC-SHA256 of `<timestamp>.<raw body>`). Replays inside the window are told apart by
`event_id`, which is for the caller to remember.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors import mapping, queue_news
from connectors.capabilities import StatusUpdate
from connectors.dialects.base import Connector
from connectors.manifest import Manifest, Values

TIMESTAMP_HEADER = "X-Lawang-Timestamp"
SIGNATURE_HEADER = "X-Lawang-Signature"
WINDOW_SECONDS = 300
MAX_BODY_BYTES = 64 * 1024
_SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})")
_FIELDS = (
    "event_id",
    "subject",
    "reference",
    "status",
    "occurred_at",
    "note",
    "now_serving",
    "ahead",
    "topic",
    "agency",
)
_LONGEST = {"event_id": 200, "reference": 100, "status": 100}
_MAX_NOTE = 2000


class UpdateRefused(Exception):
    """Root of what can be wrong with a report. `code` is for the answer, `status` its HTTP status."""

    code = "update_refused"
    status = 400


class SignatureInvalid(UpdateRefused):
    """No signature, a wrong one, or no secret to check it with."""

    code = "signature_invalid"
    status = 401


class SignatureExpired(UpdateRefused):
    """Rightly signed, but outside the replay window: too old, or from a clock that is ahead."""

    code = "signature_expired"
    status = 401


class UpdateMalformed(UpdateRefused):
    """Rightly signed, but not a report; the message names the field."""

    code = "update_malformed"
    status = 422


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Return the value of the signature header."""
    signed = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"


def signed_headers(secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return both headers of a report."""
    return {TIMESTAMP_HEADER: str(timestamp), SIGNATURE_HEADER: sign(secret, timestamp, body)}


def verify(headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: datetime) -> None:
    """Check a report's signature against every secret in use, in constant time, then its age.

    Raises:
        SignatureInvalid: a header is missing or malformed, or no secret fits.
        SignatureExpired: it fits, but is further than WINDOW_SECONDS from `now`.
    """
    given = {name.lower(): value for name, value in headers.items()}
    timestamp = given.get(TIMESTAMP_HEADER.lower(), "")
    signature = _SIGNATURE.fullmatch(given.get(SIGNATURE_HEADER.lower(), ""))
    if not re.fullmatch(r"[0-9]{1,12}", timestamp, re.ASCII) or signature is None:
        raise SignatureInvalid(f"{TIMESTAMP_HEADER} or {SIGNATURE_HEADER} is missing or malformed")
    fits = False
    for secret in secrets:
        # No early end: the time taken must not tell which secret fits.
        expected = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        fits |= bool(secret) and hmac.compare_digest(expected, signature[1])
    if not fits:
        raise SignatureInvalid("the signature does not fit the body")
    if abs(now.timestamp() - int(timestamp)) > WINDOW_SECONDS:
        raise SignatureExpired(f"{TIMESTAMP_HEADER} is more than {WINDOW_SECONDS} seconds from our clock")


def parse(manifest: Manifest, body: bytes) -> StatusUpdate:
    """Read a verified report. A status word nobody mapped becomes `unknown`, with the word kept.

    Raises:
        UpdateMalformed: not JSON, or a field is missing or unusable.
    """
    if len(body) > MAX_BODY_BYTES:
        raise UpdateMalformed(f"larger than {MAX_BODY_BYTES} bytes")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise UpdateMalformed("not JSON") from None
    if not isinstance(document, dict):
        raise UpdateMalformed("not a JSON object")
    paths = dict(manifest.webhook.map) if manifest.webhook else {}
    found = {name: mapping.read(document, paths.get(name, name)) for name in _FIELDS}
    subject = found["subject"] or (manifest.webhook.subject if manifest.webhook else None) or "case"
    if subject not in queue_news.SUBJECTS:
        raise UpdateMalformed(f"subject: must be case, booking or waiting, not {str(subject)[:40]!r}")
    word = _needed(found, "status")
    words = manifest.values
    return StatusUpdate(
        connector=manifest.id,
        subject=str(subject),
        event_id=_needed(found, "event_id"),
        reference=_needed(found, "reference"),
        status=_STATUS[str(subject)](words, word),
        occurred_at=_moment(found["occurred_at"], manifest.timezone),
        backend_status=word,
        note=(mapping.as_text(found["note"]) or "").strip()[:_MAX_NOTE] or None,
        now_serving=(mapping.as_text(found["now_serving"]) or "")[:40] or None,
        ahead=_ahead(found["ahead"]),
        topic=_topic(manifest, mapping.as_text(found["topic"])),
        agency=(mapping.as_text(found["agency"]) or "").strip()[:128] or None,
        **_queue(manifest, subject, document),
    )


_STATUS: Mapping[str, Callable[[Values, str], str]] = {
    "case": lambda words, word: str(mapping.case_status(words.status, word)),
    "booking": lambda words, word: str(mapping.booking_status(words.booking_status, word)),
    "waiting": lambda _, word: queue_news.waiting_status(word),
}


def _queue(manifest: Manifest, subject: object, document: Mapping[str, Any]) -> dict[str, Any]:
    if subject == "case":
        return {}
    try:
        return queue_news.fields(document, manifest.timezone)
    except mapping.MappingError as error:
        raise UpdateMalformed(f"starts_at or expires_at: {error}") from None


def receive(connector: Connector, headers: Mapping[str, str], body: bytes, now: datetime) -> StatusUpdate:
    """Verify and read a report to one app.

    Raises:
        UpdateRefused: see `verify` and `parse`.
    """
    verify(headers, body, connector.webhook_secrets, now)
    return parse(connector.manifest, body)


def _needed(found: Mapping[str, Any], name: str) -> str:
    text = (mapping.as_text(found[name]) or "").strip()
    if not text:
        raise UpdateMalformed(f"{name}: missing")
    if len(text) > _LONGEST[name]:
        raise UpdateMalformed(f"{name}: longer than {_LONGEST[name]} characters")
    return text


def _topic(manifest: Manifest, code: str | None) -> str | None:
    """Our name for a backend's code of a topic; None when it says none, or one that nobody mapped."""
    return next((ours for ours, theirs in manifest.values.topic.items() if str(theirs) == code), None)


def _moment(raw: Any, timezone: str | None) -> datetime:
    try:
        moment = mapping.as_moment(raw, ZoneInfo(timezone) if timezone else None)
    except mapping.MappingError as error:
        raise UpdateMalformed(f"occurred_at: {error}") from None
    if moment is None:
        raise UpdateMalformed("occurred_at: missing")
    return moment


def _ahead(raw: Any) -> int | None:
    try:
        return mapping.as_count(raw)
    except mapping.MappingError as error:
        raise UpdateMalformed(f"ahead: {error}") from None
