"""Where tests find complaints that nobody here wrote (``GONGDAN_REAL_DATA``), and what they use without."""

from __future__ import annotations

import os
from pathlib import Path

from engine.base.settings import CHECKOUT
from engine.intake.mapping import Mapping, load

SAMPLE = CHECKOUT / "bpmn" / "samples" / "complaints_sample.csv"
_DEFAULT = CHECKOUT.parent / "shared" / "data"


def folder() -> Path | None:
    """The folder of the real data; None when nobody named one and the usual place is empty."""
    if (given := os.environ.get("GONGDAN_REAL_DATA")) is None:
        return _DEFAULT if _DEFAULT.is_dir() else None
    assert Path(given).is_dir(), f"GONGDAN_REAL_DATA={given!r} points nowhere"
    return Path(given)


def complaints() -> tuple[Path, Mapping]:
    """The large English file with its mapping, or the sample that ships."""
    if (real := folder()) is None:
        return SAMPLE, load("sample")
    return real / "complaints" / "comcast_2015_01_05.csv", load("comcast")


def all_complaints() -> list[tuple[Path, Mapping]]:
    """Every file of complaints there is, with its mapping: the sample that ships, and the real ones."""
    found = [(SAMPLE, load("sample"))]
    if (real := folder()) is not None:
        found.append(complaints())
        found.append((real / "complaints" / "telecom_zh.csv", load("telecom_zh")))
    return found
