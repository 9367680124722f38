"""Chance without luck: choices are dealt from shuffled decks, so that rare ones do come up in a run."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


def generator(seed: str, purpose: str) -> random.Random:
    """A random generator for one purpose of one run; purposes do not disturb each other."""
    return random.Random(f"{seed}/{purpose}")  # noqa: S311 - play, not secrets


class Deck(Generic[T]):
    """Deals each choice once, then as often as its weight says, in shuffled order, over and over."""

    def __init__(self, rng: random.Random, choices: Sequence[tuple[T, int]]) -> None:
        self._rng = rng
        self._cards = [choice for choice, weight in choices for _ in range(weight)]
        self._left = [choice for choice, weight in choices if weight]
        rng.shuffle(self._left)

    def draw(self) -> T:
        """The next choice."""
        if not self._left:
            self._left = list(self._cards)
            self._rng.shuffle(self._left)
        return self._left.pop()


class Decks(Generic[T]):
    """One deck a name, made when first drawn from."""

    def __init__(self, seed: str, purpose: str) -> None:
        self._seed, self._purpose = seed, purpose
        self._decks: dict[str, Deck[T]] = {}

    def draw(self, name: str, choices: Sequence[tuple[T, int]]) -> T:
        """The next choice of the deck called ``name``; ``choices`` make the deck the first time."""
        deck = self._decks.get(name)
        if deck is None:
            deck = self._decks[name] = Deck(generator(self._seed, f"{self._purpose}/{name}"), choices)
        return deck.draw()
