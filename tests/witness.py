"""A witness, as c2sp.org/tlog-cosignature describes one: it adds its signature to a checkpoint that it has seen."""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def public(secret: Ed25519PrivateKey) -> bytes:
    """The public half of a key."""
    return secret.public_key().public_bytes_raw()


def cosigned(note: str, secret: Ed25519PrivateKey, name: str, at: int) -> str:
    """``note`` with one more line, by the witness ``name`` who saw it ``at`` (seconds since 1970)."""
    text = note[: note.rindex("\n\n") + 1]
    signature = secret.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
    id = hashlib.sha256(name.encode() + b"\n\x04" + public(secret)).digest()[:4]
    return f"{note}— {name} {base64.b64encode(id + at.to_bytes(8, 'big') + signature).decode()}\n"
