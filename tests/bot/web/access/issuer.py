"""A city's own sign-in for tests: oidc-provider-mock (Authlib's server side) as a process of its own.

Run as `python -m tests.bot.web.access.issuer PORT`. What its tokens say can be bent for one sign-in with
`POST /bend`; it holds every client to the PKCE challenge it came with (RFC 7636).
"""

import os
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

# Loopback speaks plain http.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import flask
import oidc_provider_mock
from authlib.jose import JsonWebKey, jwt
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from werkzeug.serving import make_server


def build() -> flask.Flask:
    """The provider with a lever on its tokens."""
    app = oidc_provider_mock.app(require_nonce=True)
    bent: dict[str, Any] = {}
    challenges: dict[str, str] = {}

    @app.post("/bend")
    def bend() -> tuple[str, int]:
        """Change claims of the next token, `null` removes one; `foreign_key` signs with another key."""
        bent.clear()
        bent.update(flask.request.get_json())
        return "", 204

    @app.before_request
    def prove_possession() -> flask.Response | None:
        """Give no token to who cannot show the verifier."""
        if flask.request.path == "/oauth2/token":
            challenge = challenges.pop(flask.request.form.get("code", ""), None)
            verifier = flask.request.form.get("code_verifier", "")
            if challenge is None or create_s256_code_challenge(verifier) != challenge:
                return flask.make_response({"error": "invalid_grant"}, 400)
        return None

    @app.after_request
    def remember_and_bend(response: flask.Response) -> flask.Response:
        asked = flask.request.args
        if flask.request.path == "/oauth2/authorize" and "Location" in response.headers:
            query = parse_qs(urlsplit(response.headers["Location"]).query)
            if "code" in query and asked.get("code_challenge_method") == "S256":
                challenges[query["code"][0]] = asked["code_challenge"]
        if flask.request.path == "/oauth2/token" and bent and response.status_code == 200:
            key = flask.g.oidc_provider_mock_storage.jwk
            answer = response.get_json()
            claims = dict(jwt.decode(answer["id_token"], key))
            for name, value in bent.pop("claims", {}).items():
                claims.pop(name, None)
                if value is not None:
                    claims[name] = value
            header = {"alg": "RS256", "kid": key.as_dict().get("kid")}
            if bent.pop("foreign_key", False):
                key = JsonWebKey.generate_key("RSA", 2048, is_private=True)
            answer["id_token"] = jwt.encode(header, claims, key).decode()
            response.set_data(flask.json.dumps(answer))
        return response

    return app


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), build(), threaded=True).serve_forever()
