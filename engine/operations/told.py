"""What is said of the house's health: one text with ``{names}`` and their values, which pages say in each language."""

from __future__ import annotations


class Told:
    """``template`` with the ``values`` it tells; :func:`str` says it in English."""

    __slots__ = ("template", "values")

    def __init__(self, template: str, **values: object) -> None:
        self.template, self.values = template, values

    def __str__(self) -> str:
        return self.template.format(**self.values)
