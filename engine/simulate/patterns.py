"""A text that fits a pattern: for the plain patterns of form fields (classes, groups, counts), not all of ``re``."""

from __future__ import annotations

import random
import re
import string

_COUNT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_CLASSES = {"d": string.digits, "w": string.ascii_lowercase + string.digits, "s": " "}
_MORE = 4  #: an open or wide count is used up to so many more than its least


def example(pattern: str, rng: random.Random) -> str | None:
    """A text that ``pattern`` matches from end to end; None when the pattern is more than plain."""
    try:
        made = _Reader(pattern.removeprefix("^").removesuffix("$"), rng).alternatives()
    except (IndexError, ValueError):
        return None
    return made if re.search(pattern, made) else None


class _Reader:
    """Reads a pattern once, left to right, and writes an example as it goes."""

    def __init__(self, text: str, rng: random.Random) -> None:
        self.text, self.rng, self.at = text, rng, 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        self.at += 1
        return self.text[self.at - 1]

    def alternatives(self) -> str:
        found = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            found.append(self.sequence())
        return self.rng.choice(found)

    def sequence(self) -> str:
        made = ""
        while self.peek() not in ("", "|", ")"):
            began = self.at
            piece = self.atom()
            for number in range(self.count()):
                if number:  # read the same piece again: another choice each time
                    end, self.at = self.at, began
                    piece = self.atom()
                    self.at = end
                made += piece
        return made

    def atom(self) -> str:
        match self.take():
            case "(":
                if self.text.startswith("?:", self.at):
                    self.at += 2
                made = self.alternatives()
                if self.take() != ")":
                    raise ValueError(self.text)
                return made
            case "[":
                return self.rng.choice(self.members())
            case "\\":
                escaped = self.take()
                return self.rng.choice(_CLASSES[escaped]) if escaped in _CLASSES else escaped
            case ".":
                return self.rng.choice(string.ascii_lowercase)
            case character:
                return character

    def members(self) -> str:
        found = ""
        if self.peek() == "^":
            self.at += 1
            return "".join(sorted(set(string.ascii_lowercase) - set(self.members())))
        while (character := self.take()) != "]":
            if character == "\\":
                escaped = self.take()
                found += _CLASSES.get(escaped, escaped)
            elif self.peek() == "-" and self.text[self.at + 1] != "]":
                self.at += 1
                found += "".join(map(chr, range(ord(character), ord(self.take()) + 1)))
            else:
                found += character
        return found

    def count(self) -> int:
        match self.peek():
            case "?":
                low, high = 0, 1
            case "*":
                low, high = 0, _MORE
            case "+":
                low, high = 1, _MORE
            case "{":
                if (counted := _COUNT.match(self.text, self.at)) is None:
                    raise ValueError(self.text)
                self.at = counted.end() - 1
                low = int(counted[1])
                high = low if counted[2] is None else int(counted[3] or low + _MORE)
            case _:
                return 1
        self.at += 1
        return self.rng.randint(low, min(high, low + _MORE))
