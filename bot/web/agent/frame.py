"""What every console page stands in: who asks, which list, the counts, and answers to what was done."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from bot.conversations.desk import events, rules
from bot.conversations.desk.errors import Unusable
from bot.conversations.desk.rules import Rules
from bot.door import Door
from bot.storage import agents, audit, botdrafts, desksettings, inbox
from bot.storage.audit import Act
from bot.storage.inbox import Box, Filters
from bot.vocabulary.agents import Agent, Presence, Role, Urgency
from bot.vocabulary.messages import ChannelName
from bot.web import screens
from bot.web.access import identity
from bot.web.access.identity import Signed

Visitor = Annotated[Signed, Depends(identity.visitor)]
Poster = Annotated[Signed, Depends(identity.poster)]

BOXES = {
    "baru": Box.NEW,
    "milik-saya": Box.MINE,
    "aktif": Box.ACTIVE,
    "belum-dijawab": Box.UNANSWERED,
    "riwayat": Box.HISTORY,
}
# Pages beside the lists, by the role that sees them; each names its router's first page.
PLACES: tuple[tuple[str, str, Role], ...] = (
    ("/agent/pimpinan", "figures.title", Role.SUPERVISOR),
    ("/agent/pengaturan", "settings.title", Role.SUPERVISOR),
)
# What a person is to look at before the citizen hears it: a list of drafts, no list of requests.
APPROVALS = "persetujuan"
LARGEST_POST = 21 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Tabs:
    """The lists, and how much each holds. `approvals` is None where no answer is looked at first."""

    slug: str
    counts: dict[Box, int]
    approvals: int | None
    query: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame(Tabs):
    """What the shell of a page shows."""

    colleagues: list[Agent]
    presences: dict[str, Presence]
    reasons: tuple[str, ...]
    labels: tuple[str, ...]
    skills: tuple[str, ...]
    newest_event: int
    filters: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Desk:
    """What a tenant's agents share. `held` are the drafts that wait for a look."""

    rules: Rules
    tally: inbox.Tally
    held: int

    def tabs(self, signed: Signed, slug: str) -> dict[str, Any]:
        """What the tabs show to one agent."""
        shown = self.held or self.rules.approve or slug == APPROVALS
        return {
            "slug": slug,
            "counts": self.tally.of(signed.agent.id),
            "approvals": self.held if shown else None,
        }


async def frame(request: Request, signed: Signed, slug: str, query: str = "") -> Frame:
    """Read what the shell shows. Raises LookupError for a list there is not."""
    door = identity.door_of(request)
    known(slug)
    tenant = signed.agent.tenant
    # Before all else: what happens meanwhile is told to the page, not missed by it.
    newest = await events.start(door, tenant)
    desk = await door.reads.ask(_desk, door, tenant)
    async with door.database.reading() as conn:
        return Frame(
            **desk.tabs(signed, slug),
            colleagues=await agents.of(conn, tenant),
            presences=await agents.presences_in(conn, tenant),
            reasons=desk.rules.away_reasons,
            labels=desk.rules.labels,
            skills=desk.rules.skills,
            newest_event=newest,
            filters=given_filters(request),
            query=query,
        )


async def tabs(request: Request, signed: Signed, slug: str) -> Tabs:
    """Read what the tabs show. Raises LookupError for a list there is not."""
    known(slug)
    door = identity.door_of(request)
    desk = await door.reads.ask(_desk, door, signed.agent.tenant)
    return Tabs(**desk.tabs(signed, slug))


def known(slug: str) -> None:
    """Raises LookupError for a list there is not."""
    if slug not in BOXES and slug != APPROVALS:
        raise LookupError(slug)


async def _desk(door: Door, tenant: str) -> _Desk:
    async with door.database.reading() as conn:
        here = rules.in_force(door, tenant, await desksettings.of(conn, tenant))
        return _Desk(here, await inbox.tally(conn, tenant), await botdrafts.count(conn, tenant))


def given_filters(request: Request) -> dict[str, str]:
    """The filters in the address, those that are known and filled in."""
    names = ("saluran", "label", "bidang", "bahasa", "petugas", "urgensi")
    found = {name: request.query_params.get(name, "")[:64] for name in names}
    return {name: value for name, value in found.items() if value}


def filters(given: dict[str, str]) -> Filters:
    """What the store leaves out; a value that cannot be is no filter."""
    channel, urgency = given.get("saluran"), given.get("urgensi")
    return Filters(
        skill=given.get("bidang"),
        language=given.get("bahasa"),
        channel=channel if channel in set(ChannelName) else None,
        label=given.get("label"),
        agent_id=given.get("petugas"),
        urgency=Urgency(urgency) if urgency in set(Urgency) else None,
    )


def done(request: Request, conversation_id: str, slug: str = "milik-saya", **told: Any) -> Response:
    """The answer to an act: scripts refresh what they show, a plain form is led back to the conversation."""
    if screens.by_script(request):
        headers = {**screens.HEADERS, "HX-Trigger": json.dumps({"desk-done": told or True})}
        return Response(status_code=204, headers=headers)
    return RedirectResponse(f"/agent/kotak/{slug}/{conversation_id}", 303, screens.HEADERS)


async def field(request: Request, name: str, most: int = 4000) -> str:
    """One field of a form, without its margins."""
    value = (await request.form()).get(name, "")
    return value.strip()[:most] if isinstance(value, str) else ""


async def number(request: Request, name: str) -> int:
    """A field that is an id. Raises Unusable."""
    raw = await field(request, name, 20)
    if not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        raise Unusable("other")
    return int(raw)


async def looked(
    request: Request, signed: Signed, act: Act, conversation_id: str | None, subject: str
) -> None:
    """Write down that somebody looked at personal data, before it is shown."""
    door = identity.door_of(request)
    async with door.database.transaction() as conn:
        await audit.write(
            conn,
            act,
            datetime.now(UTC),
            tenant=signed.agent.tenant,
            agent_id=signed.agent.id,
            conversation_id=conversation_id,
            subject=subject,
            address=identity.address_of(request),
        )
