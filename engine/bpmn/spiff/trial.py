"""Would SpiffWorkflow take this diagram? Asked by lint, so that publishing has nothing to say that lint did not."""

from __future__ import annotations

from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException

from .parser import _Parser


class _Lone(_Parser):
    """Reads one file by itself: the tables that it asks are elsewhere, and lint looks for them."""

    def get_engine(self, decision_ref: str, node: Any) -> None:
        """No table is read."""


def refused(root: etree._Element, path: str) -> str | None:
    """Id of the element at which the parser gives up, "" where it names none; None when it takes the diagram."""
    parser = _Lone()
    try:
        parser.add_bpmn_xml(root, path)
        parser.find_all_specs()  # sub-processes too, but not the processes that it calls
    except ValidationException as error:
        return str(error.id or "")
    except (KeyError, IndexError, ValueError, TypeError, AttributeError, RecursionError):
        return ""
    return None
