"""The right counter for what a citizen wants: which services have a queue, and when nobody need come."""

from collections.abc import Callable
from typing import Any

from actions import reading
from actions.runtime import runtime
from actions.turn import Answer, Turn, button, choice
from connectors.capabilities import Capability
from connectors.errors import NotOffered
from intents.catalog import Service

THE_QUEUE_ITSELF = "mpp_antrean"
CLINIC = "antrean_puskesmas"
"""Booked in a form of its own: a puskesmas asks for other things than a counter."""
COMMON = ("ktp_baru", "kk_ubah", "akta_kelahiran", "skck", "paspor")


def bookable(tenant: str) -> Callable[[str], bool]:
    """Return a test that says whether an app of this government gives places for a service."""

    def test(service_id: str) -> bool:
        service = runtime().catalog.services.get(service_id)
        if service is None or "book" not in service.verbs or service.id == THE_QUEUE_ITSELF:
            return False
        try:
            runtime().registry.find(tenant, Capability.BOOKING_RESERVE, service.id)
        except NotOffered:
            return False
        return True

    return test


def ask(turn: Turn, answer: Answer) -> bool:
    """Ask what the visit is for; False when this government has no queue here at all."""
    catalog, offered = runtime().catalog, bookable(turn.tenant)
    if not any(offered(service.id) for service in catalog.services_for(turn.tenant)):
        answer.say("booking.not_connected", buttons=[button("button.agent", "talk_to_agent")])
        return False
    candidates = [name for name, _ in reading.services(turn, offered)][:3]
    if candidates and not turn.pressed:
        answer.opening = None
        answer.say("booking.which_service", buttons=_named(candidates), form="booking")
    else:
        common = _named([name for name in COMMON if offered(name)])
        answer.say("booking.ask_service", buttons=common, form="booking")
    return True


def refuse(turn: Turn, service: Service, answer: Answer) -> bool:
    """Say that a service has no queue here; False when it has one."""
    if bookable(turn.tenant)(service.id):
        return False
    answer.say(
        "booking.no_queue",
        buttons=[button("button.requirements", "ask_requirements", service=service.id)],
        service=service.title,
    )
    return True


def advise(turn: Turn, service: Service, answer: Answer) -> None:
    """Before the first question about a service: what is known already, and whether a visit is needed."""
    held = next(
        (
            entry
            for entry in turn.bookings
            if entry.get("service") == service.id and entry.get("status") in {"booked", "rescheduled"}
        ),
        None,
    )
    if held:
        answer.open_with(
            "booking.already",
            number=held.get("number") or held["code"],
            when=reading.moment(held["starts_at"], turn),
        )
    elif without_visit := service.details.get("no_visit"):
        answer.open_with("booking.no_visit", service=service.title, how=str(without_visit))


def _named(services: list[str]) -> list[dict[str, Any]]:
    return [choice("", name, title=runtime().catalog.services[name].title) for name in services]
