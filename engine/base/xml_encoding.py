"""XML of other tools in the encoding it declares, as UTF-8: what the house keeps, shows and hashes is UTF-8 alone."""

from __future__ import annotations

import codecs
import re

_DECLARATION = re.compile(
    r"""\A(\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*)(["'])([A-Za-z][A-Za-z0-9._:-]{0,40})\2""", re.ASCII
)
#: the longer mark first: that of UTF-16 begins that of UTF-32
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: by Python's names. Encodings of texts only, in which a < is a <: what is scanned is what is parsed.
_SINGLE = frozenset(
    {
        *(f"iso8859-{n}" for n in range(1, 17)),
        *(f"cp{n}" for n in (437, 850, 852, 866, 874, *range(1250, 1259))),
        *("koi8-r", "koi8-u", "mac-roman"),
        *("gb18030", "gbk", "gb2312", "big5", "big5hkscs", "cp950", "shift_jis", "cp932", "euc_jp", "euc_kr"),
    }
)
_WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"})
_LATIN_1, _WINDOWS = "iso8859-1", "cp1252"
_C1 = re.compile("[\x80-\x9f]")


def as_utf8(content: bytes) -> bytes:
    """``content`` in UTF-8, and declared so; unchanged where it is, or where nobody can tell what it is in.

    A byte order mark says more than a declaration. A declaration that the bytes contradict (UTF-8 that calls itself
    something else) is no licence to guess: such a file stays as it is, for its reader to refuse.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content, content[len(mark) :], encoding)
    for start, encoding in ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")):
        if content.startswith(start):
            return _decoded(content, content, encoding)
    found = _DECLARATION.match(content[:300].decode("latin-1"))
    encoding = _python_name(found[3]) if found else ""
    if (
        encoding in _WIDE
    ):  # eight bits a sign: written by a program that keeps its texts so, and not its files
        return _decoded(content, content, "utf-8")
    if encoding not in _SINGLE:
        return content
    if not content.isascii() and _is_utf8(content):
        return content
    if encoding == _LATIN_1 and _C1.search(content.decode(encoding)):
        encoding = _WINDOWS  # no text holds the control signs that Latin-1 has there
    return _decoded(content, content, encoding)


def declared_utf8(text: str) -> bytes:
    """A text that a browser sent, in UTF-8; what it declares of the file that it was is no longer true."""
    return _DECLARATION.sub(r"\1\2UTF-8\2", text, count=1).encode()


def _decoded(content: bytes, body: bytes, encoding: str) -> bytes:
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError:
        return content
    found = _DECLARATION.match(text)
    if content.startswith(codecs.BOM_UTF8) and (found is None or found[3].lower() in ("utf-8", "utf8")):
        return content
    return declared_utf8(text)


def _python_name(declared: str) -> str:
    try:
        return codecs.lookup(declared).name
    except LookupError:
        return ""


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
