"""Snapshots of instances: zstd, sealed whole with the case's key. A cache: unreadable ones are replayed."""

from __future__ import annotations

import hashlib
import threading

import orjson
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from .instance import Instance
from .release import Release
from .sealing import Seal

EVERY = 20  #: commands between two snapshots of a small case
TASKS_A_COMMAND = 16  #: tasks of a large case that a command may pay to write (about 4 µs each)
_local = threading.local()


def is_due(instance: Instance) -> bool:
    """Whether so many commands passed that a snapshot pays: its cost must not grow with the case."""
    tasks = len(instance.machine.flow.tasks)
    return not instance.done and instance.seq - instance.snapshot_seq >= max(EVERY, tasks // TASKS_A_COMMAND)


def write(instance: Instance, key: bytes) -> bytes:
    """The instance as sealed, compressed bytes. ``key`` is the case's."""
    body: bytes = _compressor().compress(orjson.dumps(instance.dump()))
    return AESSIV(key).encrypt(body, None)


def read(case_id: str, body: bytes, release: Release, seal: Seal, key: bytes) -> Instance | None:
    """The instance in a snapshot, or None when it cannot be read (then history is replayed)."""
    try:
        plain = AESSIV(key).decrypt(body, None)
        dumped = orjson.loads(zstandard.ZstdDecompressor().decompress(plain))
        return Instance.restore(case_id, dumped, release, seal)
    except (InvalidTag, zstandard.ZstdError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _compressor() -> zstandard.ZstdCompressor:
    found: zstandard.ZstdCompressor | None = getattr(_local, "compressor", None)
    if found is None:
        found = _local.compressor = zstandard.ZstdCompressor(level=1)
    return found


def fingerprint(instance: Instance) -> str:
    """A hash of the whole state, for tests that compare live, reloaded and replayed instances."""
    return hashlib.sha256(orjson.dumps(instance.dump())).hexdigest()
