"""What becomes of a finished complaint: filed with a number and a date, queued, commented, reopened."""

from dataclasses import asdict, replace
from datetime import datetime

from actions import reading
from actions.complaints import DRAFT, PHOTO, REVIEW, TOPIC, WHAT, WHERE, confidential
from actions.effects import CaseOpened, CaseQueued
from actions.runtime import runtime
from actions.turn import HANDLERS, Answer, Turn, button, handles
from connectors.capabilities import Capability, CaseComment, ComplaintDraft, Photo, Place
from connectors.errors import BackendChanged, BackendUnreachable, ConnectorError


@handles("action_end_complaint")
async def end_complaint(turn: Turn, answer: Answer) -> None:
    """File the draft, or say what became of it."""
    how = turn.slot(REVIEW)
    if how == "send":
        await _file(turn, answer)
    elif how == "switch":
        answer.keep(**{REVIEW: None})
        if turn.slot(WHAT):
            answer.say("complaint.put_aside", buttons=[])
        answer.followup = "booking_form"
        if not turn.slot(WHAT):
            answer.keep(**dict.fromkeys((*DRAFT, "draft_key")))
    elif how == "erase":
        await HANDLERS["action_delete_data"](replace(turn, values={"sure": "yes"}), answer)
    else:
        if how == "cancel":
            answer.say("complaint.cancelled", buttons=[button("button.help", "help")])
        answer.keep(**dict.fromkeys((*DRAFT, "draft_key")))


async def _file(turn: Turn, answer: Answer) -> None:
    topic = runtime().catalog.topics[turn.slot(TOPIC)]
    spot = turn.slot(WHERE) or {}
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
        reporter=None if confidential(topic.id) else turn.display_name,
        confidential=confidential(topic.id),
    )
    connector = None
    try:
        connector = runtime().registry.find(turn.tenant, Capability.COMPLAINT_SUBMIT, topic.id)
        receipt = await connector.submit_complaint(draft)
    except (BackendUnreachable, BackendChanged) as error:
        # Whether it was filed is unknown: asked again later with the same key, never with a new one.
        answer.effect(CaseQueued(error.connector, asdict(draft)))
        answer.say("complaint.queued")
        answer.keep(**dict.fromkeys((*DRAFT, "draft_key")))
        return
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        answer.say(
            "complaint.kept",
            buttons=[button("button.try_again", "report_complaint"), button("button.agent", "talk_to_agent")],
        )
        answer.keep(**{REVIEW: None})
        return
    promised = receipt.promised_at or promise(topic.id, turn.now)
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
            promised_at=promised.isoformat() if promised else None,
            idempotency_key=draft.idempotency_key,
        )
    )
    names = runtime().fact(turn.tenant, "agencies") or {}
    answer.say(
        "complaint.filed" if promised else "complaint.filed_without_date",
        buttons=[button("button.status", "check_status", reusable=True, reference=receipt.reference)],
        reference=receipt.reference,
        agency=names.get(topic.owner, topic.owner),
        promised=promised.date() if promised else None,
        days=working_days(topic.id),
    )
    answer.keep(**dict.fromkeys((*DRAFT, "draft_key")), reference=receipt.reference)


def working_days(topic: str) -> int:
    """How many working days the city gives itself for a topic."""
    return int(runtime().catalog.topics[topic].details.get("working_days") or 5)


def promise(topic: str, now: datetime) -> datetime | None:
    """Until when a report filed now is answered; None past the last loaded calendar year."""
    return runtime().calendar.deadline(now, working_days(topic))


@handles("action_add_complaint_info", "add_complaint_info")
async def add_info(turn: Turn, answer: Answer) -> None:
    """Add the citizen's words or photos to their own report."""
    await _comment(turn, answer, "complaint.added")


@handles("action_reopen_complaint", "reopen_complaint")
async def reopen(turn: Turn, answer: Answer) -> None:
    """Tell the city that a closed report is not mended."""
    await _comment(turn, answer, "complaint.reopened")


async def _comment(turn: Turn, answer: Answer, done: str) -> None:
    own = [case for case in turn.cases if case.get("kind") == "complaint"]
    wanted = reading.reference(turn)
    if wanted:
        own = [case for case in own if case["reference"] == wanted]
    if not own:
        key = "complaint.not_yours" if wanted else "complaint.none_yet"
        answer.say(key, buttons=[button("button.report", "report_complaint")], reference=wanted or "")
        return
    case = own[0]
    comment = CaseComment(
        idempotency_key=turn.key("comment"),
        reference=case["reference"],
        text=turn.text.strip() or "-",
        photos=tuple(Photo(photo["url"]) for photo in turn.photos),
    )
    try:
        await runtime().registry.by_id(case["connector"]).add_comment(comment)
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        answer.say("handoff.offer", buttons=[button("button.agent", "talk_to_agent")])
        return
    answer.keep(reference=case["reference"])
    answer.say(done, reference=case["reference"])
