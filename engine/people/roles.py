"""Who works in which lane: ``bpmn/roles.json`` of a release."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from engine.base.errors import InvalidFile
from engine.base.locales import LOCALES, NAME_PROPERTIES
from engine.base.safe_parsing import safe_json

CALLER = "caller"  #: the lane of whoever calls a shared process
SYSTEM = "system"  #: the role of lanes whose steps the software does; no person holds it


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a lane asks of a person: a role, perhaps a skill or a department.

    ``department_of`` is the case data that names the department, where the lane is of whichever one the case is with.
    """

    role: str
    skill: str | None = None
    department: str | None = None
    department_of: str | None = None

    def in_case(self, data: Mapping[str, object], departments: Collection[str]) -> Assignment:
        """The assignment in a case with ``data``; of nobody's department where it names none of ``departments``."""
        if self.department_of is None:
            return self
        named = data.get(self.department_of)
        found = named if isinstance(named, str) and named in departments else None
        return replace(self, department=found, department_of=None)

    @property
    def word(self) -> str:
        """The assignment as history writes it: ``role/skill/department``, empty ends left out."""
        return "/".join([self.role, self.skill or "", self.department or ""]).rstrip("/")

    @staticmethod
    @lru_cache(maxsize=1_000)
    def parse(word: str) -> Assignment:
        """The assignment that :attr:`word` wrote."""
        role, skill, department = (*word.split("/"), "", "")[:3]
        return Assignment(role, skill or None, department or None)


class Roles:
    """Role names and the assignment of each lane."""

    def __init__(
        self,
        names: dict[str, dict[str, str]],
        lanes: dict[str, Assignment],
        lane_names: dict[str, dict[str, str]] | None = None,
    ) -> None:
        self.names = names
        self.lanes = lanes
        self.lane_names = lane_names or {}  #: lane as drawn → language → its name there

    @property
    def held(self) -> frozenset[str]:
        """The roles that people can hold."""
        return frozenset(self.names) - {SYSTEM}

    @cached_property
    def departments(self) -> frozenset[str]:
        """The departments that have a lane."""
        return frozenset(duty.department for duty in self.lanes.values() if duty.department)

    @cached_property
    def skills(self) -> frozenset[str]:
        """The skills that some lane asks for."""
        return frozenset(duty.skill for duty in self.lanes.values() if duty.skill)

    def assignment(self, lane: str | None) -> Assignment:
        """The assignment of ``lane``; a task in no known lane is for the ordinary agent."""
        return self.lanes.get(lane or "", Assignment("agent"))


def load_roles(content: bytes, path: str = "bpmn/roles.json") -> Roles:
    """Roles from a JSON file; raises :class:`InvalidFile`."""
    raw: Any = safe_json(content, path)
    if (
        not isinstance(raw, dict)
        or not isinstance(raw.get("roles"), dict)
        or not isinstance(raw.get("lanes"), dict)
    ):
        raise InvalidFile(f"{path}: must have the objects 'roles' and 'lanes'")
    for role, about in raw["roles"].items():
        if not isinstance(about, dict) or not isinstance(about.get("name", {}), dict):
            raise InvalidFile(
                f"{path}: role {role!r} must be an object whose 'name' has a text for each language"
            )
    lanes, lane_names = {}, {}
    for lane, duty in raw["lanes"].items():
        if not isinstance(duty, dict) or not all(isinstance(value, str | None) for value in duty.values()):
            raise InvalidFile(
                f"{path}: lane {lane!r} must be an object of texts: role, skill, department, "
                f"department_of, {', '.join(NAME_PROPERTIES)}"
            )
        role = duty.get("role") or ""
        if role != CALLER and role not in raw["roles"]:
            raise InvalidFile(f"{path}: lane {lane!r} names the unknown role {role!r}")
        lanes[lane] = Assignment(role, duty.get("skill"), duty.get("department"), duty.get("department_of"))
        lane_names[lane] = {LOCALES[0]: lane} | {
            locale: duty[key] for key, locale in NAME_PROPERTIES.items() if key in duty
        }
    return Roles({key: value.get("name", {}) for key, value in raw["roles"].items()}, lanes, lane_names)
