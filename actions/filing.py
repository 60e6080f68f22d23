"""What becomes of a finished complaint: filed with a number and a date, queued, joined to another."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from actions import details
from actions.complaints import (
    ANONYMOUS,
    CONFIDENTIAL,
    DETAILS,
    KEPT,
    PHOTO,
    REVIEW,
    TOPIC,
    WHAT,
    WHERE,
    several,
)
from actions.effects import CaseJoined, CaseOpened, CaseQueued
from actions.jurisdiction import outside
from actions.runtime import runtime
from actions.turn import HANDLERS, Answer, Turn, button, handles
from connectors.capabilities import Capability, ComplaintDraft, Photo, Place
from connectors.errors import BackendChanged, BackendUnreachable, ConnectorError, may_have_happened
from connectors.operations import to_json

VERIFICATION_DAYS = 3


@handles("action_end_complaint")
async def end_complaint(turn: Turn, answer: Answer) -> None:
    """File the draft, or say what became of it."""
    how = turn.slot(REVIEW)
    if how == "send":
        await _file(turn, answer)
    elif how and how.startswith("join:"):
        _, connector, reference = how.split(":", 2)
        answer.effect(CaseJoined(connector, reference))
        _forget(answer, reference=reference)
    elif how == "switch":
        answer.keep(**{REVIEW: None})
        if turn.slot(WHAT):
            answer.say("complaint.put_aside", buttons=[])
        answer.followup = "booking_form"
        if not turn.slot(WHAT):
            answer.keep(**dict.fromkeys(KEPT))
    elif how == "erase":
        await HANDLERS["action_delete_data"](replace(turn, values={"sure": "yes"}), answer)
    else:
        if how == "cancel":
            answer.say("complaint.cancelled", buttons=[button("button.help", "help")])
        answer.keep(**dict.fromkeys(KEPT))


async def _file(turn: Turn, answer: Answer) -> None:
    topic = runtime().catalog.topics[turn.slot(TOPIC)]
    spot = turn.slot(WHERE) or {}
    anonymous, hidden = bool(turn.slot(ANONYMOUS)), bool(turn.slot(CONFIDENTIAL))
    draft = ComplaintDraft(
        idempotency_key=turn.slot("draft_key") or turn.key("complaint"),
        topic=topic.id,
        description=turn.slot(WHAT),
        place=Place(
            text=spot.get("text"),
            latitude=spot.get("latitude"),
            longitude=spot.get("longitude"),
            region_code=spot.get("region"),
        ),
        photos=tuple(Photo(photo["url"]) for photo in turn.slot(PHOTO) or ()),
        reporter=None if anonymous or hidden else turn.display_name,
        anonymous=anonymous,
        confidential=hidden,
        attributes={
            code: tuple(given) if isinstance(given, list) else given
            for code, given in ((turn.slot(DETAILS) or {}).get("answers") or {}).items()
        },
    )
    promised, verify_by = promise(turn.tenant, topic.id, turn.now), verification(turn.tenant, turn.now)
    rest = _rest(turn, topic.id)
    more = tuple(_next(name) for name in (rest["topics"] if rest else ()))
    try:
        connector = runtime().registry.find(turn.tenant, Capability.COMPLAINT_SUBMIT, topic.id)
        if not connector.files_once:
            # A turn that breaks off is done again and cannot know what it asked of the city; the front door
            # writes down that it asks before it does.
            dates = _text(promised), _text(verify_by)
            answer.effect(CaseQueued(connector.id, to_json(draft), *dates, away=False, more=more))
            answer.keep(complaint_rest=rest)
            _forget(answer)
            return
        receipt = await connector.submit_complaint(draft)
    except (BackendUnreachable, BackendChanged) as error:
        # Whether it was filed may be unknown: asked again later with the same key, never with a new one.
        draft = replace(draft, asked_at=turn.now) if may_have_happened(error) else draft
        # Its number and its date are said by whoever keeps it: the front door.
        dates = _text(promised), _text(verify_by)
        answer.effect(CaseQueued(error.connector, to_json(draft), *dates, more=more))
        answer.keep(complaint_rest=rest)
        _forget(answer)
        return
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        answer.say(
            "complaint.kept",
            buttons=[button("button.try_again", "report_complaint"), button("button.agent", "talk_to_agent")],
        )
        answer.keep(**{REVIEW: None})
        if "attribute" in error.detail.casefold():
            # The city asks otherwise than it did when it was asked what it asks.
            answer.keep(**{DETAILS: None, details.ASKS: None})
        return
    promised = receipt.promised_at or promised
    answer.effect(
        CaseOpened(
            connector=connector.id,
            reference=receipt.reference,
            kind="complaint",
            status=receipt.status.value,
            topic=topic.id,
            description=draft.description,
            place=spot.get("text"),
            latitude=spot.get("latitude"),
            longitude=spot.get("longitude"),
            promised_at=_text(promised),
            idempotency_key=draft.idempotency_key,
            region=spot.get("region"),
            verify_by=_text(verify_by),
        )
    )
    names = runtime().fact(turn.tenant, "agencies") or {}
    answer.keep(complaint_rest=rest)
    if rest:
        answer.open_with("complaint.one_of_several", count=len(rest["topics"]))
    answer.say(
        "complaint.filed" if promised else "complaint.filed_without_date",
        buttons=[
            button("button.status", "check_status", reusable=True, reference=receipt.reference),
            *more,
        ],
        reference=receipt.reference,
        agency=names.get(topic.owner, topic.owner),
        promised=promised.date() if promised else None,
        days=working_days(topic.id),
    )
    _forget(answer, reference=receipt.reference)


def _rest(turn: Turn, filed: str) -> dict[str, Any] | None:
    """The other problems of a story that named several, with what was said, so that nothing is said again."""
    known = turn.slot("complaint_rest")
    names = several(turn.slot(WHAT)) if known is None else known["topics"]
    left = [name for name in names if name != filed and not outside(name)]
    return {"topics": left, "description": turn.slot(WHAT), "place": turn.slot(WHERE)} if left else None


def _next(topic: str) -> dict[str, Any]:
    title = runtime().catalog.topics[topic].title
    return button("", "report_complaint", title=title, reusable=True, topic=topic, rest="yes")


def working_days(topic: str) -> int:
    """How many working days the city gives itself for a topic."""
    return int(runtime().catalog.topics[topic].details.get("working_days") or 5)


def promise(tenant: str, topic: str, now: datetime) -> datetime | None:
    """Until when a report filed now is answered; None past the last loaded calendar year."""
    return runtime().calendar.of(tenant).deadline(now, working_days(topic))


def verification(tenant: str, now: datetime) -> datetime | None:
    """Until when somebody looks at a report filed now: 3 working days in SP4N-LAPOR."""
    days = int(runtime().fact(tenant, "complaint", "verification_days") or VERIFICATION_DAYS)
    return runtime().calendar.of(tenant).deadline(now, days)


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _forget(answer: Answer, reference: str | None = None) -> None:
    """The draft has become a report: nothing of it stays in the dialogue but its number."""
    answer.keep(**dict.fromkeys(KEPT), reference=reference)
