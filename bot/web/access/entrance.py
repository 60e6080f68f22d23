"""Letting people in, step by step: what a sign-in still lacks, and the session of each step."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from bot.door import Door
from bot.storage import agents, audit
from bot.storage.audit import Act
from bot.storage.sessions import Step
from bot.storage.users import User
from bot.vocabulary.agents import Agent
from bot.web import screens
from bot.web.access import identity, signin
from bot.web.access.identity import Signed

HOME = "/agent"
PAGES = {Step.PASSWORD: "/agent/kode", Step.RENEW: "/agent/sandi-baru", Step.ENROL: "/agent/dua-langkah"}


def needs_second_step(door: Door, agent: Agent) -> bool:
    """Say whether this role only comes in with a second step."""
    return agent.role in door.settings.second_step


def next_step(door: Door, user: User, agent: Agent, *, twice: bool) -> Step:
    """What a sign-in still lacks; `twice` when more than a password was shown."""
    if user.totp_sealed is not None and not twice:
        return Step.PASSWORD
    if user.first_password_until is not None:
        return Step.RENEW
    if user.totp_sealed is None and not twice and needs_second_step(door, agent):
        return Step.ENROL
    return Step.FULL


async def go_on(request: Request, user: User, onward: str, how: str, *, twice: bool) -> Response:
    """Let a person in, or lead them to what is still to come."""
    door = identity.door_of(request)
    async with door.database.reading() as conn:
        agent = await agents.get(conn, user.agent_id)
    step = next_step(door, user, agent, twice=twice)
    if step is Step.FULL:
        return await let_in(request, user, how, RedirectResponse(safe(onward) or HOME, 303, screens.HEADERS))
    response = RedirectResponse(f"{PAGES[step]}?lanjut={quote(safe(onward))}", 303, screens.HEADERS)
    await identity.open_session(request, response, user, step)
    return response


async def let_in(request: Request, user: User, how: str, response: Response) -> Response:
    """Write the sign-in down and hand its session out with `response`."""
    await signin.let_in(identity.door_of(request), user, identity.address_of(request), how)
    await identity.open_session(request, response, user, Step.FULL)
    return response


async def note(request: Request, signed: Signed, act: Act, **more: Any) -> None:
    """Write down what somebody did with their own account."""
    door = identity.door_of(request)
    async with door.database.transaction() as conn:
        await audit.write(
            conn,
            act,
            datetime.now(UTC),
            tenant=signed.agent.tenant,
            agent_id=signed.agent.id,
            subject=signed.user.username,
            address=identity.address_of(request),
            **more,
        )


def safe(onward: str) -> str:
    """Only a page of the console is gone on to: no other site, no scheme, no trick with slashes."""
    plain = onward.startswith("/agent") and not any(sign in onward for sign in ("\\", "//", ":", "\n", "\r"))
    return onward if plain else ""
