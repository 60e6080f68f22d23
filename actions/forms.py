"""How a form listens: the one design behind both forms.

A message in a form may answer the question, say more than was asked, correct an earlier answer, skip, go
back, start over, cancel, change the task, or have nothing to do with it. `Form.decide` tells which. For the
last kind it returns None: Rasa then rejects the form for this message, one rule answers aside, and the form
asks its question again.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from actions.runtime import runtime
from actions.turn import Answer, Turn, button, choice

# Intents that have nothing to do with the open question; data/rules repeats them (a test compares).
ASIDES = frozenset(
    [
        "affirm",
        "deny",
        "greet",
        "goodbye",
        "thanks",
        "help",
        "bot_identity",
        "out_of_scope",
        "abuse",
        "ask_medical_advice",
        "internal_system",
        "check_hoax",
        "talk_to_agent",
        "change_language",
        "spam",
        "find_service",
        "ask_requirements",
        "ask_hours_location",
        "ask_cost_duration",
        "report_complaint",
        "add_complaint_info",
        "reopen_complaint",
        "confirm_complaint",
        "rate_complaint",
        "withdraw_complaint",
        "book_queue",
        "reschedule_booking",
        "cancel_booking",
        "check_booking",
        "queue_live",
        "check_in",
        "waiting_list",
        "check_status",
        "request_public_information",
        "ask_legal_consult",
        "check_bill",
        "query_data",
        "privacy_info",
        "export_my_data",
        "delete_my_data",
        "emergency",
        "emergency_info",
        "crisis",
    ]
)
# After these, asking the form's question again at once would be deaf; it waits for the next message.
LEAVES_THE_FORM_ALONE = frozenset({"talk_to_agent", "emergency", "crisis"})
YES_NO = frozenset({"affirm", "deny"})
STEERING = {"cancel": "cancel", "go_back": "back", "skip": "skip", "start_over": "again"}
# Courtesies that people put around an answer: they are an aside only when the message holds nothing else.
SURE = 0.7
GUESS = 0.3
SECOND_GUESS, WORDS_OF_A_WISH = 0.25, 6


@dataclass
class Verdict:
    """What a form does next: slots to set, the question asked (None ends the form)."""

    slots: dict[str, Any] = field(default_factory=dict)
    question: str | None = None


class Form(ABC):
    """A form's order of questions and its ways of reading and asking. Subclasses fill in the subject.

    `free_text` holds the questions that any words may answer, each with the confidence from which the
    model's word that it is something else counts all the same. `fixed` answers are never changed by a
    remark. `quiet` answers were mostly not asked for, so *kembali* goes past them.
    """

    name: str
    prefix: str
    start: str
    rival: str
    order: tuple[str, ...]
    edits: ClassVar[dict[str, str]]
    skippable: ClassVar[dict[str, Any]] = {}
    free_text: ClassVar[dict[str, float]] = {}
    fixed: frozenset[str] = frozenset()
    quiet: frozenset[str] = frozenset()

    @abstractmethod
    async def harvest(self, turn: Turn, draft: dict[str, Any]) -> dict[str, Any]:
        """Everything a free message says that the form can use, whatever was asked."""

    @abstractmethod
    async def read(self, question: str, turn: Turn, draft: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """The answer to the question that was asked; empty when the message holds none."""

    @abstractmethod
    async def ask(self, question: str, turn: Turn, draft: dict[str, Any], answer: Answer) -> str | None:
        """Ask. Returns the question that was asked in the end: another one, or None to end the form."""

    def covers(self, turn: Turn, question: str) -> bool:
        """Say whether a message is mostly what the question asks for, whatever the model thinks of it."""
        return False

    async def correct(self, turn: Turn, draft: dict[str, Any]) -> dict[str, Any]:
        """What a message changes in answers that were already given."""
        found = await self.harvest(turn, dict.fromkeys(self.order))
        return {
            slot: value
            for slot, value in found.items()
            if value != draft.get(slot) and slot not in self.fixed
        }

    def edit(self, question: str, draft: dict[str, Any], answer: Answer) -> str | None:
        """Act on *Ubah*: open the answer that is to change, or ask which one and return None."""
        review = str(draft.get(self.order[-1]) or "")
        if review == "edit":
            draft[self.order[-1]] = None
            buttons = [choice(f"button.edit_{name}", name) for name in self.parts(draft)]
            buttons.append(choice("button.cancel", "cancel"))
            answer.say(f"{self.prefix}.what_to_change", buttons=buttons)
            return None
        if review.startswith("edit_"):
            question = self.edits[review.removeprefix("edit_")]
            self.changed(question, draft)
            draft[self.order[-1]] = draft[question] = None
        return question

    def parts(self, draft: dict[str, Any]) -> list[str]:
        """The parts that *Ubah* offers."""
        return list(self.edits)

    def changed(self, question: str, draft: dict[str, Any]) -> None:  # noqa: B027 a hook, not a duty
        """Forget what depends on an answer that changed."""

    # -- decisions
    # ---------------------------------------------------------------------------------------------

    async def decide(self, turn: Turn, answer: Answer) -> Verdict | None:
        """Decide what a message means for this form; None when it is an aside."""
        draft = {slot: turn.slot(slot) for slot in self.order}
        before = dict(draft)
        if "form" in turn.values and turn.intent == self.start and not turn.aside_answered:
            given = turn.values["form"]
            if sheet := self.sheet(turn, given if isinstance(given, dict) else {}):
                return await self._take_sheet(sheet, turn, draft, before, answer)
        if not turn.form_ran:
            draft.update(await self.begin(turn, draft, answer))
            return await self._go_on(turn, draft, before, answer)
        if turn.aside_answered and turn.intent in LEAVES_THE_FORM_ALONE:
            return Verdict(_differences(before, draft), turn.question)
        if turn.aside_answered:
            answer.open_with("form.back_to_it")
            return await self._go_on(turn, draft, before, answer, only=turn.question)
        if _erases(turn):
            return self._end(draft, before, "erase")
        if turn.slot("asked") and turn.intent in YES_NO and runtime().words.step(turn.text) in {"yes", "no"}:
            return None
        step = self._step(turn)
        if step == "cancel":
            return self._end(draft, before, "cancel")
        if self._wants_rival(turn):
            return self._end(draft, before, "switch")
        if step == "again":
            answer.open_with("form.from_the_start")
            return await self._go_on(turn, dict.fromkeys(self.order), before, answer)
        if step == "back":
            return await self._back(turn, draft, before, answer)
        if step in {"skip", "no"} and turn.question in self.skippable:
            draft[turn.question] = self.skippable[turn.question]
            return await self._go_on(turn, draft, before, answer)
        if step == "skip" and turn.question != self.order[-1]:
            answer.open_with(f"{self.prefix}.needed")
            return await self._go_on(turn, draft, before, answer, only=turn.question)
        found = await self._read(turn, draft, answer)
        if found:
            for slot, value in sorted(found.items(), key=lambda item: self.order.index(item[0])):
                if draft.get(slot) not in (None, value):
                    self.changed(slot, draft)
                draft[slot] = value
            answer.keep(misses=None)
            return await self._go_on(turn, draft, before, answer)
        if turn.intent in ASIDES - YES_NO - {self.start} and (
            turn.pressed or self._is_aside(turn, turn.question or self.order[0], sure=False)
        ):
            return None
        return await self._not_understood(turn, draft, before, answer)

    async def _take_sheet(
        self,
        sheet: list[tuple[str, Turn]],
        turn: Turn,
        draft: dict[str, Any],
        before: dict[str, Any],
        answer: Answer,
    ) -> Verdict:
        """Take a form that was filled in elsewhere: each field is read as its answer in the chat would be.

        What a field does not hold is asked for in the chat.
        """
        filled: set[str] = set()
        for question, said in sheet:
            if question not in filled:
                self.changed(question, draft)
                draft[question] = None
                filled.add(question)
            draft.update(await self.read(question, said, draft, answer))
        draft[self.order[-1]] = None
        answer.keep(misses=None)
        return await self._go_on(turn, draft, before, answer)

    def sheet(self, turn: Turn, given: Mapping[str, Any]) -> list[tuple[str, Turn]]:
        """The fields of a filled form as questions, each with the message that would answer it."""
        return []

    async def begin(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """The first message of a form, or a return to it: take what was already said."""
        return {} if turn.pressed else await self.harvest(turn, draft)

    async def _read(self, turn: Turn, draft: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """Read an answer: a button, a correction, or free words."""
        question = turn.question or self.order[0]
        if turn.pressed and turn.intent == "choose":
            return await self.read(question, turn, draft, answer)
        if turn.pressed and turn.intent not in {"send_photo", "send_location"}:
            return {}
        if self._is_aside(turn, question):
            return {}
        step = self._step(turn)
        if step in {"send", "edit", "yes", "no"} and question != self.order[-1]:
            return {}
        if step is None and (turn.intent == "correct" or question == self.order[-1]):
            found = await self.correct(turn, draft)
            if found:
                return {self.order[-1]: None, **found}
            if turn.intent == "correct" and question not in self.free_text:
                return {self.order[-1]: "edit"} if question == self.order[-1] else {}
        found = await self.read(question, turn, draft, answer)
        if found or turn.intent not in STEERING:
            more = await self.harvest(turn, {**draft, **found})
            found = {**more, **found}
        return found

    def _is_aside(self, turn: Turn, question: str, *, sure: bool = True) -> bool:
        """A question or courtesy, not an answer in other words; `sure` asks for more where words are free."""
        if turn.intent not in ASIDES - YES_NO or turn.intent == self.start:
            return False
        if turn.photos or turn.location or self.covers(turn, question):
            return False
        return not sure or question not in self.free_text or turn.confidence >= self.free_text[question]

    def _step(self, turn: Turn) -> str | None:
        if turn.pressed:
            value = turn.values.get("value") if turn.intent == "choose" else None
            return str(value) if value in {"cancel", "back", "again", "skip"} else STEERING.get(turn.intent)
        # A wrong guess here would throw a draft away: the model must be sure, a known word is enough.
        guessed = turn.confidence >= SURE and not self.covers(turn, turn.question or self.order[0])
        return runtime().words.step(turn.text) or (STEERING.get(turn.intent) if guessed else None)

    def _wants_rival(self, turn: Turn) -> bool:
        if not turn.pressed and self.covers(turn, turn.question or self.order[0]):
            return False
        if turn.intent == self.rival:
            return turn.pressed or turn.confidence >= SURE or turn.question not in self.free_text
        if turn.intent != "unclear" or turn.question in self.free_text:
            return False
        if turn.heard == self.rival:
            return turn.confidence >= GUESS
        # A refusal and a wish in one sentence sound like the other wish being refused.
        second = turn.alternatives[1] if len(turn.alternatives) > 1 else {}
        likely = float(second.get("confidence") or 0) >= SECOND_GUESS
        return second.get("name") == self.rival and likely and len(turn.text.split()) >= WORDS_OF_A_WISH

    def _end(self, draft: dict[str, Any], before: dict[str, Any], how: str) -> Verdict:
        draft[self.order[-1]] = how
        return Verdict(_differences(before, draft), None)

    async def _back(
        self, turn: Turn, draft: dict[str, Any], before: dict[str, Any], answer: Answer
    ) -> Verdict:
        """One question back: forget the last answer before the open question."""
        asked = self.order.index(turn.question) if turn.question in self.order else 0
        asked_for = [slot for slot in self.order[:asked] if slot not in self.quiet]
        answered = [slot for slot in asked_for if draft.get(slot) is not None]
        if not answered:
            answer.open_with("form.at_the_start")
            return await self._go_on(turn, draft, before, answer, only=turn.question)
        draft[answered[-1]] = None
        self.changed(answered[-1], draft)
        return await self._go_on(turn, draft, before, answer, only=answered[-1])

    async def _not_understood(
        self, turn: Turn, draft: dict[str, Any], before: dict[str, Any], answer: Answer
    ) -> Verdict:
        if answer.messages:
            return Verdict(_differences(before, draft), turn.question)
        if answer.opening:
            return await self._go_on(turn, draft, before, answer, only=turn.question)
        misses = int(turn.slot("misses") or 0) + 1
        answer.keep(misses=misses)
        if misses >= 2:
            answer.say(
                "form.not_understood_twice",
                buttons=[button("button.agent", "talk_to_agent"), choice("button.cancel", "cancel")],
            )
        else:
            answer.open_with("form.not_understood")
        return await self._go_on(turn, draft, before, answer, only=turn.question)

    async def _go_on(
        self,
        turn: Turn,
        draft: dict[str, Any],
        before: dict[str, Any],
        answer: Answer,
        only: str | None = None,
    ) -> Verdict:
        """Ask the next open question, or the one that is named."""
        question: str | None = only or next((slot for slot in self.order if draft.get(slot) is None), None)
        if question is None and str(draft[self.order[-1]]).startswith("edit"):
            question = self.order[-1]
        if question is not None:
            question = await self.ask(question, turn, draft, answer)
        if question == self.order[-1]:
            self._seal(turn, draft, before, answer)
        return Verdict(_differences(before, draft), question)

    def _seal(self, turn: Turn, draft: dict[str, Any], before: dict[str, Any], answer: Answer) -> None:
        """Give the draft on the card its idempotency key; it changes only when the draft does.

        A confirmation whose outcome was lost on the way is then confirmed again under the same key.
        """
        if turn.slot("draft_key") is None or any(before[slot] != draft[slot] for slot in self.order[:-1]):
            answer.keep(draft_key=turn.key(self.prefix))


def chosen(turn: Turn, value: object) -> Turn:
    """The turn as if this choice had been pressed."""
    return replace(turn, intent="choose", values={"value": str(value)}, photos=(), location=None)


def written(turn: Turn, text: object) -> Turn:
    """The turn as if these words had been written."""
    words = str(text)
    return replace(
        turn, text=words, intent="unclear", confidence=0.0, values={}, pressed=False, photos=(), location=None
    )


def _erases(turn: Turn) -> bool:
    """Say whether the citizen has just confirmed that everything be erased: the draft goes with it."""
    if turn.intent == "delete_my_data" and turn.values.get("sure"):
        return True
    asked = turn.slot("asked") or {}
    return asked.get("intent") == "delete_my_data" and runtime().words.step(turn.text) == "yes"


def _differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    changed = {slot: value for slot, value in after.items() if before.get(slot) != value}
    # Rasa takes a validator's silence for a rejection: a turn that changes nothing still sets one slot.
    return changed or dict(list(after.items())[:1])


FORMS: dict[str, Form] = {}


def register(form: Form) -> Form:
    """Make a form known under its name."""
    FORMS[form.name] = form
    return form
