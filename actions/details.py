"""What a city's system wants to know about one topic besides what and where, asked one thing at a time.

The system says what it asks (`complaint.attributes`); only what it requires is asked. How far the questions
are is a slot of its own, plain data: the topic, the questions, the answers given, the page of a long list,
what is picked so far. Once all is answered the form's own slot holds the outcome.
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from actions.runtime import runtime
from actions.turn import Answer, Turn, choice, said
from connectors.capabilities import AttributeKind, Capability
from connectors.errors import ConnectorError
from connectors.operations import to_json
from intents.dates import combine, resolve
from intents.numbers import VALUES

log = logging.getLogger(__name__)

ASKS = "complaint_asks"
LONGEST_WAIT_SECONDS = 4.0
"""A system that takes longer to say what it asks is not waited for: the report goes without."""
PAGE = 7
LONGEST = 500
LISTS = (AttributeKind.ONE, AttributeKind.SEVERAL)
_NUMBER = re.compile(r"(?<![\w.,])-?\d{1,9}(?:[.,]\d{1,4})?(?![\w,])")

State = dict[str, Any]


async def begin(turn: Turn, answer: Answer, topic: str) -> State | None:
    """Start asking about a topic; None when its system asks nothing that a citizen has to answer."""
    state = state_of(turn, answer)
    if state is None or state["topic"] != topic:
        asks = await _required(turn, topic)
        state = {"topic": topic, "asks": asks, "given": {}, "page": 0, "picked": []} if asks else None
    answer.keep(**{ASKS: state})
    return state


async def _required(turn: Turn, topic: str) -> list[dict[str, Any]]:
    try:
        connector = runtime().registry.find(turn.tenant, Capability.COMPLAINT_SUBMIT, topic)
        if Capability.COMPLAINT_ATTRIBUTES not in connector.offers:
            return []
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            found = await connector.complaint_attributes(topic)
    except (ConnectorError, TimeoutError) as error:
        log.warning("what is asked about %s is not known: %s", topic, error or "no answer in time")
        return []
    told = connector.manifest.open311.attributes
    asked = [one for one in found if one.required and one.code not in told]
    return [to_json(one) for one in asked if one.choices or one.kind not in LISTS]


def state_of(turn: Turn, answer: Answer | None = None) -> State | None:
    """How far the questions are, this turn's answers included."""
    found: State | None = turn.slot(ASKS)
    if answer is not None and ASKS in answer.slots:
        found = answer.slots[ASKS]
    return found


def outcome(state: State | None) -> dict[str, Any] | None:
    """Return the form's slot once everything is answered; None before."""
    if state is None:
        return {"answers": {}, "lines": []}
    if _open(state) is not None:
        return None
    return {
        "answers": {code: given["value"] for code, given in state["given"].items()},
        "lines": [[label(ask), state["given"][ask["code"]]["said"]] for ask in state["asks"]],
    }


def again(state: State) -> State:
    """Return the same questions, unanswered."""
    return {**state, "given": {}, "page": 0, "picked": []}


def back(state: State) -> State | None:
    """Take back the last answer; None when there is none."""
    if not state["given"]:
        return None
    given = dict(state["given"])
    given.popitem()
    return {**state, "given": given, "page": 0, "picked": []}


