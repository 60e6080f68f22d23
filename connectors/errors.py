"""What can go wrong with a city system, by what the caller can do about it.

ConnectorError
├── BackendUnreachable   timeout, connection, 5xx, 429      try again later; see `outcome_unknown`
├── BackendRejected      4xx with a reason                  tell the citizen what to change
│   └── SlotTaken        the place went to someone else     offer the next ones
├── BackendChanged       the answer does not fit            tell the operator; the citizen hears "gangguan"
├── CaseNotFound         no such reference                  ask for the number again
└── NotOffered           no app of this tenant does this    offer the directory or an agent
"""


class ConnectorError(Exception):
    """Root of the tree. `connector` is the app's id, `text_key` the sentence a citizen gets."""

    text_key = "error.backend"

    def __init__(self, connector: str, detail: str = "") -> None:
        super().__init__(f"{connector}: {detail}" if detail else connector)
        self.connector = connector
        self.detail = detail


class BackendUnreachable(ConnectorError):
    """No usable answer. `outcome_unknown` is True when the request may have been carried out."""

    text_key = "error.backend_unreachable"

    def __init__(self, connector: str, detail: str = "", *, outcome_unknown: bool = False) -> None:
        super().__init__(connector, detail)
        self.outcome_unknown = outcome_unknown


class BackendRejected(ConnectorError):
    """The backend understood and said no; `detail` is its reason."""

    text_key = "error.backend_rejected"


class SlotTaken(BackendRejected):
    """Someone else was quicker."""

    text_key = "error.slot_taken"


class BackendChanged(ConnectorError):
    """The answer does not fit the manifest: wrong shape, missing field, unknown value."""

    text_key = "error.backend_changed"


class CaseNotFound(ConnectorError):
    """The backend knows no such reference."""

    text_key = "error.case_not_found"


class NotOffered(ConnectorError):
    """No app of this tenant offers the capability."""

    text_key = "error.not_offered"
