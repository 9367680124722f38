"""Findings in the Chinese of Hong Kong: their words are written in simplified Chinese once, and turned sign by sign."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

_WRITTEN = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
_WORDS: dict[str, str] = _WRITTEN["words"]
_SIGNS = str.maketrans(_WRITTEN["signs"])
_EITHER = re.compile("|".join(map(re.escape, _WORDS)))


@cache
def traditional(text: str) -> str:
    """``text`` in traditional Chinese; words whose signs have two forms first. See frontend/traditional.mjs."""
    return _EITHER.sub(lambda found: _WORDS[found.group()], text).translate(_SIGNS)
