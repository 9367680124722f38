"""The kinds of services that a diagram may ask for: the one table of what each sends, needs and is called.

What is sent leaves by a gateway of the same name (:mod:`engine.delivery.gateways`). Engine, lint, outbox, scenarios,
simulation, modeler and pages read the table, so that a new channel is a row here and a gateway.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .sending import CASE, NOTICE, WITHDRAW

#: how grave a notice is
LEVELS = ("info", "warn", "breach")


class Recipient(StrEnum):
    """What the recipient of a service is; pages mask telephone numbers."""

    PHONE = "phone"
    MAIL = "mail"  #: an address, or a role of which each person gets one
    ROLE = "role"
    PROCESS = "process"  #: of the case that is opened
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Service:
    """One kind of service. ``needs`` are the properties of a step that a diagram must give.

    ``texts`` is the kind of text that it sends, "" for any; ``name`` what people call it, in each language.
    """

    kind: str
    name: dict[str, str]
    recipient: Recipient = Recipient.ANY
    texts: str = ""
    needs: tuple[str, ...] = ("template", "to")
    leaves: bool = False  #: a gateway sends it
    quiet: bool = False  #: it waits until the quiet hours are over
    repeatable: bool = (
        False  #: it may be done again when nobody can say whether it happened: twice does nothing
    )


def _name(hans: str, hant: str, english: str) -> dict[str, str]:
    return {"zh-Hans": hans, "zh-Hant-HK": hant, "en": english}


SERVICES: dict[str, Service] = {
    service.kind: service
    for service in (
        Service(
            "sms",
            _name("短信", "短訊", "SMS"),
            Recipient.PHONE,
            texts="sms",
            leaves=True,
            quiet=True,
        ),
        Service("mail", _name("邮件", "郵件", "Mail"), Recipient.MAIL, texts="mail", leaves=True),
        Service(NOTICE, _name("通知", "通知", "Notice"), Recipient.ROLE, texts="notice"),
        Service("webhook", _name("接口推送", "介面推送", "Webhook"), needs=("to",), leaves=True),
        Service(
            CASE,
            _name("关联工单", "關聯工單", "Linked case"),
            Recipient.PROCESS,
            needs=("process", "carries"),
            repeatable=True,
        ),
        Service(WITHDRAW, _name("撤回", "撤回", "Taken back"), needs=("withdraws",)),
    )
}
#: those that leave by a gateway
OUTSIDE = tuple(kind for kind, service in SERVICES.items() if service.leaves)
