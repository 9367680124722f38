"""The properties that the engine reads of elements: what each holds, and how the modeler's panel asks for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Property:
    """One property. ``label`` and ``hint`` are the panel's, by which it finds their translation.

    Without a label the panel does not offer it, and who wants it writes it into the diagram's text. ``choices``
    names the list that it is chosen from.
    """

    name: str
    label: str = ""
    hint: str = ""
    choices: str = ""
    expression: bool = False  #: it is evaluated, so that lint reads it
    needed_set: bool = False  #: an expression whose names must have been set before the step is reached
    flag: bool = False  #: it is "true" or absent


def _expression(name: str, label: str, hint: str, *, needed_set: bool = True) -> Property:
    return Property(name, label, hint, expression=True, needed_set=needed_set)


_LIMITS = "SLA parameters, separated by commas"

#: of a process; in addition it has its name in each language
OF_PROCESS = (
    Property("startable", "People may open a case of it", flag=True),
    Property("complaint"),
    Property("case_clocks", "Clocks of the whole case", _LIMITS),
    Property("facts"),
    Property("report", "Report it is about", "Name of a report; its cases lead to it"),
)
OF_USER_TASK = (
    Property("form", "Form", choices="forms"),
    Property("say", "Words to say", "Template keys, separated by commas"),
    Property("exclude", "Not to be done by", "Data names that hold people, separated by commas"),
    Property("meets", "Meets the case clocks", _LIMITS),
    _expression("not_before", "Not before", "Expression that gives an instant"),
    Property("approves"),
)
OF_SERVICE_TASK = (
    Property("service", "Service", choices="services"),
    _expression("template", "Template", 'Expression, for example "sms_callback_1"'),
    _expression("to", "Recipient", "Expression: number, address or role"),
    _expression("event", "Event key", "Expression; one send per key and case, ever"),
    _expression(
        "withdraws", "Takes back", "Expression: event keys of messages not sent yet", needed_set=False
    ),
    Property("level", "Level of a notice", choices="levels"),
    Property("process", "Process of the new case", "For the service case", choices="processes"),
    Property("carries", "Data that goes over", "Names of case data, separated by commas"),
)
OF_SCRIPT_TASK = (Property("meets"),)
OF_DECISION = (Property("approves"),)
OF_END = (Property("outcome", "Outcome of the case"),)
