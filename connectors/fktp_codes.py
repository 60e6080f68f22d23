"""Codes for bookings that only a card number finds again: the number goes into the code, encrypted.

The classic BPJS *antrean FKTP* contract has no booking code: a place is (card, poli, date). Our code is those
three, encrypted with AES-SIV (RFC 5297) under a key derived from the password of the facility, so that it can
be kept and logged like any code, and the same booking always has the same one. Whoever changes the password
can no longer ask about bookings of the days to come.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import date

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_PREFIX = "FKTP-"


class NoSuchCode(ValueError):
    """Not a code of this facility."""


@dataclass(frozen=True, slots=True)
class Place:
    """What finds a place in a puskesmas queue again."""

    counter: str
    day: date
    card: str


def _cipher(password: str) -> AESSIV:
    return AESSIV(hashlib.sha512(b"lawang fktp code " + password.encode()).digest())


def seal(place: Place, password: str) -> str:
    """Return the code of a place."""
    plain = f"{place.counter}|{place.day:%Y%m%d}|{place.card}".encode()
    return _PREFIX + base64.urlsafe_b64encode(_cipher(password).encrypt(plain, None)).decode().rstrip("=")


def unseal(code: str, password: str) -> Place:
    """Return the place of a code.

    Raises:
        NoSuchCode: somebody else's code, or none at all.
    """
    raw = code.removeprefix(_PREFIX)
    try:
        sealed = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
        counter, day, card = _cipher(password).decrypt(sealed, None).decode().split("|")
        return Place(counter, date.fromisoformat(day), card)
    except (binascii.Error, InvalidTag, ValueError):
        raise NoSuchCode("not a code of this facility") from None
