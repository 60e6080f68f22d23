"""What an action asks the front door to remember or do. Pure data: the only module here that `bot` imports.

An action never writes conversation state. It answers with text keys and with these effects; the front door
applies each one exactly once per turn (docs/decisions/0002).
"""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar


@dataclass(frozen=True)
class Effect:
    """Root of all effects. `type` names the class on the wire."""

    type: ClassVar[str] = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data for the reply of a turn."""
        return {"type": type(self).type, **asdict(self)}


@dataclass(frozen=True)
class CaseOpened(Effect):
    """A backend took a case; the citizen now follows it. Times are ISO 8601 with an offset."""

    type: ClassVar[str] = "case_opened"
    connector: str
    reference: str
    kind: str
    status: str
    topic: str | None = None
    description: str | None = None
    place: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    promised_at: str | None = None
    idempotency_key: str | None = None
    region: str | None = None
    verify_by: str | None = None


@dataclass(frozen=True)
class CaseQueued(Effect):
    """A complaint the front door gives a number of its own, says so, and files later with the same key.

    `draft` holds the fields of connectors.capabilities.ComplaintDraft as plain data. `away` says that the
    backend could not be reached just now; `more` are buttons for the other problems of the same story.
    """

    type: ClassVar[str] = "case_queued"
    connector: str
    draft: dict[str, Any]
    promised_at: str | None = None
    verify_by: str | None = None
    away: bool = True
    more: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class SimilarAsked(Effect):
    """A complaint is about to be filed: open reports of others nearby are to be offered, if there are any."""

    type: ClassVar[str] = "similar_asked"
    topic: str
    description: str
    latitude: float | None = None
    longitude: float | None = None
    region: str | None = None
    place: str | None = None


@dataclass(frozen=True)
class CaseJoined(Effect):
    """*Saya juga*: the citizen stands behind somebody's open report and hears what becomes of it."""

    type: ClassVar[str] = "case_joined"
    connector: str
    reference: str


@dataclass(frozen=True)
class CaseNoted(Effect):
    """Words or photos for a case whose backend could not be reached; told to it later under the same key."""

    type: ClassVar[str] = "case_noted"
    connector: str
    reference: str
    kind: str
    text: str
    key: str
    photos: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class CaseReopened(Effect):
    """The citizen says that a case is not mended. Told to the backend by the front door."""

    type: ClassVar[str] = "case_reopened"
    connector: str
    reference: str
    text: str
    key: str


@dataclass(frozen=True)
class CaseConfirmed(Effect):
    """The citizen says that a case is mended."""

    type: ClassVar[str] = "case_confirmed"
    connector: str
    reference: str


@dataclass(frozen=True)
class CaseRated(Effect):
    """How content the citizen is with a mended case, from 1 to 5."""

    type: ClassVar[str] = "case_rated"
    connector: str
    reference: str
    stars: int


@dataclass(frozen=True)
class CaseWithdrawn(Effect):
    """The citizen takes a report back, or no longer follows one that was joined."""

    type: ClassVar[str] = "case_withdrawn"
    connector: str
    reference: str
    key: str


@dataclass(frozen=True)
class CaseFollowed(Effect):
    """The citizen asked to hear about a case that exists already (a permit, for instance)."""

    type: ClassVar[str] = "case_followed"
    connector: str
    reference: str
    kind: str
    status: str


@dataclass(frozen=True)
class BookingMade(Effect):
    """A queue place is the citizen's: the front door hands over the ticket.

    `waiting` is the waiting-list place it came from, `note` the queue's own advice.
    """

    type: ClassVar[str] = "booking_made"
    connector: str
    code: str
    number: str
    counter: str
    service: str
    starts_at: str
    name: str | None = None
    counter_title: str | None = None
    priority: str | None = None
    note: str | None = None
    waiting: str | None = None


@dataclass(frozen=True)
class BookingMoved(Effect):
    """A booking got another time; `code` stays, `number` may change. A new ticket is handed over."""

    type: ClassVar[str] = "booking_moved"
    connector: str
    code: str
    number: str
    starts_at: str
    counter: str | None = None
    counter_title: str | None = None


@dataclass(frozen=True)
class BookingQueued(Effect):
    """A reservation that the front door settles, under the same key, until the queue has answered.

    Either its answer was lost, or it needs numbers of a person (NIK, JKN card) that only the front door may
    open: `numbers_in` names the turns in which the citizen wrote them. `hold` is the code of a held place,
    `place` where to go, for the ticket.
    """

    type: ClassVar[str] = "booking_queued"
    connector: str
    idempotency_key: str
    service: str
    slot_id: str
    starts_at: str
    name: str
    hold: str | None = None
    priority: str | None = None
    complaint: str | None = None
    place: str | None = None
    numbers_in: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class BookingCancelled(Effect):
    """The citizen gave the place back."""

    type: ClassVar[str] = "booking_cancelled"
    connector: str
    code: str


