"""Whether a file is what the ending of its name says, by its content: nobody's word is believed, least of all a name's.

The signatures are those of the formats' own descriptions (RFC 8118 PDF, RFC 2083 PNG, RFC 9649 WebP, RFC 4867 AMR,
ISO 10918 JPEG, ISO 11172-3 MP3, RIFF WAVE, ECMA-376 for Word and Excel). Libraries of signatures take any RIFF file
for sound and picture alike, and any archive for a document.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from io import BytesIO

MOST_PARTS = 5_000  #: parts of a document
MOST_UNPACKED = 512 * 1024 * 1024  #: bytes of all its parts
_LIST = "[Content_Types].xml"
_MOST_LIST = 1 << 20  #: bytes of the list of parts
_OPEN_XML = b"application/vnd.openxmlformats-officedocument."
_BEGINS = {
    ".pdf": rb"%PDF-",
    ".png": rb"\x89PNG\r\n\x1a\n",
    ".jpg": rb"\xff\xd8\xff",
    ".jpeg": rb"\xff\xd8\xff",
    ".webp": rb"RIFF....WEBP",
    ".mp3": rb"ID3|\xff[\xfa\xfb\xf2\xf3\xe2\xe3]",
    ".wav": rb"RIFF....WAVE",
    ".amr": rb"#!AMR",
}
#: what a document must hold: its main part, and how its list calls that
_HOLDS = {
    ".docx": ("word/document.xml", _OPEN_XML + b"wordprocessingml.document.main+xml"),
    ".xlsx": ("xl/workbook.xml", _OPEN_XML + b"spreadsheetml.sheet.main+xml"),
}
_PROGRAMS = re.compile(rb"macroEnabled|vbaProject", re.IGNORECASE)
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")


class Other(Exception):
    """A file is not what its name says; ``programs``: it is, but with programs in it (macros)."""

    def __init__(self, *, programs: bool = False) -> None:
        self.programs = programs


def check(ending: str, content: bytes) -> None:
    """Raise :class:`Other` unless ``content`` is what ``ending`` (lower case, with its dot) says."""
    if ending in _BEGINS:
        if not re.match(_BEGINS[ending], content, re.DOTALL):
            raise Other
    elif ending in _HOLDS:
        _check_document(content, *_HOLDS[ending])
    elif _NO_TEXT.search(_text(content)):
        raise Other


def _text(content: bytes) -> str:
    """The text of a file, in one of the encodings that programs here write."""
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Other


def _check_document(content: bytes, main: str, called: bytes) -> None:
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            parts = packed.infolist()
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise Other
            with packed.open(_LIST) as opened:
                listed = opened.read(_MOST_LIST)
    except (
        zipfile.BadZipFile,
        KeyError,
        RuntimeError,
        NotImplementedError,
        EOFError,
        OSError,
        ValueError,
        zlib.error,
    ):
        raise Other from None  # no archive, without a list, locked with a password, damaged
    names = [part.filename for part in parts]
    if any(_PROGRAMS.search(text) for text in (listed, *(name.encode() for name in names))):
        raise Other(programs=True)
    if main not in names or called not in listed:
        raise Other
