"""A chat form that the channel can show whole: offered beside its first question, judged when it comes back.

What was filled in goes to the same form of the dialogue, which reads every field as it reads an answer.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.channels.base import Channel
from bot.channels.whatsapp.flows import Flow, Flows
from bot.conversations import flowscreens, speech
from bot.conversations.choices import VALID_FOR, Press
from bot.door import Door
from bot.storage import buttons, conversations
from bot.storage.buttons import OfferedButton
from bot.vocabulary.conversations import Conversation
from bot.vocabulary.messages import Button, ChannelName, OpenedForm, OutgoingMessage

TOKEN_BYTES = 16
NOT_ASKED = frozenset({"photos", "form_token"})


def registry(adapter: Channel | None) -> Flows:
    """The forms that a channel can show; none for most."""
    found: Flows = getattr(adapter, "forms", None) or Flows()
    return found


def offered(
    door: Door, conversation: Conversation, bubble: OutgoingMessage, name: str | None
) -> OutgoingMessage:
    """Put the form on the bubble that asks its first question, where the government has published it."""
    if name is None or bubble.ask_location or bubble.attachments:
        return bubble
    known = registry(door.channels.get(conversation.address.channel))
    flow = known.all.get(name)
    if flow is None or known.id_of(conversation.tenant, name) is None or not _answerable(door, flow):
        return bubble
    own = Button(
        title=speech.sentence(door, conversation.tenant, f"flow.open_{name}"),
        payload=f"/{flow.starts}",
        token=secrets.token_urlsafe(TOKEN_BYTES),
        form=name,
    )
    either = speech.sentence(door, conversation.tenant, "flow.or_form")
    return replace(bubble, text=f"{bubble.text}\n\n{either}", buttons=(*bubble.buttons, own))


def opened(
    door: Door, adapter: Channel, conversation: Conversation, bubble: OutgoingMessage
) -> OutgoingMessage:
    """The bubble as it is sent now: with its form ready to be opened, or without one that is no more."""
    own = next((button for button in bubble.buttons if button.form), None)
    if own is None:
        return bubble
    known = registry(adapter)
    flow = known.all.get(own.form or "")
    form_id = known.id_of(conversation.tenant, flow.name) if flow else None
    if flow is None or form_id is None or not _answerable(door, flow):
        return asked_in_chat(bubble)
    data = None if flow.exchange else flowscreens.first(door, conversation.tenant, flow, own.token)
    return replace(bubble, form=OpenedForm(form_id, flow.screen, own.title, own.token, data))


def asked_in_chat(bubble: OutgoingMessage) -> OutgoingMessage:
    """The same question without its form."""
    left = tuple(button for button in bubble.buttons if not button.form)
    return replace(bubble, buttons=left, form=None)


def _answerable(door: Door, flow: Flow) -> bool:
    """A form that asks our endpoint is of no use without the key to its envelopes."""
    given = door.settings.whatsapp
    return not flow.exchange or (given is not None and bool(given.private_key))


def judged(known: Flows, button: OfferedButton | None, now: datetime) -> Press:
    """Judge the token of a form that was filled in: offered in this very conversation, once, not long ago.

    Unlike a button it stays good while the talk goes on: it takes a while to fill in a form.
    """
    if button is None or known.starting(button.payload) is None:
        return Press(None, "flow.unknown")
    if button.used:
        return Press(None, "flow.used")
    if now - button.created_at > VALID_FOR:
        return Press(None, "flow.expired")
    return Press(button.payload)


def payload(flow: Flow, answers: Mapping[str, Any]) -> str:
    """What the dialogue gets: the wish that the form begins with, and the answers as they were given."""
    asked = flow.fields - NOT_ASKED
    given = {name: answers[name] for name in sorted(asked) if answers.get(name) not in (None, "")}
    return f"/{flow.starts}" + json.dumps({"form": given}, ensure_ascii=False)


async def next_screen(door: Door, asked: Mapping[str, Any]) -> tuple[flowscreens.Screen | None, str]:
    """The screen that a form shows next, or None and why it does not count any more.

    A request names no citizen: whose form it is, its token tells.
    """
    token = asked.get("flow_token")
    button, conversation = None, None
    async with door.database.reading() as conn:
        if isinstance(token, str) and (owner := await buttons.conversation_of(conn, token[:64])):
            button = await buttons.find(conn, owner, token)
            conversation = await conversations.get(conn, owner)
    tenant = conversation.tenant if conversation else door.settings.tenant
    known = registry(door.channels.get(ChannelName.WHATSAPP))
    judgement = judged(known, button, datetime.now(UTC))
    flow = known.starting(judgement.payload or "")
    if conversation is None or flow is None or not flow.exchange:
        return None, speech.sentence(door, tenant, "flow.over")
    name = conversation.address.display_name
    return await flowscreens.answered(door, tenant, str(token), name, asked), ""
