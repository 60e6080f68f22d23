"""The city's own sign-in (OpenID Connect Core 1.0, authorization code with PKCE), where it has one."""

import hmac
import json
import logging
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from bot.settings import Settings

TIMEOUT_SECONDS = 10.0
ALGORITHMS = ["RS256", "ES256", "PS256"]
log = logging.getLogger(__name__)


class CityAway(Exception):
    """The city's sign-in cannot be reached, or answers what cannot be used."""


class CityRefused(Exception):
    """What came back does not prove who this is."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One way there and back: what the browser keeps (sealed) until it returns."""

    state: str
    nonce: str
    verifier: str
    onward: str

    def packed(self) -> str:
        """As text."""
        return json.dumps([self.state, self.nonce, self.verifier, self.onward])

    @staticmethod
    def unpacked(text: str) -> "Trip":
        """From text. Raises CityRefused."""
        try:
            state, nonce, verifier, onward = json.loads(text)
        except (ValueError, TypeError) as error:
            raise CityRefused from error
        return Trip(state, nonce, verifier, onward)


async def depart(settings: Settings, back: str, onward: str) -> tuple[str, Trip]:
    """Where to send the browser, and what it must bring back. Raises CityAway."""
    trip = Trip(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(32), onward)
    async with _client(settings, back) as client:
        known = await _discovered(settings, client)
        challenge = urlsafe_b64encode(sha256(trip.verifier.encode()).digest()).decode().rstrip("=")
        url, _ = client.create_authorization_url(
            known["authorization_endpoint"],
            state=trip.state,
            nonce=trip.nonce,
            code_challenge=challenge,
            code_challenge_method="S256",
        )
    return str(url), trip


async def arrive(settings: Settings, back: str, trip: Trip, state: str, code: str) -> str:
    """The subject that the city vouches for, `issuer subject`. Raises CityAway, CityRefused."""
    if not code or not hmac.compare_digest(state.encode(), trip.state.encode()):
        raise CityRefused
    async with _client(settings, back) as client:
        known = await _discovered(settings, client)
        try:
            token = await client.fetch_token(
                known["token_endpoint"],
                code=code,
                code_verifier=trip.verifier,
                grant_type="authorization_code",
            )
            keys = (await client.get(known["jwks_uri"], withhold_token=True)).raise_for_status().json()
        except httpx.HTTPError as error:
            raise CityAway from error
        except Exception as error:
            log.warning("the city's sign-in refused a code: %s", type(error).__name__)
            raise CityRefused from error
    return f"{settings.oidc_issuer} {_subject(settings, known, token, keys, trip.nonce)}"


def _subject(settings: Settings, known: Any, token: Any, keys: Any, nonce: str) -> str:
    """Read the ID token as OpenID Connect Core 3.1.3.7 says."""
    wanted = jwt.JWTClaimsRegistry(
        leeway=60,
        iss={"essential": True, "value": known["issuer"]},
        aud={"essential": True, "value": str(settings.oidc_client_id)},
        exp={"essential": True},
        sub={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        found = jwt.decode(token["id_token"], KeySet.import_key_set(keys), algorithms=ALGORITHMS)
        wanted.validate(found.claims)
    except (JoseError, KeyError, TypeError, ValueError) as error:
        log.warning("the city's sign-in sent a token that proves nothing: %s", type(error).__name__)
        raise CityRefused from error
    return str(found.claims["sub"])


def _client(settings: Settings, back: str) -> Any:
    # Imported only where a city has a sign-in of its own.
    from authlib.integrations.httpx_client import AsyncOAuth2Client

    return AsyncOAuth2Client(
        settings.oidc_client_id,
        settings.oidc_client_secret,
        scope="openid",
        redirect_uri=back,
        timeout=TIMEOUT_SECONDS,
        trust_env=False,
    )


async def _discovered(settings: Settings, client: Any) -> dict[str, Any]:
    """What the issuer says of itself (OpenID Connect Discovery 1.0)."""
    issuer = str(settings.oidc_issuer).rstrip("/")
    try:
        answer = await client.get(f"{issuer}/.well-known/openid-configuration", withhold_token=True)
        known: dict[str, Any] = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise CityAway from error
    named = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    if not all(isinstance(known.get(name), str) for name in named) or known["issuer"].rstrip("/") != issuer:
        raise CityAway
    return known
