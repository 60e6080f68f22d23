"""When a person is better: the conversation waits in the agents' queue, and the bot keeps still."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.door import Door
from bot.storage import conversations, handoffs
from bot.vocabulary.agents import Outcome
from bot.vocabulary.conversations import Conversation, Owner, Say

if TYPE_CHECKING:
    from bot.conversations.turns import Answer

BACK_TO_BOT = "/back_to_bot"
SAYS_BACK = frozenset({BACK_TO_BOT, "/cancel", "batal", "kembali", "kembali ke lawang", "lanjut dengan bot"})


async def request(
    conn: AsyncConnection,
    door: Door,
    conversation: Conversation,
    reason: str,
    summary: dict[str, Any],
    now: datetime,
) -> list[Say]:
    """Queue the conversation for a person and tell the citizen its number and the hours."""
    found, _ = await handoffs.open(conn, conversation.id, conversation.tenant, reason, summary, now)
    await conversations.change_owner(conn, conversation.id, Owner.BOT, Owner.QUEUE)
    tenant = door.tenants.get(conversation.tenant)
    hours = None if tenant is None else (tenant.facts.get("call_center") or {}).get("hours")
    key = "handoff.queued" if hours else "handoff.queued_hours_unknown"
    back = {"title_key": "button.back_to_bot", "payload": BACK_TO_BOT, "reusable": True}
    return [Say(key, {"number": f"P-{found.number}", "hours": hours}, buttons=(back,))]


def while_waiting(conversation: Conversation, text: str) -> "Answer":
    """What happens to a message while a person is asked for: it is kept for them; the bot says so briefly."""
    from bot.conversations.turns import Answer

    if text.lower().strip(" .!") in SAYS_BACK:
        effects = ({"type": "handoff_ended", "reason": "citizen"},)
        return Answer("back_to_bot", [Say("handoff.back")], effects, conversation.state)
    back = {"title_key": "button.back_to_bot", "payload": BACK_TO_BOT, "reusable": True}
    says = [Say("handoff.kept", buttons=(back,))] if conversation.owner is Owner.QUEUE else []
    return Answer("for_agent", says, state=conversation.state)


async def end(conn: AsyncConnection, conversation: Conversation, outcome: str, now: datetime) -> None:
    """Give the conversation back to the bot; what the citizen had begun is still there."""
    if await conversations.change_owner(conn, conversation.id, conversation.owner, Owner.BOT):
        await handoffs.close(conn, conversation.id, Outcome.TO_BOT, now)
