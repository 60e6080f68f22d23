"""Taking a queue place: which service, which day, which time, whose name; then a number and a code."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from actions import counters, daywish, freeplaces, reading
from actions.counters import CLINIC, bookable
from actions.forms import Form, Verdict, chosen, register, written
from actions.offers import next_days, short
from actions.runtime import runtime
from actions.turn import Answer, Turn, button, choice, lines, said
from connectors.capabilities import Capability, SlotQuery
from connectors.errors import ConnectorError, LimitReached, SlotTaken

SERVICE, DAY, TIME, NAME, PRIORITY, REVIEW = (
    f"booking_{field}" for field in ("service", "day", "time", "name", "priority", "review")
)
DRAFT = (SERVICE, DAY, TIME, NAME, PRIORITY, REVIEW)
OFFERS = "booking_offers"
WAIT = "wait"
EDITS = {"service": SERVICE, "day": DAY, "time": TIME, "name": NAME, "priority": PRIORITY}
CHOSEN = {"service": SERVICE, "day": DAY}
PRIORITIES = ("disability", "elderly", "pregnant", "none")
FORM = "booking"
"""The name under which a channel may show this form whole."""
# Names look like anything to a model that was trained on sentences.
SURE_OF_NO_NAME = 0.9


class BookingForm(Form):
    """Asks for service, day, time and name; holds the place, and echoes the day with its weekday."""

    name = "booking_form"
    prefix = "booking"
    start = "book_queue"
    rival = "report_complaint"
    order = DRAFT
    edits = EDITS
    free_text: ClassVar = {NAME: SURE_OF_NO_NAME}
    quiet = frozenset({PRIORITY})

    async def decide(self, turn: Turn, answer: Answer) -> Verdict | None:
        """A bare day after *ganti jadwal* moves a booking, a code asks about one: nothing new begins."""
        asked = turn.slot("asked") or {}
        if not turn.form_ran and asked.get("wants") == "day" and self.covers(turn, DAY):
            return Verdict({REVIEW: "move"}, None)
        if not turn.form_ran and not turn.pressed and _is_code(reading.reference(turn)):
            return Verdict({REVIEW: "code"}, None)
        return await super().decide(turn, answer)

    async def begin(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """Take what the first message says, and the service that was just talked about."""
        found: dict[str, Any] = {REVIEW: None}
        if turn.intent != "choose" and turn.intent != "report_complaint":
            found.update(await self.harvest(turn, draft))
        if SERVICE not in found and draft.get(SERVICE) is None and not _names_a_service(turn):
            known = turn.slot("service")
            if known and bookable(turn.tenant)(known):
                found[SERVICE] = known
        if draft.get(PRIORITY) is None:
            found.setdefault(PRIORITY, "none")
        return found

    def sheet(self, turn: Turn, given: Mapping[str, Any]) -> list[tuple[str, Turn]]:
        """The time is a wish until the counter holds a place, as one that was written is."""
        fields = [(slot, chosen(turn, given[name])) for name, slot in CHOSEN.items() if given.get(name)]
        if given.get("time"):
            fields.append((TIME, written(turn, f"jam {given['time']}")))
        if given.get("name"):
            fields.append((NAME, written(turn, given["name"])))
        return [*fields, (PRIORITY, chosen(turn, given.get("priority") or "none"))]

    async def harvest(self, turn: Turn, draft: dict[str, Any]) -> dict[str, Any]:
        """Service, day, time and priority, as far as the draft lacks them."""
        found: dict[str, Any] = {}
        service = reading.service(turn, bookable(turn.tenant))
        if service and (draft.get(SERVICE) is None or turn.values.get("service")):
            found[SERVICE] = service
        if turn.pressed:
            if turn.values.get("day"):
                found |= {DAY: str(turn.values["day"]), TIME: None}
            return found
        wish = reading.wish(turn)
        if wish and wish.day and wish.problem is None and draft.get(DAY) is None:
            found[DAY] = wish.day.isoformat()
        if wish and draft.get(TIME) is None and (time := freeplaces.wish(turn)):
            found[TIME] = time
        if draft.get(PRIORITY) in (None, "none") and (who := reading.priority(turn.text)):
            found[PRIORITY] = who
        return found

    def covers(self, turn: Turn, question: str) -> bool:
        """A message that is mostly a day or a time answers when."""
        wish = reading.wish(turn) if question != PRIORITY else None
        return wish is not None and reading.mostly(turn, turn.text[wish.start : wish.end])

    def _is_aside(self, turn: Turn, question: str, *, sure: bool = True) -> bool:
        """Naming a service answers the question for it; it is no question about one."""
        if question == SERVICE and turn.intent == "find_service":
            return False
        return super()._is_aside(turn, question, sure=sure)

    def _step(self, turn: Turn) -> str | None:
        """Without a booking, calling one off can only mean this form."""
        if turn.intent == "cancel_booking" and not turn.bookings:
            return "cancel"
        return super()._step(turn)

    def changed(self, question: str, draft: dict[str, Any]) -> None:
        """Another service or day makes the chosen time worthless; the next hold replaces the old one."""
        if question in {SERVICE, DAY}:
            draft[TIME] = None

    # -- reading
    # ---------------------------------------------------------------------------------------------

    async def read(self, question: str, turn: Turn, draft: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """Read the answer to one question."""
        value = str(turn.values.get("value", ""))
        if question == SERVICE:
            named = value if value in runtime().catalog.services else None
            service = named or reading.service(turn, bookable(turn.tenant)) or reading.service(turn)
            if service is None and (day := reading.day(turn)):
                answer.open_with("booking.noted", day=day)
            return {SERVICE: service} if service else {}
        if question == DAY:
            return self._day(turn, value, answer)
        if question == TIME:
            return self._time(turn, value, draft)
        if question == NAME:
            if not turn.pressed and self.covers(turn, NAME):
                return await self.correct(turn, draft)
            name = reading.person_name(value or turn.text)
            if name is None and not turn.pressed:
                answer.open_with("booking.name_letters")
            return {NAME: name} if name else {}
        if question == PRIORITY:
            who = value if value in PRIORITIES else reading.priority(turn.text)
            return {PRIORITY: who} if who else {}
        return self._reviewed(turn, value)

    def _reviewed(self, turn: Turn, value: str) -> dict[str, Any]:
        step = value or runtime().words.step(turn.text) or {"affirm": "yes", "deny": "no"}.get(turn.intent)
        if step in {"send", "yes"}:
            return {REVIEW: "send"}
        if step in {"edit", "no"}:
            return {REVIEW: "edit"}
        return {REVIEW: f"edit_{value}"} if value in EDITS else {}

    def _day(self, turn: Turn, value: str, answer: Answer) -> dict[str, Any]:
        if value.startswith(f"{WAIT}:"):
            return {DAY: value.removeprefix(f"{WAIT}:"), REVIEW: WAIT}
        wish = reading.wish(turn)
        day = reading.day(turn)
        if day:
            if wish and wish.part_of_day == "malam" and wish.time is None:
                answer.open_with("booking.no_evening")
            return {DAY: day.isoformat()}
        if wish is not None:
            daywish.ask_back(wish, answer)
        return {}

    def _time(self, turn: Turn, value: str, draft: dict[str, Any]) -> dict[str, Any]:
        offers = turn.slot(OFFERS) or []
        if value:
            offer = next((offer for offer in offers if offer["id"] == value), None)
            return {TIME: offer} if offer else {}
        if turn.text.strip().isdigit() and 1 <= int(turn.text) <= min(len(offers), 6):
            return {TIME: offers[int(turn.text) - 1]}
        time = freeplaces.wish(turn)
        found: dict[str, Any] = {TIME: time} if time else {}
        day = reading.day(turn)
        if day and day.isoformat() != draft.get(DAY):
            found[DAY] = day.isoformat()
        return found

    # -- asking
    # ---------------------------------------------------------------------------------------------

    async def ask(self, question: str, turn: Turn, draft: dict[str, Any], answer: Answer) -> str | None:
        """Ask for what is missing; a time is checked against the counter, and held, before it counts."""
        if draft[REVIEW] == WAIT:
            return self._ask_to_wait(turn, draft, answer)
        edited = self.edit(question, draft, answer)
        if edited is None:
            return REVIEW
        question = edited
        if draft.get(SERVICE) is None:
            return SERVICE if counters.ask(turn, answer) else self._outside(draft)
        service = runtime().catalog.services[draft[SERVICE]]
        if service.id == CLINIC and bookable(turn.tenant)(CLINIC):
            draft[REVIEW] = "clinic"
            return None
        if counters.refuse(turn, service, answer):
            return self._outside(draft)
        first_time = turn.slot(SERVICE) != service.id
        if first_time:
            counters.advise(turn, service, answer)
        if draft.get(DAY) is None:
            return self._ask_day(turn, draft, answer, first_time)
        if first_time and service.persyaratan:
            papers = {"$list": list(service.persyaratan)}
            answer.say("booking.bring", service=service.title, requirements=papers)
        asked = await self._settle_time(turn, draft, answer)
        if asked != "settled":
            return asked
        if question == NAME or draft.get(NAME) is None:
            self._ask_name(turn, draft, answer)
            return NAME
        if draft.get(PRIORITY) is None:
            buttons = [choice(f"button.priority_{who}", who) for who in PRIORITIES]
            answer.say("booking.ask_priority", buttons=buttons)
            return PRIORITY
        self._card(draft, answer)
        return REVIEW

    def _outside(self, draft: dict[str, Any]) -> str | None:
        draft[REVIEW] = "outside"
        return None

    def _ask_to_wait(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> str | None:
        if draft.get(NAME) is not None:
            return None
        answer.say("waiting.ask_name", buttons=own_name(turn))
        return NAME

    def _ask_name(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> None:
        place = draft[TIME]
        if place.get("until"):
            answer.say(
                "booking.held_ask_name",
                buttons=own_name(turn),
                when=datetime.fromisoformat(place["starts_at"]),
                until=datetime.fromisoformat(place["until"]).timetz(),
            )
        else:
            answer.say("booking.ask_name", buttons=own_name(turn))

    def _ask_day(self, turn: Turn, draft: dict[str, Any], answer: Answer, first_time: bool) -> str:
        service = runtime().catalog.services[draft[SERVICE]]
        bring: dict[str, Any] = {
            "service": service.title,
            "requirements": {"$list": list(service.persyaratan)},
        }
        wish = daywish.beside(turn, DAY)
        if wish is not None:
            if first_time and service.persyaratan and daywish.several(wish):
                answer.say("booking.bring", **bring)
            if daywish.ask_back(wish, answer):
                return DAY
        buttons = [choice("", day.isoformat(), title=short(day)) for day in next_days(turn.now.date(), 3)]
        if first_time and service.persyaratan:
            answer.say("booking.bring_and_ask_day", buttons=buttons, form=FORM, **bring)
        else:
            form = FORM if first_time else None
            answer.say("booking.ask_day", buttons=buttons, form=form, service=service.title)
        return DAY

    async def _settle_time(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> str | None:
        """Return `settled` once a place is chosen, free and held; else the question that was asked."""
        place = draft.get(TIME) or {}
        try:
            connector = freeplaces.connector_for(turn, draft[SERVICE])
            if "id" not in place:
                chosen = await self._choose(turn, draft, answer, connector)
                if isinstance(chosen, str):
                    return chosen
                place = chosen
            if not freeplaces.is_held(place, turn.now):
                place = {name: place[name] for name in ("id", "counter", "starts_at")}
            if "hold" not in place:
                place = await freeplaces.hold(turn, connector, draft[SERVICE], place)
        except SlotTaken:
            answer.open_with("booking.just_taken")
            draft[TIME] = {"wish": place["starts_at"][11:16], "part": None, "gone": place["id"]}
            return await self._settle_time(turn, draft, answer)
        except LimitReached as error:
            freeplaces.say_limit(answer, error)
            return self._outside(draft)
        except ConnectorError as error:
            answer.say(error.text_key, reason=error.detail)
            answer.say(
                "booking.not_made",
                buttons=[button("button.try_again", "book_queue"), button("button.agent", "talk_to_agent")],
            )
            draft[TIME] = None
            draft[REVIEW] = "failed"
            return None
        draft[TIME] = place
        return "settled"

    async def _choose(self, turn: Turn, draft: dict[str, Any], answer: Answer, connector: Any) -> Any:
        """The free place at the wished time, or the question that offers others."""
        day = date.fromisoformat(draft[DAY])
        wanted = draft.get(TIME) or {}
        draft[TIME] = None
        if day.year not in runtime().calendar.years:
            answer.say("booking.year_unknown", year=str(day.year))
            draft[DAY] = None
            return self._ask_day(turn, draft, answer, first_time=False)
        found = await freeplaces.fetch(turn, connector, SlotQuery(draft[SERVICE], day))
        places = [place for place in found.places if place["id"] != wanted.get("gone")]
        if not places:
            draft[DAY] = None
            waits = Capability.BOOKING_WAIT in connector.offers
            wait_for = f"{WAIT}:{day.isoformat()}" if waits else None
            freeplaces.say_none(turn, answer, day, found, wait_for=wait_for)
            return DAY
        clock, part = wanted.get("wish"), wanted.get("part")
        if clock and (exact := freeplaces.at(places, clock)):
            return exact
        service = runtime().catalog.services[draft[SERVICE]].title
        values: dict[str, Any] = {"day": day, "service": service}
        if clock:
            offers, key = freeplaces.nearest(places, clock), "booking.time_not_free"
            values["wish"] = clock.replace(":", ".")
        else:
            in_part = freeplaces.within(places, part)
            key = "booking.ask_time" if in_part else "booking.part_not_free"
            offers, values["part"] = freeplaces.thinned(in_part or places), part or ""
        answer.keep(**{OFFERS: offers})
        buttons = [choice("", offer["id"], title=freeplaces.clock_of(offer)) for offer in offers]
        answer.say(key, buttons=buttons, **values)
        return TIME

    def _card(self, draft: dict[str, Any], answer: Answer) -> None:
        place, who = draft[TIME], draft[PRIORITY]
        first = who != "none"
        until = place.get("until")
        answer.say(
            "booking.review",
            buttons=[
                choice("button.book_it", "send"),
                choice("button.edit", "edit"),
                *([] if first else [choice("button.priority", "priority")]),
                choice("button.cancel", "cancel"),
            ],
            service=runtime().catalog.services[draft[SERVICE]].title,
            when=datetime.fromisoformat(place["starts_at"]),
            name=draft[NAME],
            lines=lines(
                said("booking.review_priority", who=said(f"priority.{who}")) if first else None,
                said("booking.review_held", until=datetime.fromisoformat(until).timetz()) if until else None,
                None if first else said("booking.review_offer_priority"),
            ),
        )


def own_name(turn: Turn) -> list[dict[str, Any]]:
    """The citizen's own name on a button, as far as the channel knows it."""
    name = reading.person_name(turn.display_name or "")
    return [choice("", name, title=name)] if name else []


def _is_code(reference: str | None) -> bool:
    """Say whether a number is one of a queue, as citizens show it."""
    return reference is not None and reference[:3].upper() in ("MPP", "MPK", "PKM")


def _names_a_service(turn: Turn) -> bool:
    return bool(reading.services(turn, bookable(turn.tenant))) and not turn.pressed


register(BookingForm())
