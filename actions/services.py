"""Finding a service: what it needs, what it costs, where and when, and what to do next."""

from typing import Any

from actions import reading, reports
from actions.counters import bookable
from actions.effects import ServiceShown
from actions.runtime import runtime
from actions.turn import Answer, Turn, button, handles, lines, said
from intents.catalog import Service

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_STEPS = 8
MPP = "mpp_antrean"


async def _chosen(turn: Turn, answer: Answer, intent: str) -> Service | None:
    """The service that is meant: named now, offered as a choice, or the one just talked about."""
    catalog = runtime().catalog
    sure = reading.service(turn)
    if sure:
        return catalog.services[sure]
    candidates = reading.services(turn)
    if not candidates:
        known = _known(turn)
        if known and known in catalog.services and intent != "find_service":
            return catalog.services[known]
        _ask_which(turn, answer)
        return None
    known = _known(turn)
    if known and known in catalog.services and intent != "find_service" and len(turn.text.split()) <= 3:
        return catalog.services[known]
    offered = [catalog.services[name] for name, _ in candidates[: 4 if reading.family(turn) else 3]]
    answer.say(
        "service.which",
        buttons=[
            *(button("", intent, title=service.title, service=service.id) for service in offered),
            button("button.none_of_these", "find_service", none="yes"),
        ],
    )
    return None


def _counter_named(turn: Turn) -> dict[str, Any] | None:
    """The counter of the MPP whose name stands in the message."""
    words = set(turn.text.lower().replace("?", " ").split())
    counters = runtime().fact(turn.tenant, "mpp", "counters") or {}
    return next((entry for name, entry in counters.items() if name in words), None)


def _known(turn: Turn) -> str | None:
    """The service that is being booked, or else the one that was shown last."""
    return (turn.slot("booking_service") if turn.form else None) or turn.slot("service")


def _ask_which(turn: Turn, answer: Answer) -> None:
    if turn.values.get("none"):
        answer.say(
            "service.none_of_these",
            buttons=[button("button.agent", "talk_to_agent"), button("button.help", "help")],
        )
        return
    answer.say(
        "service.ask", buttons=[button("button.help", "help"), button("button.agent", "talk_to_agent")]
    )


@handles("action_find_service", "find_service")
async def find(turn: Turn, answer: Answer) -> None:
    """Show the service that was meant in one bubble; *lapor sampah* is a report, whatever it sounds like."""
    if not turn.form and not turn.pressed and reports.begins_one(turn.text, runtime().catalog):
        answer.followup = "complaint_form"
        return
    service = await _chosen(turn, answer, "find_service")
    if service is None:
        return
    if "internal" in service.verbs:
        answer.say("internal.declined", buttons=[button("button.help", "help")], title=service.title)
        return
    show(turn, service, answer)


def show(turn: Turn, service: Service, answer: Answer) -> None:
    """One bubble: requirements, cost, time, where, and how fresh this is."""
    answer.keep(service=service.id, misses=None)
    answer.effect(ServiceShown(service.id))
    answer.say(
        "service.card" if service.persyaratan else "service.card_without_requirements",
        buttons=_next_steps(turn, service, "place"),
        title=lines(
            said("service.title", title=service.title),
            said("service.old_name", name=", ".join(service.old_names))
            if _asked_by_old_name(turn, service)
            else "",
        ),
        owner=_owner(turn, service),
        requirements={"$list": list(service.persyaratan)},
        cost=service.biaya or said("service.unknown"),
        time=service.waktu or said("service.unknown"),
        where=lines(where(turn, service), said("service.link", url=service.url) if service.url else ""),
        checked=_checked(service),
    )


@handles("action_service_requirements", "ask_requirements")
async def requirements(turn: Turn, answer: Answer) -> None:
    """Only the papers, and the steps when they are known."""
    service = await _chosen(turn, answer, "ask_requirements")
    if service is None:
        return
    answer.keep(service=service.id, misses=None)
    answer.effect(ServiceShown(service.id))
    if not service.persyaratan:
        answer.say(
            "service.requirements_unknown",
            buttons=_next_steps(turn, service, "place"),
            title=service.title,
            owner=_owner(turn, service),
        )
        return
    answer.say(
        "service.requirements",
        buttons=_next_steps(turn, service, "place"),
        title=service.title,
        requirements=lines(
            {"$list": list(service.persyaratan)},
            said("service.steps", steps={"$list": list(service.prosedur[:MOST_STEPS])})
            if service.prosedur
            else "",
        ),
        checked=_checked(service),
    )


