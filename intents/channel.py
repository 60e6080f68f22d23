"""The front door's own channel: one POST is one turn, with the dialogue's memory in the request and the
answer.

`POST /webhooks/lawang/turn` takes the turn, its metadata and the state of the dialogue; it answers messages
(text keys, no sentences), effects, the new state and what was understood. `GET /webhooks/lawang/` says
whether a model is loaded. No text of a citizen is ever logged here.
"""

import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from rasa.shared.core.trackers import DialogueStateTracker
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from intents.shortcuts import failures, payload
from intents.trackers import TurnTrackers, remember, restore

logger = logging.getLogger(__name__)

# Rasa acts on an intent called `restart` by itself and before every rule.
RESERVED = {"restart": "start_over"}
LONGEST_TEXT = 8000
# A button that says something in the citizen's stead: the second wish of an earlier message.
SAY = "say"
# Where any words were asked for, these are still not the words.
NO_WORDS = frozenset({"cancel", "deny", "skip", "go_back", "start_over", "help", "talk_to_agent", "crisis"})


@dataclass(frozen=True)
class Thresholds:
    """From which confidence an intent is acted upon, and from which it is offered as a choice."""

    act: float
    offer: float

    @classmethod
    def load(cls, root: Path) -> "Thresholds":
        """Read data/thresholds.yml."""
        data = yaml.safe_load((root / "data" / "thresholds.yml").read_text(encoding="utf-8"))
        return cls(float(data["act"]), float(data["offer"]))


class Collected(OutputChannel):
    """Keeps what the actions said, as plain data."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.effects: list[dict[str, Any]] = []

    @classmethod
    def name(cls) -> str:
        """The channel's name, as responses may be varied by it."""
        return "lawang"

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Sort one answer into messages and effects; anything without a text key is not ours."""
        custom = message.get("custom") or {}
        if "effect" in custom:
            self.effects.append(custom["effect"])
        elif "text_key" in custom:
            self.messages.append(
                {
                    "text_key": custom["text_key"],
                    "values": custom.get("values", {}),
                    "buttons": custom.get("buttons", []),
                    "attachments": custom.get("attachments", []),
                    "ask_location": bool(custom.get("ask_location", False)),
                    "form": custom.get("form"),
                }
            )
        else:
            logger.warning("an action answered without a text key")


class BadTurn(ValueError):
    """The request is no turn; the message names the field, never its content."""


class TurnChannel(InputChannel):
    """Answers turns for the front door."""

    def __init__(self, root: Path | None = None) -> None:
        self.thresholds = Thresholds.load(root or Path.cwd())

    @classmethod
    def name(cls) -> str:
        """Part of the address: /webhooks/lawang."""
        return "lawang"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Offer the two routes."""
        routes = Blueprint("lawang_turns")

        @routes.get("/")
        async def ready(request: Request) -> HTTPResponse:
            agent = getattr(request.app.ctx, "agent", None)
            if agent is None or not agent.is_ready():
                return response.json({"status": "loading"}, status=503)
            return response.json({"status": "ok", "model": agent.model_name})

        @routes.post("/turn")
        async def turn(request: Request) -> HTTPResponse:
            agent = getattr(request.app.ctx, "agent", None)
            if agent is None or not agent.is_ready():
                return response.json({"error": "loading"}, status=503)
            try:
                body, status = await self.answer(agent, request.json), 200
            except BadTurn as error:
                body, status = {"error": "bad_turn", "detail": str(error)}, 400
            except Exception as error:  # the edge: whatever happened, one line without the citizen's words
                logger.error("a turn failed: %s", _kinds(error))
                body, status = {"error": "failed"}, 500
            if "error" in body and status == 200:
                status = 502 if body["error"] == "actions_unreachable" else 500
            return response.json(body, status=status)

        return routes

    async def answer(self, agent: Any, body: Any) -> dict[str, Any]:
        """Answer one turn with a loaded agent; `error` in the answer means that something did not happen.

        Raises:
            BadTurn: the body is no turn.
        """
        turn = _checked(body)
        processor = agent.processor
        key = f"{turn['turn_id']}/{uuid.uuid4().hex[:8]}"
        output = Collected()
        noted: list[str] = []
        token = failures.set(noted)
        tracker = TurnTrackers.live[key] = restore(key, turn["state"], processor.domain)
        try:
            metadata = {**turn["metadata"], "turn_id": turn["turn_id"], "language": turn["language"]}
            parsed = await self._understand(processor, UserMessage(_spoken(turn), metadata=metadata), tracker)
            _take_as_asked(parsed, turn["state"] or {})
            await processor.handle_message(
                UserMessage(
                    parsed["text"],
                    output,
                    key,
                    parse_data=parsed,
                    input_channel=self.name(),
                    metadata=metadata,
                )
            )
        finally:
            failures.reset(token)
            TurnTrackers.live.pop(key, None)
        if noted:
            return {"error": noted[0]}
        if not output.messages and not output.effects:
            return {"error": "silent"}
        state = remember(tracker)
        _offer_second(state, parsed, output.messages)
        return {
            "messages": output.messages,
            "effects": output.effects,
            "state": state,
            "understanding": _understanding(parsed),
        }

    async def _understand(
        self, processor: Any, message: UserMessage, tracker: DialogueStateTracker
    ) -> dict[str, Any]:
        """Parse a text, or take a payload by its word; an intent below the threshold becomes `unclear`."""
        text = str(message.text)
        try:
            pressed = payload(text)
        except ValueError:
            raise BadTurn("text: broken payload") from None
        if pressed:
            intent, values = pressed
            if intent == SAY and isinstance(values.get("text"), str):
                said = UserMessage(values["text"].lstrip("/"), metadata=message.metadata)
                return await self._understand(processor, said, tracker)
            intent = RESERVED.get(intent, intent)
            if intent not in processor.domain.intents:
                raise BadTurn("text: payload names no intent")
            heard = {"name": intent, "confidence": 1.0}
            entities = [{"entity": name, "value": value} for name, value in values.items()]
            return {
                "text": text,
                "intent": heard,
                "intent_ranking": [heard],
                "entities": entities,
                "pressed": True,
            }
        parsed: dict[str, Any] = await processor.parse_message(message, tracker)
        # In a form a message is an answer, however many wishes it may hold.
        second = None if tracker.active_loop_name else parsed.get("second")
        if second:
            message = UserMessage(second["first_text"], metadata=message.metadata)
            parsed = await processor.parse_message(message, tracker)
        parsed["second"] = second
        heard = parsed["intent"]
        parsed["understood"] = heard
        name, confidence = heard.get("name"), float(heard.get("confidence") or 0.0)
        name = RESERVED.get(name, name) if confidence >= self.thresholds.act else "unclear"
        parsed["intent"] = {"name": name or "unclear", "confidence": confidence}
        return parsed


