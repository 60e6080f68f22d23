"""Open311 GeoReport v2 (https://wiki.open311.org/GeoReport_v2/), JSON, with the extensions a manifest names.

A server may answer a report with a token instead of a number. We ask for the number a few times;
after that the reference is `token:<token>`, and asking its status resolves it.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from connectors import answers, mapping
from connectors.answers import Reader
from connectors.capabilities import CaseComment, CaseReceipt, CaseState, CaseStatus, ComplaintDraft
from connectors.client import IDEMPOTENCY_KEY
from connectors.dialects.base import CityApp
from connectors.errors import BackendChanged, BackendRejected, BackendUnreachable, CaseNotFound
from connectors.exchange import Answer
from connectors.operations import complaint_fields

TOKEN = "token:"  # noqa: S105 - a prefix of references
TOKEN_TRIES = 3
TOKEN_PAUSE_SECONDS = 0.5
_SOURCES = {
    "reference": "service_request_id",
    "status": "status",
    "updated_at": ["updated_datetime", "requested_datetime"],
    "promised_at": "expected_datetime",
    "note": "status_notes",
    "notice": "service_notice",
    "title": "service_name",
    "holder": "agency_responsible",
}
# GeoReport v2 knows two states; a server without a finer field says no more than this.
_PLAIN = {"open": CaseStatus.RECEIVED, "closed": CaseStatus.DONE}


class Open311(CityApp):
    """An app that speaks GeoReport v2."""

    async def submit_complaint(self, draft: ComplaintDraft) -> CaseReceipt:
        """File a report. Without coordinates the citizen's own words are the `address_string`."""
        options = self.manifest.open311
        fields = complaint_fields(draft)
        form: dict[str, str | list[str]] = {"service_code": self._service_code(draft.topic)}
        form |= mapping.fill_flat(
            {
                "jurisdiction_id": options.jurisdiction_id,
                "description": "{description}",
                "lat": "{location.latitude}",
                "long": "{location.longitude}",
                "address_string": "{location.text}",
                "media_url": "{photos}",
                "first_name": "{reporter}",
            },
            fields,
        )
        form |= mapping.fill_flat(
            {f"attribute[{name}]": text for name, text in options.attributes.items()}, fields
        )
        if not form.get("address_string") and not ("lat" in form and "long" in form):
            if not draft.place.region_code:
                raise BackendRejected(self.id, "a report needs a place")
            form["address_string"] = draft.place.region_code
        if draft.confidential:
            if not options.confidential_field:
                raise BackendRejected(self.id, "cannot keep a report confidential")
            form[options.confidential_field] = "true"
        headers = (
            mapping.fill_headers({IDEMPOTENCY_KEY: "{idempotency_key}"}, fields)
            if options.idempotency
            else {}
        )
        answer = await self.client.send(self.endpoint, "POST", "requests.json", headers=headers, form=form)
        reader = self._first(answer, about_subject=False)
        token = None if reader.text("reference") else mapping.as_text(mapping.read(reader.document, "token"))
        if not token:
            return answers.case_receipt(self._without_status(reader))
        try:
            async with asyncio.timeout(self.endpoint.timeout_seconds / 2):
                reference = await self._resolve(token) or TOKEN + token
        except TimeoutError:
            reference = TOKEN + token
        return CaseReceipt(reference, CaseStatus.RECEIVED, notice=reader.text("notice", answers.MAX_NOTE))

    async def complaint_status(self, reference: str) -> CaseState:
        """Return the state of a report; one that still has only a token is received."""
        if reference.startswith(TOKEN):
            found = await self._token(reference.removeprefix(TOKEN))
            if found is None:
                return CaseState(reference, CaseStatus.RECEIVED)
            reference = found
        answer = await self.client.send(
            self.endpoint,
            "GET",
            self._path("requests/{reference}.json", reference),
            query=self._jurisdiction(),
        )
        reader = self._first(answer, about_subject=True)
        plain = mapping.normal_word(reader.needed("status"))
        finer = self.manifest.open311.extended_status
        raw = mapping.as_text(mapping.read(reader.document, finer)) if finer else None
        status = mapping.case_status(self.manifest.values.status, raw or plain)
        if status is CaseStatus.UNKNOWN and not raw:
            status = _PLAIN.get(plain, CaseStatus.UNKNOWN)
        return CaseState(
            reference=reader.text("reference") or reference,
            status=status,
            updated_at=reader.moment("updated_at"),
            note=reader.text("note", answers.MAX_NOTE),
            title=reader.text("title"),
            holder=reader.text("holder"),
            backend_status=raw or plain,
        )

    async def add_comment(self, comment: CaseComment) -> None:
        """Add to a report, by the server's own extension or FixMyStreet's `servicerequestupdates`."""
        options = self.manifest.open311
        if options.comments == "none":
            raise BackendRejected(self.id, "takes no comments")
        form: dict[str, str | list[str]] = {}
        if options.comments == "comments":
            path = self._path("requests/{reference}/comments.json", comment.reference)
            form["text"] = mapping.clean(comment.text)
        else:
            path = "servicerequestupdates.json"
            form |= {
                "service_request_id": mapping.clean(comment.reference),
                "update_id": comment.idempotency_key,
                "description": mapping.clean(comment.text),
            }
        if comment.photos:
            form["media_url"] = [photo.url for photo in comment.photos]
        headers = (
            mapping.fill_headers({IDEMPOTENCY_KEY: "{key}"}, {"key": comment.idempotency_key})
            if options.idempotency
            else {}
        )
        answer = await self.client.send(self.endpoint, "POST", path, headers=headers, form=form)
        if not answer.ok:
            self.refuse(answer, None, about_subject=True)

    async def services(self) -> list[dict[str, Any]]:
        """Return the server's list of services, as it says it."""
        answer = await self.client.send(self.endpoint, "GET", "services.json", query=self._jurisdiction())
        if not answer.ok:
            self.refuse(answer, None, about_subject=False)
        items = _items(answer.document(), "services")
        if not all(isinstance(item, dict) and item.get("service_code") for item in items):
            raise BackendChanged(self.id, "services.json: a service without service_code")
        return items

    async def service_definition(self, code: str) -> dict[str, Any]:
        """Return the definition of one service: its attributes."""
        answer = await self.client.send(
            self.endpoint, "GET", self._path("services/{reference}.json", code), query=self._jurisdiction()
        )
        if not answer.ok:
            self.refuse(answer, None, about_subject=True)
        document = answer.document()
        items = document if isinstance(document, list) else [document]
        if not items or not isinstance(items[0], dict):
            raise BackendChanged(self.id, f"services/{code}.json is not a definition")
        return items[0]

    def _service_code(self, topic: str) -> str:
        codes = self.manifest.values.topic
        if codes and topic not in codes:
            raise BackendRejected(self.id, f"does not take {topic}")
        return str(codes.get(topic, topic))

    def _jurisdiction(self) -> dict[str, str | list[str]]:
        jurisdiction = self.manifest.open311.jurisdiction_id
        return {"jurisdiction_id": jurisdiction} if jurisdiction else {}

    def _path(self, template: str, reference: str) -> str:
        try:
            return mapping.fill_path(template, {"reference": reference})
        except mapping.MappingError as error:
            raise CaseNotFound(self.id, str(error)) from None

    def _without_status(self, reader: Reader) -> Reader:
        """A receipt says `open` at most, which is no more than "received"."""
        sources = {name: source for name, source in reader.sources.items() if name != "status"}
        return Reader(self.id, reader.document, sources, reader.values, self.zone)

    def _first(self, answer: Answer, *, about_subject: bool) -> Reader:
        """Return a reader of the one request an answer holds; servers wrap it in a list, or do not."""
        if not answer.ok:
            self.refuse(answer, None, about_subject=about_subject)
        items = _items(answer.document(), "service_requests", "requests", "request")
        if not items and about_subject:
            raise CaseNotFound(self.id, "an empty list")
        if not items or not isinstance(items[0], Mapping):
            raise BackendChanged(self.id, "the answer holds no request")
        return Reader(self.id, items[0], _SOURCES, self.manifest.values, self.zone)

    async def _resolve(self, token: str) -> str | None:
        """Ask a few times for the number of a token; the report is filed, so nothing here is an error."""
        for attempt in range(TOKEN_TRIES):
            try:
                if found := await self._token(token):
                    return found
            except (BackendUnreachable, BackendChanged, BackendRejected, CaseNotFound):
                pass
            if attempt + 1 < TOKEN_TRIES:
                await asyncio.sleep(TOKEN_PAUSE_SECONDS)
        return None

    async def _token(self, token: str) -> str | None:
        answer = await self.client.send(self.endpoint, "GET", self._path("tokens/{reference}.json", token))
        reader = self._first(answer, about_subject=True)
        return reader.text("reference")


def _items(document: Any, *wrappers: str) -> list[Any]:
    """Return the list in an answer, whether bare, wrapped in a name, or a single item."""
    if isinstance(document, dict):
        for name in wrappers:
            if name in document:
                document = document[name]
                break
    return document if isinstance(document, list) else [document] if isinstance(document, dict) else []
