"""Who asks: the session behind a cookie, the token that every form carries, and what a role opens."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from fastapi import Request, Response

from bot.door import Door
from bot.storage import agents, sessions, users
from bot.storage.sessions import Session, Step
from bot.storage.users import User
from bot.vocabulary.agents import Agent, Role

IDLE = timedelta(hours=2)
ABSOLUTE = timedelta(hours=12)
# Between a right password and what is still to come: a code, an app to install, a password to think of.
HALFWAY = timedelta(minutes=15)
# Written again only now and then: not every page is a write.
TOUCH = timedelta(minutes=1)


class SignInFirst(Exception):
    """No session, or one that is over."""


class Forged(Exception):
    """A form that does not come from a page of ours."""


@dataclass(frozen=True, slots=True)
class Signed:
    """One signed-in person. `csrf` is what their forms carry."""

    user: User
    agent: Agent
    session: Session
    csrf: str

    def may(self, role: Role) -> bool:
        """Say whether this person may do what `role` may."""
        return self.agent.may(role)


def door_of(request: Request) -> Door:
    """The front door behind a request."""
    door: Door = request.app.state.door
    return door


def address_of(request: Request) -> str:
    """Where a request comes from; uvicorn has read the proxy's headers where it was told to trust them."""
    return request.client.host if request.client else "-"


def cookie_name(door: Door) -> str:
    """`__Host-` binds a cookie to https and to this host alone."""
    return "__Host-lawang" if door.settings.production else "lawang_petugas"


async def open_session(request: Request, response: Response, user: User, step: Step) -> None:
    """Begin a new session, end the browser's earlier one, and hand the cookie out.

    Every step gets a new one: none is ever fixed before, and none goes on beside it.
    """
    door = door_of(request)
    earlier = request.cookies.get(cookie_name(door))
    token = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    life = ABSOLUTE if step is Step.FULL else HALFWAY
    async with door.database.transaction() as conn:
        await sessions.sweep(conn, now)
        if earlier:
            await sessions.end(conn, _hash(earlier))
        browser = request.headers.get("user-agent", "")[:200] or None
        await sessions.open(
            conn,
            Session(_hash(token), user.id, step, now, now, now + life, address_of(request)[:64], browser),
        )
    response.set_cookie(
        cookie_name(door),
        token,
        max_age=int(life.total_seconds()),
        path="/",
        secure=door.settings.production,
        httponly=True,
        samesite="lax",
    )


async def who(request: Request, step: Step = Step.FULL) -> Signed:
    """Whose request this is. Raises SignInFirst."""
    door = door_of(request)
    token = request.cookies.get(cookie_name(door), "")
    if not token:
        raise SignInFirst
    # After every event all consoles ask at once, and each has to be known.
    signed = await door.reads.ask_about(_hash(token), _known, door)
    if signed is None or signed.session.step is not step:
        raise SignInFirst
    return signed


async def _known(token_hashes: frozenset[str], door: Door) -> dict[str, Signed]:
    """Who holds these tokens, at whatever step; nobody whose session is over or who may not come in."""
    now = datetime.now(UTC)
    async with door.database.reading() as conn:
        found = await sessions.find(conn, token_hashes, now, now - IDLE)
        people = await users.some(conn, {session.user_id for session in found})
        staff = await agents.some(conn, {user.agent_id for user in people.values()})
    known = {}
    for session in found:
        user = people.get(session.user_id)
        agent = staff.get(user.agent_id) if user else None
        if user is None or agent is None or not user.active or not agent.active:
            continue
        if not (user.development and door.settings.production):
            known[session.token_hash] = Signed(user, agent, session, _token(door, session.token_hash))
    return known


async def visitor(request: Request) -> Signed:
    """Dependency: a signed-in person who looks at something."""
    signed = await who(request)
    await _touch(door_of(request), signed)
    return signed


async def poster(request: Request) -> Signed:
    """Dependency: a signed-in person who does something, from a page of ours. Raises SignInFirst, Forged."""
    same_origin(request)
    signed = await who(request)
    await prove(request, signed.csrf)
    await _touch(door_of(request), signed)
    return signed


async def halfway(request: Request, step: Step) -> Signed:
    """Somebody who has come as far as `step`. Raises SignInFirst, Forged."""
    signed = await who(request, step)
    if request.method == "POST":
        same_origin(request)
        await prove(request, signed.csrf)
    return signed


async def leave(door: Door, signed: Signed, response: Response) -> None:
    """End the session, here and in the browser."""
    async with door.database.transaction() as conn:
        await sessions.end(conn, signed.session.token_hash)
    response.delete_cookie(cookie_name(door), path="/", secure=door.settings.production, httponly=True)


def same_origin(request: Request) -> None:
    """Refuse what another site's page sends. Raises Forged."""
    origin = request.headers.get("origin")
    ours = {request.headers.get("host", ""), urlsplit(door_of(request).settings.public_url).netloc}
    if origin is not None and urlsplit(origin).netloc not in ours:
        raise Forged
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Forged


async def prove(request: Request, expected: str) -> None:
    """Compare the token a form or script sent along. Raises Forged."""
    given = request.headers.get("x-csrf-token")
    if given is None:
        given = str((await request.form()).get("csrf", ""))
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise Forged


def entrance_token(door: Door, visitor_id: str) -> str:
    """What the sign-in form carries, for a browser that has no session yet."""
    return _token(door, f"entrance:{visitor_id}")


async def _touch(door: Door, signed: Signed) -> None:
    now = datetime.now(UTC)
    if now - signed.session.used_at > TOUCH:
        async with door.database.transaction() as conn:
            await sessions.used(conn, signed.session.token_hash, now)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _token(door: Door, of: str) -> str:
    return hmac.new(door.settings.secret_key.encode(), b"csrf\n" + of.encode(), hashlib.sha256).hexdigest()
