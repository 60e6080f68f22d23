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
        except (ValueError, KeyError, TypeError) as error:
            raise DialogueFailed(f"not a reply: {error}") from error

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
            "display_name": turn.display_name,
        },
        "state": turn.state,
    }


def _reply(data: dict[str, Any]) -> Reply:
    messages = tuple(
        Say(
            text_key=item["text_key"],
            values=item.get("values") or {},
            buttons=tuple(item.get("buttons") or ()),
            attachments=tuple(item.get("attachments") or ()),
            ask_location=bool(item.get("ask_location")),
        )
        for item in data["messages"]
    )
    effects = tuple(data.get("effects") or ())
    if not messages and not effects:
        raise ValueError("silence")
    return Reply(
        messages=messages,
        effects=effects,
        state=data["state"],
        understanding=data.get("understanding") or {},
    )
