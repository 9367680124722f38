"""Filling any form from its definition: what the persona says, else habit, else the default, else what must be.

The form itself decides what is asked, needed and right; whatever it refuses is filled anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from engine.base.errors import GongdanError
from engine.base.locales import in_language
from engine.forms import Field, Form
from engine.forms.bounds import span
from engine.forms.form import condition_functions
from engine.forms.model import Group

from .behaviour import Behaviour, Customer
from .patterns import example

MAX_ROUNDS = 25
_PADDING = "（客户暂未作进一步说明，后续联系时补充）"
_FUTURE = ("next", "promised", "agreed", "planned", "until", "due", "expected", "hold")


class CannotFill(GongdanError):
    """No answers were found that satisfy a form."""


class Filler:
    """Fills the forms of one run."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour

    def fill(
        self, form: Form, element: str, context: Mapping[str, Any], customer: Customer, now: datetime
    ) -> dict[str, Any]:
        """Values that ``form`` accepts at ``now``; raises :class:`CannotFill` with what it refused."""
        at = now.isoformat()
        sheet = _Sheet(self.behaviour, form, element, context, customer, now)
        errors: list[Any] = []
        for _ in range(MAX_ROUNDS):
            sheet.go_through(at)
            clean, errors = form.check(sheet.values, context=context, now=at)
            if not errors:
                return clean
            for error in errors:
                sheet.mend(error.field.split("-")[0], error.code)
        raise CannotFill(f"form {form.key!r} on {element!r}: no answers found; it refuses {errors}")


