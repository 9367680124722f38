"""Lock files beside a SQLite database."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def open_beside(place: str, ending: str) -> int:
    """The descriptor of the lock file ``place`` + ``ending``, made when it is missing, for its owner alone.

    What root makes belongs to the database's owner, as SQLite does it with its own files: a command run as root
    must not shut the service out. Raises OSError.
    """
    opened = os.open(f"{place}{ending}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        with suppress(OSError):  # a file system without owners
            file = Path(place)
            like = (file if file.exists() else file.parent).stat()
            os.fchown(opened, like.st_uid, like.st_gid)
    return opened
