"""Files that are encrypted for somebody who is not here: in the format of age (age-encryption.org/v1).

Who writes one needs a public key alone, so that a machine which makes backups cannot open them. Any program that
knows the format opens them with the file of the secret key.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pyrage

from .atomic_files import scratch
from .errors import GongdanError, Unavailable

_BEGINS = b"age-encryption.org/"
_SECRET = "AGE-SECRET-KEY-"  # noqa: S105 - how a key begins


class _Told:
    """A file to write to that remembers what the system refused, which pyrage tells in words of its own alone."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.refused: OSError | None = None

    def write(self, part: bytes) -> int:
        """As of a file."""
        try:
            return self._file.write(part)
        except OSError as error:
            self.refused = error
            raise

    def flush(self) -> None:
        """As of a file."""
        self._file.flush()


def is_encrypted(file: Path) -> bool:
    """Whether ``file`` begins as one of age."""
    with file.open("rb") as opened:
        return opened.read(len(_BEGINS)) == _BEGINS


def new_identity(file: Path) -> str:
    """Write a new secret key into ``file``, its owner's alone, in the form of age-keygen; returns the public key.

    Raises :class:`GongdanError` where there is a file already.
    """
    if file.exists():
        raise GongdanError(f"{file} exists already; choose another name")
    made = pyrage.x25519.Identity.generate()
    with scratch(file) as part:
        part.write_text(f"# public key: {made.to_public()}\n{made}\n", encoding="ascii")
    return str(made.to_public())


def encrypt(source: BinaryIO, out: BinaryIO, recipients: Sequence[str]) -> None:
    """Write what ``source`` holds to ``out``, for any of the secret keys of ``recipients``.

    Raises :class:`GongdanError` for what is no public key, :class:`Unavailable` when it cannot be written.
    """
    try:
        keys = [pyrage.x25519.Recipient.from_str(one) for one in recipients]
    except pyrage.RecipientError as error:
        raise GongdanError(f"a public key of age was mistyped ({error}); expected age1…") from None
    into = _Told(out)
    try:
        pyrage.encrypt_io(source, into, keys)
    except (pyrage.EncryptError, OSError) as error:
        reason = into.refused.strerror if into.refused else error
        raise Unavailable(f"the encrypted file cannot be written: {reason}") from None


def decrypt(source: Path, out: BinaryIO, identity: Path) -> None:
    """Write what the encrypted ``source`` holds to ``out``. What was written counts only when this ends well.

    Raises :class:`GongdanError` for a key that does not open it and a file that is cut short or was changed, and
    :class:`Unavailable` when ``out`` cannot be written.
    """
    keys = _identities(identity)
    into = _Told(out)
    try:
        with source.open("rb") as sealed:
            pyrage.decrypt_io(sealed, into, keys)
    except (pyrage.DecryptError, OSError) as error:
        if into.refused is not None:
            raise Unavailable(f"what {source} holds cannot be written: {into.refused.strerror}") from None
        if "No matching keys" in str(error):
            raise GongdanError(
                f"{source} was not encrypted for the key in {identity}, or its first lines were changed"
            ) from None
        raise GongdanError(f"{source} is cut short, or was changed since it was written") from None


def _identities(file: Path) -> list[pyrage.x25519.Identity]:
    """The secret keys in ``file``, one a line; lines that begin with # say something about them."""
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError:
        lines = []
    except OSError as error:
        raise GongdanError(f"the key {file} cannot be read: {error.strerror}") from None
    found = []
    with suppress(pyrage.IdentityError):
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith(_SECRET)]
    if not found:
        raise GongdanError(f"{file} holds no secret key of age: expected a line that begins with {_SECRET}1")
    return found
