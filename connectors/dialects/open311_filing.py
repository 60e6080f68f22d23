"""A report on its way to a GeoReport v2 server: its fields, and finding it again when the answer was lost.

The specification has no idempotency key. Where a server honours none, every description ends with a mark.
After an outcome nobody knows, the list of requests of that hour is searched for the mark, or for the same
words at the same place. Found: that is the receipt. Not found: it is filed again only once a filed report
would be listed for sure (`listed_after`); until then, and without that promise, nobody files it twice.
"""

import hashlib
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from connectors import mapping
from connectors.capabilities import ComplaintDraft, Place
from connectors.errors import BackendRejected, BackendUnreachable
from connectors.manifest import Manifest
from connectors.operations import complaint_fields

if TYPE_CHECKING:
    from connectors.dialects.open311 import Open311

BEFORE, AFTER = timedelta(minutes=10), timedelta(hours=1)
SAME_PLACE_METRES = 50
METRES_PER_DEGREE = 111_320


def mark(key: str) -> str:
    """Return the mark of a filing, the same for every try."""
    return "lawang-" + hashlib.sha256(key.encode()).hexdigest()[:12]


def fields(manifest: Manifest, draft: ComplaintDraft, service_code: str) -> dict[str, str | list[str]]:
    """Return the form of a report. Without coordinates the citizen's own words are the `address_string`.

    Raises:
        BackendRejected: it has no place, or is confidential and would be published.
    """
    options, given = manifest.open311, complaint_fields(draft)
    form: dict[str, str | list[str]] = {"service_code": service_code}
    form |= mapping.fill_flat(
        {
            "description": "{description}",
            "lat": "{location.latitude}",
            "long": "{location.longitude}",
            "address_string": "{location.text}",
            "media_url": "{photos}",
            "first_name": "{reporter}",
        },
        given,
    )
    if options.marks:
        form["description"] = f"{form['description']}\n[{mark(draft.idempotency_key)}]"
    if options.photos == "first" and draft.photos:
        form["media_url"] = draft.photos[0].url
    form |= mapping.fill_flat(
        {f"attribute[{name}]": text for name, text in options.attributes.items()}, given
    )
    for code, answer in draft.attributes.items():
        if isinstance(answer, str):
            form[f"attribute[{code}]"] = mapping.clean(answer)
        else:
            name = f"attribute[{code}][]" if options.several_values == "brackets" else f"attribute[{code}]"
            form[name] = [mapping.clean(one) for one in answer]
    if not form.get("address_string") and not ("lat" in form and "long" in form):
        if not draft.place.region_code:
            raise BackendRejected(manifest.id, "a report needs a place")
        form["address_string"] = draft.place.region_code
    if draft.confidential:
        if not options.confidential_field:
            raise BackendRejected(manifest.id, "cannot keep a report confidential")
        form[options.confidential_field] = "true"
    return form


async def find_again(app: "Open311", draft: ComplaintDraft, service_code: str) -> dict[str, Any] | None:
    """Return the request that a lost filing became; None when it is sure that there is none.

    Raises:
        BackendUnreachable: it cannot be said yet, or not at all without a person.
    """
    asked_at = draft.asked_at or datetime.now(UTC)
    query: dict[str, str | list[str]] = {
        "service_code": service_code,
        "start_date": _w3c(asked_at - BEFORE),
        "end_date": _w3c(asked_at + AFTER),
    }
    for item in app.wire.items(await app.wire.get("requests", query)):
        if mapping.as_text(item.get("service_request_id")) and _is_it(app.manifest, draft, item):
            return item
    soon = app.manifest.open311.listed_after_seconds
    if soon is None or draft.confidential:
        detail = "a report may have been filed and is not in the list: look at the desk (listed_after)"
        raise BackendUnreachable(app.id, detail)
    if datetime.now(UTC) < asked_at + timedelta(seconds=soon):
        raise BackendUnreachable(app.id, "a report is not in the list yet")
    return None


def _is_it(manifest: Manifest, draft: ComplaintDraft, item: Mapping[str, Any]) -> bool:
    words = _words(mapping.as_text(item.get("description")))
    if manifest.open311.marks:
        return mark(draft.idempotency_key) in words
    return words == _words(draft.description) and _is_there(draft.place, item)


def _is_there(place: Place, item: Mapping[str, Any]) -> bool:
    """The same point within a few steps, or the same words for it; an answer without a place fits any."""
    try:
        latitude, longitude = float(item["lat"]), float(item["long"])
    except (KeyError, TypeError, ValueError):
        latitude = longitude = math.nan
    if place.latitude is not None and place.longitude is not None and math.isfinite(latitude + longitude):
        north = (place.latitude - latitude) * METRES_PER_DEGREE
        east = (place.longitude - longitude) * METRES_PER_DEGREE * math.cos(math.radians(latitude))
        return math.hypot(north, east) <= SAME_PLACE_METRES
    said = _words(mapping.as_text(item.get("address")))
    return not said or not place.text or said == _words(place.text)


def _words(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").strip().casefold()


def _w3c(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
