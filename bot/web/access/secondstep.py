"""The second step of signing in: codes of an authenticator app (RFC 6238), and codes for a lost phone."""

import hashlib
import hmac
import secrets
import time

import pyotp
import segno

STEP_SECONDS = 30
# A clock may be one step off (RFC 6238, 5.2).
TOLERANCE = 1
RECOVERY_CODES = 8


def new_secret() -> str:
    """160 random bits in base32, as RFC 4226 recommends."""
    return pyotp.random_base32(32)


def picture(secret: str, username: str, issuer: str) -> str:
    """The QR code an authenticator app reads, as a data: address."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=issuer)
    made: str = segno.make(uri, micro=False).svg_data_uri(scale=5, border=3)
    return made


def accepted_step(secret: str, code: str, now: float | None = None) -> int | None:
    """The time step a code belongs to, None for a wrong one. Every step is tried, in constant time."""
    totp = pyotp.TOTP(secret)
    current = int(now if now is not None else time.time()) // STEP_SECONDS
    found = None
    for step in range(current - TOLERANCE, current + TOLERANCE + 1):
        if hmac.compare_digest(totp.at(step * STEP_SECONDS).encode(), code.encode()):
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """Codes for once, 50 bits each."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    parts = [
        ["".join(secrets.choice(alphabet) for _ in range(5)) for _ in "ab"] for _ in range(RECOVERY_CODES)
    ]
    return ["-".join(part) for part in parts]


def recovery_hash(key: str, code: str) -> str:
    """What is kept of a recovery code."""
    plain = code.strip().lower().replace(" ", "")
    return hmac.new(key.encode(), b"recovery\n" + plain.encode(), hashlib.sha256).hexdigest()
