"""The city's own sign-in (OpenID Connect Core 1.0, authorization code with PKCE), where it has one."""

import hmac
import json
import logging
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from bot.settings import Settings

TIMEOUT_SECONDS = 10.0
ALGORITHMS = ["RS256", "ES256", "PS256"]
# Ways of signing in that are more than a password (RFC 8176).
STRONG = {"mfa", "otp", "hwk", "swk", "fpt", "face", "iris"}
log = logging.getLogger(__name__)


class CityAway(Exception):
    """The city's sign-in cannot be reached, or answers what cannot be used."""


class CityRefused(Exception):
    """What came back does not prove who this is."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the city vouches for: `issuer subject`; `twice` when it saw more than a password itself."""

    subject: str
    twice: bool


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
    async with _client() as client:
        known = await _discovered(settings, client)
    url = prepare_grant_uri(
        known["authorization_endpoint"],
        settings.oidc_client_id,
        "code",
        redirect_uri=back,
        scope="openid",
        state=trip.state,
        nonce=trip.nonce,
        code_challenge=create_s256_code_challenge(trip.verifier),
        code_challenge_method="S256",
    )
    return str(url), trip


async def arrive(settings: Settings, back: str, trip: Trip, state: str, code: str) -> Vouched:
    """Whom the city vouches for. Raises CityAway, CityRefused."""
    if not code or not hmac.compare_digest(state.encode(), trip.state.encode()):
        raise CityRefused
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": trip.verifier,
    }
    async with _client() as client:
        known = await _discovered(settings, client)
        auth, proof = _credentials(settings, known)
        try:
            answer = await client.post(
                known["token_endpoint"], data={**form, **proof}, auth=auth or httpx.USE_CLIENT_DEFAULT
            )
            if answer.is_client_error:
                log.warning("the city's sign-in refused a code: HTTP %s", answer.status_code)
                raise CityRefused
            token = answer.raise_for_status().json()
            keys = (await client.get(known["jwks_uri"])).raise_for_status().json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise CityAway from error
    claims = _claims(settings, known, token, keys, trip.nonce)
    ways = claims.get("amr")
    twice = isinstance(ways, list) and not STRONG.isdisjoint(filter(lambda way: isinstance(way, str), ways))
    return Vouched(named(settings, str(claims["sub"])), twice)


def named(settings: Settings, subject: str) -> str:
    """How an account of the city's is kept: a subject means something at its issuer alone."""
    return f"{str(settings.oidc_issuer).rstrip('/')} {subject}"


def _claims(settings: Settings, known: Any, token: Any, keys: Any, nonce: str) -> dict[str, Any]:
    """Read the ID token as OpenID Connect Core 3.1.3.7 says."""
    client_id = str(settings.oidc_client_id)
    wanted = jwt.JWTClaimsRegistry(
        leeway=60,
        iss={"essential": True, "value": known["issuer"]},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        sub={"essential": True},
        azp={"value": client_id},
        nonce={"essential": True, "value": nonce},
    )
    try:
        found = jwt.decode(token["id_token"], KeySet.import_key_set(keys), algorithms=ALGORITHMS)
        wanted.validate(found.claims)
        if (
            isinstance(found.claims["aud"], list)
            and len(found.claims["aud"]) > 1
            and "azp" not in found.claims
        ):
            raise CityRefused("for several, and nobody says for whom")
    except (JoseError, KeyError, TypeError, ValueError) as error:
        log.warning("the city's sign-in sent a token that proves nothing: %s", type(error).__name__)
        raise CityRefused from error
    return dict(found.claims)


def _credentials(settings: Settings, known: dict[str, Any]) -> tuple[httpx.BasicAuth | None, dict[str, str]]:
    """How we show who we are: by header (RFC 6749, 2.3.1), in the form where that is all the issuer takes."""
    name, secret = str(settings.oidc_client_id), str(settings.oidc_client_secret)
    ways = known.get("token_endpoint_auth_methods_supported")
    if isinstance(ways, list) and "client_secret_basic" not in ways:
        return None, {"client_id": name, "client_secret": secret}
    return httpx.BasicAuth(quote(name, safe=""), quote(secret, safe="")), {}


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)


async def _discovered(settings: Settings, client: httpx.AsyncClient) -> dict[str, Any]:
    """What the issuer says of itself (OpenID Connect Discovery 1.0)."""
    issuer = str(settings.oidc_issuer).rstrip("/")
    try:
        answer = await client.get(f"{issuer}/.well-known/openid-configuration")
        known: dict[str, Any] = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise CityAway from error
    if not isinstance(known, dict):
        raise CityAway
    needed = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    if not all(isinstance(known.get(name), str) for name in needed) or known["issuer"].rstrip("/") != issuer:
        raise CityAway
    return known
