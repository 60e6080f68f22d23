"""Queue places: which service, which day, which time, whose name; then a number and a code."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from actions import reading
from actions.forms import Form, Verdict, register
from actions.offers import minutes, next_days, short, spread
from actions.runtime import runtime
from actions.turn import Answer, Turn, button, choice
from connectors.capabilities import Capability, SlotQuery
from connectors.errors import ConnectorError, NotOffered

SERVICE, DAY, TIME, NAME, REVIEW = (
    f"booking_{field}" for field in ("service", "day", "time", "name", "review")
)
DRAFT = (SERVICE, DAY, TIME, NAME, REVIEW)
OFFERS = "booking_offers"
UNSURE = "booking_unsure"
"""A reservation whose answer was lost: its slot, service, name and key."""
MOST_TIMES = 8
THE_QUEUE_ITSELF = "mpp_antrean"
EDITS = {"service": SERVICE, "day": DAY, "time": TIME, "name": NAME}
NAME_LENGTH = range(2, 61)
# Names look like anything to a model that was trained on sentences.
SURE_OF_NO_NAME = 0.9


class BookingForm(Form):
    """Asks for service, day, time and name; echoes the day with its weekday before it takes the place."""

    name = "booking_form"
    prefix = "booking"
    start = "book_queue"
    rival = "report_complaint"
    order = DRAFT
    edits = EDITS
    free_text: ClassVar = {NAME: SURE_OF_NO_NAME}

    async def decide(self, turn: Turn, answer: Answer) -> Verdict | None:
        """A bare day after *ganti jadwal* moves the booking there; it begins nothing new."""
        asked = turn.slot("asked") or {}
        if not turn.form_ran and asked.get("wants") == "day" and self.covers(turn, DAY):
            return Verdict({REVIEW: "move"}, None)
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
        return found

    async def harvest(self, turn: Turn, draft: dict[str, Any]) -> dict[str, Any]:
        """Service, day and time, as far as the draft lacks them."""
        found: dict[str, Any] = {}
        service = reading.service(turn, bookable(turn.tenant))
        if service and draft.get(SERVICE) is None:
            found[SERVICE] = service
        if turn.pressed:
            return found
        wish = reading.wish(turn)
        if wish and wish.day and wish.problem is None and draft.get(DAY) is None:
            found[DAY] = wish.day.isoformat()
        if wish and wish.time and draft.get(TIME) is None:
            found[TIME] = {"wish": wish.time.strftime("%H:%M")}
        return found

    def covers(self, turn: Turn, question: str) -> bool:
        """A message that is mostly a day or a time answers when."""
        wish = reading.wish(turn) if question in {DAY, TIME, REVIEW} else None
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
        """Another service or day makes the chosen time worthless."""
        if question in {SERVICE, DAY}:
            draft[TIME] = None

    async def read(self, question: str, turn: Turn, draft: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """Read the answer to one question."""
        value = str(turn.values.get("value", ""))
        if question == SERVICE:
            service = (
                value
                if value in runtime().catalog.services
                else reading.service(turn, bookable(turn.tenant)) or reading.service(turn)
            )
            return {SERVICE: service} if service else {}
        if question == DAY:
            return self._day(turn, answer)
        if question == TIME:
            return self._time(turn, value, draft)
        if question == NAME:
            name = " ".join((value or turn.text).split())
            if len(name) in NAME_LENGTH and not any(mark in name for mark in "[]0123456789?"):
                return {NAME: _plain_name(name)}
            return {}
        step = value or runtime().words.step(turn.text) or {"affirm": "yes", "deny": "no"}.get(turn.intent)
        if step in {"send", "yes"}:
            return {REVIEW: "send"}
        if step in {"edit", "no"}:
            return {REVIEW: "edit"}
        if value in EDITS:
            return {REVIEW: f"edit_{value}"}
        return {}

    def _day(self, turn: Turn, answer: Answer) -> dict[str, Any]:
        day = reading.day(turn)
        if day:
            return {DAY: day.isoformat()}
        wish = reading.wish(turn)
        if wish is None:
            return {}
        if wish.problem == "past":
            answer.open_with("booking.day_past")
        elif wish.problem == "impossible":
            answer.open_with("booking.day_impossible")
        elif wish.day:
            later = wish.day + timedelta(days=7)
            answer.say(
                "booking.day_ambiguous",
                buttons=[choice("", day.isoformat(), title=short(day)) for day in (wish.day, later)],
            )
        return {}

    def _time(self, turn: Turn, value: str, draft: dict[str, Any]) -> dict[str, Any]:
        offers = turn.slot(OFFERS) or []
        if value:
            return {TIME: offer} if (offer := next((o for o in offers if o["id"] == value), None)) else {}
        if turn.text.strip().isdigit() and 1 <= int(turn.text) <= min(len(offers), 6):
            return {TIME: offers[int(turn.text) - 1]}
        clock = reading.clock(turn)
        found: dict[str, Any] = {TIME: {"wish": clock.strftime("%H:%M")}} if clock else {}
        day = reading.day(turn)
        if day and day.isoformat() != draft.get(DAY):
            found[DAY] = day.isoformat()
        return found

    async def ask(self, question: str, turn: Turn, draft: dict[str, Any], answer: Answer) -> str | None:
        """Ask for what is missing; a time is checked against the counter before it counts."""
        edited = self.edit(question, draft, answer)
        if edited is None:
            return REVIEW
        question = edited
        if draft.get(SERVICE) is None:
            return self._ask_service(turn, draft, answer)
        refused = self._refused(turn, draft, answer)
        if refused is not None:
            return refused or None
        if draft.get(DAY) is None:
            return self._ask_day(turn, draft, answer)
        service = runtime().catalog.services[draft[SERVICE]]
        if turn.slot(SERVICE) != service.id and service.persyaratan:
            answer.say(
                "booking.bring", service=service.title, requirements={"$list": list(service.persyaratan)}
            )
        if draft.get(TIME) is None or "id" not in draft[TIME]:
            settled = await self._ask_time(turn, draft, answer)
            if settled != "settled":
                return settled
        if question == NAME or draft.get(NAME) is None:
            name = turn.display_name
            buttons = [choice("", name, title=name)] if name and len(name) in NAME_LENGTH else []
            answer.say("booking.ask_name", buttons=buttons)
            return NAME
        self._card(draft, answer)
        return REVIEW

    def _ask_service(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> str | None:
        if not any(
            bookable(turn.tenant)(service.id) for service in runtime().catalog.services_for(turn.tenant)
        ):
            answer.say("booking.not_connected", buttons=[button("button.agent", "talk_to_agent")])
            draft[REVIEW] = "outside"
            return None
        candidates = [name for name, _ in reading.services(turn, bookable(turn.tenant))][:3]
        catalog = runtime().catalog
        if candidates and not turn.pressed:
            answer.opening = None
            answer.say(
                "booking.which_service",
                buttons=[choice("", name, title=catalog.services[name].title) for name in candidates],
            )
        else:
            common = [
                name
                for name in ("ktp_baru", "kk_ubah", "akta_kelahiran", "skck", "paspor")
                if bookable(turn.tenant)(name)
            ]
            answer.say(
                "booking.ask_service",
                buttons=[choice("", name, title=catalog.services[name].title) for name in common],
            )
        return SERVICE

    def _refused(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> str | None:
        """Say that a service has no queue here: an empty string; None when it has one."""
        service = runtime().catalog.services[draft[SERVICE]]
        if bookable(turn.tenant)(service.id):
            return None
        answer.say(
            "booking.no_queue",
            buttons=[button("button.requirements", "ask_requirements", service=service.id)],
            service=service.title,
        )
        draft[REVIEW] = "outside"
        return ""

    def _ask_day(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> str:
        service = runtime().catalog.services[draft[SERVICE]]
        buttons = [choice("", day.isoformat(), title=short(day)) for day in next_days(turn.now.date(), 3)]
        if turn.slot(SERVICE) == service.id or not service.persyaratan:
            answer.say("booking.ask_day", buttons=buttons, service=service.title)
        else:
            answer.say(
                "booking.bring_and_ask_day",
                buttons=buttons,
                service=service.title,
                requirements={"$list": list(service.persyaratan)},
            )
        return DAY

    async def _ask_time(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> str | None:
        """Fetch the free times of the day; take the wished one if it is free. Returns `settled` then."""
        service = runtime().catalog.services[draft[SERVICE]]
        day = date.fromisoformat(draft[DAY])
        wish = (draft.get(TIME) or {}).get("wish")
        draft[TIME] = None
        if day.year not in runtime().calendar.years:
            answer.say("booking.year_unknown", year=str(day.year))
            draft[DAY] = None
            return self._ask_day(turn, {**draft}, answer)
        try:
            connector = runtime().registry.find(turn.tenant, Capability.BOOKING_SLOTS, service.id)
            found = await connector.slots(SlotQuery(service.id, day))
        except ConnectorError as error:
            answer.say(error.text_key, reason=error.detail)
            answer.say(
                "handoff.offer",
                buttons=[button("button.try_again", "book_queue"), button("button.agent", "talk_to_agent")],
            )
            draft[REVIEW] = "failed"
            return None
        open_slots = [slot for slot in found.slots if slot.left > 0 and slot.starts_at > turn.now]
        if not open_slots:
            draft[DAY] = None
            self._no_places(turn, day, found.closed_reason, found.next_open, answer)
            return DAY
        offers = [
            {
                "id": slot.id,
                "counter": slot.counter,
                "starts_at": slot.starts_at.astimezone(turn.now.tzinfo).isoformat(),
            }
            for slot in open_slots
        ]
        if wish:
            exact = next((offer for offer in offers if offer["starts_at"][11:16] == wish), None)
            if exact:
                draft[TIME] = exact
                return "settled"
            offers.sort(key=lambda offer: abs(minutes(offer["starts_at"][11:16]) - minutes(wish)))
            offers = sorted(offers[:3], key=lambda offer: offer["starts_at"])
            key = "booking.time_not_free"
        else:
            offers = spread(offers, MOST_TIMES)
            key = "booking.ask_time"
        answer.keep(**{OFFERS: offers})
        buttons = [
            choice("", offer["id"], title=offer["starts_at"][11:16].replace(":", ".")) for offer in offers
        ]
        answer.say(key, buttons=buttons, day=day, service=service.title, wish=(wish or "").replace(":", "."))
        return TIME

    def _no_places(
        self, turn: Turn, day: date, reason: str | None, next_open: date | None, answer: Answer
    ) -> None:
        after = next_open or next(iter(next_days(day, 1)), None)
        buttons = [choice("", after.isoformat(), title=short(after))] if after else []
        answer.say(
            "booking.closed" if reason else "booking.full", buttons=buttons, day=day, reason=reason or ""
        )

    def _card(self, draft: dict[str, Any], answer: Answer) -> None:
        answer.say(
            "booking.review",
            buttons=[
                choice("button.book_it", "send"),
                choice("button.edit", "edit"),
                choice("button.cancel", "cancel"),
            ],
            service=runtime().catalog.services[draft[SERVICE]].title,
            when=datetime.fromisoformat(draft[TIME]["starts_at"]),
            name=draft[NAME],
        )


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


def _names_a_service(turn: Turn) -> bool:
    return bool(reading.services(turn, bookable(turn.tenant))) and not turn.pressed


def _plain_name(name: str) -> str:
    lowered = name.lower()
    for lead in runtime().words.name_leads:
        if lowered.startswith(f"{lead} "):
            name = name[len(lead) :].strip()
            break
    return name.title() if name.islower() or name.isupper() else name


register(BookingForm())
