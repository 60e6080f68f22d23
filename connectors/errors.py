"""What can go wrong with a city system, by what the caller can do about it.

ConnectorError
├── BackendUnreachable   timeout, connection, 5xx, 429      try again later; see `outcome_unknown`
├── BackendRejected      4xx with a reason                  tell the citizen what to change
│   ├── SlotTaken        the place went to someone else     offer the next ones: `alternatives`
│   ├── HoldExpired      a hold or an offer is over         choose a time again
│   ├── LimitReached     as many places as one may have     move or give back one of them
│   └── PersonUnknown    a puskesmas knows no such patient  register first, or come to the desk
├── BackendChanged       the answer does not fit            tell the operator; the citizen hears "gangguan"
├── CaseNotFound         no such reference                  ask for the number again
└── NotOffered           no app of this tenant does this    offer the directory or an agent
"""

from connectors.queues import BookingSlot


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
    """Someone else was quicker. `alternatives` are the next free places, as far as the backend says."""

    text_key = "error.slot_taken"

    def __init__(self, connector: str, detail: str = "", alternatives: tuple[BookingSlot, ...] = ()) -> None:
        super().__init__(connector, detail)
        self.alternatives = alternatives


class HoldExpired(BackendRejected):
    """The hold or the offer is over; nothing was booked with it."""

    text_key = "error.hold_expired"


class LimitReached(BackendRejected):
    """This person has as many places as one may have; `detail` says the rule."""

    text_key = "error.limit_reached"


class PersonUnknown(BackendRejected):
    """The backend wants to know the person first (BPJS antrean FKTP: metadata.code 202)."""

    text_key = "error.person_unknown"


class BackendChanged(ConnectorError):
    """The answer does not fit the manifest: wrong shape, missing field, unknown value.

    `outcome_unknown` is True when the request was taken but nobody can tell what became of it.
    """

    text_key = "error.backend_changed"

    def __init__(self, connector: str, detail: str = "", *, outcome_unknown: bool = False) -> None:
        super().__init__(connector, detail)
        self.outcome_unknown = outcome_unknown


class CaseNotFound(ConnectorError):
    """The backend knows no such reference."""

    text_key = "error.case_not_found"


class NotOffered(ConnectorError):
    """No app of this tenant offers the capability."""

    text_key = "error.not_offered"


def may_have_happened(error: Exception) -> bool:
    """Say whether what was asked may have been done although the answer was no use."""
    return bool(getattr(error, "outcome_unknown", False))
