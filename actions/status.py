"""Where a report or a permit stands, by its number; and the list of one's own."""

import re
from datetime import datetime
from typing import Any

from actions import reading
from actions.effects import CaseFollowed
from actions.runtime import runtime
from actions.turn import Answer, Turn, button, handles, lines, said
from connectors.capabilities import Capability, CaseState, CaseStatus
from connectors.errors import CaseNotFound, ConnectorError

MOST_LISTED = 5
_PERMIT = re.compile(r"^(?:PBG|SLF|IMB|PKKPR|SIP|NIB|REK)\b", re.IGNORECASE)
_BOOKING = re.compile(r"^(?:MPP|MPK|PKM)-", re.IGNORECASE)


@handles("action_check_status", "check_status")
async def check(turn: Turn, answer: Answer) -> None:
    """Tell the state of the number that was named, or list what the citizen follows."""
    wanted = reading.reference(turn)
    if wanted and _BOOKING.match(wanted):
        from actions.ownbookings import check as check_booking

        await check_booking(turn, answer)
    elif wanted:
        await _one(turn, answer, wanted)
    elif len(turn.cases) == 1:
        await _one(turn, answer, turn.cases[0]["reference"])
    elif turn.cases:
        _list(turn, answer)
    else:
        answer.keep(asked={"intent": "check_status", "values": {}, "wants": "number"})
        answer.say("status.ask_number", buttons=[button("button.report", "report_complaint")])


def lacks_number(turn: Turn, answer: Answer) -> bool:
    """Help whoever is asked for a number and has none; False when none was asked for."""
    asked = turn.slot("asked")
    if not isinstance(asked, dict) or asked.get("wants") != "number":
        return False
    ways = [button("button.agent", "talk_to_agent"), button("button.report", "report_complaint")]
    answer.say("status.no_number", buttons=ways)
    return True


def _list(turn: Turn, answer: Answer) -> None:
    shown = turn.cases[:MOST_LISTED]
    lines = [
        said(
            "status.line",
            reference=case["reference"],
            title=_title(case),
            status=said(
                "status.waits" if case.get("number") == case["reference"] else f"status.{case['status']}"
            ),
        )
        for case in shown
    ]
    answer.say(
        "status.list",
        buttons=[
            button("", "check_status", title=case["reference"], reusable=True, reference=case["reference"])
            for case in shown[:3]
        ],
        cases={"$list": lines},
        count=len(turn.cases),
    )


async def _one(turn: Turn, answer: Answer, wanted: str) -> None:
    mine = (case for case in turn.cases if wanted.upper() in (case["reference"].upper(), case.get("number")))
    own = next(mine, None)
    if own and own.get("number") == own["reference"]:
        _unfiled(turn, answer, own)
        return
    wanted = own["reference"] if own else wanted
    permit = bool(_PERMIT.match(wanted)) or bool(own and own["kind"] == "permit")
    try:
        capability = Capability.PERMIT_STATUS if permit else Capability.COMPLAINT_STATUS
        if own:
            connector = runtime().registry.by_id(own["connector"])
            if capability not in connector.offers:
                # A department that has only a mailbox cannot be asked; what is known is what it told us.
                answer.keep(reference=wanted)
                _full(turn, answer, own, CaseState(wanted, CaseStatus(own["status"])))
                return
        else:
            connector = runtime().registry.find(turn.tenant, capability)
        state = await (connector.permit_status(wanted) if permit else connector.complaint_status(wanted))
    except CaseNotFound:
        answer.say(
            "error.case_not_found", buttons=[button("button.agent", "talk_to_agent")], reference=wanted
        )
        return
    except ConnectorError as error:
        answer.say(error.text_key, reason=error.detail)
        if own:
            answer.say("status.last_known", reference=wanted, status=said(f"status.{own['status']}"))
        return
    answer.keep(reference=wanted)
    if own:
        _full(turn, answer, own, state)
    elif permit:
        _permit(turn, answer, connector.id, state)
    else:
        answer.say(
            "status.others",
            reference=state.reference,
            status=said(f"status.{state.status.value}"),
            updated=_updated(state),
        )


def _full(turn: Turn, answer: Answer, own: Any, state: CaseState) -> None:
    promised = own.get("promised_at")
    overdue = bool(promised) and state.status.is_open and datetime.fromisoformat(promised) < turn.now
    closed = not state.status.is_open
    buttons = [
        button("button.add_info", "add_complaint_info", reusable=True, reference=state.reference),
        button("button.withdraw", "withdraw_complaint", reference=state.reference),
    ]
    if closed:
        buttons = [button("button.reopen", "reopen_complaint", reference=state.reference)]
    if overdue:
        buttons.append(button("button.agent", "talk_to_agent"))
    answer.say(
        "status.full",
        buttons=buttons if own["kind"] == "complaint" else [],
        reference=state.reference,
        title=_title(own) if own["kind"] == "complaint" else (state.title or _title(own)),
        status=_held(state),
        details=lines(
            _updated(state),
            said(
                "status.promised_late" if overdue else "status.promised",
                date=datetime.fromisoformat(promised),
            )
            if promised and state.status.is_open
            else "",
            _note(state),
        ),
    )


def _unfiled(turn: Turn, answer: Answer, own: Any) -> None:
    """A report that only has our number yet: what is known is said without asking its city."""
    answer.keep(reference=own["reference"])
    promised = own.get("promised_at")
    answer.say(
        "status.unfiled",
        buttons=[button("button.add_info", "add_complaint_info", reusable=True, reference=own["reference"])],
        reference=own["reference"],
        title=_title(own),
        details=said("status.promised", date=datetime.fromisoformat(promised)) if promised else "",
    )


def _permit(turn: Turn, answer: Answer, connector: str, state: CaseState) -> None:
    if state.status.is_open:
        answer.effect(CaseFollowed(connector, state.reference, "permit", state.status.value))
    answer.say(
        "status.permit_followed" if state.status.is_open else "status.permit",
        reference=state.reference,
        status=_held(state),
        details=lines(_updated(state), _note(state)),
    )


def _held(state: CaseState) -> dict[str, Any]:
    status = said(f"status.{state.status.value}")
    return said("status.held", status=status, holder=state.holder) if state.holder else status


def _note(state: CaseState) -> Any:
    return said("status.note", note=state.note) if state.note else ""


def _updated(state: CaseState) -> dict[str, Any]:
    return said("status.updated", date=state.updated_at) if state.updated_at else said("status.no_date")


def _title(case: Any) -> Any:
    topic = runtime().catalog.topics.get(case.get("topic") or "")
    if topic:
        return topic.title
    return (
        said(f"status.kind_{case['kind']}")
        if case["kind"] in {"permit", "information", "complaint"}
        else case["kind"]
    )