class _Sheet:
    """One form being filled."""

    def __init__(
        self,
        behaviour: Behaviour,
        form: Form,
        element: str,
        context: Mapping[str, Any],
        customer: Customer,
        now: datetime,
    ) -> None:
        self.behaviour, self.form, self.element = behaviour, form, element
        self.context, self.customer, self.now = context, customer, now
        self.defaults = form.initial(context, now.isoformat())
        self.values: dict[str, Any] = {}
        self.considered: set[str] = set()
        self.tries: dict[str, int] = {}

    def go_through(self, at: str) -> None:
        """Consider every field that is asked, top to bottom; an answer may bring further fields."""
        while True:
            asked = self.form.visible({**self.context, **dict.fromkeys(self.form.names), **self.values}, at)
            fresh = next((f for f in asked if f.name not in self.considered and f.widget != "readonly"), None)
            if fresh is None:
                return
            self.considered.add(fresh.name)
            value = self.first_answer(fresh)
            if value is not None:
                self.values[fresh.name] = value

    def first_answer(self, field: Field) -> Any:
        told, value = self.customer.answer(self.element, self.form.key, field.name)
        if told:
            return self.meant(value)
        usual, value = self.behaviour.habit((f"{self.element}.{field.name}", f"{self.form.key}.{field.name}"))
        if usual:
            return self.meant(value)
        if self.defaults.get(field.name) is not None:
            return self.defaults[field.name]
        return self.made_up(field) if field.required or field.schema.get("const") is True else None

    def mend(self, name: str, code: str) -> None:
        """Answer again what the form refused."""
        field = self.form.group.by_name.get(name)
        if field is None:
            raise CannotFill(f"form {self.form.key!r} on {self.element!r}: {code} for {name!r}")
        self.tries[name] = self.tries.get(name, 0) + 1
        before = self.values.pop(name, None)
        if code == "too_short" and isinstance(before, str):
            self.values[name] = before + _PADDING
        elif code == "rule" and self.tries[name] <= 5 and (usual := self.habit(field)) is not None:
            self.values[name] = usual
        elif code != "required" and self.tries[name] > 5 and not field.required:
            return  # leave it out: it may not be needed at all
        else:
            self.values[name] = self.made_up(field)

    def habit(self, field: Field) -> Any:
        """What is usually answered, None where there is no habit."""
        _, value = self.behaviour.habit((f"{self.element}.{field.name}", f"{self.form.key}.{field.name}"))
        return self.meant(value)

    def meant(self, value: Any) -> Any:
        """A written-down answer with its placeholders resolved: ``@phone``, ``@days:5``, …."""
        if isinstance(value, list):
            return [self.meant(one) for one in value]
        if isinstance(value, dict):
            return {name: self.meant(one) for name, one in value.items()}
        if not isinstance(value, str) or not value.startswith("@"):
            return value
        word, _, rest = value[1:].partition(":")
        match word:
            case "name":
                return self.customer.name
            case "phone":
                return self.customer.phone
            case "hours":
                return (self.now + timedelta(hours=float(rest))).isoformat()
            case "digits":
                return "".join(str(self.customer.rng.randrange(1, 10)) for _ in range(int(rest)))
            case "alternative":
                return self.context["alternatives"][0]["number"]
            case "at":
                return self.context[rest]
            case "before":  # so many hours before an instant that the case knows, but not in the future
                name, _, hours = rest.partition(":")
                moment = datetime.fromisoformat(self.context[name]) - timedelta(hours=float(hours))
                return min(moment, self.now).isoformat()
            case "days":
                return (self.now + timedelta(days=float(rest))).date().isoformat()
        raise CannotFill(f"behaviour.json has the unknown placeholder {value!r}")

    def made_up(self, field: Field) -> Any:
        """Some value of the field's kind."""
        rng, schema = self.customer.rng, field.schema
        attempt = self.tries.get(field.name, 0)
        match field.widget:
            case "radio" | "select":
                return rng.choice(field.options).value
            case "checkboxes":
                values = [option.value for option in field.options]
                return sorted(rng.sample(values, rng.randint(1, min(2, len(values)))), key=values.index)
            case "checkbox":
                return True
            case "phone":
                return self.customer.phone
            case "number" | "money":
                if attempt % 3 == 2:  # a rule may ask for none at all
                    return self.least(schema)
                return self.number(schema, money=field.widget == "money")
            case "date":
                days = rng.randint(3, 20) if attempt % 2 == 0 else -rng.randint(1, 20)
                return self.within(field, self.now + timedelta(days=days))
            case "datetime":
                ahead = any(word in field.name for word in _FUTURE) is (attempt % 2 == 0)
                return self.within(field, self.now + timedelta(hours=rng.randint(4, 40) if ahead else 0))
            case "timerange":
                return {"from": "10:00", "to": "18:00"}
            case "file":
                return [_file(self.customer, field.name)]
            case "rows":
                return [self.row(field.rows) for _ in range(rng.randint(1, 2))] if field.rows else None
        return self.text(field)

    def within(self, field: Field, moment: datetime) -> str:
        """The day or instant of ``moment``, or the nearest one that the field takes."""
        functions = condition_functions(self.now.isoformat())
        return span(field, {**self.context, **self.values}, functions).nearest(field, moment)

    def row(self, group: Group) -> dict[str, Any]:
        """One row of a rows field: everything in it."""
        found = {}
        for column in group.fields:
            usual, value = self.behaviour.habit((f"{self.form.key}.{column.name}",))
            found[column.name] = self.meant(value) if usual else self.made_up(column)
        return found

    def least(self, schema: Mapping[str, Any]) -> int:
        """The smallest number that the field takes."""
        return int(schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1))

    def number(self, schema: Mapping[str, Any], *, money: bool) -> int:
        low = self.least(schema)
        high = schema.get("maximum", low + (20_000 if money else 6))
        step = 100 if money else 1
        drawn = self.customer.rng.randint(low, int(min(high, low + (20_000 if money else 6))))
        return max(low, drawn // step * step) or step

    def text(self, field: Field) -> str:
        phrases = self.behaviour.phrases.get(field.name)
        if phrases is None and "pattern" in field.schema:
            made = example(field.schema["pattern"], self.customer.rng)
            if made is not None:
                return made
        if phrases is None and "name" in field.name:
            return self.customer.name
        said = (
            self.customer.rng.choice(phrases)
            if phrases
            else f"{in_language(field.label, 'zh-Hans')}：已核实并记录。"
        )
        said = str(self.meant(said))
        short = int(field.schema.get("minLength", 0)) - len(said)
        return (said + _PADDING * (short // len(_PADDING) + 1) if short > 0 else said)[
            : int(field.schema.get("maxLength", 2000))
        ]


def _file(customer: Customer, name: str) -> dict[str, Any]:
    """What describes an invented file; its bytes are nowhere."""
    digest = sha256(f"{customer.phone}/{name}/{customer.rng.random()}".encode()).hexdigest()
    return {"name": "evidence.pdf", "size": 20_480, "type": "application/pdf", "sha256": digest}
