"""How BPJS *antrean FKTP* is spoken: a token for user and password, answers decided by their metadata."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors import mapping
from connectors.client import Client
from connectors.dialects.base import CityApp
from connectors.errors import BackendChanged
from connectors.exchange import Answer, Endpoint
from connectors.manifest import FktpCounter, Manifest

OK, REFUSED, NEW_PATIENT = 200, 201, 202


@dataclass(frozen=True, slots=True)
class Said:
    """One answer: the code that decides, its message, and what came with it."""

    code: int
    message: str
    response: Any

    def says(self, *words: str) -> bool:
        """Whether the message has one of these words, small letters, in it."""
        return any(word in self.message.casefold() for word in words)


class FktpWire(CityApp):
    """Asks a puskesmas one thing at a time."""

    def __init__(
        self, manifest: Manifest, endpoint: Endpoint, client: Client, webhook_secrets: tuple[str, ...] = ()
    ) -> None:
        super().__init__(manifest, endpoint, client, webhook_secrets)
        self._tokens: dict[str, str] = {}

    async def ask(
        self, method: str, counter: FktpCounter, path: str, body: Mapping[str, str] | None = None
    ) -> Said:
        """Ask with a token; a token the backend no longer takes is renewed once."""
        facility = counter.path
        for attempt in (1, 2):
            token = self._tokens.get(facility) or await self.sign_in(counter)
            headers = {"x-token": token, "x-username": self.endpoint.credential.name}
            said = self._read(
                await self.client.send(
                    self.endpoint, method, f"{facility}/{path}", headers=headers, body=body
                )
            )
            if said.code in (REFUSED, 401) and said.says("token") and attempt == 1:
                self._tokens.pop(facility, None)
                continue
            return said
        raise AssertionError("unreachable")

    async def sign_in(self, counter: FktpCounter) -> str:
        """Get a token of the puskesmas a counter belongs to, and keep it for the calls to come.

        Raises:
            BackendChanged: it does not take our user name and password.
        """
        credential = self.endpoint.credential
        headers = {"x-username": credential.name, "x-password": credential.value}
        answer = await self.client.send(self.endpoint, "GET", f"{counter.path}/auth", headers=headers)
        said = self._read(answer)
        token = mapping.as_text(mapping.read(said.response, "token")) if said.code == OK else None
        if not token:
            secret = credential.secret_name or "auth"
            raise BackendChanged(self.id, f"refuses our user (check {secret}): {said.message}")
        self._tokens[counter.path] = token
        return token

    def _read(self, answer: Answer) -> Said:
        """Read an answer by its metadata; without one it is no answer of this contract."""
        try:
            document = answer.document()
        except BackendChanged:
            if not answer.ok:
                self.refuse(answer, "changed", about_subject=False)
            raise
        metadata = mapping.read(document, "metadata") or mapping.read(document, "metaData")
        try:
            code = mapping.as_count(mapping.read(metadata, "code"))
        except mapping.MappingError:
            code = None
        if code is None:
            raise BackendChanged(self.id, f"status {answer.status} without a usable metadata.code")
        message = (mapping.as_text(mapping.read(metadata, "message")) or "").strip()[:300]
        return Said(code, message or f"kode {code}", mapping.read(document, "response"))

    def needed(self, said: Said, name: str) -> str:
        """Return a field that an answer is useless without."""
        found = self.text(said, name)
        if not found:
            raise BackendChanged(self.id, f"the answer's {name} is missing")
        return found

    def text(self, said: Said, name: str) -> str | None:
        """Return a field as clean text."""
        return (mapping.as_text(mapping.read(said.response, name)) or "").strip()[:200] or None

    def count(self, said: Said, name: str) -> int | None:
        """Return a field as a whole number, which may be written as text."""
        try:
            return mapping.as_count(mapping.read(said.response, name))
        except mapping.MappingError as error:
            raise BackendChanged(self.id, f"the answer's {name} is {error}") from None
