"""What a GeoReport v2 server says about reports: the state of one, the states of many, FixMyStreet's feed."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from connectors import answers, georeport, mapping
from connectors.answers import Reader
from connectors.capabilities import CaseComment, CaseState, CaseStatus, StatusUpdate, UpdateQuery
from connectors.errors import BackendChanged

if TYPE_CHECKING:
    from connectors.dialects.base import CityApp

SOURCES = {
    "reference": "service_request_id",
    "status": "status",
    "updated_at": ["updated_datetime", "requested_datetime"],
    "promised_at": "expected_datetime",
    "note": "status_notes",
    "notice": "service_notice",
    "title": "service_name",
    "holder": "agency_responsible",
}
_TIMES = ("updated_datetime", "requested_datetime", "expected_datetime")
# GeoReport v2 knows two states; the others are those of FixMyStreet's "additional states".
WORDS: Mapping[str, CaseStatus] = {
    "open": CaseStatus.RECEIVED,
    "closed": CaseStatus.DONE,
    "for_triage": CaseStatus.VERIFIED,
    "investigating": CaseStatus.IN_PROGRESS,
    "in_progress": CaseStatus.IN_PROGRESS,
    "planned": CaseStatus.IN_PROGRESS,
    "action_scheduled": CaseStatus.IN_PROGRESS,
    "internal_referral": CaseStatus.ASSIGNED,
    "fixed": CaseStatus.DONE,
    "no_further_action": CaseStatus.REJECTED,
    "unable_to_fix": CaseStatus.REJECTED,
    "not_councils_responsibility": CaseStatus.NOT_OURS,
    "not_responsible": CaseStatus.NOT_OURS,
    "duplicate": CaseStatus.DUPLICATE,
    "cancelled": CaseStatus.CANCELLED,
    "reopen": CaseStatus.REOPENED,
}
# FixMyStreet asks for the last two hours and forgets what it has seen: an overlap costs nothing.
OVERLAP = timedelta(hours=2)
SHORTEST = timedelta(minutes=20)


def state(app: "CityApp", item: Mapping[str, Any], asked: str) -> CaseState:
    """Return the state of one request.

    Raises:
        BackendChanged: it has no status, or a time that is none.
    """
    reader = _reader(app, item)
    status, word = _status(app, reader)
    return CaseState(
        reference=reader.text("reference") or asked,
        status=status,
        updated_at=reader.moment("updated_at"),
        note=reader.text("note", answers.MAX_NOTE),
        title=reader.text("title"),
        holder=reader.text("holder"),
        backend_status=word,
    )


def of_states(
    app: "CityApp", items: Iterable[Mapping[str, Any]], wanted: frozenset[str]
) -> list[StatusUpdate]:
    """Turn the states of many requests into news; the same state read twice is one event.

    A request without a number (Chicago, while it is being processed) or one that nobody asked for is passed
    over, and so is one that cannot be read: it must not hide the others.
    """
    found = []
    for item in items:
        reference = (mapping.as_text(item.get("service_request_id")) or "").strip()
        if reference not in wanted:
            continue
        try:
            now = state(app, item, reference)
        except BackendChanged:
            continue
        # A desk's first words only say that it has the report: the citizen heard that when it was filed.
        note = now.note if now.status is not CaseStatus.RECEIVED else None
        at = now.updated_at.isoformat() if now.updated_at else ""
        seen = f"{reference}|{now.status}|{at}|{note or ''}"
        found.append(
            StatusUpdate(
                connector=app.id,
                subject="case",
                event_id="poll:" + hashlib.sha256(seen.encode()).hexdigest()[:32],
                reference=reference,
                status=now.status,
                occurred_at=now.updated_at or datetime.now(UTC),
                backend_status=now.backend_status,
                note=note,
            )
        )
    return found


def window(query: UpdateQuery) -> dict[str, str | list[str]]:
    """Return the dates of a question to the feed, in W3C format."""
    return {"start_date": _w3c(query.since - OVERLAP), "end_date": _w3c(query.until)}


def halves(query: UpdateQuery) -> tuple[UpdateQuery, ...]:
    """Return two shorter questions for one whose answer was cut off; none when it is short already."""
    length = query.until - query.since
    if length < SHORTEST:
        return ()
    middle = query.since + length / 2
    return (replace(query, until=middle), replace(query, since=middle))


def of_feed(
    app: "CityApp", items: Iterable[Mapping[str, Any]], query: UpdateQuery
) -> tuple[StatusUpdate, ...]:
    """Turn FixMyStreet's `request_update`s into news of the cases that were asked for, oldest first."""
    wanted = None if query.references is None else frozenset(query.references)
    found = []
    for item in items:
        reference = (mapping.as_text(item.get("service_request_id")) or "").strip()
        update_id = (mapping.as_text(item.get("update_id")) or "").strip()[:150]
        if not reference or not update_id or (wanted is not None and reference not in wanted):
            continue
        code = (mapping.as_text(item.get("external_status_code")) or "").strip()[:100]
        reader = _reader(app, item)
        try:
            status, word = _status(app, reader, code)
            at = reader.moment("updated_at")
        except BackendChanged:
            continue
        found.append(
            StatusUpdate(
                connector=app.id,
                subject="case",
                event_id=f"update:{update_id}",
                reference=reference,
                status=status,
                occurred_at=at or query.until,
                backend_status=code or word,
                note=(mapping.as_text(item.get("description")) or "").strip()[: answers.MAX_NOTE] or None,
            )
        )
    return tuple(sorted(found, key=lambda update: update.occurred_at))


def words_of(comment: CaseComment) -> dict[str, str | list[str]]:
    """Return a citizen's words as a `servicerequestupdates` report; `update_id` is the same every time."""
    return {
        "service_request_id": mapping.clean(comment.reference),
        "update_id": comment.idempotency_key,
        "updated_datetime": _w3c(datetime.now(UTC)),
        "status": "OPEN",
        "description": mapping.clean(comment.text),
    }


def _reader(app: "CityApp", item: Mapping[str, Any]) -> Reader:
    form = app.manifest.open311.date_format
    if form:
        item = {**item, **{name: georeport.moment(item.get(name), form) for name in _TIMES}}
    zone = getattr(app, "zone", None)
    return Reader(app.id, item, SOURCES, app.manifest.values, zone)


def _status(app: "CityApp", reader: Reader, code: str = "") -> tuple[CaseStatus, str]:
    """The finer state counts where the server has one; of several, the last that is known.

    `code` is the backend's own word behind FixMyStreet's: it counts when the manifest maps it.
    """
    options, known = app.manifest.open311, app.manifest.values.status
    if (status := mapping.case_status(known, code)) is not CaseStatus.UNKNOWN:
        return status, code
    finer = (
        mapping.as_text(mapping.read(reader.document, options.extended_status))
        if options.extended_status
        else None
    )
    if finer and finer.strip():
        words = [word for word in finer.split(",") if word.strip()]
        for word in reversed(words):
            status = _ours(known, word)
            if status is not CaseStatus.UNKNOWN:
                return status, word.strip()
        return CaseStatus.UNKNOWN, finer.strip()[:100]
    if options.status_when_missing and not reader.text("status"):
        return CaseStatus(options.status_when_missing), ""
    word = mapping.normal_word(reader.needed("status"))
    return _ours(known, word), word


def _ours(known: Mapping[str, str], word: str) -> CaseStatus:
    status = mapping.case_status(known, word)
    return WORDS.get(mapping.normal_word(word), status) if status is CaseStatus.UNKNOWN else status


def _w3c(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