def _offer_second(state: dict[str, Any], parsed: Mapping[str, Any], messages: list[dict[str, Any]]) -> None:
    """Keep a message's second wish until no form is open, then offer it under the last bubble, once."""
    wish = parsed.get("second") or state["slots"].get("next_wish")
    if not wish:
        return
    if "form" in state or not messages:
        state["slots"]["next_wish"] = wish
        return
    state["slots"].pop("next_wish", None)
    last = messages[-1]
    what = wish["title"] or {"$text": f"button.intent_{wish['intent']}"}
    offer = {"$text": "wish.next", "values": {"what": what}}
    own = {"$text": last["text_key"], "values": last["values"]}
    last |= {"text_key": "layout.lines", "values": {"first": own, "second": offer}}
    payload = f"/{SAY}" + json.dumps({"text": wish["text"]}, ensure_ascii=False)
    last["buttons"] = [{"title_key": "button.next_wish", "payload": payload}, *last["buttons"]]


def _take_as_asked(parsed: dict[str, Any], state: Mapping[str, Any]) -> None:
    """Free words that a question outside the forms waits for belong to it, whatever they sound like."""
    asked = state.get("slots", {}).get("asked")
    if state.get("form") or not isinstance(asked, dict) or asked.get("wants") != "words":
        return
    name = parsed["intent"]["name"]
    if name not in NO_WORDS and (not parsed.get("pressed") or name == "send_photo"):
        parsed.setdefault("understood", parsed["intent"])
        parsed["intent"] = {"name": asked["intent"], "confidence": 1.0}


def _kinds(error: BaseException | None) -> str:
    """Name an error and what caused it, by class and place; messages may quote the citizen."""
    named = []
    while error is not None:
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        where = f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else "?"
        named.append(f"{type(error).__name__} at {where}")
        error = error.__cause__
    return " from ".join(named)


def _spoken(turn: Mapping[str, Any]) -> str:
    """What the citizen said; a bare photo or pin speaks through a technical intent."""
    text = str(turn["text"]).strip()
    if text:
        return text
    metadata = turn["metadata"]
    if metadata.get("photos"):
        return "/send_photo"
    if metadata.get("location"):
        return "/send_location"
    raise BadTurn("text: empty, and neither photo nor location")


def _checked(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise BadTurn("body: not an object")
    for field in ("turn_id", "sender", "text"):
        if not isinstance(body.get(field), str) or (field != "text" and not body[field]):
            raise BadTurn(f"{field}: missing or not a string")
    if len(body["text"]) > LONGEST_TEXT:
        raise BadTurn(f"text: longer than {LONGEST_TEXT} characters")
    metadata = body.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("tenant"), str):
        raise BadTurn("metadata: missing, or without tenant")
    try:
        aware = datetime.fromisoformat(metadata["now"]).tzinfo is not None
    except (KeyError, TypeError, ValueError):
        aware = False
    if not aware:
        raise BadTurn("metadata: now is no time with an offset")
    state = body.get("state")
    if state is not None and not (isinstance(state, dict) and isinstance(state.get("slots", {}), dict)):
        raise BadTurn("state: not one of ours")
    return {**body, "state": state, "language": body.get("language")}


def _understanding(parsed: Mapping[str, Any]) -> dict[str, Any]:
    intent = parsed.get("understood") or parsed["intent"]
    ranking = parsed.get("intent_ranking", [])
    return {
        "intent": {"name": intent.get("name"), "confidence": intent.get("confidence", 0.0)},
        "alternatives": [entry for entry in ranking if entry.get("name") != intent.get("name")][:4],
        "services": parsed.get("services", []),
        "topic": parsed.get("topic"),
        "entities": parsed.get("entities", []),
    }