@dataclass(frozen=True)
class BookingReached(Effect):
    """The citizen is there: checked in at the counter."""

    type: ClassVar[str] = "booking_reached"
    connector: str
    code: str


@dataclass(frozen=True)
class TicketWanted(Effect):
    """The citizen wants to see the ticket of a booking again."""

    type: ClassVar[str] = "ticket_wanted"
    connector: str
    code: str


@dataclass(frozen=True)
class WaitingJoined(Effect):
    """The citizen waits for a freed place on a full day, ISO `day`."""

    type: ClassVar[str] = "waiting_joined"
    connector: str
    place_id: str
    service: str
    day: str
    name: str | None = None


@dataclass(frozen=True)
class WaitingLeft(Effect):
    """The citizen no longer waits for a freed place."""

    type: ClassVar[str] = "waiting_left"
    connector: str
    place_id: str


@dataclass(frozen=True)
class HandoffRequested(Effect):
    """The citizen wants, or needs, a person."""

    type: ClassVar[str] = "handoff_requested"
    reason: str
    summary: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HandoffEnded(Effect):
    """The conversation goes back to the bot; `reason` says who decided."""

    type: ClassVar[str] = "handoff_ended"
    reason: str


@dataclass(frozen=True)
class CallbackWished(Effect):
    """The desk is closed, and the citizen chose when to be written to; ISO 8601 with an offset."""

    type: ClassVar[str] = "callback_wished"
    at: str


@dataclass(frozen=True)
class MessageLeft(Effect):
    """The desk is closed, and the citizen leaves a message for it."""

    type: ClassVar[str] = "message_left"
    reason: str = "message"


@dataclass(frozen=True)
class HandoffRated(Effect):
    """The citizen says how it was with a person, 1 to 5."""

    type: ClassVar[str] = "handoff_rated"
    handoff: str
    stars: int


@dataclass(frozen=True)
class LanguageChosen(Effect):
    """The citizen named the language to be greeted in: id, jv or en."""

    type: ClassVar[str] = "language_chosen"
    language: str


@dataclass(frozen=True)
class NoticesAsked(Effect):
    """*Kabari kalau air mati di Wates*: the citizen wants notices of a topic; `words` name the places."""

    type: ClassVar[str] = "notices_asked"
    topic: str | None = None
    words: str = ""


@dataclass(frozen=True)
class NoticesEnded(Effect):
    """The citizen wants no more notices, of one topic or of all; or only to see which they get."""

    type: ClassVar[str] = "notices_ended"
    topic: str | None = None
    only_show: bool = False


@dataclass(frozen=True)
class DataExportRequested(Effect):
    """*Unduh data saya*: the front door answers with a file."""

    type: ClassVar[str] = "data_export_requested"


@dataclass(frozen=True)
class DataErasureRequested(Effect):
    """*Hapus data saya*, confirmed by the citizen."""

    type: ClassVar[str] = "data_erasure_requested"


@dataclass(frozen=True)
class LinkAsked(Effect):
    """The citizen wants their other channel to be theirs here too; `channel` is the one they named."""

    type: ClassVar[str] = "link_asked"
    channel: str | None = None


@dataclass(frozen=True)
class LinkCodeGiven(Effect):
    """A one-time code of another channel: typed by the citizen (`sure`), or come by a link to be confirmed.

    Confirmed, only its `digest` is known.
    """

    type: ClassVar[str] = "link_code_given"
    code: str = ""
    sure: bool = True
    digest: str | None = None


@dataclass(frozen=True)
class LinkEnded(Effect):
    """The channels are to be apart again: this one, or the one that `channel` names."""

    type: ClassVar[str] = "link_ended"
    channel: str | None = None


@dataclass(frozen=True)
class TalkCarried(Effect):
    """What was begun on another channel of this citizen goes on here."""

    type: ClassVar[str] = "talk_carried"


@dataclass(frozen=True)
class ServiceShown(Effect):
    """The bot showed a service of the catalogue; kept so that figures say what people look for."""

    type: ClassVar[str] = "service_shown"
    service: str


EFFECTS: dict[str, type[Effect]] = {cls.type: cls for cls in Effect.__subclasses__()}


def from_json(data: dict[str, Any]) -> Effect:
    """Rebuild an effect from its wire form.

    Raises:
        ValueError: unknown type, or a field is missing or unknown.
    """
    payload = dict(data)
    cls = EFFECTS.get(str(payload.pop("type", "")))
    if cls is None:
        raise ValueError(f"unknown effect {data.get('type')!r}")
    known = {item.name for item in fields(cls)}
    unknown = payload.keys() - known
    if unknown:
        raise ValueError(f"effect {cls.type}: unknown fields {sorted(unknown)}")
    try:
        return cls(**payload)
    except TypeError as error:
        raise ValueError(f"effect {cls.type}: {error}") from error
