"""The review card: everything that will be filed, on one bubble, before it is."""

from collections.abc import Iterable, Sequence
from typing import Any

from actions import reports
from actions.runtime import runtime
from actions.turn import Answer, choice, lines, said


def show(answer: Answer, *, topic: str, description: str, place: dict[str, Any], photos: list[Any],
         anonymous: bool, confidential: bool, details: Iterable[Sequence[Any]] = ()) -> None:  # fmt: skip
    """Say the card."""
    when = reports.words().when(description)
    answer.say(
        "complaint.review",
        buttons=[
            choice("button.send", "send"),
            choice("button.edit", "edit"),
            choice("button.cancel", "cancel"),
        ],
        topic=runtime().catalog.topics[topic].title,
        description=description,
        place=lines(
            spoken_place(place),
            *(said("complaint.detail", question=question, answer=answer) for question, answer in details),
        ),
        time=when or said("complaint.no_time"),
        photos=lines(
            said("complaint.photos", count=len(photos)) if photos else said("complaint.no_photo"),
            said("complaint.anonymous") if anonymous else "",
            said("complaint.confidential") if confidential else "",
        ),
    )


def spoken_place(place: dict[str, Any]) -> Any:
    """A place as the citizen gave it: their own words, with a sign when there is a pin as well."""
    if place.get("text"):
        return f"{place['text']} 📍" if place.get("latitude") is not None else place["text"]
    return said("complaint.pin")
