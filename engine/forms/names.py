"""Which names a field may have. Field names become names of the case's data, so some would break scripts."""

from __future__ import annotations

import builtins
import keyword
import re

#: Functions the engine gives to scripts and conditions; a field of that name would hide one.
HOST_FUNCTIONS = frozenset(
    {
        *("now", "sla_due", "param", "after", "outside_quiet_hours"),
        *("local_date", "local_text", "later", "hours_between", "data_get"),
    }
)
#: Functions that conditions of forms may call.
FORM_FUNCTIONS = frozenset({"now", "column", "count", "local_date", "minutes_between"})
#: Names the engine or SpiffWorkflow's serialiser keeps for itself.
_KEPT = frozenset({"typename", "case_no", "case_opened_at", "case_id"})
_TAKEN = HOST_FUNCTIONS | FORM_FUNCTIONS | _KEPT | frozenset(dir(builtins)) | frozenset(keyword.kwlist)
_SHAPE = re.compile(r"[a-z][a-z0-9_]{0,59}\Z")


def why_not(name: object, *, readonly: bool = False) -> str | None:
    """Why ``name`` cannot name a field, or ``None`` when it can.

    A readonly field may show names that the engine keeps.
    """
    if not isinstance(name, str) or not _SHAPE.match(name) or "__" in name:
        return "must be snake_case, 1 to 60 ASCII characters, a letter first, no double underscore"
    if name in _TAKEN and not (readonly and name in _KEPT and name != "typename"):
        return "is a Python word, a function of the engine or a name the engine keeps"
    return None
