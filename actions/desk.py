"""Where Rasa's calls arrive: a tracker becomes a Turn, an Answer becomes messages and events.

Every handler registered with `handles` gets an Action class here, every form its `validate_` action. Import
this module last: `python -m rasa_sdk --actions actions` loads all modules of the package and finds the
classes.
"""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import (
    aftercare,
    aside,
    booking,
    clinic,
    complaints,
    courtesy,
    filing,
    handoff,
    information,
    ownbookings,
    privacy,
    repair,
    reserving,
    services,
    status,
    turnboard,
    waitinglist,
)
from actions.forms import FORMS, Form
from actions.runtime import runtime
from actions.turn import HANDLERS, Answer, Handler, Turn, settle

Events = list[dict[str, Any]]
# Importing a subject registers its handlers and forms.
SUBJECTS = (
    aftercare,
    aside,
    booking,
    clinic,
    complaints,
    courtesy,
    filing,
    handoff,
    information,
    ownbookings,
    privacy,
    repair,
    reserving,
    services,
    status,
    turnboard,
    waitinglist,
)


def read_turn(tracker: Tracker) -> Turn:
    """Read what a handler needs from Rasa's tracker."""
    message = tracker.latest_message or {}
    metadata = message.get("metadata") or {}
    intent = message.get("intent") or {}
    pressed = bool(message.get("pressed"))
    entities = tuple(message.get("entities") or ())
    name = str(intent.get("name") or "unclear")
    topic = message.get("topic") or {}
    form = (tracker.active_loop or {}).get("name")
    recent = _since_citizen(tracker.events or [])
    return Turn(
        id=str(metadata.get("turn_id", "")),
        text="" if pressed else str(message.get("text") or ""),
        intent=name,
        confidence=float(intent.get("confidence") or 0.0),
        values={entity["entity"]: entity["value"] for entity in entities} if pressed else {},
        entities=() if pressed else entities,
        alternatives=tuple(message.get("intent_ranking") or ()),
        services=tuple(message.get("services") or ()),
        topic=topic.get("id") if isinstance(topic, dict) else None,
        pressed=pressed,
        tenant=str(metadata.get("tenant", "")),
        now=datetime.fromisoformat(metadata["now"]).astimezone(_zone(str(metadata.get("tenant", "")))),
        location=metadata.get("location"),
        photos=tuple(metadata.get("photos") or ()),
        cases=tuple(metadata.get("cases") or ()),
        bookings=tuple(metadata.get("bookings") or ()),
        waitings=tuple(metadata.get("waitings") or ()),
        person=metadata.get("person"),
        display_name=metadata.get("display_name"),
        language=metadata.get("language"),
        slots=tracker.slots or {},
        form=form,
        question=(tracker.slots or {}).get("requested_slot"),
        aside_answered=any(event.get("name") == "action_answer_aside" for event in recent),
        form_ran=form is not None
        and not any(event.get("event") == "active_loop" and event.get("name") == form for event in recent),
    )


def _zone(tenant: str) -> ZoneInfo:
    known = runtime().catalog.tenants.get(tenant)
    return ZoneInfo(known.timezone if known else "Asia/Jakarta")


def _since_citizen(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for index in range(len(events) - 1, -1, -1):
        if events[index].get("event") == "user":
            return events[index + 1 :]
    return events


def deliver(answer: Answer, dispatcher: CollectingDispatcher) -> Events:
    """Hand the bubbles and effects to Rasa; return the events that remember the rest."""
    for message in answer.messages:
        dispatcher.utter_message(json_message=message)
    for effect in answer.effects:
        dispatcher.utter_message(json_message={"effect": effect})
    events: Events = [SlotSet(name, value) for name, value in answer.slots.items()]
    if answer.followup:
        events.append(FollowupAction(answer.followup))
    return events


class _Answering(Action, ABC):
    """An action that runs one handler."""

    handler: Handler

    @abstractmethod
    def name(self) -> str:
        """Rasa's name of the action."""

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        turn, answer = read_turn(tracker), Answer()
        await type(self).handler(turn, answer)
        settle(turn, answer)
        return deliver(answer, dispatcher)


class _Validating(Action, ABC):
    """The validator of one form: it decides, speaks, and names the next question."""

    form: Form

    @abstractmethod
    def name(self) -> str:
        """Rasa's name of the validator."""

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        turn, answer = read_turn(tracker), Answer()
        verdict = await self.form.decide(turn, answer)
        if verdict is None:
            return []
        if not turn.aside_answered:
            settle(turn, answer)
        events = deliver(answer, dispatcher)
        events += [SlotSet(name, value) for name, value in verdict.slots.items()]
        return [*events, SlotSet("requested_slot", verdict.question)]


def _class(name: str, base: type[Action], **members: Any) -> type[Action]:
    return type(name, (base,), {"name": lambda self: name, "__module__": __name__, **members})


# The executor finds these as subclasses of Action; its worker processes look them up here by their name.
ACTIONS = {
    **{name: _class(name, _Answering, handler=staticmethod(handler)) for name, handler in HANDLERS.items()},
    **{
        f"validate_{form.name}": _class(f"validate_{form.name}", _Validating, form=form)
        for form in FORMS.values()
    },
}
globals().update(ACTIONS)