@handles("action_service_place", "ask_hours_location")
async def place(turn: Turn, answer: Answer) -> None:
    """Where and when; without a service, the hours of the MPP."""
    catalog = runtime().catalog
    known = _known(turn)
    named = reading.service(turn)
    counter = None if turn.pressed or named not in (None, MPP) else _counter_named(turn)
    if counter:
        answer.say(
            "service.counter_hours",
            buttons=[button("button.book_new", "book_queue")],
            counter=counter["title"],
            name=runtime().fact(turn.tenant, "mpp", "name"),
            address=runtime().fact(turn.tenant, "mpp", "address") or said("service.unknown"),
            hours=_hours(turn, counter.get("hours")) or said("service.hours_unknown"),
            source=counter.get("source") or "-",
        )
        return
    if named == MPP or (not turn.pressed and not reading.services(turn) and known not in catalog.services):
        mpp = runtime().fact(turn.tenant, "mpp") or {}
        if mpp:
            answer.say(
                "service.mpp",
                buttons=[button("button.book_new", "book_queue")],
                name=mpp.get("name"),
                address=mpp.get("address") or said("service.unknown"),
                hours=_hours(turn, str(mpp.get("hours") or "")) or said("service.unknown"),
                source=mpp.get("source") or "-",
            )
            return
    service = await _chosen(turn, answer, "ask_hours_location")
    if service is None:
        return
    answer.keep(service=service.id, misses=None)
    hours = _hours(turn, service.hours)
    answer.say(
        "service.place",
        buttons=_next_steps(turn, service, "requirements"),
        title=service.title,
        where=where(turn, service),
        hours=lines(
            hours or said("service.hours_unknown"),
            said("service.link", url=service.url) if service.url else "",
        ),
        checked=_checked(service),
    )


@handles("action_service_cost", "ask_cost_duration")
async def cost(turn: Turn, answer: Answer) -> None:
    """What it costs and how long it takes."""
    service = await _chosen(turn, answer, "ask_cost_duration")
    if service is None:
        return
    answer.keep(service=service.id, misses=None)
    answer.say(
        "service.cost",
        buttons=_next_steps(turn, service, "requirements"),
        title=service.title,
        cost=service.biaya or said("service.unknown"),
        time=service.waktu or said("service.unknown"),
        checked=_checked(service),
    )


def _next_steps(turn: Turn, service: Service, other: str) -> list[dict[str, Any]]:
    """What one does next with this service: at most three buttons."""
    steps = []
    if bookable(turn.tenant)(service.id):
        steps.append(button("button.book", "book_queue", reusable=True, service=service.id))
    if "file" in service.verbs and service.id.startswith("pengaduan"):
        steps.append(button("button.report", "report_complaint", reusable=True))
    if other == "place":
        steps.append(button("button.place", "ask_hours_location", reusable=True, service=service.id))
    else:
        steps.append(button("button.requirements", "ask_requirements", reusable=True, service=service.id))
    steps.append(button("button.agent", "talk_to_agent", reusable=True))
    return steps[:3]


def _owner(turn: Turn, service: Service) -> str:
    names = runtime().fact(turn.tenant, "agencies") or {}
    return str(names.get(service.owner, service.owner))


def where(turn: Turn, service: Service) -> Any:
    counters = runtime().fact(turn.tenant, "mpp", "counters") or {}
    mpp = runtime().fact(turn.tenant, "mpp") or {}
    counter = counters.get(service.counter or "")
    if counter:
        return said(
            "service.counter",
            counter=counter.get("title"),
            name=mpp.get("name"),
            address=mpp.get("address") or "-",
        )
    return service.counter or _owner(turn, service) or said("service.unknown")


def _hours(turn: Turn, key: str | None) -> dict[str, Any] | None:
    """The opening hours of a tenant's counter as lines, equal days together."""
    entry = runtime().fact(turn.tenant, "hours", key) if key else None
    if not entry or not entry.get("days"):
        return None
    days = [tuple(tuple(span) for span in entry["days"].get(day, ())) for day in WEEK]
    lines: list[Any] = []
    start = 0
    for index in range(1, len(WEEK) + 1):
        if index == len(WEEK) or days[index] != days[start]:
            if days[start]:
                spans = ", ".join(f"{a}-{b}".replace(":", ".") for a, b in days[start])
                first, last = said(f"weekday.{WEEK[start]}"), said(f"weekday.{WEEK[index - 1]}")
                key_name = "service.day_hours" if index - 1 == start else "service.days_hours"
                lines.append(said(key_name, first=first, last=last, spans=spans))
            start = index
    return {"$list": lines} if lines else None


def _asked_by_old_name(turn: Turn, service: Service) -> bool:
    text = f" {turn.text.lower()} "
    return any(f" {name.lower()} " in text for name in service.old_names)


def _checked(service: Service) -> dict[str, Any]:
    if service.last_verified and service.source:
        return said("service.checked", source=service.source, date=service.last_verified)
    return said("service.unchecked")
