"""Canned replies: sentences kept for reuse, with the citizen's own particulars put in."""

import re
import string
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.conversations import speech
from bot.conversations.desk import errors, naming, rules
from bot.conversations.desk.roles import needs
from bot.conversations.desk.writing import clean
from bot.door import Door
from bot.storage import audit, cannedreplies, cases, conversations, handoffs
from bot.storage.audit import Act
from bot.vocabulary.agents import Agent, CannedReply, Role

VARIABLES = ("nama", "petugas", "nomor", "kasus", "kota", "salam")
_SHORTCUT = re.compile(r"[a-z0-9_]{1,32}")
# Local hours at which each greeting begins.
_GREETINGS = ((4, "morning"), (11, "noon"), (15, "afternoon"), (18, "evening"))


async def of(door: Door, tenant: str, skill: str | None = None) -> list[CannedReply]:
    """A tenant's replies by shortcut; with a skill named, those for it and those for everything."""
    async with door.database.reading() as conn:
        return await cannedreplies.of(conn, tenant, skill)


async def save(door: Door, agent: Agent, reply: CannedReply) -> None:
    """Add or change a reply.

    Raises:
        NotAllowed: only supervisors and admins keep replies.
        Unusable: a shortcut that is taken or no shortcut, no text, or a variable that is not known.
    """
    needs(agent, Role.SUPERVISOR)
    if not _SHORTCUT.fullmatch(reply.shortcut):
        raise errors.Unusable("shortcut")
    clean(reply.text)
    clean(reply.title)
    check(reply.text)
    own = CannedReply(reply.id, agent.tenant, reply.shortcut, reply.title[:128], reply.text, reply.skill)
    now = datetime.now(UTC)
    async with door.database.transaction() as conn:
        if not await cannedreplies.save(conn, own, agent.id, now):
            raise errors.Unusable("shortcut_taken", shortcut=reply.shortcut)
        await audit.write(
            conn,
            Act.REPLY_CHANGED,
            now,
            tenant=agent.tenant,
            agent_id=agent.id,
            subject=f"/{own.shortcut}",
            detail=f"{own.title}: {own.text}",
        )


async def delete(door: Door, agent: Agent, reply_id: str) -> None:
    """Remove a reply. Raises NotAllowed, LookupError."""
    needs(agent, Role.SUPERVISOR)
    async with door.database.transaction() as conn:
        known = await cannedreplies.of(conn, agent.tenant)
        if not await cannedreplies.delete(conn, agent.tenant, reply_id):
            raise LookupError(reply_id)
        gone = next((one for one in known if one.id == reply_id), None)
        await audit.write(
            conn,
            Act.REPLY_CHANGED,
            datetime.now(UTC),
            tenant=agent.tenant,
            agent_id=agent.id,
            subject=f"/{gone.shortcut}" if gone else None,
            detail="→ –",
        )


def check(text: str) -> None:
    """Raise Unusable for a variable that is not known, or braces that are none."""
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise errors.Unusable("variable", name="{", known=_known()) from error
    for name in names:
        if name not in VARIABLES:
            raise errors.Unusable("variable", name=name, known=_known())


def _known() -> str:
    return ", ".join(f"{{{name}}}" for name in VARIABLES)


async def fill(door: Door, agent: Agent, conversation_id: str, text: str) -> str:
    """Put the particulars of one conversation into a reply; what is unknown becomes a respectful word.

    The agent sees the result before it is sent. Raises LookupError, Unusable.
    """
    check(text)
    now = datetime.now(UTC)
    async with door.database.reading() as conn:
        conversation = await conversations.get(conn, conversation_id)
        if conversation.tenant != agent.tenant:
            raise LookupError(conversation_id)
        found = await handoffs.open_of(conn, conversation_id)
        known = await cases.cases_of(conn, conversation_id, 1)
    here = await rules.load(door, agent.tenant)
    tenant = door.tenants[agent.tenant]
    hour = now.astimezone(ZoneInfo(tenant.timezone)).hour
    greeting = next((name for start, name in reversed(_GREETINGS) if hour >= start), "evening")
    values = {
        "nama": conversation.address.display_name or speech.sentence(door, agent.tenant, "desk.sir_or_madam"),
        "petugas": naming.shown(here, agent) or speech.sentence(door, agent.tenant, "desk.officer"),
        "nomor": f"P-{found.number}" if found else "-",
        "kasus": known[0].reference if known else "-",
        "kota": tenant.short_name,
        "salam": speech.sentence(door, agent.tenant, f"desk.greeting.{greeting}"),
    }
    # Plain replacement: a value that looks like a variable stays what it is.
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], text)
