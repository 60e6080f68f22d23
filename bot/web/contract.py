"""What vendors of city systems read at /openapi.json: the one call they make, its body and its answers."""

from typing import Any

from bot.conversations.updates import Recorded
from connectors import updates
from connectors.queue_news import SUBJECTS

PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Stable: urn:lawang: and a word to decide by."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to mend, for the eye."},
    },
}
# At least one visible character, and no control characters.
WORD = r"^[^\u0000-\u001f\u007f-\u009f]*[!-~][^\u0000-\u001f\u007f-\u009f]*$"
TIME = {"type": "string", "format": "date-time"}
REPORT: dict[str, Any] = {
    "type": "object",
    "description": "Names that differ in your system are mapped by your manifest: updates.webhook.map.",
    "required": ["event_id", "reference", "status", "occurred_at"],
    "properties": {
        "event_id": {
            "type": "string",
            "pattern": WORD,
            "maxLength": 200,
            "description": "Unique in your system. The same twice is one event, however often it is sent.",
        },
        "subject": {"enum": list(SUBJECTS), "default": "case"},
        "reference": {"type": "string", "pattern": WORD, "maxLength": 100, "description": "Your number."},
        "status": {
            "type": "string",
            "pattern": WORD,
            "maxLength": 100,
            "description": "Your own word; values.status of your manifest says what it means.",
        },
        "occurred_at": TIME
        | {"description": "With an offset. An older report never overwrites the state of a newer one."},
        "note": {"type": "string", "maxLength": 2000, "description": "The citizen reads it."},
        "topic": {"type": "string", "description": "Your code, where a case was moved to another topic."},
        "agency": {"type": "string", "maxLength": 128, "description": "Who has the case now."},
        "now_serving": {"type": "string", "maxLength": 40, "description": "Of a booking: the number called."},
        "ahead": {
            "type": "integer",
            "minimum": 0,
            "maximum": 999_999,
            "description": "Of a booking: numbers before it.",
        },
    },
    "example": {
        "event_id": "2026-000123-7",
        "subject": "case",
        "reference": "MJK-2611-000001",
        "status": "diproses",
        "occurred_at": "2026-11-24T09:00:00+07:00",
        "note": "Petugas sudah di lokasi.",
    },
}
OUTCOMES = [str(outcome) for outcome in Recorded if outcome is not Recorded.UNKNOWN_REFERENCE]
_REFUSALS = {
    401: "`signature_invalid`: no secret fits, or none is given. `signature_expired`: the clock is off.",
    404: "`unknown_reference`: nobody follows that number yet: again with growing pauses for an hour. "
    "`no_such_app`: no app of this id is connected.",
    413: f"`body_too_big`: more than {updates.MAX_BODY_BYTES} bytes.",
    422: "`update_malformed`: rightly signed, but no report; the detail names the field.",
    500: "`internal_error`: on our side. Send it again later, with the same event_id.",
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": said, "content": {"application/problem+json": {"schema": PROBLEM}}}
    for status, said in _REFUSALS.items()
}
RESPONSES[200] = {
    "description": "Recorded. Never send this event again.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["event_id", "outcome"],
                "properties": {"event_id": {"type": "string"}, "outcome": {"enum": OUTCOMES}},
            }
        }
    },
}
OPERATION: dict[str, Any] = {
    "parameters": [
        {
            "name": updates.TIMESTAMP_HEADER,
            "in": "header",
            "required": True,
            "schema": {"type": "string", "pattern": "^[0-9]{1,12}$"},
            "description": f"Unix time in seconds, within {updates.WINDOW_SECONDS} of our clock.",
        },
        {
            "name": updates.SIGNATURE_HEADER,
            "in": "header",
            "required": True,
            "schema": {"type": "string", "pattern": "^sha256=[0-9a-f]{64}$"},
            "description": "`sha256=` and the hex HMAC-SHA256(secret, timestamp + `.` + raw body). While a "
            "secret is changed, two are accepted: the new and the old one.",
        },
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": REPORT}}},
}
