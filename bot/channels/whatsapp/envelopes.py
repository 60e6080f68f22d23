"""The sealed envelopes in which WhatsApp asks our endpoint what a form shall show.

A request holds an AES-128 key that only our private key opens (RSA-OAEP with SHA-256); with it the body is
read (AES-GCM, tag at the end), and the reply sealed under the same key with every bit of the IV inverted.
Source: developers.facebook.com/docs/whatsapp/flows/guides/implementingyourflowendpoint (2026).
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BITS = 2048
_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
_KEY_BYTES = (16, 24, 32)


class KeyUnusable(ValueError):
    """The private key is none, or no RSA key; the message never holds any of it."""


class CannotOpen(ValueError):
    """The envelope was sealed for another key, or was changed on the way."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An opened request, and what seals its reply."""

    request: Mapping[str, Any]
    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)

    def seal(self, reply: Mapping[str, Any]) -> str:
        """The reply as the client reads it: base64 in a plain text."""
        inverted = bytes(byte ^ 0xFF for byte in self.iv)
        sealed = AESGCM(self.key).encrypt(inverted, json.dumps(reply, ensure_ascii=False).encode(), None)
        return base64.b64encode(sealed).decode()


def open_(body: bytes, private_key: str) -> Envelope:
    """Open one request.

    Raises:
        CannotOpen: not one of Meta's envelopes, sealed for another key, or tampered with.
        KeyUnusable: our own key cannot be used.
    """
    key = _private(private_key)
    try:
        given = json.loads(body)
        sealed = {name: base64.b64decode(given[name], validate=True) for name in _PARTS}
        secret = key.decrypt(sealed["encrypted_aes_key"], _OAEP)
        if len(secret) not in _KEY_BYTES or len(sealed["initial_vector"]) < 12:
            raise CannotOpen("a key or IV of the wrong length")
        plain = AESGCM(secret).decrypt(sealed["initial_vector"], sealed["encrypted_flow_data"], None)
        request = json.loads(plain)
    except (binascii.Error, InvalidTag, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CannotOpen(type(error).__name__) from None
    if not isinstance(request, dict):
        raise CannotOpen("no request inside")
    return Envelope(request, secret, sealed["initial_vector"])


_PARTS = ("encrypted_aes_key", "encrypted_flow_data", "initial_vector")


def public_of(private_key: str) -> str:
    """The public half, as Meta is given it (PEM). Raises KeyUnusable."""
    public = _private(private_key).public_key()
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, kind).decode()


def new_key() -> str:
    """A new private key (PEM, PKCS 8, without a password: the environment is its safe)."""
    key = rsa.generate_private_key(65537, KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


# Checking a key costs far more than using it, and it stays the same while a process lives.
@lru_cache(maxsize=2)
def _private(pem: str) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise KeyUnusable("no private key in PEM without a password") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyUnusable("no RSA key")
    return key
