"""Complaints: from the first words to a number and a promised date."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, ClassVar

from actions import reading
from actions.effects import CaseOpened, CaseQueued
from actions.forms import SURE, Form, register
from actions.runtime import runtime
from actions.turn import HANDLERS, Answer, Turn, button, choice, handles, lines, said
from connectors.capabilities import Capability, CaseComment, ComplaintDraft, Photo, Place
from connectors.errors import BackendUnreachable, ConnectorError, NotOffered

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
        review = str(draft.get(REVIEW) or "")
        if review == "edit":
            draft[REVIEW] = None
            answer.say(
                "complaint.what_to_change", buttons=[choice(f"button.edit_{name}", name) for name in EDITS]
            )
            return REVIEW
        if review.startswith("edit_"):
            question = EDITS[review.removeprefix("edit_")]
            draft[REVIEW] = draft[question] = None
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
                said("complaint.confidential") if _confidential(topic.id) else "",
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


def _confidential(topic: str) -> bool:
    return bool(runtime().catalog.topics[topic].details.get("confidential_default"))


def _spoken_place(place: dict[str, Any]) -> Any:
    if place.get("text"):
        return f"{place['text']} 📍" if place.get("latitude") is not None else place["text"]
    return said("complaint.pin")


register(ComplaintForm())


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
            answer.keep(**dict.fromkeys(DRAFT))
    elif how == "erase":
        await HANDLERS["action_delete_data"](replace(turn, values={"sure": "yes"}), answer)
    else:
        if how == "cancel":
            answer.say("complaint.cancelled", buttons=[button("button.help", "help")])
        answer.keep(**dict.fromkeys(DRAFT))


async def _file(turn: Turn, answer: Answer) -> None:
    topic = runtime().catalog.topics[turn.slot(TOPIC)]
    spot = turn.slot(WHERE) or {}
    draft = ComplaintDraft(
        idempotency_key=turn.key("complaint"),
        topic=topic.id,
        description=turn.slot(WHAT),
        place=Place(
            text=spot.get("text"),
            latitude=spot.get("latitude"),
            longitude=spot.get("longitude"),
            region_code=spot.get("region"),
        ),
        photos=tuple(Photo(photo["url"]) for photo in turn.slot(PHOTO) or ()),
        reporter=None if _confidential(topic.id) else turn.display_name,
        confidential=_confidential(topic.id),
    )
    connector = None
    try:
        connector = runtime().registry.find(turn.tenant, Capability.COMPLAINT_SUBMIT, topic.id)
        receipt = await connector.submit_complaint(draft)
    except BackendUnreachable as error:
        answer.effect(CaseQueued(error.connector, _plain(draft)))
        answer.say("complaint.queued")
        answer.keep(**dict.fromkeys(DRAFT))
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
    answer.keep(**dict.fromkeys(DRAFT), reference=receipt.reference)


def working_days(topic: str) -> int:
    """How many working days the city gives itself for a topic."""
    return int(runtime().catalog.topics[topic].details.get("working_days") or 5)


def promise(topic: str, now: datetime) -> datetime | None:
    """Until when a report filed now is answered; None past the last loaded calendar year."""
    return runtime().calendar.deadline(now, working_days(topic))


def _plain(draft: ComplaintDraft) -> dict[str, Any]:
    return asdict(draft)


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