def say(answer: Answer, state: State) -> None:
    """Ask the next open question."""
    ask = _open(state)
    assert ask is not None
    question, buttons = ask["question"].rstrip(), []
    if ask["kind"] in LISTS:
        picked = set(state["picked"])
        names = [(n, one["name"]) for n, one in enumerate(ask["choices"]) if one["key"] not in picked]
        pages = max(1, -(-len(names) // PAGE))
        page = state["page"] % pages
        shown = names[page * PAGE : (page + 1) * PAGE]
        buttons = [choice("", f"detail:{ask['code']}:{n}", title=name[:60]) for n, name in shown]
        if pages > 1:
            buttons.append(choice("button.more_choices", "detail_more"))
        if picked:
            buttons.append(choice("button.enough", "detail_done"))
            question_key, chosen = "complaint.ask_detail_more", ", ".join(_names(ask, state["picked"]))
            answer.say(question_key, buttons=buttons, question=question, chosen=chosen)
            return
    kind = "several" if ask["kind"] == AttributeKind.SEVERAL else ask["kind"]
    key = "complaint.ask_detail" if kind == AttributeKind.ONE else f"complaint.ask_detail_{kind}"
    hint = said("complaint.detail_hint", hint=ask["hint"]) if ask["hint"] else ""
    answer.say(key, buttons=buttons, question=question, hint=hint)


def read(state: State, turn: Turn, value: str, text: str) -> State | None:
    """Return the state after an answer; None when it is none."""
    if value == "detail_more":
        return {**state, "page": state["page"] + 1}
    ask = _open(state)
    if value.startswith("detail:"):
        code, _, number = value.removeprefix("detail:").rpartition(":")
        ask = next((one for one in state["asks"] if one["code"] == code), None)
        if ask is None or not number.isdecimal() or int(number) >= len(ask["choices"]):
            return None
        return _picked(state, ask, [ask["choices"][int(number)]["key"]])
    if ask is None:
        return None
    if value == "detail_done":
        return _given(state, ask, state["picked"]) if state["picked"] else None
    if not text:
        return None
    if ask["kind"] in LISTS:
        named = _named(ask, text)
        if len(named) == 1 or (named and ask["kind"] == AttributeKind.SEVERAL):
            return _picked(state, ask, named, done=bool(text))
        return None
    written = _written(ask, text, turn.now)
    return None if written is None else _given(state, ask, *written)


def amended(state: State | None, text: str) -> State | None:
    """Return the state with the one answer changed that a remark names: *bukan anjing, kucing*."""
    for ask in state["asks"] if state else ():
        if state is None or ask["kind"] != AttributeKind.ONE or ask["code"] not in state["given"]:
            continue
        before = state["given"][ask["code"]]["value"]
        named = [key for key in _named(ask, text) if key != before]
        if len(named) == 1:
            return _given(state, ask, named)
    return None


def label(ask: Mapping[str, Any]) -> str:
    """A question as a line of the card begins."""
    return str(ask["question"]).strip().rstrip("?:. ")


def _open(state: State) -> dict[str, Any] | None:
    return next((ask for ask in state["asks"] if ask["code"] not in state["given"]), None)


def _picked(state: State, ask: Mapping[str, Any], keys: list[str], *, done: bool = False) -> State:
    if ask["kind"] == AttributeKind.ONE:
        return _given(state, ask, keys)
    picked = [*state["picked"], *(key for key in keys if key not in state["picked"])]
    if done or len(picked) == len(ask["choices"]):
        return _given(state, ask, picked)
    return {**state, "picked": picked}


def _given(state: State, ask: Mapping[str, Any], value: Any, spoken: Any = None) -> State:
    if ask["kind"] in LISTS:
        spoken = ", ".join(_names(ask, value))
        value = value[0] if ask["kind"] == AttributeKind.ONE else list(value)
    given = {**state["given"], ask["code"]: {"value": value, "said": spoken}}
    return {**state, "given": given, "page": 0, "picked": []}


def _names(ask: Mapping[str, Any], keys: list[str]) -> list[str]:
    return [one["name"] for one in ask["choices"] if one["key"] in keys]


def _named(ask: Mapping[str, Any], text: str) -> list[str]:
    """The choices a text names; a longer name hides the shorter one inside it, and a number counts from 1."""
    plain = " ".join(re.findall(r"\w+", text.casefold()))
    if plain.isdecimal() and 1 <= int(plain) <= len(ask["choices"]):
        return [ask["choices"][int(plain) - 1]["key"]]
    rest, found = f" {plain} ", []
    for one in sorted(ask["choices"], key=lambda one: -len(one["name"])):
        name = " ".join(re.findall(r"\w+", one["name"].casefold()))
        if name and f" {name} " in rest:
            rest = rest.replace(f" {name} ", "  ")
            found.append(one["key"])
    if not found and len(plain) >= 3:
        found = [
            one["key"]
            for one in ask["choices"]
            if re.search(rf"\b{re.escape(plain)}", one["name"].casefold())
        ]
    return [one["key"] for one in ask["choices"] if one["key"] in found]


def _written(ask: Mapping[str, Any], text: str, now: datetime) -> tuple[str, Any] | None:
    """A free answer as it is sent and as it is shown."""
    if ask["kind"] == AttributeKind.NUMBER:
        number = _number(text)
        return None if number is None else (number, number)
    if ask["kind"] == AttributeKind.DATETIME:
        moment = _moment(text, now)
        return (
            None
            if moment is None
            else (moment.isoformat(timespec="seconds"), {"$datetime": moment.isoformat()})
        )
    if ask["kind"] == AttributeKind.TEXT:
        return text[:LONGEST], text[:LONGEST]
    line = " ".join(text.split())[:LONGEST]
    return line, line


def _number(text: str) -> str | None:
    found = _NUMBER.findall(text)
    if len(found) == 1:
        return str(found[0]).replace(",", ".")
    words = " ".join(re.findall(r"\w+", text.casefold()))
    named = {value for word, value in VALUES.items() if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", words)}
    return str(max(named)) if named and not found else None


def _moment(text: str, now: datetime) -> datetime | None:
    """A day, a time or both. What is asked about a report has happened: *Senin* is the last one."""
    wish = combine(resolve(text, now))
    if wish is None or wish.problem == "impossible":
        return None
    day = wish.day or (wish.choices[0] if wish.choices else None)
    if day is None and wish.time is None:
        return None
    if day and wish.weekday and day > now.date():
        day -= timedelta(days=7)
    return datetime.combine(day or now.date(), wish.time or time(0), tzinfo=now.tzinfo)
