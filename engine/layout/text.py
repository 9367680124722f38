"""How much room a text takes in a diagram, estimated on the safe side (all sizes in px).

bpmn-js draws names at 12 px inside shapes and 11 px beside them; a Chinese character is counted as 14 px,
so that the drawing stays readable with any installed font.
"""

from __future__ import annotations

from math import ceil
from unicodedata import east_asian_width

LINE_HEIGHT = 15
#: bpmn-js never makes a label narrower than this, so wrapping below it would be undone on screen.
LABEL_WIDTH = 90
_WIDE = 14
_NARROW = 8


def text_width(text: str) -> int:
    """Width of ``text`` on one line."""
    return sum(_WIDE if east_asian_width(char) in "WFA" else _NARROW for char in text)


def text_lines(text: str, width: int) -> int:
    """Number of lines ``text`` needs when wrapped at ``width``; hard line breaks are kept."""
    return sum(max(1, ceil(text_width(line) / max(width - _WIDE // 2, _WIDE))) for line in text.split("\n"))


def label_size(text: str) -> tuple[int, int]:
    """Width and height of a label that stands beside its element."""
    width = max((text_width(line) for line in text.split("\n")), default=0)
    if width <= LABEL_WIDTH:
        return max(width, _WIDE), LINE_HEIGHT * text_lines(text, LABEL_WIDTH + _WIDE)
    wrapped = LABEL_WIDTH if width <= 6 * LABEL_WIDTH else 2 * LABEL_WIDTH
    return wrapped, LINE_HEIGHT * text_lines(text, wrapped)


def task_width(text: str) -> int:
    """Width of a task (80 high) whose name stands clear of the icon in its top left corner."""
    width = 100
    while text_lines(text, width - 14) > (2 if width < 160 else 3) and width < 240:
        width += 20
    return width
