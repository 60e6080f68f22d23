"""How one GeoReport v2 server is spoken to: its endpoint, its format, its habits, its ways of saying no.

What a server does differently is written in its manifest (`open311:`); what every server may do differently
in its answers needs no word there, because connectors.georeport reads all of it.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from connectors import georeport
from connectors.dialects.base import CityApp
from connectors.errors import BackendChanged, BackendUnreachable
from connectors.exchange import Answer, Endpoint

DISCOVERY = ("/discovery.json", "/discovery.xml")
DISCOVERED_FOR_SECONDS = 3600
SPECIFICATION = "georeport_v2"
ACCEPT = {"json": "application/json", "xml": "application/xml, text/xml"}
# A refusal for one of these is the operator's business: no citizen can put it right.
_OURS = ("jurisdiction_id", "api_key", "service_code")

Fields = Mapping[str, str | list[str]]


class Wire:
    """One server. `base_url` is its endpoint, or the address of its discovery document."""

    def __init__(self, app: CityApp) -> None:
        self._app = app
        self._options = app.manifest.open311
        self._found: tuple[float, Endpoint, str] | None = None

    async def get(self, path: str, query: Fields | None = None) -> Answer:
        """Ask for a resource, by its path without a suffix."""
        asked = dict(query or {})
        if self._options.jurisdiction_id:
            asked["jurisdiction_id"] = self._options.jurisdiction_id
        if self._options.extensions:
            asked["extensions"] = "true"
        endpoint, form = await self._endpoint()
        return await self._app.client.send(
            endpoint, "GET", self._path(path, form), query=asked, headers=_accept(form)
        )

    async def post(self, path: str, fields: Fields, headers: Mapping[str, str]) -> Answer:
        """Send a form, or the same fields as JSON to a server that wants it so."""
        sent: dict[str, Any] = dict(fields)
        if self._options.jurisdiction_id:
            sent["jurisdiction_id"] = self._options.jurisdiction_id
        endpoint, form = await self._endpoint()
        path, headers = self._path(path, form), {**_accept(form), **headers}
        if self._options.body == "form":
            return await self._app.client.send(endpoint, "POST", path, headers=headers, form=sent)
        if endpoint.credential.type == "form":
            sent[endpoint.credential.name] = endpoint.credential.value
        return await self._app.client.send(endpoint, "POST", path, headers=headers, body=_nested(sent))

    def document(self, answer: Answer, *, about_subject: bool, writes: bool = False) -> Any:
        """Return what an answer says, or raise the error it stands for.

        An error may come with 200: then its own `code` counts. With `writes`, an answer that nobody can use
        means that the work may have been done.
        """
        try:
            document = georeport.read(answer.body)
        except georeport.Unreadable as error:
            if not answer.ok:
                self._app.refuse(answer, None, about_subject=about_subject, reason="")
            kind = answer.content_type.partition(";")[0] or "no content type"
            detail = f"status {answer.status} with {error} ({kind}, {len(answer.body)} bytes)"
            raise BackendChanged(self._app.id, detail, outcome_unknown=writes) from None
        errors = georeport.errors(document)
        if not answer.ok or errors:
            self._refuse(answer, errors, about_subject, writes)
        return document

    def items(
        self, answer: Answer, *, about_subject: bool = False, writes: bool = False
    ) -> list[dict[str, Any]]:
        """Return the list in an answer."""
        document = self.document(answer, about_subject=about_subject, writes=writes)
        try:
            return georeport.items(document)
        except georeport.Unreadable as error:
            raise BackendChanged(self._app.id, str(error), outcome_unknown=writes) from None

    def _refuse(
        self, answer: Answer, errors: list[tuple[int | None, str]], about_subject: bool, writes: bool
    ) -> None:
        reason = "; ".join(filter(None, (text for _, text in errors)))[:300] or answer.reason()
        status = next((code for code, _ in errors if code), 400) if answer.ok else answer.status
        if status >= 500:
            raise BackendUnreachable(self._app.id, reason or f"status {status}", outcome_unknown=writes)
        ours = next((name for name in _OURS if name in reason.casefold()), None)
        kind = "changed" if ours and not about_subject and status in {400, 404} else None
        self._app.refuse(replace(answer, status=status), kind, about_subject=about_subject, reason=reason)

    def _path(self, path: str, form: str) -> str:
        return f"{path}.{form}" if self._options.suffix else path

    async def _endpoint(self) -> tuple[Endpoint, str]:
        """Return where the server is and in which format it is asked."""
        given, form = self._app.endpoint, self._options.format
        if not urlsplit(given.base_url).path.endswith(DISCOVERY):
            return given, form
        if self._found is None or self._found[0] < time.monotonic():
            endpoint, form = await self._discover(given, form)
            self._found = (time.monotonic() + DISCOVERED_FOR_SECONDS, endpoint, form)
        return self._found[1], self._found[2]

    async def _discover(self, given: Endpoint, form: str) -> tuple[Endpoint, str]:
        folder, _, name = given.base_url.rpartition("/")
        answer = await self._app.client.send(
            replace(given, base_url=folder), "GET", name, headers=_accept(name.rpartition(".")[2])
        )
        document = self.document(answer, about_subject=False)
        offered = georeport.endpoints(document)
        fitting = [one for one in offered if SPECIFICATION in one.specification.casefold()]
        if not fitting:
            raise BackendChanged(given.app, f"{name} names no endpoint of GeoReport_v2")
        chosen = next((one for one in fitting if one.type == "production"), fitting[0])
        here, there = urlsplit(given.base_url), urlsplit(chosen.url)
        if there.hostname != here.hostname or (here.scheme, there.scheme) == ("https", "http"):
            raise BackendChanged(given.app, f"{name} leads elsewhere: {chosen.url[:100]} (make it base_url)")
        if chosen.formats and form not in chosen.formats:
            form = chosen.formats[0]
        return replace(given, base_url=chosen.url), form


def _accept(form: str) -> dict[str, str]:
    return {"Accept": ACCEPT[form]}


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form's fields as JSON has them: `attribute[A]` is `{"attribute": {"A": …}}`."""
    nested: dict[str, Any] = {}
    for name, value in fields.items():
        if name.startswith("attribute["):
            code = name.removeprefix("attribute[").removesuffix("[]").removesuffix("]")
            nested.setdefault("attribute", {})[code] = value
        else:
            nested[name] = value
    return {name: value for name, value in nested.items() if value not in ("", [])}
