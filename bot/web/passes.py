"""What a browser carries instead of an account: a session pass, handles of its photos, signed file links.

Nothing of it is stored: each value proves itself with an HMAC under the installation's secret key, so any
front door can check what another one gave out, also after a restart.
"""

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass

_DAY = 86_400


class PassRefused(Exception):
    """The value was not given out by us, or not to this session, or its time is over."""


@dataclass(frozen=True, slots=True)
class Session:
    """One browser's talk with one tenant. `address` is the SHA-256 of the pass, all we keep of it."""

    tenant: str
    address: str


def issue(key: str, tenant: str) -> str:
    """Return a new session pass: 256 random bits, the tenant, and the proof that both are ours."""
    random = secrets.token_urlsafe(32)
    return f"{random}.{tenant}.{_proof(key, 'session', random, tenant)}"


def read(key: str, token: str) -> Session:
    """Return whose pass this is.

    Raises:
        PassRefused: not one of ours.
    """
    random, _, rest = token.partition(".")
    tenant, _, proof = rest.rpartition(".")
    if not (random and tenant and _same(proof, _proof(key, "session", random, tenant))):
        raise PassRefused("session")
    return Session(tenant, hashlib.sha256(token.encode()).hexdigest())


def photo_handle(key: str, session: Session, media_id: str) -> str:
    """Name an uploaded photo so that only `session` can send it."""
    return f"{media_id}.{_proof(key, 'photo', session.address, media_id)}"


def open_photo_handle(key: str, session: Session, handle: str) -> str:
    """Return the media id behind a handle.

    Raises:
        PassRefused: not a handle of this session.
    """
    media_id, _, proof = handle.partition(".")
    if not _same(proof, _proof(key, "photo", session.address, media_id)):
        raise PassRefused("photo")
    return media_id


def signed_link(key: str, media_id: str) -> str:
    """Return a path that shows a file for one to two days; stable within a day, so that browsers cache it."""
    until = (int(time.time()) // _DAY + 2) * _DAY
    return f"/chat/media/{media_id}?until={until}&signature={_proof(key, 'media', media_id, str(until))}"


def check_link(key: str, media_id: str, until: int, signature: str) -> None:
    """Accept a signed link.

    Raises:
        PassRefused: forged or expired.
    """
    if until < time.time() or not _same(signature, _proof(key, "media", media_id, str(until))):
        raise PassRefused("media")


def _proof(key: str, *parts: str) -> str:
    digest = hmac.new(key.encode(), "\n".join(("webchat", *parts)).encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
