"""Rights and facts that are asked for by name: public information, legal advice, bills, data."""

from dataclasses import replace

from actions import reading
from actions.runtime import runtime
from actions.services import show, where
from actions.turn import Answer, Turn, button, handles

# UU 14/2008 art. 22: ten working days, extended once by seven with a written reason.
ANSWER_DAYS = 10
EXTENSION_DAYS = 7


@handles("action_public_information", "request_public_information")
async def public_information(turn: Turn, answer: Answer) -> None:
    """How to ask the PPID, and until when it must answer."""
    latest = runtime().calendar.deadline(turn.now, ANSWER_DAYS)
    answer.say(
        "information.ppid" if latest else "information.ppid_without_date",
        buttons=[
            button("button.requirements", "ask_requirements", service="ppid"),
            button("button.agent", "talk_to_agent"),
        ],
        days=ANSWER_DAYS,
        more=EXTENSION_DAYS,
        latest=latest.date() if latest else None,
    )
    answer.keep(service="ppid")


@handles("action_legal_consult", "ask_legal_consult")
async def legal_consult(turn: Turn, answer: Answer) -> None:
    """The free consultation of the city, if it has one."""
    await _show(turn, answer, "konsultasi_hukum", "information.legal_unknown")


@handles("action_check_bill", "check_bill")
async def bill(turn: Turn, answer: Answer) -> None:
    """No bill can be looked up here yet: say so, and where it can."""
    service = (
        "retribusi_pasar"
        if any(name == "retribusi_pasar" for name, _ in reading.services(turn)[:1])
        else "pbb_bayar"
    )
    known = runtime().catalog.services.get(service)
    answer.say(
        "information.bill",
        buttons=[
            button("button.place", "ask_hours_location", service=service),
            button("button.requirements", "ask_requirements", service=service),
        ],
        where=(known.url or where(turn, known)) if known else "-",
        title=known.title if known else "PBB-P2",
    )
    answer.keep(service=service)


@handles("action_query_data", "query_data")
async def data(turn: Turn, answer: Answer) -> None:
    """Figures are not connected yet: say so, and where they are published."""
    portal = runtime().fact(turn.tenant, "portal", "name") or "-"
    named = reading.service(turn)
    service = runtime().catalog.services.get(named or "")
    if service and service.url:
        answer.say("information.data_at", title=service.title, url=service.url)
        return
    if service and "query" not in service.verbs:
        show(turn, service, answer)
        return
    answer.say("information.data", buttons=[button("button.agent", "talk_to_agent")], portal=portal)


async def _show(turn: Turn, answer: Answer, service_id: str, unknown: str) -> None:
    service = runtime().catalog.services.get(service_id)
    if service and service.serves(turn.tenant):
        show(replace(turn, text=""), service, answer)
    else:
        answer.say(unknown, buttons=[button("button.agent", "talk_to_agent")])
