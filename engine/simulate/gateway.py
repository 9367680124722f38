"""The outside world of a simulation: most messages arrive, some do not, of some nobody knows."""

from __future__ import annotations

from engine.base.sending import FAILED, RETRY, SENT, UNKNOWN, Answer, Entry

from .stratified import Deck, generator

_ANSWERS = (
    (Answer(SENT, "simulated: delivered"), 44),
    (Answer(FAILED, "simulated: number not in use"), 2),
    (Answer(RETRY, "simulated: provider busy"), 2),
    (Answer(UNKNOWN, "simulated: no answer in time"), 2),
)


class SimulatedGateway:
    """Answers from a shuffled deck; nothing leaves the machine."""

    def __init__(self, seed: str) -> None:
        self._deck = Deck(generator(seed, "gateway"), _ANSWERS)

    def send(self, entry: Entry) -> Answer:
        """What the outside says of ``entry``."""
        return self._deck.draw()
