"""Files given with a form, without the form."""

from __future__ import annotations

from engine.forms.attachments import Folder
from engine.forms.files import FileMeta

AT = "2026-03-02T01:00:00+00:00"


def keep(folder: Folder, meta: FileMeta, content: bytes) -> None:
    """Keep a file as if a command that names it had been recorded."""
    incoming = folder.incoming(AT)
    incoming.read(meta, content)
    incoming.wait({"files": [meta]})
    incoming.keep()
