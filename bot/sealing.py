"""Personal data at rest: what a citizen really wrote is sealed, everything else sees the masked text."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken


class Sealer:
    """Seals and opens texts with a key derived from the installation's secret."""

    def __init__(self, secret_key: str) -> None:
        digest = hashlib.sha256(b"lawang sealed text" + secret_key.encode()).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(digest))

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
