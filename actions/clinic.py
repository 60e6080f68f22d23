"""A number at a puskesmas: which poli, which day, whose numbers, why.

The numbers (NIK, JKN card) never come here: a message shows `[NIK]` or `[BPJS]`, and the form remembers in
which turn it was written. The front door opens the sealed original when it asks the puskesmas
(bot.conversations.settling).
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from actions import daywish, freeplaces, reading
from actions.booking import own_name
from actions.counters import CLINIC
from actions.effects import BookingQueued
from actions.forms import Form, Verdict, register
from actions.offers import short
from actions.runtime import runtime
from actions.turn import HANDLERS, Answer, Turn, button, choice, handles, lines, said
from connectors.capabilities import Capability, SlotQuery
from connectors.errors import ConnectorError
from connectors.queues import Counter

POLI, DAY, TIME, NUMBERS, COMPLAINT, NAME, REVIEW = (
    f"clinic_{field}" for field in ("poli", "day", "time", "numbers", "complaint", "name", "review")
)
DRAFT = (POLI, DAY, TIME, NUMBERS, COMPLAINT, NAME, REVIEW)
OFFERS = "clinic_offers"
TAGS = {"[NIK]": "nik", "[BPJS]": "card"}
EDITS = {"poli": POLI, "day": DAY, "numbers": NUMBERS, "complaint": COMPLAINT, "name": NAME}
MOST_COUNTERS = 9
SUNDAY = 6
COMPLAINT_LENGTH = 120
SURE_OF_NO_ANSWER = 0.9
COUNTER = "counter"


class ClinicForm(Form):
    """Asks what a puskesmas asks; the reservation itself is the front door's."""

    name = "clinic_form"
    prefix = "clinic"
    start = "book_queue"
    rival = "report_complaint"
    order = DRAFT
    edits = EDITS
    free_text: ClassVar = {NAME: SURE_OF_NO_ANSWER, COMPLAINT: SURE_OF_NO_ANSWER}
    quiet = frozenset({TIME})

    async def decide(self, turn: Turn, answer: Answer) -> Verdict | None:
        """A form that was filled in elsewhere is for a counter of the MPP: that one is served."""
        if turn.form_ran and turn.intent == self.start and turn.values.get("form"):
            return Verdict({REVIEW: COUNTER}, None)
        return await super().decide(turn, answer)

    async def begin(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """Take what the first message says."""
        return {REVIEW: None, **await self.harvest(turn, draft)}

    async def harvest(self, turn: Turn, draft: dict[str, Any]) -> dict[str, Any]:
        """Day, poli and numbers, wherever they are said."""
        found: dict[str, Any] = {}
        if turn.pressed:
            return found
        wish = reading.wish(turn)
        if wish and wish.day and wish.problem is None and draft.get(DAY) is None:
            found[DAY] = wish.day.isoformat()
        if kinds := [kind for tag, kind in TAGS.items() if tag in turn.text]:
            known = draft.get(NUMBERS) or {"turns": [], "kinds": []}
            found[NUMBERS] = {
                "turns": [*known["turns"], turn.id],
                "kinds": sorted({*known["kinds"], *kinds}),
            }
        if draft.get(POLI) is None and (named := _named(turn.text, turn.slot(OFFERS) or [])):
            found[POLI] = named
        return found

    def covers(self, turn: Turn, question: str) -> bool:
        """Numbers answer the question for them, what hurts the one about what hurts; a message that is mostly
        a day answers when."""
        if question == NUMBERS:
            return any(tag in turn.text for tag in TAGS)
        if question == COMPLAINT:
            return turn.intent == "ask_medical_advice" or (
                turn.intent == "report_complaint" and not turn.topic
            )
        wish = reading.wish(turn) if question in {DAY, REVIEW} else None
        return wish is not None and reading.mostly(turn, turn.text[wish.start : wish.end])

    def changed(self, question: str, draft: dict[str, Any]) -> None:
        """Another poli or day has other times."""
        if question in {POLI, DAY}:
            draft[TIME] = None

    async def read(self, question: str, turn: Turn, draft: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """Read the answer to one question."""
        value = str(turn.values.get("value", ""))
        if question == POLI:
            offers = turn.slot(OFFERS) or []
            named = next((offer for offer in offers if offer["id"] == value), None)
            named = named or _named(turn.text, offers)
            return {POLI: named} if named else {}
        if question == DAY:
            if day := reading.day(turn):
                return {DAY: day.isoformat()}
            if wish := reading.wish(turn):
                daywish.ask_back(wish, answer)
            return {}
        if question == TIME:
            offers = turn.slot("booking_offers") or []
            chosen = next((offer for offer in offers if offer["id"] == value), None)
            return {TIME: chosen or freeplaces.wish(turn)} if chosen or freeplaces.wish(turn) else {}
        if question == NUMBERS:
            if not any(tag in turn.text for tag in TAGS):
                answer.open_with("clinic.no_number")
            return {}
        if question == COMPLAINT:
            words = " ".join(turn.text.split())[:COMPLAINT_LENGTH]
            return {COMPLAINT: words} if len(words) > 2 else {}
        if question == NAME:
            name = reading.person_name(value or turn.text)
            return {NAME: name} if name else {}
        step = value or runtime().words.step(turn.text) or {"affirm": "yes", "deny": "no"}.get(turn.intent)
        if step in {"send", "yes"}:
            return {REVIEW: "send"}
        if step in {"edit", "no"}:
            return {REVIEW: "edit"}
        return {REVIEW: f"edit_{value}"} if value in EDITS else {}

    async def ask(self, question: str, turn: Turn, draft: dict[str, Any], answer: Answer) -> str | None:
        """Ask for what is missing."""
        edited = self.edit(question, draft, answer)
        if edited is None:
            return REVIEW
        try:
            if draft.get(POLI) is None:
                return await self._ask_poli(turn, draft, answer)
            if draft.get(DAY) is None:
                wish = daywish.beside(turn, DAY)
                if wish is not None and daywish.ask_back(wish, answer):
                    return DAY
                buttons = [choice("", day.isoformat(), title=short(day)) for day in _days(turn)]
                answer.say("clinic.ask_day", buttons=buttons, poli=draft[POLI]["title"])
                return DAY
            if "id" not in (draft.get(TIME) or {}):
                asked = await self._settle_time(turn, draft, answer)
                if asked:
                    return asked
        except ConnectorError as error:
            answer.say(error.text_key, reason=error.detail)
            answer.say("handoff.offer", buttons=[button("button.agent", "talk_to_agent")])
            draft[REVIEW] = "failed"
            return None
        return self._ask_about_the_patient(turn, draft, answer)

    async def _ask_poli(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> str:
        desks: tuple[Counter, ...] = await _app(turn).counters()
        offers = [{"id": desk.id, "title": desk.title, "address": desk.address} for desk in desks]
        answer.keep(**{OFFERS: offers})
        if named := _named(turn.text, offers):
            draft[POLI] = named
            answered = await self.ask(POLI, turn, draft, answer)
            return answered or POLI
        buttons = [choice("", desk.id, title=desk.title) for desk in desks[:MOST_COUNTERS]]
        answer.say("clinic.ask_poli", buttons=buttons)
        return POLI

    async def _settle_time(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> str | None:
        """Take the session if there is one, or the one wished; ask otherwise. None once it is settled."""
        day = date.fromisoformat(draft[DAY])
        wanted = (draft.get(TIME) or {}).get("wish")
        found = await freeplaces.fetch(turn, _app(turn), SlotQuery(CLINIC, day, draft[POLI]["id"]))
        if not found.places:
            draft[DAY] = draft[TIME] = None
            freeplaces.say_none(turn, answer, day, found, wait_for=None)
            return DAY
        exact = freeplaces.at(found.places, wanted)
        if exact or len(found.places) == 1:
            draft[TIME] = exact or found.places[0]
            return None
        offers = freeplaces.thinned(found.places)
        answer.keep(booking_offers=offers)
        buttons = [choice("", offer["id"], title=freeplaces.clock_of(offer)) for offer in offers]
        answer.say("booking.ask_time", buttons=buttons, day=day, service=draft[POLI]["title"])
        return TIME

    def _ask_about_the_patient(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> str:
        if missing := {"nik", "card"} - set((draft.get(NUMBERS) or {"kinds": ()})["kinds"]):
            answer.say("clinic.ask_numbers" if len(missing) == 2 else f"clinic.ask_{missing.pop()}")
            return NUMBERS
        if draft.get(COMPLAINT) is None:
            answer.say("clinic.ask_complaint")
            return COMPLAINT
        if draft.get(NAME) is None:
            answer.say("clinic.ask_name", buttons=own_name(turn))
            return NAME
        answer.say(
            "clinic.review",
            buttons=[
                choice("button.send", "send"),
                choice("button.edit", "edit"),
                choice("button.cancel", "cancel"),
            ],
            poli=draft[POLI]["title"],
            when=datetime.fromisoformat(draft[TIME]["starts_at"]),
            name=draft[NAME],
            complaint=draft[COMPLAINT],
            numbers=lines(*(said(f"clinic.has_{kind}") for kind in draft[NUMBERS]["kinds"])),
        )
        return REVIEW


@handles("action_end_clinic")
async def end_clinic(turn: Turn, answer: Answer) -> None:
    """Hand the wish to the front door, which alone can open the numbers."""
    how = turn.slot(REVIEW)
    if how == "failed":
        answer.keep(**{REVIEW: None})
        return
    if how == "send":
        place, poli = turn.slot(TIME), turn.slot(POLI)
        service = runtime().catalog.services[CLINIC]
        answer.effect(
            BookingQueued(
                connector=_app(turn).id,
                idempotency_key=turn.slot("draft_key") or turn.key("clinic"),
                service=CLINIC,
                slot_id=place["id"],
                starts_at=place["starts_at"],
                name=turn.slot(NAME),
                complaint=turn.slot(COMPLAINT),
                place=", ".join(filter(None, (poli["title"], poli["address"]))),
                numbers_in=turn.slot(NUMBERS)["turns"],
            )
        )
        answer.say("booking.being_asked", service=service.title)
    answer.keep(**dict.fromkeys((*DRAFT, OFFERS, "booking_offers", "draft_key")))
    if how == "erase":
        await HANDLERS["action_delete_data"](replace(turn, values={"sure": "yes"}), answer)
    elif how == "switch":
        answer.followup = "complaint_form"
    elif how == COUNTER:
        answer.followup = "booking_form"
    elif how == "cancel":
        answer.say("booking.cancelled", buttons=[button("button.help", "help")])


def _app(turn: Turn) -> Any:
    return runtime().registry.find(turn.tenant, Capability.BOOKING_RESERVE, CLINIC)


def _days(turn: Turn) -> list[date]:
    """Today and the days to come but Sundays; whether a poli opens on a holiday only the puskesmas knows."""
    days = (turn.now.date() + timedelta(days=offset) for offset in range(5))
    return [day for day in days if day.weekday() != SUNDAY][:3]


def _named(text: str, offers: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The counter a message names best, by the words that not all share; None where several fit."""
    words = set(text.lower().replace(",", " ").split())
    if not words or not offers:
        return None
    shared = set.intersection(*(_words(offer) for offer in offers)) if len(offers) > 1 else set()
    hits = sorted(((len((_words(offer) - shared) & words), offer["id"]) for offer in offers), reverse=True)
    best = hits[0][0]
    if best == 0 or (len(hits) > 1 and hits[1][0] == best):
        return None
    return next(offer for offer in offers if offer["id"] == hits[0][1])


def _words(offer: dict[str, Any]) -> set[str]:
    return set(offer["title"].lower().replace(",", " ").split())


register(ClinicForm())
