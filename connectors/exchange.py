"""Where an app is and how it knows us, and what it answered."""

import json
from dataclasses import dataclass, field
from typing import Any, NoReturn

from connectors.errors import BackendChanged
from connectors.mapping import clean


@dataclass(frozen=True, slots=True)
class Credential:
    """How an app recognises us. `type` is none, bearer, header, query or form; `name` the header or field."""

    type: str = "none"
    name: str = ""
    value: str = field(default="", repr=False)
    secret_name: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one app is and how it wants to be called."""

    app: str
    base_url: str
    credential: Credential = Credential()
    timeout_seconds: float = 8.0
    rate_per_minute: int = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: 2xx, or a 4xx the dialect has to interpret."""

    app: str
    status: int
    content_type: str
    body: bytes
    retry_after: float = 0.0

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def document(self) -> Any:
        """Return the JSON of the answer.

        Raises:
            BackendChanged: it is not JSON.
        """
        try:
            return json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            kind = self.content_type.partition(";")[0] or "no content type"
            raise BackendChanged(
                self.app,
                f"status {self.status} with an answer that is not JSON ({kind}, {len(self.body)} bytes)",
            ) from None

    def reason(self) -> str:
        """Return the backend's own words for a refusal, shortened, or an empty string."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return ""
        while isinstance(document, list) and document:
            document = document[0]
        if not isinstance(document, dict):
            return ""
        for name in ("detail", "description", "message", "pesan", "title", "error"):
            if isinstance(document.get(name), str):
                return clean(document[name])[:300]
        return ""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
