"""One conversation: its transcript, its hand-over card, and what a masked message really says."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from bot.conversations.desk import canned, card, drafts
from bot.conversations.desk.card import Card
from bot.storage import agents, transcripts
from bot.storage.audit import Act
from bot.storage.messages import StoredMessage
from bot.storage.transcripts import Line
from bot.vocabulary.agents import CannedReply, Draft, Outcome, Role, Stage
from bot.web import screens
from bot.web.access import identity
from bot.web.access.identity import Signed
from bot.web.agent import frame, lists, sheets
from bot.web.agent.frame import Poster, Visitor
from bot.web.agent.sheets import Appointment, Report
from bot.web.agent.words import Words

router = APIRouter(prefix="/agent", route_class=screens.ScreenRoute, include_in_schema=False)
PAGE = 50
MOST = 400
# What an agent chooses from at the end; the other outcomes are the system's own.
OUTCOMES = (Outcome.SOLVED, Outcome.REFERRED, Outcome.UNSOLVED, Outcome.NO_ANSWER, Outcome.SPAM)


@dataclass(frozen=True, slots=True)
class Talk:
    """What the page of a conversation shows."""

    card: Card
    lines: list[Line]
    more: bool
    drafts: list[Draft]
    canned: list[CannedReply]
    owner_name: str | None
    names: dict[str, str]
    mine: bool
    may_reveal: bool

    @property
    def id(self) -> str:
        """The conversation's id."""
        return self.card.conversation.id

    @property
    def report(self) -> Report | None:
        """A report that the citizen sent as a form while a person has the talk, or waits for one."""
        found = self.card.handoff
        return sheets.report(self.lines, found.queued_at if found else None)

    @property
    def appointment(self) -> Appointment | None:
        """A queue place that the citizen wished for by a form since then."""
        found = self.card.handoff
        return sheets.appointment(self.lines, found.queued_at if found else None)

    def filled(self, words: Words, message: StoredMessage) -> list[tuple[str, str]]:
        """The fields of a form that the citizen filled in on the channel."""
        return sheets.fields(words, message)

    @property
    def state(self) -> str:
        """Which buttons fit: `waiting`, `mine`, `theirs`, `bot`."""
        found = self.card.handoff
        if found is None:
            return "bot"
        if found.stage is Stage.ASSIGNED:
            return "mine" if self.mine else "theirs"
        return "waiting"


async def read(request: Request, signed: Signed, conversation_id: str, lines: int = PAGE) -> Talk:
    """Everything of one conversation. Raises LookupError, also for another tenant's."""
    door = identity.door_of(request)
    agent = signed.agent
    found = await card.card(door, agent, conversation_id)
    async with door.database.reading() as conn:
        transcript = await transcripts.page(conn, conversation_id, limit=lines + 1)
        names = {one.id: one.name for one in await agents.of(conn, agent.tenant)}
        names |= {signed.agent.id: signed.agent.name}
        holder = found.handoff.agent_id if found.handoff else None
        owner_name = (await agents.get(conn, holder)).name if holder else None
    mine = holder == agent.id
    return Talk(
        card=found,
        lines=transcript[-lines:],
        more=len(transcript) > lines,
        drafts=await drafts.held(door, agent.tenant, conversation_id),
        canned=await canned.of(door, agent.tenant, found.handoff.skill if found.handoff else None),
        owner_name=owner_name,
        names=names,
        mine=mine,
        may_reveal=mine or signed.may(Role.SUPERVISOR),
    )


@router.get("/kotak/{slug}/{conversation_id}")
async def show(request: Request, signed: Visitor, slug: str, conversation_id: str) -> Response:
    """A conversation beside its list; for a script the conversation alone. Every view is written down."""
    talk = await read(request, signed, conversation_id)
    await frame.looked(request, signed, Act.CONVERSATION_OPENED, conversation_id, "transcript")
    if screens.by_script(request) and "hx-history-restore-request" not in request.headers:
        return await part(request, signed, slug, talk)
    return await lists.page(request, signed, slug, talk=talk, outcomes=OUTCOMES)


async def part(request: Request, signed: Signed, slug: str, talk: Talk) -> Response:
    """The conversation alone, to be put into the page."""
    shell = await frame.frame(request, signed, slug)
    return screens.render(
        request,
        "agent/case.html",
        signed,
        frame=shell,
        talk=talk,
        outcomes=OUTCOMES,
        words=Words.of(request, signed),
    )


@router.get("/kotak/{slug}/{conversation_id}/segar")
async def refresh(
    request: Request, signed: Visitor, slug: str, conversation_id: str, baris: int = PAGE
) -> Response:
    """The conversation as it is now, with at least so many lines: what an open page asks for itself."""
    talk = await read(request, signed, conversation_id, min(max(baris, PAGE), MOST))
    return await part(request, signed, slug, talk)


@router.post("/pesan/{message_id}/asli")
async def reveal(request: Request, signed: Poster, message_id: int) -> Response:
    """Show what a masked message really says, after that was written down."""
    door = identity.door_of(request)
    words = await card.reveal(door, signed.agent, message_id)
    async with door.database.reading() as conn:
        line = await transcripts.line(conn, message_id)
    await frame.looked(
        request, signed, Act.TEXT_REVEALED, line.message.conversation_id, f"message {message_id}"
    )
    return screens.render(request, "agent/revealed.html", signed, text=words)
