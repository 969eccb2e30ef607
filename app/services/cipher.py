"""Encryption of the credentials at rest."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_UNREADABLE = (
    "A stored password can't be read: put the Fernet key it was written with back into "
    "DOTSYNC_CREDENTIALS_KEYS, after the newest one."
)


class UnreadableCredentialsError(Exception):
    """A stored password can't be read: put the Fernet key it was written with back.

    It belongs into ``DOTSYNC_CREDENTIALS_KEYS``, after the newest one.
    """


class CredentialsCipher:
    """Encrypts with the newest key and reads with any of them, so that keys can be rotated."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take Fernet keys, the newest first; raises ValueError on one that is no Fernet key."""
        if not keys:
            message = "at least one Fernet key is needed (DOTSYNC_CREDENTIALS_KEYS)"
            raise ValueError(message)
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def encrypt(self, plain: str) -> bytes:
        """Encrypt with the newest key."""
        return self._fernet.encrypt(plain.encode())

    def decrypt(self, encrypted: bytes) -> str:
        """Decrypt with whichever key fits; raises UnreadableCredentialsError when none does."""
        try:
            return self._fernet.decrypt(encrypted).decode()
        except InvalidToken as error:
            raise UnreadableCredentialsError(_UNREADABLE) from error


def key_kept_in(data_dir: Path) -> str:
    """Return the Fernet key kept in this directory, making one there at the first call.

    Two processes that make it at the same moment end with the same key.
    """
    path = data_dir / "credentials.key"
    data_dir.mkdir(parents=True, exist_ok=True)
    draft = data_dir / f".credentials.key.{os.getpid()}"
    draft.touch(mode=0o600)
    draft.write_bytes(Fernet.generate_key())
    # A link fails where the name is taken, so whoever is second reads the first one's key.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return path.read_text().strip()
