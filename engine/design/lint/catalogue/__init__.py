"""The catalogue of rules: what each says in Chinese and English, how grave it is, and how to mend it."""

from __future__ import annotations

from engine.design.lint.finding import Rule

from . import decisions, engine, files, gateways, release, scripts, structure, tasks, timing

#: every rule by its id, in the order of the documentation
RULES: dict[str, Rule] = {
    rule.id: rule
    for module in (files, structure, engine, gateways, timing, tasks, scripts, decisions, release)
    for rule in vars(module).values()
    if isinstance(rule, Rule)
}
