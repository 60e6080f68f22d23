"""Complaints: from the first words to a number and a promised date."""

from typing import Any, ClassVar

from actions import reading
from actions.forms import SURE, Form, register
from actions.runtime import runtime
from actions.turn import Answer, Turn, button, choice, lines, said
from connectors.capabilities import Capability
from connectors.errors import NotOffered

TOPIC, WHAT, WHERE, PHOTO, REVIEW = (
    f"complaint_{field}" for field in ("topic", "description", "place", "photo", "review")
)
DRAFT = (TOPIC, WHAT, WHERE, PHOTO, REVIEW)
COMMON = (
    "jalan_rusak",
    "lampu_jalan",
    "sampah",
    "drainase_banjir",
    "pohon",
    "parkir_liar",
    "kebisingan",
    "pelayanan_petugas",
)
SHORTEST = 10
WORDS_OF_A_STORY = 6
LONGEST = 1500
MOST_PHOTOS = 5
EDITS = {"topic": TOPIC, "description": WHAT, "where": WHERE, "photo": PHOTO}


class ComplaintForm(Form):
    """Asks for what happened and where first; the rest follows from that or is offered."""

    name = "complaint_form"
    prefix = "complaint"
    start = "report_complaint"
    rival = "book_queue"
    order = DRAFT
    edits = EDITS
    skippable: ClassVar = {PHOTO: []}
    free_text: ClassVar = {WHAT: SURE, WHERE: SURE}
    fixed = frozenset({WHAT})

    async def begin(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """Take the first message, photos and a pin that came before it, or pick up a draft that was put
        aside."""
        found: dict[str, Any] = {REVIEW: None}
        if turn.intent == "choose":
            return found
        if draft.get(WHAT):
            answer.open_with("complaint.resumed")
        if turn.pressed:
            if topic := reading.topic(turn):
                found[TOPIC] = topic
            if service := turn.values.get("about"):
                found[WHAT] = None
                answer.keep(service=service)
        else:
            found.update(await self.harvest(turn, draft))
        if draft.get(PHOTO) is None and (photos := turn.slot("loose_photos")):
            found[PHOTO] = photos
        if draft.get(WHERE) is None and WHERE not in found and (spot := turn.slot("loose_place")):
            found[WHERE] = spot
        answer.keep(loose_photos=None, loose_place=None)
        return found

    async def harvest(self, turn: Turn, draft: dict[str, Any]) -> dict[str, Any]:
        """Topic, description, place and photos, as far as the draft lacks them."""
        found: dict[str, Any] = {}
        if turn.photos:
            found[PHOTO] = _photos(turn, draft)
        spot = reading.place(turn)
        known: Any = draft.get(WHERE)
        if spot and known is None:
            found[WHERE] = spot
        elif spot and _incomplete(known) and spot.get("text") not in (None, known.get("text")):
            found[WHERE] = {**known, **spot, "text": f"{known['text']}, {spot['text']}"}
        text = turn.text.strip()
        if not text:
            return found
        topic = reading.topic(turn)
        if topic and draft.get(TOPIC) is None:
            found[TOPIC] = topic
        tells = topic or turn.form_ran or len(text.split()) >= WORDS_OF_A_STORY
        if draft.get(WHAT) is None and len(text) >= SHORTEST and tells:
            found[WHAT] = text[:LONGEST]
        return found

    def covers(self, turn: Turn, question: str) -> bool:
        """A message that is mostly a place says where; a short one that names a topic says what."""
        if question in {WHERE, PHOTO, REVIEW}:
            return reading.mostly(turn, (reading.place(turn) or {}).get("text"))
        return question == TOPIC and len(turn.text.split()) <= 3 and reading.topic(turn) is not None

    async def correct(self, turn: Turn, draft: dict[str, Any]) -> dict[str, Any]:
        """Another topic, place or photo; a part of the place changes only that part."""
        found = await super().correct(turn, draft)
        if WHERE in found and draft.get(WHERE):
            found[WHERE] = reading.amended(draft[WHERE], found[WHERE])
        return found

    async def read(self, question: str, turn: Turn, draft: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """Read the answer to one question."""
        if turn.photos:
            return {PHOTO: _photos(turn, draft)}
        if turn.location and not turn.text.strip():
            return {
                WHERE: _joined(
                    draft.get(WHERE), {"latitude": turn.location["lat"], "longitude": turn.location["lon"]}
                )
            }
        value = str(turn.values.get("value", ""))
        text = turn.text.strip()
        if question == TOPIC:
            topic = value if value in runtime().catalog.topics else reading.topic(turn)
            return {TOPIC: topic} if topic else {}
        if question == WHAT:
            if len(text) < SHORTEST:
                if text:
                    answer.open_with("complaint.too_short")
                return {}
            return {WHAT: text[:LONGEST]}
        if question == WHERE:
            if len(text) < 3:
                return {}
            known = draft.get(WHERE) or {}
            said_before = f"{known['text']}, " if known.get("text") else ""
            spot = reading.place(turn) or {}
            if not spot and turn.intent == self.start and turn.topic and known:
                return {WHAT: f"{draft[WHAT]}\n{text}"[:LONGEST]}
            return {WHERE: {**known, **spot, "text": (said_before + text)[:300]}}
        if question == PHOTO:
            return {}
        return self._review(turn, value)

    def _review(self, turn: Turn, value: str) -> dict[str, Any]:
        step = value or runtime().words.step(turn.text) or {"affirm": "yes", "deny": "no"}.get(turn.intent)
        if step in {"send", "yes"}:
            return {REVIEW: "send"}
        if step in {"edit", "no"}:
            return {REVIEW: "edit"}
        if value in EDITS:
            return {REVIEW: f"edit_{value}"}
        return {}

    async def ask(self, question: str, turn: Turn, draft: dict[str, Any], answer: Answer) -> str | None:
        """Ask for what is missing; what happened comes before what it is called."""
        if not _connected(turn, draft.get(TOPIC)):
            brand = runtime().fact(turn.tenant, "complaint", "brand")
            key = "complaint.not_connected_with_brand" if brand else "complaint.not_connected"
            answer.say(key, buttons=[button("button.agent", "talk_to_agent")], brand=brand)
            draft[REVIEW] = "outside"
            return None
        outside = _outside(draft.get(TOPIC))
        if outside:
            self._not_ours(turn, draft, answer)
            return None
        edited = self.edit(question, draft, answer)
        if edited is None:
            return REVIEW
        question = edited
        if question == TOPIC and draft.get(WHAT) is None:
            question = WHAT
        if (draft.get(WHERE) or {}).get("government"):
            return self._elsewhere(turn, draft, answer)
        if question in {PHOTO, REVIEW} and _vague(draft[WHERE]):
            draft[WHERE] = {**draft[WHERE], "asked": True}
            answer.say(
                "complaint.ask_village" if draft[WHERE].get("exact") else "complaint.ask_spot",
                ask_location=True,
            )
            return WHERE
        if question == WHAT:
            if draft.get(TOPIC):
                topic = runtime().catalog.topics[draft[TOPIC]]
                answer.say("complaint.ask_description_of", topic=topic.title.lower())
            else:
                answer.say("complaint.ask_description")
        elif question == TOPIC:
            topics = runtime().catalog.topics
            answer.say(
                "complaint.ask_topic",
                buttons=[choice("", name, title=topics[name].title) for name in COMMON if name in topics],
            )
        elif question == WHERE:
            answer.say("complaint.ask_place", ask_location=True)
        elif question == PHOTO:
            answer.say("complaint.ask_photo", buttons=[choice("button.skip", "skip")])
        else:
            self._card(draft, answer)
        return question

    def _card(self, draft: dict[str, Any], answer: Answer) -> None:
        topic = runtime().catalog.topics[draft[TOPIC]]
        answer.say(
            "complaint.review",
            buttons=[
                choice("button.send", "send"),
                choice("button.edit", "edit"),
                choice("button.cancel", "cancel"),
            ],
            topic=topic.title,
            description=draft[WHAT],
            place=_spoken_place(draft[WHERE]),
            photos=lines(
                said("complaint.photos", count=len(draft[PHOTO]))
                if draft[PHOTO]
                else said("complaint.no_photo"),
                said("complaint.confidential") if confidential(topic.id) else "",
            ),
        )

    def _elsewhere(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> str:
        """The place belongs to a neighbour: say whose it is, and ask for another place or an end."""
        place = draft[WHERE]
        neighbour = place.pop("government")
        brand = (
            runtime().fact(neighbour, "complaint", "brand")
            if neighbour in runtime().catalog.tenants
            else None
        )
        government = (
            runtime().catalog.tenants[neighbour].short_name
            if neighbour in runtime().catalog.tenants
            else neighbour
        )
        draft[WHERE] = None
        answer.say(
            "complaint.elsewhere_with_brand" if brand else "complaint.elsewhere",
            buttons=[choice("button.cancel", "cancel")],
            place=place.get("text", ""),
            government=government,
            brand=brand,
        )
        return WHERE

    def _not_ours(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> None:
        topic = runtime().catalog.topics[draft[TOPIC]]
        names = runtime().fact(turn.tenant, "agencies") or {}
        owner = str(names.get(topic.owner, topic.owner.upper()))
        answer.say(f"complaint.not_ours_{topic.owner}", owner=owner, topic=topic.title)
        draft[REVIEW] = "outside"


def _photos(turn: Turn, draft: dict[str, Any]) -> list[dict[str, str]]:
    known = [*(draft.get(PHOTO) or []), *(dict(photo) for photo in turn.photos)]
    return list({photo["media_id"]: photo for photo in known}.values())[:MOST_PHOTOS]


def _joined(known: dict[str, Any] | None, more: dict[str, Any]) -> dict[str, Any]:
    return {**(known or {}), **more}


def _connected(turn: Turn, topic: str | None) -> bool:
    """Say whether this government takes complaints here; what others own is told apart later."""
    try:
        runtime().registry.find(turn.tenant, Capability.COMPLAINT_SUBMIT, None if _outside(topic) else topic)
    except NotOffered:
        return False
    return True


def _incomplete(place: dict[str, Any]) -> bool:
    """A desk needs a pin, or the kelurahan and a spot in it."""
    return place.get("latitude") is None and not (place.get("region") and place.get("exact"))


def _vague(place: dict[str, Any]) -> bool:
    """What is missing of a place is asked for once."""
    return _incomplete(place) and not place.get("asked")


def _outside(topic: str | None) -> bool:
    if topic is None:
        return False
    jurisdiction = runtime().catalog.topics[topic].jurisdiction
    return bool(jurisdiction) and jurisdiction != "city"


def confidential(topic: str) -> bool:
    """Say whether a topic is kept from the public unless the citizen says otherwise."""
    return bool(runtime().catalog.topics[topic].details.get("confidential_default"))


def _spoken_place(place: dict[str, Any]) -> Any:
    if place.get("text"):
        return f"{place['text']} 📍" if place.get("latitude") is not None else place["text"]
    return said("complaint.pin")


register(ComplaintForm())
