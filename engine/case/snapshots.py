"""Snapshots of instances: zstd, sealed whole with the case's key. A cache: unreadable ones are replayed."""

from __future__ import annotations

import hashlib
import threading
from importlib.metadata import version
from typing import Any

import orjson
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from engine.bpmn.spiff.serialization import freeze, thaw
from engine.privacy.sealing import Seal
from engine.release.release import Release

from .history import ENGINE
from .instance import Instance

FORMAT = 2  #: raised when :func:`dump` changes
#: what made a snapshot: another engine or another SpiffWorkflow builds the case from its history instead
MADE_BY = [FORMAT, ENGINE, version("SpiffWorkflow")]
EVERY = 20  #: commands between two snapshots of a small case
FEW = 5  #: commands that loading executed again: one that is loaded once is loaded often
TASKS_A_COMMAND = 16  #: tasks of a large case that a command may pay to write (about 4 µs each)


class _OfThread(threading.local):
    """What compresses and what takes apart: making them costs more than a small snapshot."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=1)
        self.decompressor = zstandard.ZstdDecompressor()


_local = _OfThread()


def is_due(instance: Instance) -> bool:
    """Whether so many commands passed that a snapshot pays: its cost must not grow with the case.

    It pays sooner where the case came from its history: processes that share its work load it again and again.
    """
    if instance.done:
        return False
    least = len(instance.machine.flow.tasks) // TASKS_A_COMMAND
    passed = instance.seq - instance.snapshot_seq
    return passed >= max(EVERY, least) or instance.replayed >= max(FEW, least)


def write(instance: Instance, key: bytes) -> bytes:
    """The instance as sealed, compressed bytes. ``key`` is the case's."""
    body: bytes = _local.compressor.compress(orjson.dumps({"made_by": MADE_BY, "instance": dump(instance)}))
    return AESSIV(key).encrypt(body, None)


def read(case_id: str, body: bytes, release: Release, seal: Seal, key: bytes) -> Instance | None:
    """The instance in a snapshot, or None when it cannot be read (then history is replayed)."""
    try:
        plain = AESSIV(key).decrypt(body, None)
        packed = orjson.loads(_local.decompressor.decompress(plain))
        if packed.get("made_by") != MADE_BY:
            return None
        return restore(case_id, packed["instance"], release, seal)
    except (InvalidTag, zstandard.ZstdError, ValueError, KeyError, TypeError, AttributeError):
        return None


def fingerprint(instance: Instance) -> str:
    """A hash of the whole state, for tests that compare live, reloaded and replayed instances."""
    return hashlib.sha256(orjson.dumps(dump(instance))).hexdigest()


def dump(instance: Instance) -> dict[str, Any]:
    """The whole instance as plain data (unsealed: the caller seals it)."""
    return {
        "seq": instance.seq,
        "head": instance.head.hex(),
        "at": instance.at,
        "claims": list(instance.claims.items()),
        "open": [[t, ref, duty] for t, (ref, duty) in instance.open.items()],
        "not_before": list(instance.not_before.items()),
        "opened_at": list(instance.opened_at.items()),
        "done_by": list(instance.done_by.items()),
        "amended": sorted(instance.amended),
        "events": sorted(instance.events),
        "unsent": sorted(instance.unsent),
        "paused": instance.paused,
        "respondent": instance.respondent,
        "outcome": instance.outcome,
        "stuck": instance.stuck,
        "clocks": instance.clocks.dump(),
        "machine": freeze(instance.machine),
    }


def restore(case_id: str, dumped: dict[str, Any], release: Release, seal: Seal) -> Instance:
    """The instance that :func:`dump` described."""
    instance = Instance(case_id, dumped["machine"]["process"], release, seal)
    instance.machine = thaw(release.program, dumped["machine"])
    instance.clocks.load(dumped["clocks"])
    instance.seq = instance.snapshot_seq = dumped["seq"]
    instance.head, instance.at = bytes.fromhex(dumped["head"]), dumped["at"]
    instance.claims = dict(map(tuple, dumped["claims"]))
    instance.open = {task: (ref, duty) for task, ref, duty in dumped["open"]}
    instance.not_before = dict(map(tuple, dumped["not_before"]))
    instance.opened_at = dict(map(tuple, dumped["opened_at"]))
    instance.done_by = dict(map(tuple, dumped["done_by"]))
    instance.events, instance.unsent = set(dumped["events"]), set(dumped["unsent"])
    instance.amended = set(dumped["amended"])
    seal.add(instance.amended)
    instance.paused, instance.respondent = dumped["paused"], dumped["respondent"]
    instance.outcome, instance.stuck = dumped["outcome"], dumped["stuck"]
    return instance
