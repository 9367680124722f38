"""Who works in which lane: ``bpmn/roles.json`` of a release."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .errors import InvalidFile
from .xml import safe_json

CALLER = "caller"  #: the lane of whoever calls a shared process


@dataclass(frozen=True, slots=True)
class Duty:
    """What a lane asks of a person: a role, perhaps a skill or a department."""

    role: str
    skill: str | None = None
    department: str | None = None

    @property
    def word(self) -> str:
        """The duty as history writes it: ``role/skill/department``, empty ends left out."""
        return "/".join([self.role, self.skill or "", self.department or ""]).rstrip("/")

    @staticmethod
    @lru_cache(maxsize=1_000)
    def parse(word: str) -> Duty:
        """The duty that :attr:`word` wrote."""
        role, skill, department = (*word.split("/"), "", "")[:3]
        return Duty(role, skill or None, department or None)


class Roles:
    """Role names and the duty of each lane."""

    def __init__(
        self,
        names: dict[str, dict[str, str]],
        lanes: dict[str, Duty],
        lane_names: dict[str, dict[str, str]] | None = None,
    ) -> None:
        self.names = names
        self.lanes = lanes
        self.lane_names = lane_names or {}  #: lane as drawn → language → its name there

    def duty(self, lane: str | None) -> Duty:
        """The duty of ``lane``; a task in no known lane is for the ordinary agent."""
        return self.lanes.get(lane or "", Duty("agent"))


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
                "name_zh_Hant_HK, name_en"
            )
        role = duty.get("role") or ""
        if role != CALLER and role not in raw["roles"]:
            raise InvalidFile(f"{path}: lane {lane!r} names the unknown role {role!r}")
        lanes[lane] = Duty(role, duty.get("skill"), duty.get("department"))
        lane_names[lane] = {"zh-Hans": lane} | {
            locale: duty[key]
            for key, locale in (("name_zh_Hant_HK", "zh-Hant-HK"), ("name_en", "en"))
            if key in duty
        }
    return Roles({key: value.get("name", {}) for key, value in raw["roles"].items()}, lanes, lane_names)
