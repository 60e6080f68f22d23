"""Open311 GeoReport v2 (https://wiki.open311.org/GeoReport_v2/), for any server that speaks it.

XML and JSON, discovery, service definitions, tokens, and the extensions that a manifest names: our comments,
FixMyStreet's `servicerequestupdates`. A server may answer a report with a token instead of a number. We ask
for the number a few times; after that the reference is `token:<token>`, and asking its status resolves it.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from connectors import answers, georeport, mapping
from connectors.answers import Reader
from connectors.capabilities import (
    CaseComment,
    CaseReceipt,
    CaseState,
    CaseStatus,
    ComplaintAttribute,
    ComplaintDraft,
    StatusUpdate,
    UpdateQuery,
)
from connectors.client import IDEMPOTENCY_KEY, Client
from connectors.dialects import open311_filing as filing
from connectors.dialects import open311_news as news
from connectors.dialects.base import CityApp
from connectors.dialects.open311_wire import Wire
from connectors.errors import (
    BackendChanged,
    BackendRejected,
    BackendUnreachable,
    CaseNotFound,
    ConnectorError,
)
from connectors.exchange import Answer, Endpoint
from connectors.manifest import Manifest
from connectors.references import TOKEN

TOKEN_TRIES = 3
TOKEN_PAUSE_SECONDS = 0.5
KNOWN_FOR_SECONDS = 600
REFERENCES_AT_ONCE = 50


class Open311(CityApp):
    """An app that speaks GeoReport v2."""

    def __init__(
        self, manifest: Manifest, endpoint: Endpoint, client: Client, webhook_secrets: tuple[str, ...] = ()
    ) -> None:
        super().__init__(manifest, endpoint, client, webhook_secrets)
        self.wire = Wire(self)
        self._asks: dict[str, tuple[float, tuple[ComplaintAttribute, ...]]] = {}
        self._services: tuple[float, dict[str, dict[str, Any]]] = (0.0, {})

    @property
    def files_once(self) -> bool:
        return self.manifest.open311.idempotency

    async def submit_complaint(self, draft: ComplaintDraft) -> CaseReceipt:
        """File a report. One that may have been filed before is looked for first; see `open311_filing`."""
        options = self.manifest.open311
        form = filing.fields(self.manifest, draft, self._service_code(draft.topic))
        if draft.asked_at is not None and not self.files_once:
            found = await filing.find_again(self, draft, str(form["service_code"]))
            if found is not None:
                return answers.case_receipt(self._receipt(found))
        answer = await self.wire.post("requests", form, self._key(draft.idempotency_key))
        try:
            item = self._first(answer, about_subject=False, writes=True)
        except BackendRejected:
            # Perhaps the service asks otherwise by now.
            self._asks.clear()
            self._services = (0.0, {})
            raise
        reader = self._receipt(item)
        token = None if reader.text("reference") else mapping.as_text(mapping.read(reader.document, "token"))
        notice = reader.text("notice", answers.MAX_NOTE)
        if token:
            return CaseReceipt(await self._number_of(token), CaseStatus.RECEIVED, notice=notice)
        if options.blackbox and not reader.text("reference"):
            return CaseReceipt(filing.mark(draft.idempotency_key), CaseStatus.RECEIVED, notice=notice)
        try:
            return answers.case_receipt(reader)
        except BackendChanged as error:
            raise BackendChanged(self.id, error.detail, outcome_unknown=True) from None

    async def complaint_status(self, reference: str) -> CaseState:
        """Return the state of a report; one that still has only a token is received."""
        if reference.startswith(TOKEN):
            found = await self._token(reference.removeprefix(TOKEN))
            if found is None:
                return CaseState(reference, CaseStatus.RECEIVED)
            reference = found
        if self.manifest.open311.single_request:
            answer = await self.wire.get(self._path("requests/{reference}", reference))
        else:
            self._path("{reference}", reference)
            answer = await self.wire.get("requests", {"service_request_id": reference})
        item = self._first(answer, about_subject=True)
        return news.state(self, item, reference)

    async def complaint_updates(self, query: UpdateQuery) -> tuple[StatusUpdate, ...]:
        """Return the news of many cases: from FixMyStreet's feed, or by asking for all their states at once.

        A case that has only a token is asked about by itself, and so is nothing else.
        """
        if self.manifest.open311.updates == "servicerequestupdates":
            answer = await self.wire.get("servicerequestupdates", news.window(query))
            items = self.wire.items(answer)
            if len(items) >= georeport.MOST_ITEMS and (halves := news.halves(query)):
                return tuple([one for half in halves for one in await self.complaint_updates(half)])
            return news.of_feed(self, items, query)
        wanted = [name for name in query.references or () if not name.startswith(TOKEN)]
        found: list[StatusUpdate] = []
        for start in range(0, len(wanted), REFERENCES_AT_ONCE):
            some = wanted[start : start + REFERENCES_AT_ONCE]
            answer = await self.wire.get("requests", {"service_request_id": ",".join(some)})
            found += news.of_states(self, self.wire.items(answer), frozenset(some))
        return tuple(sorted(found, key=lambda update: update.occurred_at))

    async def complaint_attributes(self, topic: str) -> tuple[ComplaintAttribute, ...]:
        """Return what the server asks about a topic; kept for ten minutes."""
        if not self.manifest.open311.definitions:
            return await super().complaint_attributes(topic)
        code = self._service_code(topic)
        until, known = self._asks.get(code, (0.0, ()))
        if until < time.monotonic():
            known = await self._asked(code)
            self._asks[code] = (time.monotonic() + KNOWN_FOR_SECONDS, known)
        return known

    async def add_comment(self, comment: CaseComment) -> None:
        """Add to a report, by the server's own extension or FixMyStreet's `servicerequestupdates`."""
        options = self.manifest.open311
        if options.comments == "none":
            raise BackendRejected(self.id, "takes no comments")
        if options.comments == "comments":
            path = self._path("requests/{reference}/comments", comment.reference)
            form: dict[str, str | list[str]] = {"text": mapping.clean(comment.text)}
        else:
            path, form = "servicerequestupdates", news.words_of(comment)
        if comment.photos:
            urls = [photo.url for photo in comment.photos]
            form["media_url"] = urls if options.photos == "all" else urls[:1]
        answer = await self.wire.post(path, form, self._key(comment.idempotency_key))
        if not answer.ok:
            self.wire.document(answer, about_subject=True)

    async def services(self) -> list[dict[str, Any]]:
        """Return the server's list of services."""
        found = self.wire.items(await self.wire.get("services"))
        if not all(mapping.as_text(item.get("service_code")) for item in found):
            raise BackendChanged(self.id, "services: a service without service_code")
        return found

    async def service_definition(self, code: str) -> dict[str, Any]:
        """Return the definition of one service: its attributes."""
        answer = await self.wire.get(self._path("services/{reference}", code))
        found = self.wire.items(answer, about_subject=True)
        if not found:
            raise BackendChanged(self.id, f"services/{code} is not a definition")
        return found[0]

    async def _asked(self, code: str) -> tuple[ComplaintAttribute, ...]:
        until, services = self._services
        if until < time.monotonic():
            services = {str(item["service_code"]): item for item in await self.services()}
            self._services = (time.monotonic() + KNOWN_FOR_SECONDS, services)
        if code not in services:
            raise BackendChanged(self.id, f"has no service {code}: correct values.topic")
        if not georeport.truth(services[code].get("metadata")):
            return ()
        try:
            return georeport.attributes(await self.service_definition(code))
        except georeport.Unreadable as error:
            raise BackendChanged(self.id, f"services/{code}: {error}") from None

    def _service_code(self, topic: str) -> str:
        codes = self.manifest.values.topic
        if codes and topic not in codes:
            raise BackendRejected(self.id, f"does not take {topic}")
        return str(codes.get(topic, topic))

    def _key(self, key: str) -> dict[str, str]:
        if not self.manifest.open311.idempotency:
            return {}
        return mapping.fill_headers({IDEMPOTENCY_KEY: "{key}"}, {"key": key})

    def _path(self, template: str, reference: str) -> str:
        try:
            return mapping.fill_path(template, {"reference": reference})
        except mapping.MappingError as error:
            raise CaseNotFound(self.id, str(error)) from None

    def _receipt(self, item: Mapping[str, Any]) -> Reader:
        """A receipt says `open` at most, which is no more than "received"."""
        sources = {name: source for name, source in news.SOURCES.items() if name != "status"}
        return Reader(self.id, item, sources, self.manifest.values, self.zone)

    def _first(self, answer: Answer, *, about_subject: bool, writes: bool = False) -> dict[str, Any]:
        """Return the one request an answer holds; servers wrap it in a list, or do not."""
        items = self.wire.items(answer, about_subject=about_subject, writes=writes)
        if not items and about_subject:
            raise CaseNotFound(self.id, "an empty list")
        if not items:
            raise BackendChanged(self.id, "the answer holds no request", outcome_unknown=writes)
        return items[0]

    async def _number_of(self, token: str) -> str:
        """Ask a few times for the number of a token; the report is filed, so nothing here is an error."""
        try:
            async with asyncio.timeout(self.endpoint.timeout_seconds / 2):
                for attempt in range(TOKEN_TRIES):
                    try:
                        if found := await self._token(token):
                            return found
                    except (BackendUnreachable, BackendChanged, BackendRejected, CaseNotFound):
                        pass
                    if attempt + 1 < TOKEN_TRIES:
                        await asyncio.sleep(TOKEN_PAUSE_SECONDS)
        except (TimeoutError, ConnectorError):
            pass
        return TOKEN + token

    async def _token(self, token: str) -> str | None:
        answer = await self.wire.get(self._path("tokens/{reference}", token))
        return self._receipt(self._first(answer, about_subject=True)).text("reference")
