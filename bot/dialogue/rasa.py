"""Rasa behind the port: one POST a turn to the channel that `intents.channel` serves inside Rasa."""

from typing import Any

import httpx

from bot.dialogue.base import DialogueFailed, DialogueUnavailable
from bot.vocabulary.conversations import Reply, Say, Turn


class RasaEngine:
    """Speaks to one or more Rasa servers; they keep no memory, so any of them may answer any turn.

    `timeout_seconds` bounds a whole turn, including the city's backend that an action calls.
    """

    def __init__(
        self, url: str, timeout_seconds: float, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(timeout_seconds, connect=2),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
            transport=transport,
            trust_env=False,
        )

    async def respond(self, turn: Turn) -> Reply:
        """Ask Rasa for one turn.

        Raises:
            DialogueUnavailable: nobody listens, or the server went away before it answered.
            DialogueFailed: time-out, an error status, silence, or an answer of another shape.
        """
        try:
            answer = await self._client.post("/webhooks/lawang/turn", json=_body(turn))
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.RemoteProtocolError,
            httpx.ReadError,
            httpx.WriteError,
            httpx.CloseError,
        ) as error:
            raise DialogueUnavailable(str(error) or type(error).__name__) from error
        except httpx.HTTPError as error:
            raise DialogueFailed(type(error).__name__) from error
        if answer.status_code in (502, 503):
            raise DialogueUnavailable(f"HTTP {answer.status_code}")
        if answer.status_code != 200:
            raise DialogueFailed(f"HTTP {answer.status_code}")
        try:
            return _reply(answer.json())
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise DialogueFailed(f"not a reply: {type(error).__name__}: {error}") from error

    async def ready(self) -> bool:
        """True once a model is loaded and turns are answered."""
        try:
            answer = await self._client.get("/webhooks/lawang/", timeout=2)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()


def _body(turn: Turn) -> dict[str, Any]:
    location = turn.location
    return {
        "turn_id": turn.id,
        "sender": turn.conversation_id,
        "text": turn.text,
        "language": turn.language,
        "metadata": {
            "tenant": turn.tenant,
            "channel": turn.channel,
            "now": turn.now.isoformat(),
            "location": None if location is None else {"lat": location.latitude, "lon": location.longitude},
            "photos": list(turn.photos),
            "cases": list(turn.cases),
            "bookings": list(turn.bookings),
            "waitings": list(turn.waitings),
            "person": turn.person,
            "display_name": turn.display_name,
        },
        "state": turn.state,
    }


def _reply(data: Any) -> Reply:
    """Read an answer, and refuse whatever nobody could render or apply later."""
    messages = tuple(
        Say(
            text_key=_typed(item["text_key"], str),
            values=_typed(item.get("values") or {}, dict),
            buttons=tuple(_button(button) for button in item.get("buttons") or ()),
            attachments=tuple(_typed(part, dict) for part in item.get("attachments") or ()),
            ask_location=bool(item.get("ask_location")),
            form=_typed(item["form"], str) if item.get("form") else None,
        )
        for item in data["messages"]
    )
    effects = tuple(_typed(item, dict) for item in data.get("effects") or ())
    if not messages and not effects:
        raise ValueError("silence")
    return Reply(
        messages=messages,
        effects=effects,
        state=_typed(data["state"], dict),
        understanding=_typed(data.get("understanding") or {}, dict),
    )


def _button(data: Any) -> dict[str, Any]:
    button: dict[str, Any] = _typed(data, dict)
    _typed(button["payload"], str)
    _typed(button.get("title") or button["title_key"], str)
    return button


def _typed(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} where {kind.__name__} belongs")
    return value
