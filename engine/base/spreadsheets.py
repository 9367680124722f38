"""What spreadsheets make of texts: encodings and line ends of files they write, and values that they spoil."""

from __future__ import annotations

import codecs
import io
import re
from typing import BinaryIO

SAMPLE = 64 * 1024  #: bytes by which a file is judged
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CHINESE = ("gb18030", "gbk", "gb2312")
_NO_CHANCE = 12  #: bytes beyond ASCII that are UTF-8 throughout: no other text is that by chance
_SPOILT = (
    (re.compile(r"[=@]"), "a formula"),
    (re.compile(r"[+-]?\d+([.,]\d+)?E[+-]\d+\Z", re.IGNORECASE), "a number shortened to a power of ten"),
    (
        re.compile(r"#+\Z|#(N/A|NAME\?|REF!|VALUE!|DIV/0!|NUM!|NULL!)\Z", re.IGNORECASE),
        "an error of a formula",
    ),
    (re.compile(r"\d+\.0+\Z"), "a number with decimals"),
)


def spoilt(cell: str) -> str | None:
    """What a spreadsheet made of an id (``="0013"``, ``2.02603E+11``, ``#N/A``, ``13.0``), in words; None: nothing."""
    return next((what for shape, what in _SPOILT if shape.match(cell)), None)


def encoding_of(start: bytes, expected: str = "utf-8") -> tuple[str, int]:
    """How a file that begins with ``start`` is encoded, and how many bytes of a byte order mark it has.

    A mark decides; without one, zeros at every second byte are UTF-16. Else it is as ``expected``, unless that is one
    of UTF-8 and GB 18030 and the lines beyond ASCII leave no doubt that it is the other.
    """
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding, len(mark)
    pairs = len(start) // 2
    if pairs and not start.startswith(b"\0\0"):
        for encoding, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[0::2])):
            if zeros.count(0) > pairs // 8 and start.count(0) - zeros.count(0) == 0:
                return encoding, 0
    name = codecs.lookup(expected).name
    if name not in ("utf-8", "utf-8-sig", *_CHINESE):
        return expected, 0
    whole = start if len(start) < SAMPLE else start[: max(start.rfind(b"\n"), start.rfind(b"\r")) + 1]
    telling = [line for line in re.split(rb"[\r\n]+", whole) if not line.isascii()]
    wide = [line for line in telling if _reads(line, "utf-8")]
    if name in _CHINESE:
        beyond = sum(byte > 127 for line in telling for byte in line)
        return ("utf-8", 0) if beyond >= _NO_CHANCE and wide == telling else (expected, 0)
    # GB 18030 makes something of nearly all bytes: what it makes of these must be everyday characters.
    everyday = [line for line in telling if _reads(line, "gb2312")]
    if len(telling) > 1 and not wide and len(everyday) > len(telling) // 2:
        return ("gb18030", 0) if all(_reads(line, "gb18030") for line in telling) else (expected, 0)
    return expected, 0


def lines_of(file: BinaryIO, expected: str) -> tuple[BinaryIO, str]:
    """``file`` (which can be sought in) from its first text on, with ``\\n`` for line ends, and its encoding.

    What is in UTF-16 comes as UTF-8, and what has carriage returns alone, as old Macs write, comes with line feeds.
    """
    start = file.read(SAMPLE)
    encoding, mark = encoding_of(start, expected)
    file.seek(mark)
    wide = encoding.startswith("utf-16")
    feed, back = ("\n".encode(encoding), "\r".encode(encoding)) if wide else (b"\n", b"\r")
    returns = feed not in start and back in start
    if not (wide or returns):
        return file, encoding
    return io.BufferedReader(
        _Recoded(file, encoding if wide else None, returns)
    ), "utf-8" if wide else encoding


def text_of(content: bytes) -> str | None:
    """The text of a whole file in UTF-8, UTF-16 or GB 18030; None when it is in none of them."""
    encoding, mark = encoding_of(content)
    for one in dict.fromkeys((encoding, "gb18030")):
        if _reads(content[mark:], one):
            return content[mark:].decode(one)
    return None


def _reads(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


class _Recoded(io.RawIOBase):
    """A file read piece by piece as UTF-8 (``encoding``: what it is in) with line feeds for returns."""

    def __init__(self, file: BinaryIO, encoding: str | None, returns: bool) -> None:
        self._file, self._returns = file, returns
        # Half a character stays one: its line is refused, and no other.
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass") if encoding else None
        self._ready = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # the stub knows no narrower
        """The next bytes."""
        while not self._ready and (piece := self._file.read(SAMPLE)):
            self._ready = (
                self._decoder.decode(piece).encode(errors="surrogatepass") if self._decoder else piece
            )
            if self._returns:
                self._ready = self._ready.replace(b"\r", b"\n")
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count
