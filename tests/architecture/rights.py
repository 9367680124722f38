"""``python -m tests.architecture.rights`` writes docs/rights.md from the table of rights and the doors of the pages."""

from __future__ import annotations

from engine.base.settings import CHECKOUT
from engine.people.rights import COMMANDS, RIGHTS, ROLES
from web.doors import DOORS

FILE = CHECKOUT / "docs" / "rights.md"
HEAD = """# Who may do what

Written from `engine/people/rights.py`, the one table of rights, and `web/doors.py`, which names the right that each
page asks for: `python -m tests.architecture.rights`; a test compares. Rights come on top of what a case allows:

- A **task** is for whoever has its role, skill and department (`bpmn/roles.json`), and is not kept off it.
- **Who is complained about** learns nothing of the case and gives no command on it, whatever their role.
- A **case** is known to who works on it, who may know of all, and to the front desk where it takes part.
- An account that is **switched off** may do nothing.
- On the **command line**, who may run commands on the machine is the operator; the security log names their user.

## Roles and rights
"""


def text() -> str:
    """The page."""
    lines = [HEAD + "| right | to | " + " | ".join(role.replace("_", " ") for role in ROLES) + " |"]
    lines.append("|---|---|" + "---|" * len(ROLES))
    for action, right in RIGHTS.items():
        marks = " | ".join("×" if role in right.roles else "" for role in ROLES)
        lines.append(f"| `{action}` | {right.what} | {marks} |")
    lines += ["", "## Commands", "| command | asks for |", "|---|---|"]
    lines += [f"| `{kind}` | {action} |" for kind, action in COMMANDS.items()]
    lines += ["", "## Pages", "| who comes in | pages |", "|---|---|"]
    for needed in dict.fromkeys(DOORS.values()):
        names = ", ".join(f"`{name}`" for name, asked in DOORS.items() if asked == needed)
        lines.append(f"| {needed} | {names} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
