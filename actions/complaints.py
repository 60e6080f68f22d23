"""Complaints: from the first words to a number and a promised date."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from actions import card, details, jurisdiction, owners, reading, reports
from actions.effects import SimilarAsked
from actions.forms import SURE, Form, Verdict, chosen, register, written
from actions.runtime import runtime
from actions.turn import Answer, Turn, choice
from intents import places

TOPIC, WHAT, WHERE, OWNER, CONFIDENTIAL, ANONYMOUS, DETAILS, PHOTO, REVIEW = DRAFT = (
    "complaint_topic",
    "complaint_description",
    "complaint_place",
    "complaint_owner",
    "complaint_confidential",
    "complaint_anonymous",
    "complaint_details",
    "complaint_photo",
    "complaint_review",
)
# What a finished or dropped report leaves nothing of.
KEPT = (*DRAFT, details.ASKS, "draft_key")
# What is asked for only when a topic, a word, the citizen or the city's system gives a reason.
UNASKED = (OWNER, CONFIDENTIAL, ANONYMOUS, DETAILS, PHOTO)
IDENTITY = {"confidential": CONFIDENTIAL, "anonymous": ANONYMOUS}
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
# So few words that pick one of several places are about nothing else.
SHORT = 6
WORDS_OF_A_STORY = 6
LONGEST = 1500
MOST_PHOTOS = 5
# From so many problems in one message on, one report cannot hold them.
# As many as a list of WhatsApp has rows.
SEVERAL, MOST_TOPICS = 3, 10
EDITS = {"topic": TOPIC, "description": WHAT, "where": WHERE, "details": DETAILS, "photo": PHOTO}
TIRADE = "pelayanan_petugas"
_NOT_THERE = re.compile(
    r"^\W*(?:eh|maaf|lho|lo)?\W*bukan\b[^,;]*(?:[,;]|\btapi\b|\bmelainkan\b)\s*", re.IGNORECASE
)


class ComplaintForm(Form):
    """Asks for what happened and where first; the rest follows from that or is offered on the card."""

    name = "complaint_form"
    prefix = "complaint"
    start = "report_complaint"
    rival = "book_queue"
    order = DRAFT
    edits = EDITS
    skippable: ClassVar = {PHOTO: [], CONFIDENTIAL: False, ANONYMOUS: False}
    free_text: ClassVar = {WHAT: SURE, WHERE: SURE, DETAILS: SURE}
    fixed = frozenset({WHAT, OWNER, CONFIDENTIAL, ANONYMOUS, DETAILS})
    quiet = frozenset(UNASKED)

    def sheet(self, turn: Turn, given: Mapping[str, Any]) -> list[tuple[str, Turn]]:
        """Without a topic the story names it, as it does in the chat; an empty tick decides nothing."""
        story = written(turn, given.get("description", ""))
        fields = [(TOPIC, chosen(turn, given["topic"]) if given.get("topic") else story), (WHAT, story)]
        if place := str(given.get("place", "")).strip():
            area = places.gazetteer().areas.get(str(given.get("village")))
            named = area is None or area.name.lower() in place.lower()
            fields.append(
                (
                    WHERE,
                    written(turn, place if named or area is None else f"{place}, {area.kind} {area.name}"),
                )
            )
            if area is not None:
                # Several places have this name; the one that was picked is meant.
                fields.append((WHERE, chosen(turn, f"area:{area.code}")))
        fields += [(slot, chosen(turn, "yes")) for name, slot in IDENTITY.items() if given.get(name) is True]
        if turn.photos:
            fields.append((PHOTO, replace(written(turn, ""), photos=turn.photos)))
        return fields

    # -- listening

    async def begin(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """Take the first message, photos and a pin that came before it, or pick up a draft that was put
        aside."""
        found: dict[str, Any] = {REVIEW: None}
        if turn.intent == "choose":
            return found
        if draft.get(WHAT):
            answer.open_with("complaint.resumed")
        if turn.pressed:
            found |= self._pressed(turn, answer)
        else:
            answer.keep(complaint_rest=None)
            found.update(await self.harvest(turn, draft))
        if draft.get(PHOTO) is None and (photos := turn.slot("loose_photos")):
            found[PHOTO] = photos
        if draft.get(WHERE) is None and WHERE not in found and (spot := turn.slot("loose_place")):
            found[WHERE] = spot
        answer.keep(loose_photos=None, loose_place=None)
        return found

    def _pressed(self, turn: Turn, answer: Answer) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if topic := reading.topic(turn):
            found[TOPIC] = topic
        rest = turn.slot("complaint_rest")
        if rest and turn.values.get("rest"):
            # One of several problems that were told at once: what was said then is not asked for again.
            found |= {WHAT: rest["description"], WHERE: rest["place"], OWNER: None}
            left = [name for name in rest["topics"] if name != found.get(TOPIC)]
            answer.keep(complaint_rest={**rest, "topics": left})
        if service := turn.values.get("about"):
            found[WHAT] = None
            answer.keep(service=service)
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
        elif spot and _incomplete(known, draft) and spot.get("text") not in (None, known.get("text")):
            found[WHERE] = {**known, **spot, "text": f"{known['text']}, {spot['text']}"}
        text = turn.text.strip()
        if not text:
            return found
        topic = _topic(turn)
        if topic and draft.get(TOPIC) is None:
            found[TOPIC] = topic
        tells = topic or turn.form_ran or len(text.split()) >= WORDS_OF_A_STORY
        if draft.get(WHAT) is None and len(text) >= SHORTEST and tells:
            found[WHAT] = text[:LONGEST]
        for slot, wish in reports.words().wishes(text).items():
            found[IDENTITY[slot]] = wish
        return found

    def covers(self, turn: Turn, question: str) -> bool:
        """A message that is mostly a place says where; a short one that names a topic says what."""
        if turn.intent == "add_complaint_info":
            # Words for a report that is not sent yet belong to it.
            return True
        if question == WHERE and len(turn.text.split()) <= SHORT and _which(turn, turn.slot(WHERE) or {}):
            return True
        if question in {WHERE, PHOTO, REVIEW}:
            return reading.mostly(turn, (reading.place(turn) or {}).get("text"))
        if question in {CONFIDENTIAL, ANONYMOUS}:
            return bool(reports.words().wishes(turn.text))
        if question == DETAILS:
            return _detail(turn, None) is not None
        return question == TOPIC and len(turn.text.split()) <= 3 and reading.topic(turn) is not None

    async def correct(self, turn: Turn, draft: dict[str, Any]) -> dict[str, Any]:
        """Another topic, place or photo; a part of the place changes only that part. Whoever sent it and who
        may know of it is mended by a word as well; a part that is only named is opened again."""
        if part := reports.words().part(turn.text):
            if part == "photo" and reports.words().removes(turn.text):
                return {PHOTO: []}
            return {REVIEW: f"edit_{part}"}
        heard = turn
        if denied := _NOT_THERE.match(turn.text):
            rest = turn.text[denied.end() :]
            if reading.place(_with(turn, rest)):
                heard = _with(turn, rest)
        found = await super().correct(heard, draft)
        if WHERE in found and draft.get(WHERE):
            found[WHERE] = reading.amended(draft[WHERE], found[WHERE])
        for slot, wish in reports.words().wishes(turn.text).items():
            found[IDENTITY[slot]] = wish
        if draft.get(DETAILS) and (mended := details.amended(details.state_of(turn), turn.text)):
            found[DETAILS] = {**(details.outcome(mended) or {}), "state": mended}
        return found

    def parts(self, draft: dict[str, Any]) -> list[str]:
        """The city's questions are offered only where there were any."""
        asked = bool((draft.get(DETAILS) or {}).get("answers"))
        return [name for name in self.edits if name != "details" or asked]

    def changed(self, question: str, draft: dict[str, Any]) -> None:
        """Another topic has other owners, and asks otherwise who may know of it."""
        if question == TOPIC:
            draft.update(dict.fromkeys((OWNER, CONFIDENTIAL, ANONYMOUS, DETAILS)))
        elif question in (WHAT, WHERE) and draft.get(OWNER) == "city":
            draft[OWNER] = None

    async def read(self, question: str, turn: Turn, draft: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """Read the answer to one question."""
        if turn.photos:
            return {PHOTO: _photos(turn, draft)}
        if turn.location and not turn.text.strip():
            pin = {"latitude": turn.location["lat"], "longitude": turn.location["lon"]}
            return {WHERE: {**(draft.get(WHERE) or {}), **pin}}
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
            return self._where(turn, value, text, draft)
        if question == OWNER:
            return {OWNER: "ours"} if value == "ours" else {}
        if question in {CONFIDENTIAL, ANONYMOUS}:
            return _identity(question, turn, value)
        if question == DETAILS or value.startswith(("detail:", "detail_")):
            return self._details(turn, answer)
        if question == PHOTO:
            found = await self.correct(turn, draft)
            return {PHOTO: [], **found} if found else {}
        return self._review(turn, value, draft, answer)

    def _where(self, turn: Turn, value: str, text: str, draft: dict[str, Any]) -> dict[str, Any]:
        known = draft.get(WHERE) or {}
        if value.startswith("area:"):
            return _settled(known, value.removeprefix("area:"))
        if value in {"photo", "no_photo_place"}:
            return _from_photo(draft, value == "photo")
        if picked := _which(turn, known):
            return _settled(known, picked.code)
        if len(text) < 3 or reports.words().part(text):
            return {}
        said_before = f"{known['text']}, " if known.get("text") else ""
        spot = reading.place(turn) or {}
        more = turn.intent == "add_complaint_info" and turn.confidence >= SURE
        more = more or bool(turn.intent == self.start and turn.topic and known)
        if not spot and more and draft.get(WHAT):
            return {WHAT: f"{draft[WHAT]}\n{text}"[:LONGEST]}
        return {WHERE: {**known, **spot, "text": (said_before + text)[:300]}}

    def _details(self, turn: Turn, answer: Answer) -> dict[str, Any]:
        """One more answer for the city's system; the slot stays empty until it has them all."""
        state = _detail(turn, answer)
        if state is None:
            return {}
        answer.keep(**{details.ASKS: state})
        return {DETAILS: details.outcome(state)}

    def _review(self, turn: Turn, value: str, draft: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """A decision, a part that is wrong, or more of the story."""
        if value.startswith("join:") or value in {"send", "edit"}:
            return {REVIEW: value}
        if value in EDITS:
            return {REVIEW: f"edit_{value}"}
        step = _short_answer(turn)
        if step in {"send", "yes"}:
            return {REVIEW: "send"}
        if step in {"edit", "no"}:
            return {REVIEW: "edit"}
        if step == "skip":
            return {REVIEW: None}
        if turn.intent in {self.start, "add_complaint_info"} and len(turn.text) >= SHORTEST:
            answer.open_with("complaint.words_added")
            return {WHAT: f"{draft[WHAT]}\n{turn.text.strip()}"[:LONGEST], REVIEW: None}
        return {}

    def _step(self, turn: Turn) -> str | None:
        """Who presses on at a question that needs no answer wants the card; a report that was not sent yet is
        not withdrawn but dropped."""
        step = super()._step(turn)
        if turn.question == DETAILS and step in {"yes", "no"} and self.covers(turn, DETAILS):
            return None
        if turn.intent == "withdraw_complaint" and not turn.pressed and turn.confidence >= SURE:
            return step or "cancel"
        return "skip" if step == "send" and turn.question in self.skippable else step

    # -- asking

    async def ask(self, question: str, turn: Turn, draft: dict[str, Any], answer: Answer) -> str | None:
        """Ask for what is missing; what happened comes before what it is called."""
        if mended := (draft.get(DETAILS) or {}).pop("state", None):
            answer.keep(**{details.ASKS: mended})
        if not jurisdiction.connected(turn, draft.get(TOPIC)):
            jurisdiction.say_not_connected(turn, answer)
            draft[REVIEW] = "outside"
            return None
        if jurisdiction.outside(draft.get(TOPIC)):
            jurisdiction.say_not_ours(turn, answer, draft[TOPIC])
            draft[REVIEW] = "outside"
            return None
        if owner := self._owner(draft):
            jurisdiction.say_owner(turn, answer, owner)
            return OWNER
        editing = str(draft.get(REVIEW) or "").startswith("edit_")
        opened = self.edit(question, draft, answer)
        if opened is None:
            return REVIEW
        question = WHAT if opened == TOPIC and draft.get(WHAT) is None else opened
        if (question not in (TOPIC, WHAT, WHERE) or _whose(turn, draft)) and self._unsettled(
            turn, draft, answer
        ):
            return WHERE
        if question in UNASKED and not editing and question != turn.question:
            question = await self._next(turn, draft, answer)
        state = details.state_of(turn, answer) if question == DETAILS else None
        if state and (editing or details.outcome(state)):
            answer.keep(**{details.ASKS: details.again(state)})
        self._speak(question, turn, draft, answer)
        return question

    def _owner(self, draft: dict[str, Any]) -> owners.Owner | None:
        if draft.get(OWNER) is not None or not draft.get(WHAT):
            return None
        place = (draft.get(WHERE) or {}).get("text") or ""
        return owners.find(f"{draft[WHAT]}\n{place}", draft.get(TOPIC))

    async def _back(
        self, turn: Turn, draft: dict[str, Any], before: dict[str, Any], answer: Answer
    ) -> Verdict:
        """Among the city's questions, one answer back."""
        state = details.state_of(turn) if turn.question == DETAILS else None
        if state is None or (earlier := details.back(state)) is None:
            return await super()._back(turn, draft, before, answer)
        answer.keep(**{details.ASKS: earlier})
        return await self._go_on(turn, draft, before, answer, only=DETAILS)

    async def _next(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> str:
        """Fill in what needs no question; return the question that comes next."""
        draft[OWNER] = draft.get(OWNER) or "city"
        asked = runtime().catalog.topics[draft[TOPIC]].details.get("ask_identity") or ()
        for name, slot in IDENTITY.items():
            if draft.get(slot) is None:
                if name in asked:
                    return slot
                draft[slot] = name == "confidential" and confidential(draft[TOPIC])
        if draft.get(DETAILS) is None:
            draft[DETAILS] = details.outcome(await details.begin(turn, answer, draft[TOPIC]))
            if draft[DETAILS] is None:
                return DETAILS
        draft[PHOTO] = draft.get(PHOTO) or []
        return REVIEW

    def _unsettled(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> bool:
        """Ask about a place that is another's, that may be one of several, or that nobody could find."""
        place = draft[WHERE]
        whose = _whose(turn, draft)
        if whose == "nobody":
            draft[WHERE] = None
            answer.say("complaint.pin_outside", ask_location=True)
        elif whose:
            jurisdiction.say_elsewhere(turn, answer, {**place, "government": whose})
            draft[WHERE] = None
        elif areas := jurisdiction.areas(turn, place):
            jurisdiction.say_which(turn, answer, areas)
        elif _incomplete(place, draft) and not place.get("asked"):
            draft[WHERE] = {**place, "asked": True}
            key = "complaint.ask_village" if place.get("exact") else "complaint.ask_spot"
            answer.say(key, ask_location=True)
        else:
            return False
        return True

    def _speak(self, question: str, turn: Turn, draft: dict[str, Any], answer: Answer) -> None:
        topics = runtime().catalog.topics
        if question == WHAT:
            if draft.get(TOPIC):
                topic = topics[draft[TOPIC]].title.lower()
                answer.say("complaint.ask_description_of", form="complaint", topic=topic)
            else:
                answer.say("complaint.ask_description", form="complaint")
        elif question == TOPIC:
            named = several(draft[WHAT]) or [name for name in COMMON if name in topics]
            answer.say(
                "complaint.ask_which" if several(draft[WHAT]) else "complaint.ask_topic",
                buttons=[choice("", name, title=topics[name].title) for name in named],
            )
        elif question == WHERE and _photo_place(draft):
            answer.say(
                "complaint.ask_photo_place",
                buttons=[
                    choice("button.photo_place", "photo"),
                    choice("button.no_photo_place", "no_photo_place"),
                ],
            )
        elif question == WHERE:
            answer.say("complaint.ask_place", ask_location=True)
        elif question == CONFIDENTIAL:
            answer.say(
                "complaint.ask_confidential",
                buttons=[choice("button.confidential", "yes"), choice("button.not_confidential", "no")],
            )
        elif question == ANONYMOUS:
            answer.say(
                "complaint.ask_anonymous_kept" if draft.get(CONFIDENTIAL) else "complaint.ask_anonymous",
                buttons=[choice("button.anonymous", "yes"), choice("button.named", "no")],
            )
        elif question == DETAILS and (state := details.state_of(turn, answer)):
            details.say(answer, state)
        elif question == PHOTO:
            answer.say("complaint.ask_photo", buttons=[choice("button.skip", "skip")])
        else:
            self._card(turn, draft, answer)

    def _card(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> None:
        place = draft[WHERE]
        card.show(
            answer,
            topic=draft[TOPIC],
            description=draft[WHAT],
            place=place,
            details=(draft.get(DETAILS) or {}).get("lines") or (),
            photos=draft[PHOTO],
            anonymous=bool(draft.get(ANONYMOUS)),
            confidential=bool(draft.get(CONFIDENTIAL)),
        )
        spot = {name: place.get(name) for name in ("latitude", "longitude", "region")}
        answer.effect(SimilarAsked(draft[TOPIC], draft[WHAT], **spot, place=place.get("text")))


def _detail(turn: Turn, answer: Answer | None) -> details.State | None:
    """How far the city's questions are after this message; None when it answers none of them."""
    state = details.state_of(turn, answer)
    value = str(turn.values.get("value", "")) if turn.pressed else ""
    return details.read(state, turn, value, turn.text.strip()) if state else None


def several(text: str) -> list[str]:
    """The topics a story names, when one report cannot hold them or the words and the guess disagree."""
    named = reports.topics(text, runtime().catalog)
    return named[:MOST_TOPICS] if len(named) >= SEVERAL else []


def confidential(topic: str) -> bool:
    """Say whether a topic is kept from the public unless the citizen says otherwise."""
    return bool(runtime().catalog.topics[topic].details.get("confidential_default"))


def _topic(turn: Turn) -> str | None:
    """What a story is about; None when it tells of many things at once, and is to be asked.

    A tirade about the officials sounds like a complaint about them; the one thing it names is what is broken.
    """
    if several(turn.text):
        return None
    guessed, named = reading.topic(turn), reports.topics(turn.text, runtime().catalog)
    return named[0] if guessed == TIRADE and len(named) == 1 else guessed


def _identity(question: str, turn: Turn, value: str) -> dict[str, Any]:
    wishes = reports.words().wishes(turn.text)
    for name, slot in IDENTITY.items():
        if slot == question and name in wishes:
            return {question: wishes[name]}
    step = value or _short_answer(turn)
    return {question: step == "yes"} if step in {"yes", "no", "skip"} else {}


def _short_answer(turn: Turn) -> str | None:
    words = runtime().words
    guessed = {"affirm": "yes", "deny": "no"}.get(turn.intent)
    return words.step(turn.text) or words.step(words.core(turn.text)) or guessed


def _photos(turn: Turn, draft: dict[str, Any]) -> list[dict[str, Any]]:
    known = [*(draft.get(PHOTO) or []), *(dict(photo) for photo in turn.photos)]
    return list({photo["media_id"]: photo for photo in known}.values())[:MOST_PHOTOS]


def _photo_place(draft: dict[str, Any]) -> dict[str, float] | None:
    """Where the first photo that knows it was taken."""
    for photo in draft.get(PHOTO) or ():
        if photo.get("latitude") is not None:
            return {"latitude": photo["latitude"], "longitude": photo["longitude"]}
    return None


def _from_photo(draft: dict[str, Any], agreed: bool) -> dict[str, Any]:
    """Use the position of a photo as the place, or forget it: either way it stays in no photo."""
    spot = _photo_place(draft)
    kept = ("media_id", "url")
    photos = [{name: photo[name] for name in kept} for photo in draft.get(PHOTO) or ()]
    found: dict[str, Any] = {PHOTO: photos}
    if agreed and spot:
        found[WHERE] = {**(draft.get(WHERE) or {}), **spot}
    return found


def _which(turn: Turn, place: dict[str, Any]) -> places.Area | None:
    """The one of several places of a name that a message picks in words."""
    return jurisdiction.named(turn.text.strip(), jurisdiction.areas(turn, place)) if turn.text else None


def _settled(place: dict[str, Any], code: str) -> dict[str, Any]:
    area = places.gazetteer().areas.get(code)
    if area is None:
        return {}
    found = {**place, "region": code, "settled": True, "text": f"{place['text']} (Kec. {area.parent})"}
    return {WHERE: {**found, "of": area.tenant}}


def _whose(turn: Turn, draft: dict[str, Any]) -> str | None:
    """The neighbour a place belongs to, `nobody` for a pin outside all of them; None when it is ours."""
    place = draft.get(WHERE) or {}
    whose = place.get("of") or place.get("government")
    if whose is None and place.get("latitude") is not None:
        whose = jurisdiction.of_pin(turn.tenant, place["latitude"], place["longitude"]) or "nobody"
    return None if whose == turn.tenant else whose


def _incomplete(place: dict[str, Any], draft: dict[str, Any]) -> bool:
    """A crew needs a pin, or the kelurahan and a spot in it; for an office its name will do."""
    if place.get("latitude") is not None:
        return False
    topic = runtime().catalog.topics.get(draft.get(TOPIC) or "")
    if topic is not None and not topic.details.get("near"):
        return not place.get("text")
    return not (place.get("region") and place.get("exact"))


def _with(turn: Turn, text: str) -> Turn:
    return replace(turn, text=text)


register(ComplaintForm())
