"""What a turn came to, before it is stored: the sentences, and the way out to a person where things fail."""

from dataclasses import dataclass, field
from typing import Any

from bot import metrics
from bot.channels.whatsapp.flows import Flows
from bot.conversations import speech
from bot.door import Door
from bot.storage import messages
from bot.storage.buttons import OfferedButton
from bot.storage.messages import StoredMessage
from bot.vocabulary.conversations import Conversation, Reply, Say
from bot.vocabulary.messages import OutgoingMessage

CITY_AWAY = frozenset({"error.backend", "error.backend_unreachable", "error.backend_changed"})
_AGENT = {"title_key": "button.talk_to_agent", "payload": "/talk_to_agent", "reusable": True}


@dataclass
class Answer:
    """What a turn came to, before it is stored."""

    outcome: str
    says: list[Say] = field(default_factory=list)
    effects: tuple[dict[str, Any], ...] = ()
    state: dict[str, Any] | None = None
    failures: int = 0
    understanding: dict[str, Any] | None = None
    pressed: OfferedButton | None = None
    language: str | None = None
    # Said before in other words, now whole.
    bubbles: list[OutgoingMessage] = field(default_factory=list)


def plain(conversation: Conversation, outcome: str, say: Say) -> Answer:
    """One sentence; the dialogue and its count of failures stay as they were."""
    return Answer(outcome, [say], state=conversation.state, failures=conversation.failures)


def failed(conversation: Conversation, outcome: str) -> Answer:
    """An honest sentence; from the second failure in a row a person is offered."""
    failures = conversation.failures + 1
    say = Say("error.dialogue")
    if failures >= 2:
        say = Say("error.dialogue_again", buttons=(_AGENT,))
    return Answer(outcome, [say], state=conversation.state, failures=failures)


def city_failures(conversation: Conversation, reply: Reply) -> int:
    """How many answers in a row had to say that a city system does not work."""
    broken = any(message.text_key in CITY_AWAY for message in reply.messages)
    return conversation.failures + 1 if broken else 0


def with_a_way_out(says: list[Say], failures: int) -> list[Say]:
    """From the second failure in a row a person is offered, unless the answer offers one already."""
    offered = any(button["payload"].startswith("/talk_to_agent") for say in says for button in say.buttons)
    if failures < 2 or offered:
        return says
    return [*says, Say("error.backend_again", buttons=(_AGENT,))]


def form_refused(conversation: Conversation, known: Flows, message: StoredMessage, why: str) -> Answer:
    """A form that does not count: say why, and offer the same in the chat."""
    metrics.BAD_INPUT.labels(conversation.address.channel, why.replace(".", "_")).inc()
    filled = frozenset(message.extra.get("form") or ())
    likely = max(known.all.values(), key=lambda flow: len(flow.fields & filled), default=None)
    buttons: tuple[dict[str, Any], ...] = ()
    if likely is not None and why != "flow.used":
        buttons = (
            {"title_key": f"flow.start_{likely.name}", "payload": f"/{likely.starts}", "reusable": True},
        )
    return plain(conversation, "form_refused", Say(why, buttons=buttons))


async def whole(door: Door, conversation: Conversation, message_id: int) -> Answer:
    """What a template only announced, with buttons that work now."""
    async with door.database.reading() as conn:
        stored = await messages.get(conn, message_id)
    words = speech.words_of(door, stored.text, stored.sealed_text)
    bubble = speech.from_stored(words, stored.buttons, stored.attachments, stored.ask_location)
    bubble = speech.with_new_tokens(bubble, stored.buttons)
    return Answer(
        "shown_whole", [], state=conversation.state, failures=conversation.failures, bubbles=[bubble]
    )
