"""Cells of CSV files that no spreadsheet takes for a formula."""

from __future__ import annotations

BOM = "\ufeff"  #: Excel reads UTF-8 by it
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe(value: str | None) -> str:
    """The text as a cell; what would begin a formula gets an apostrophe in front."""
    text = value or ""
    return "'" + text if text.lstrip(" ").startswith(_FORMULA) else text
