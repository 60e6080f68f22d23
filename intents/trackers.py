"""Rasa's memory for exactly one turn.

The front door sends the state of a dialogue with every turn and stores the new one with the replies, so
nothing here outlives a request: any Rasa process can answer any turn, and turn 200 costs what turn 1 costs.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import (
    ACTION_LISTEN_NAME,
    ACTION_SESSION_START_NAME,
    REQUESTED_SLOT,
    SESSION_START_METADATA_SLOT,
)
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, Event, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

_NOT_KEPT = {REQUESTED_SLOT, SESSION_START_METADATA_SLOT}


class TurnTrackers(TrackerStore):
    """Holds the trackers of the turns that are being answered right now. Saving keeps nothing."""

    live: ClassVar[dict[str, DialogueStateTracker]] = {}

    def __init__(self, domain: Domain | None = None, event_broker: Any = None, **kwargs: Any) -> None:
        kwargs.pop("host", None)
        super().__init__(domain, event_broker, **kwargs)

    @property
    def domain(self) -> Domain:
        """The domain of the loaded model."""
        return self._domain

    @domain.setter
    def domain(self, domain: Domain | None) -> None:
        self._domain = domain or Domain.empty()

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """Return the live tracker itself, not a copy: one turn has one tracker."""
        return self.live.get(sender_id)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Keep nothing: the channel reads the tracker before it lets it go."""

    async def keys(self) -> list[str]:
        """List the turns in flight."""
        return list(self.live)


def remember(tracker: DialogueStateTracker) -> dict[str, Any]:
    """Reduce a tracker to what the next turn needs: filled slots, the form in progress and its question."""
    slots = {name: slot.value for name, slot in tracker.slots.items() if slot.value is not None}
    state: dict[str, Any] = {"slots": {name: value for name, value in slots.items() if name not in _NOT_KEPT}}
    if tracker.active_loop_name:
        state["form"] = tracker.active_loop_name
        state["question"] = tracker.get_slot(REQUESTED_SLOT)
    return state


def restore(sender: str, state: Mapping[str, Any] | None, domain: Domain) -> DialogueStateTracker:
    """Build the tracker of a turn from what was remembered.

    Slots and forms that the domain no longer knows are dropped: a state may be older than the model.
    """
    known = {slot.name for slot in domain.slots}
    given = state or {}
    events: list[Event] = [ActionExecuted(ACTION_SESSION_START_NAME), SessionStarted()]
    events += [
        SlotSet(name, value) for name, value in given.get("slots", {}).items() if name in known - _NOT_KEPT
    ]
    form = given.get("form")
    if form in domain.form_names:
        events += [ActionExecuted(form), ActiveLoop(form), SlotSet(REQUESTED_SLOT, given.get("question"))]
    events.append(ActionExecuted(ACTION_LISTEN_NAME))
    return DialogueStateTracker.from_events(sender, events, slots=domain.slots)
