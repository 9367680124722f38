"""Signed notes and checkpoints of transparency logs, as C2SP specifies them.

A checkpoint is a text of three lines (origin of the log, number of leaves, root hash) with signatures under it, one a
line: the log's own (c2sp.org/signed-note, c2sp.org/tlog-checkpoint), and those of witnesses who saw that the log only
grew (c2sp.org/tlog-cosignature). Whoever signed is known by a verifier key: name, key id and public key in one line.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from engine.base.errors import InvalidFile

ED25519, COSIGNATURE = 0x01, 0x04  #: kinds of signatures, as signed-note numbers them
LONGEST = 65_536  #: characters of a note that are read
_SIGNED = re.compile(r"\n\n((?:— [^\s+]+ [A-Za-z0-9+/=]+\n)+)\Z")
_VERIFIER = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")
_NONE = "this is no checkpoint; `run.py checkpoint` prints one"


@dataclass(frozen=True, slots=True)
class Verifier:
    """Who can have signed a note: a name, the kind of signature, and the Ed25519 public key (32 bytes)."""

    name: str
    kind: int
    key: bytes

    @property
    def id(self) -> bytes:
        """The first four bytes of a signature, by which it is found."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.key).digest()[:4]

    def __str__(self) -> str:
        """As one line, to be written down (a *vkey*)."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.key).decode()}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says: the log, how many leaves it has, and their root. ``note`` is the whole text."""

    origin: str
    size: int
    root: bytes
    note: str


def verifier(text: str) -> Verifier:
    """The verifier key in ``text``; raises :class:`InvalidFile` where it is none, or of a kind we cannot check."""
    found = _VERIFIER.fullmatch(text.strip())
    if found is not None:
        name, id, encoded = found.groups()
        key = _decoded(encoded)
        if len(key) == 33 and key[0] in (ED25519, COSIGNATURE):
            made = Verifier(name, key[0], key[1:])
            if made.id.hex() == id:
                return made
    raise InvalidFile(f"{text!r} is no verifier key: name, key id and Ed25519 key, with + between them")


def log_verifier(key: bytes) -> Verifier:
    """The verifier of the log that signs with the private half of ``key`` (32 bytes). Its name is the log's origin."""
    return Verifier(f"gongdan/{key.hex()[:16]}", ED25519, key)


def log_key(text: str) -> Verifier:
    """The verifier of a log whose key somebody names: a verifier key, or the public key alone, hexadecimal.

    Raises :class:`InvalidFile` where it is neither.
    """
    if re.fullmatch("[0-9a-f]{64}", text):
        return log_verifier(bytes.fromhex(text))
    found = verifier(text)
    if found.kind != ED25519:
        raise InvalidFile(f"{text!r} is the key of a witness, not of a log")
    return found


def sign(secret: Ed25519PrivateKey, size: int, root: bytes) -> str:
    """A checkpoint of the log whose key is ``secret``, signed with it."""
    own = log_verifier(secret.public_key().public_bytes_raw())
    text = f"{own.name}\n{size}\n{base64.b64encode(root).decode()}\n"
    return f"{text}\n{_line(own, secret.sign(text.encode()))}"


def signed_text(note: str, signers: Sequence[Verifier]) -> str:
    """The text of ``note``, once each of ``signers`` was found to have signed it; signatures of others are ignored.

    Raises :class:`InvalidFile` for what is no note, that was changed, or that one of them did not sign.
    """
    text, signatures = _parted(note)
    for signer in signers:
        theirs = [s[4:] for name, s in signatures if name == signer.name and s[:4] == signer.id]
        if not theirs:
            names = ", ".join(dict.fromkeys(name for name, _ in signatures))
            raise InvalidFile(f"this was signed by {names}, not by {signer}; name another key with --key")
        if not all(_holds(signer, text, one) for one in theirs):
            raise InvalidFile(
                f"the signature of {signer.name} is not that of this text: it was changed since"
            )
    return text


def opened(note: str, signers: Sequence[Verifier]) -> Checkpoint:
    """The checkpoint in ``note``, signed by all ``signers``. Raises :class:`InvalidFile` as above."""
    text = signed_text(note, signers)
    try:
        origin, size, root = text.split("\n")[:3]
        if not re.fullmatch("0|[1-9][0-9]{0,18}", size) or len(digest := _decoded(root)) != 32 or not origin:
            raise InvalidFile(_NONE)
    except ValueError:
        raise InvalidFile(_NONE) from None
    return Checkpoint(origin, int(size), digest, note)


def _parted(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The signed text, and the name and bytes of each signature."""
    found = _SIGNED.search(note) if len(note) <= LONGEST else None
    if found is None or re.search("[\x00-\x09\x0b-\x1f]", note):
        raise InvalidFile(_NONE)
    lines = (line.split(" ") for line in found[1].splitlines())
    return note[: found.start() + 1], [(name, _decoded(signature)) for _, name, signature in lines]


def _holds(signer: Verifier, text: str, signature: bytes) -> bool:
    message = text.encode()
    if signer.kind == COSIGNATURE:
        message, signature = _witnessed(text, int.from_bytes(signature[:8], "big")), signature[8:]
    try:
        Ed25519PublicKey.from_public_bytes(signer.key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _witnessed(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _line(signer: Verifier, signature: bytes) -> str:
    return f"— {signer.name} {base64.b64encode(signer.id + signature).decode()}\n"


def _decoded(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise InvalidFile(_NONE) from None
    if base64.b64encode(found).decode() != text:  # bits at the end that say nothing
        raise InvalidFile(_NONE)
    return found
