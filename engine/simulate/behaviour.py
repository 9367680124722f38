"""How synthetic customers and agents decide, read from ``behaviour.json``: personas, habits, paces, phrases.

A *persona* is a story: what one kind of customer (and the people around the case) answer, by
``element.field`` or ``form.field``; a list answers the first time, the second time and so on, its last from then on.
*Habits* are weighted answers where the persona has none. Both are dealt from decks.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .stratified import Decks, generator

PATIENCE = 6  #: whoever gave the last answer of a story so often again may change their mind
FILE = Path(__file__).with_name("behaviour.json")
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗"
_GIVEN = (
    "敏",
    "伟",
    "静",
    "磊",
    "丽华",
    "志强",
    "秀英",
    "建国",
    "晓东",
    "嘉欣",
    "子轩",
    "雨桐",
    "国栋",
    "美玲",
)


@dataclass(frozen=True)
class Persona:
    """One kind of story.

    ``pauses`` says how often the case waits for the customer on the way, ``delay_hours`` how long its first task
    is overlooked, ``done`` how often the story completes each element.
    """

    name: str
    weight: int
    answers: Mapping[str, Sequence[Any]]
    pauses: int = 0
    delay_hours: int = 0
    done: Mapping[str, int] = field(default_factory=dict)

    def with_part(self, part: Persona, elements: Collection[str]) -> Persona:
        """This story with ``part`` told at ``elements``."""
        answers = {key: told for key, told in part.answers.items() if key.partition(".")[0] in elements}
        done = {element: times for element, times in part.done.items() if element in elements}
        return replace(self, answers={**self.answers, **answers}, done={**self.done, **done})


@dataclass
class Customer:
    """The person behind one case, and how often each question was put."""

    name: str
    phone: str
    persona: Persona
    rng: random.Random
    pauses_left: int
    asked: Counter[str] = field(default_factory=Counter)

    def answer(self, element: str, form: str, name: str) -> tuple[bool, Any]:
        """Whether the persona has an answer to this field, and the answer."""
        for key in (f"{element}.{name}", f"{form}.{name}"):
            if key in self.persona.answers:
                answers = self.persona.answers[key]
                number = self.asked[key]
                self.asked[key] += 1
                if number >= len(answers) + PATIENCE:
                    return False, None
                return True, answers[min(number, len(answers) - 1)]
        return False, None

    def gives_cause(self, element: str) -> bool:
        """Whether the story wants ``element`` completed once more than it was."""
        self.asked[element] += 1
        return self.asked[element] <= self.persona.done.get(element, 0)

    def is_known_as(self, data: Mapping[str, Any]) -> None:
        """Take the name and number under which the case was opened, where it had them."""
        self.name = data.get("customer_name", self.name)
        self.phone = data.get("contact_phone", self.phone)


class Behaviour:
    """All of ``behaviour.json``, with the decks of one run."""

    def __init__(self, seed: str, content: bytes | None = None) -> None:
        raw = json.loads(content if content is not None else FILE.read_bytes())
        self.seed = seed
        self.called: dict[str, dict[str, frozenset[str]]] = {}
        self.personas = {
            process: [Persona(**{"answers": {}, **persona}) for persona in group]
            for process, group in raw["personas"].items()
        }
        self.habits: dict[str, list[tuple[Any, int]]] = {
            key: [(value, weight) for value, weight in choices] for key, choices in raw["habits"].items()
        }
        self.optional = frozenset(raw["optional"])  #: elements that only some stories complete
        self.periodic = frozenset(raw["periodic"])  #: elements that are there to be done towards their limit
        self.untold = frozenset(raw["untold"])  #: fields that no story answers: everybody has habits for them
        self.phrases: dict[str, list[str]] = raw["phrases"]
        self.minutes: dict[str, list[int]] = raw["minutes"]
        self.waits_for_customer = frozenset(raw["waits_for_customer"])
        self.pause_reasons: list[str] = raw["pause_reasons"]
        self.paces: list[tuple[str, int]] = [(pace, weight) for pace, weight in raw["paces"]]
        self._stories: Decks[Persona] = Decks(seed, "persona")
        self._parts: Decks[Persona | None] = Decks(seed, "part")
        self._choices: Decks[Any] = Decks(seed, "habit")
        self._tempo: Decks[str] = Decks(seed, "pace")

    def learn(
        self, stories: Mapping[str, list[Persona]], called: Mapping[str, Mapping[str, frozenset[str]]]
    ) -> None:
        """Take over personas of processes that ``behaviour.json`` has none for.

        ``called`` names the processes that each of these calls, directly or not, and their elements: where a called
        process has stories of its own, every third time one is told there, whatever the caller's story says.
        """
        self.called = {
            process: {one: elements for one, elements in called[process].items() if one in stories}
            for process in stories.keys() - self.personas.keys()
        }
        self.personas = {**stories, **self.personas}

    def customer(self, case_id: str, process: str) -> Customer:
        """The customer of a case of ``process``."""
        rng = generator(self.seed, f"customer/{case_id}")
        group = self.personas.get(process) or [Persona("plain", 1, {})]
        persona = self._stories.draw(process, [(persona, persona.weight) for persona in group])
        for called, elements in self.called.get(process, {}).items():
            among = self.personas[called]
            choices = [(None, 2 * len(among)), *((one, 1) for one in among)]
            if (part := self._parts.draw(f"{process}/{called}", choices)) is not None:
                persona = persona.with_part(part, elements)
        name = rng.choice(_SURNAMES) + rng.choice(_GIVEN)
        phone = f"1{rng.choice('3578')}{rng.randrange(10**9):09d}"
        return Customer(name, phone, persona, rng, persona.pauses)

    def habit(self, keys: Iterable[str]) -> tuple[bool, Any]:
        """The usual answer to the first of ``keys`` that there is a habit for."""
        for key in keys:
            if key in self.habits:
                return True, self._choices.draw(key, self.habits[key])
        return False, None

    def pace(self, work: str) -> str:
        """How soon somebody turns to a kind of work: ``prompt``, ``warned`` or ``late``."""
        return self._tempo.draw(work, self.paces)

    def handling_minutes(self, form: str, rng: random.Random) -> int:
        """How long a person of usual pace is busy with ``form``."""
        low, high = self.minutes.get(form, self.minutes["*"])
        return rng.randint(low, high)
