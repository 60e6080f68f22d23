"""Personal data at rest: what a citizen really wrote is sealed, everything else sees the masked text."""

import base64
import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESSIV


class Sealer:
    """Seals and opens texts with a key derived from the installation's secret."""

    def __init__(self, secret_key: str) -> None:
        digest = hashlib.sha256(b"lawang sealed text" + secret_key.encode()).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(digest))
        self._siv = AESSIV(hashlib.sha256(b"lawang opaque token" + secret_key.encode()).digest())

    def seal(self, text: str) -> str:
        """Encrypt a text for storage."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Decrypt a stored text.

        Raises:
            ValueError: sealed with another key, or tampered with.
        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise ValueError("this text was sealed with another key") from error

    def opaque(self, text: str) -> str:
        """A token of A-Z a-z 0-9 _ - for a short text: the same each time, made by nobody else (RFC 5297).

        16 bytes longer than the text, then four letters for three bytes.
        """
        sealed = self._siv.encrypt(text.encode(), None)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def clear(self, token: str) -> str:
        """The text of an opaque token.

        Raises:
            ValueError: made with another key, or by somebody else.
        """
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            return self._siv.decrypt(sealed, None).decode()
        except (InvalidTag, ValueError) as error:
            raise ValueError("not a token of ours") from error
