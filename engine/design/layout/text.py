"""How much room a text takes in a diagram, estimated on the safe side (all sizes in px).

bpmn-js draws names at 12 px inside shapes and 11 px beside them, and so wide is a Chinese character. It is
counted as 14 px where room is made for it, and as 13 px where lines are broken.
"""

from __future__ import annotations

from unicodedata import east_asian_width

LINE_HEIGHT = 15
#: bpmn-js never makes a label narrower than this, so wrapping below it would be undone on screen.
LABEL_WIDTH = 90
_WIDE = 14
_NARROW = 8
_BROKEN = 13


def text_width(text: str, wide: int = _WIDE) -> int:
    """Width of ``text`` on one line, a Chinese character being ``wide``."""
    return sum(wide if east_asian_width(char) in "WFA" else _NARROW for char in text)


def text_lines(text: str, width: int) -> int:
    """Number of lines ``text`` needs when wrapped at ``width``; hard line breaks are kept."""
    return len(wrapped(text, width))


def wrapped(text: str, width: int) -> list[str]:
    """The lines of ``text`` as bpmn-js breaks it: after the last space or hyphen that fits, else anywhere."""
    room = max(width - _WIDE // 2, _WIDE)
    lines = []
    for line in text.split("\n"):
        rest = line.strip()
        while text_width(rest, _BROKEN) > room:
            fits = next(n for n in range(len(rest), 0, -1) if n == 1 or text_width(rest[:n], _BROKEN) <= room)
            soft = max(rest.rfind(mark, 0, fits) for mark in " -") + 1
            lines.append(rest[: soft or fits].strip())
            rest = rest[soft or fits :].strip()
        lines.append(rest)
    return lines


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
