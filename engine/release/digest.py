"""The digest of a release: one hash that stands for the bytes of all its files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def digest_of(files: Mapping[str, str]) -> str:
    """The digest of a release, hexadecimal. ``files``: path → SHA-256 of the body, hexadecimal.

    ``SHA-256("<path> NUL <sha256> LF" for each file, in the order of the paths as UTF-8)``. A path holds neither
    NUL nor line feed (:mod:`engine.release.releases`), so no two sets of files have the same bytes.
    """
    lines = sorted((path.encode(), sha256.encode()) for path, sha256 in files.items())
    return hashlib.sha256(b"".join(b"%b\0%b\n" % line for line in lines)).hexdigest()
